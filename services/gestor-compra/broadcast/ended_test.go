package broadcast

import (
	"errors"
	"testing"
	"time"

	"entregas/contracts"
	"entregas/internal/telemetrytest"
	"entregas/services/gestor-compra/compras"
	"entregas/services/gestor-compra/postgrestest"
)

// A purchase counts once, by its first end. A later end counts apart. What is published again, by a repeated request, by the sweep or by
// another replica, counts no second time; what could not be marked yet counts when it is.
func TestEndsAreCountedOnce(t *testing.T) {
	before := telemetrytest.Scrape(t)
	a := postgrestest.New(t)
	confirmed, rejected := a.Compra(t, contracts.EstadoIniciada), a.Compra(t, contracts.EstadoIniciada)
	d, broker := fresh(a)
	other, _ := fresh(a)
	load := func(id string) contracts.Compra {
		c, err := a.Load(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	move := func(id string, from, to contracts.Estado, kind contracts.MessageType) {
		if _, moved, err := a.Move(t.Context(), compras.Change{IDCompra: id, To: to, From: []contracts.Estado{from}, Tipo: kind}); err != nil || !moved {
			t.Fatal(moved, err)
		}
	}
	publish := func(d *Broadcaster, id string) {
		d.publish(t.Context(), load(id))
		if err := d.setMark(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	move(confirmed.ID, contracts.EstadoIniciada, contracts.EstadoConfirmada, contracts.OrdenCreada)
	a.Do(t, `update compra set creada_en = (select en from historia where id_compra = $1 and paso = 'CONFIRMADA') - interval '4 seconds' where id = $1`, confirmed.ID)
	publish(d, confirmed.ID)
	publish(d, confirmed.ID)
	publish(other, confirmed.ID)
	move(confirmed.ID, contracts.EstadoConfirmada, contracts.EstadoCompensando, contracts.CancelarCompra)
	move(confirmed.ID, contracts.EstadoCompensando, contracts.EstadoCancelada, contracts.CancelarCompra)
	publish(d, confirmed.ID)
	publish(other, confirmed.ID)

	move(rejected.ID, contracts.EstadoIniciada, contracts.EstadoRechazada, contracts.InventarioInsuficiente)
	broker.Fail(errors.New("the broker does not answer"))
	publish(d, rejected.ID)
	if got := telemetrytest.Scrape(t); got[`entregas_purchases_ended_total{reason="InventarioInsuficiente",state="RECHAZADA"}`] != 0 {
		t.Error("an end that is not marked counts: who marks it counts it again")
	}
	broker.Fail(nil)
	publish(other, rejected.ID) // the sweep of another replica
	publish(d, rejected.ID)

	got := telemetrytest.Scrape(t)
	for series, want := range map[string]float64{
		`entregas_purchases_ended_total{reason="InventarioInsuficiente",state="RECHAZADA"}`:  1,
		`entregas_purchases_ended_total{reason="CancelarCompra",state="CANCELADA"}`:          0,
		`entregas_purchase_ends_changed_total{from="CONFIRMADA",state="CANCELADA"}`:          1,
		`entregas_purchase_duration_seconds_count{approval="no",state="CONFIRMADA"}`:         1,
		`entregas_purchase_duration_seconds_count{approval="no",state="CANCELADA"}`:          0,
		`entregas_purchase_duration_seconds_sum{approval="no",state="CONFIRMADA"}`:           4,
		`entregas_purchase_duration_seconds_bucket{approval="no",state="CONFIRMADA",le="5"}`: 1,
		`entregas_purchase_duration_seconds_bucket{approval="no",state="CONFIRMADA",le="3"}`: 0,
	} {
		if got[series]-before[series] != want {
			t.Errorf("%s grew by %v, not %v", series, got[series]-before[series], want)
		}
	}
}

// An end after a wait for approval says so; a fact that is no end does not count.
func TestEndsOf(t *testing.T) {
	at := time.Date(2026, 11, 26, 10, 0, 0, 0, time.UTC)
	c := contracts.Compra{CreadaEn: at}
	for n, paso := range []string{"RECIBIDA", "POR_APROBAR", "FALLIDA", "COMPENSANDO", "RECHAZADA", "CancelacionNegada"} {
		c.Historia = append(c.Historia, contracts.HechoContado{Numero: n + 1, Paso: paso, Tipo: "x", En: at.Add(time.Duration(n) * time.Second)})
	}
	found := endsOf(c)
	if len(found) != 2 {
		t.Fatalf("%+v", found)
	}
	for i, want := range []end{{state: "FALLIDA", after: 2 * time.Second}, {state: "RECHAZADA", before: "FALLIDA", after: 4 * time.Second}} {
		if e := found[i]; e.state != want.state || e.before != want.before || e.after != want.after || e.approval != "yes" || e.Until != i*2+3 {
			t.Errorf("%d: %+v", i, e)
		}
	}
}
