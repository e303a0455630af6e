package postgres_test

import (
	"testing"

	"entregas/internal/database"
	"entregas/internal/databasetest"
	"entregas/internal/telemetrytest"
	"entregas/services/admin-productos/postgres"
)

// A new database gives every gauge, and each is 0.
func TestGauges(t *testing.T) {
	telemetrytest.Scrape(t)
	if err := database.Measure(databasetest.New(t, postgres.Migrations), postgres.Gauges...); err != nil {
		t.Fatal(err)
	}
	got := telemetrytest.Scrape(t)
	if got["entregas_database_up"] != 1 {
		t.Fatal("the gauges could not be read")
	}
	for _, series := range []string{"entregas_stock_balance_difference", "entregas_inbox_rows"} {
		if v, found := got[series]; !found || v != 0 {
			t.Errorf("%s: %v, %v", series, v, found)
		}
	}
}
