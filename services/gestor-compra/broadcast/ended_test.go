package broadcast

import (
	"testing"
	"time"

	"entregas/contracts"
	"entregas/internal/telemetrytest"
)

// A purchase counts once for each end, by state and reason; facts about it that come later do not count.
func TestEndsAreCounted(t *testing.T) {
	telemetrytest.Scrape(t)
	at := time.Date(2026, 11, 26, 10, 0, 0, 0, time.UTC)
	c := contracts.Compra{Estado: contracts.EstadoPorAprobar, CreadaEn: at, Historia: []contracts.HechoContado{{Paso: "POR_APROBAR", Tipo: "x", En: at}}}
	measureEnd(c)
	c.Estado = contracts.EstadoRechazada
	c.Historia = append(c.Historia, contracts.HechoContado{Paso: "RECHAZADA", Tipo: "AprobacionExpirada", En: at.Add(4 * time.Second)})
	measureEnd(c)
	c.Historia = append(c.Historia, contracts.HechoContado{Paso: "CancelacionNegada", Tipo: "y", En: at.Add(time.Hour)})
	measureEnd(c)
	got := telemetrytest.Scrape(t)
	for series, want := range map[string]float64{
		`entregas_purchases_ended_total{reason="AprobacionExpirada",state="RECHAZADA"}`:      1,
		`entregas_purchase_duration_seconds_sum{approval="yes",state="RECHAZADA"}`:           4,
		`entregas_purchase_duration_seconds_bucket{approval="yes",state="RECHAZADA",le="5"}`: 1,
		`entregas_purchase_duration_seconds_bucket{approval="yes",state="RECHAZADA",le="3"}`: 0,
	} {
		if got[series] != want {
			t.Errorf("%s is %v, not %v", series, got[series], want)
		}
	}
	if n := len(got.Series("entregas_purchases_ended_total")); n != 1 {
		t.Errorf("%d series", n)
	}
}
