package messages_test

import (
	"strings"
	"testing"

	"entregas/contracts"
	"entregas/internal/pubsubtest"
	"entregas/internal/telemetrytest"
)

// A step is measured by its first reply, from its first send, and a rollback counts once, however often the reply is delivered. A reply
// for which no step waits counts apart, by its topic.
func TestRepliesAreMeasuredOnce(t *testing.T) {
	before := telemetrytest.Scrape(t)
	for _, name := range []string{`entregas_late_replies_total{topic="`, `entregas_compensations_total{step="`} {
		if n := len(before.Series(name)); n < 3 {
			t.Errorf("%d series of %s before anything happened", n, name)
		}
	}
	p := newGate(t)
	s := p.Compra(t, contracts.EstadoIniciada)
	for _, command := range []contracts.MessageType{contracts.ValidarInventario, contracts.ReservarProducto, contracts.LiberarReserva} {
		p.pose(t, s.ID, command)
	}
	p.Do(t, `update paso set preguntada_en = clock_timestamp() - interval '4 seconds' where id_compra = $1`, s.ID)
	if _, err := p.Abandon(t.Context(), s.ID, contracts.ValidarInventario); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		respond(t, p, contracts.ProductosReservados, s.ID, contracts.ReservarProducto, "")
		respond(t, p, contracts.InventarioValidado, s.ID, contracts.ValidarInventario, "")
		respond(t, p, contracts.ReservaLiberada, s.ID, contracts.LiberarReserva, "")
	}
	respond(t, p, contracts.ReservaRechazada, s.ID, contracts.ReservarProducto, "") // another reply than the one that counts
	got := telemetrytest.Scrape(t)
	for series, want := range map[string]float64{
		`entregas_step_duration_seconds_count{step="ReservarProducto"}`:         1,
		`entregas_step_duration_seconds_bucket{step="ReservarProducto",le="3"}`: 0,
		`entregas_step_duration_seconds_bucket{step="ReservarProducto",le="5"}`: 1,
		`entregas_step_duration_seconds_count{step="ValidarInventario"}`:        0,
		`entregas_step_duration_seconds_count{step="LiberarReserva"}`:           1,
		`entregas_compensations_total{step="LiberarReserva"}`:                   1,
		`entregas_compensations_total{step="CancelarOrden"}`:                    0,
		`entregas_late_replies_total{topic="eventos-productos"}`:                1,
		`entregas_late_replies_total{topic="eventos-inventario"}`:               1,
	} {
		if got[series]-before[series] != want {
			t.Errorf("%s grew by %v, not %v", series, got[series]-before[series], want)
		}
	}
	if n := len(got.Series("entregas_compensations_total{")); n != len(before.Series("entregas_compensations_total{")) || strings.Contains(strings.Join(got.Series("entregas_compensations_total{"), " "), "ReservarProducto") {
		t.Errorf("the compensations are %v", got.Series("entregas_compensations_total{"))
	}
}

// A reply that was stored counts, and counts once, also where the step could not be woken, so that the reply is delivered again.
func TestAReplyIsMeasuredWhereNobodyIsWoken(t *testing.T) {
	p := newGate(t)
	s := p.Compra(t, contracts.EstadoIniciada)
	p.pose(t, s.ID, contracts.LiberarReserva)
	before := telemetrytest.Scrape(t)
	p.Do(t, `create function public.pg_notify(text, text) returns void language plpgsql as $$ begin raise 'no'; end $$`)
	p.Do(t, `do $$ begin execute format('alter database %I set search_path = public, pg_catalog', current_database()); end $$`)
	p.Pool.Reset()
	m := contracts.NewMessage("test", contracts.ReservaLiberada, "", contracts.DatosEventoProductos{IDCompra: s.ID, RespondeA: string(contracts.LiberarReserva)})
	for _, want := range []string{"RETRY", "SUCCESS"} {
		if status := pubsubtest.Deliver(t, p.routes, contracts.EventosProductos, m); status != want {
			t.Errorf("it answers %s, not %s", status, want)
		}
	}
	got := telemetrytest.Scrape(t)
	for _, series := range []string{`entregas_step_duration_seconds_count{step="LiberarReserva"}`, `entregas_compensations_total{step="LiberarReserva"}`} {
		if got[series]-before[series] != 1 {
			t.Errorf("%s grew by %v", series, got[series]-before[series])
		}
	}
}
