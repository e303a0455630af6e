package database_test

import (
	"testing"

	"entregas/internal/database"
	"entregas/internal/databasetest"
	"entregas/internal/telemetrytest"
)

// A scrape has the values of the database. While the database does not answer, the scrape says so, and the rest of it stays.
func TestGaugesOfADatabase(t *testing.T) {
	telemetrytest.Scrape(t)
	pool := databasetest.New(t, nil)
	gauges := []database.Gauge{
		{Name: "entregas_test_rows", Meaning: "-", Label: "state", SQL: "select v, 2::float8 from unnest(array['A', 'B']) v"},
		{Name: "entregas_test_age", Unit: "s", Meaning: "-", SQL: "select 1.5::float8"},
	}
	if err := database.Measure(pool, gauges...); err != nil {
		t.Fatal(err)
	}
	got := telemetrytest.Scrape(t)
	for series, want := range map[string]float64{`entregas_test_rows{state="A"}`: 2, `entregas_test_rows{state="B"}`: 2, "entregas_test_age_seconds": 1.5, "entregas_database_up": 1} {
		if v, found := got[series]; !found || v != want {
			t.Errorf("%s is %v, not %v", series, v, want)
		}
	}
}
