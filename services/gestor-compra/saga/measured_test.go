package saga_test

import (
	"context"
	"testing"

	"entregas/contracts"
	"entregas/internal/telemetrytest"
	"entregas/services/gestor-compra/saga"
	"entregas/workflows/compra"
)

// Each call of an activity is measured, a failed one also as a retry. A workflow that is replaced calls activities again that were done:
// no step, compensation or end of its purchase counts because of that.
func TestCallsOfActivitiesAreMeasured(t *testing.T) {
	before := telemetrytest.Scrape(t)
	if v, found := before[`entregas_retries_total{step="Close"}`]; !found || v != 0 {
		t.Errorf("before anything failed there are %v retries: %v", v, found)
	}
	e := newScene(t, patient)
	measured := saga.Measure(e.Saga)
	s := e.Compra(t, contracts.EstadoProductosReservados)
	stopping, stop := context.WithCancel(t.Context())
	stop()
	if _, err := measured.Undo(stopping, rollback(s, contracts.LiberarReserva)); err == nil {
		t.Error("it is done in a worker that stops")
	}
	for range 2 { // the second call is that of a replaced workflow
		if d, err := measured.Undo(t.Context(), rollback(s, contracts.LiberarReserva)); err != nil || d.Result != compra.Accepted {
			t.Fatal(d, err)
		}
		if err := measured.Close(t.Context(), compra.Ending{IDCompra: s.ID, Estado: contracts.EstadoRechazada, From: inAnyOf(contracts.EstadoCompensando), Cause: contracts.OrdenRechazada}); err != nil {
			t.Fatal(err)
		}
	}
	got := telemetrytest.Scrape(t)
	for series, want := range map[string]float64{
		`entregas_activity_duration_seconds_count{activity="Undo",outcome="done"}`:  2,
		`entregas_activity_duration_seconds_count{activity="Undo",outcome="error"}`: 1,
		`entregas_activity_duration_seconds_count{activity="Close",outcome="done"}`: 2,
		`entregas_retries_total{step="LiberarReserva"}`:                             1,
		`entregas_retries_total{step="Close"}`:                                      0,
		`entregas_compensations_total{step="LiberarReserva"}`:                       0, // its reply did not come through package messages
	} {
		if got[series]-before[series] != want {
			t.Errorf("%s grew by %v, not %v", series, got[series]-before[series], want)
		}
	}
}
