package postgres_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"entregas/contracts"
	"entregas/internal/database"
	"entregas/internal/telemetrytest"
	"entregas/services/avisos/avisos"
	"entregas/services/avisos/postgres"
)

// The gauges count what waits and what was given up, by channel, with the age of the oldest that waits.
func TestGauges(t *testing.T) {
	telemetrytest.Scrape(t)
	d := newDesk(t)
	d.direccion(t)
	d.setCorreo(t, "ana", "ana@ejemplo.com")
	c := carta("1")
	if _, _, err := d.Record(t.Context(), []avisos.Suceso{suceso(c.IDCompra, 1, contracts.EstadoRechazada), suceso(c.IDCompra, 2, contracts.EstadoCancelada)}, c); err != nil {
		t.Fatal(err)
	}
	d.finish(t, *d.envio(t), dead, "No.")
	d.exec(t, `update entrega set creada_en = now() - interval '1 hour'`)
	if err := database.Measure(d.pool, postgres.Gauges...); err != nil {
		t.Fatal(err)
	}
	got := telemetrytest.Scrape(t)
	for series, want := range map[string]float64{
		"entregas_database_up":                             1,
		`entregas_deliveries_waiting{channel="webhook"}`:   2,
		`entregas_deliveries_waiting{channel="mail"}`:      0,
		`entregas_oldest_delivery_seconds{channel="mail"}`: 0,
		`entregas_deliveries_given_up{channel="webhook"}`:  0,
		`entregas_deliveries_given_up{channel="mail"}`:     1,
	} {
		if v, found := got[series]; !found || v != want {
			t.Errorf("%s is %v (%v), not %v", series, v, found, want)
		}
	}
	if age := got[`entregas_oldest_delivery_seconds{channel="webhook"}`]; age < 3600 || age > 3700 {
		t.Errorf("the oldest webhook is %v s old", age)
	}
}

// A delivery counts from its first failed try until it is done, unless an operator paused its address. A new one does not count.
func TestFailingDeliveries(t *testing.T) {
	d := newDesk(t)
	a := d.direccion(t)
	const delivery = `insert into entrega (id, id_direccion, evento, tipo, id_compra, cuerpo, estado, codigo_http, error)
		values (gen_random_uuid(), $1, gen_random_uuid()::text, 'x', '', '{}', $2, $3, $4)`
	d.exec(t, delivery, a.ID, "PENDIENTE", 0, "")
	d.exec(t, delivery, a.ID, "ENTREGADA", 204, "")
	d.exec(t, delivery, a.ID, "PENDIENTE", 500, "")
	d.exec(t, delivery, a.ID, "PENDIENTE", 0, "no answer")
	d.exec(t, delivery, a.ID, "MUERTA", 500, "no answer")
	paused := d.direccion(t, contracts.EstadoConfirmada)
	d.exec(t, delivery, paused.ID, "PENDIENTE", 500, "")
	d.exec(t, `update direccion set activa = false where id = $1`, paused.ID)
	d.exec(t, `insert into contacto (id_usuario, correo) values ('ana', 'ana@ejemplo.com')`)
	const mail = `insert into correo (id, id_usuario, evento, tipo, estado, error) values (gen_random_uuid(), 'ana', gen_random_uuid()::text, 'x', $1, $2)`
	d.exec(t, mail, "PENDIENTE", "")
	d.exec(t, mail, "PENDIENTE", "refused")
	d.exec(t, mail, "ENTREGADA", "refused")

	telemetrytest.Scrape(t)
	if err := database.Measure(d.pool, postgres.Gauges...); err != nil {
		t.Fatal(err)
	}
	got := telemetrytest.Scrape(t)
	for series, want := range map[string]float64{
		"entregas_database_up": 1, `entregas_deliveries_failing{channel="webhook"}`: 2, `entregas_deliveries_failing{channel="mail"}`: 1,
	} {
		if v, found := got[series]; !found || v != want {
			t.Errorf("%s: %v, %v, want %v", series, v, found, want)
		}
	}
}

// The gauges read indexes only: a reading of every waiting row, at each scrape, would load the database most when much waits.
func TestGaugesReadIndexesOnly(t *testing.T) {
	d := newDesk(t)
	reads := regexp.MustCompile(` on (entrega|correo)\b`)
	for _, g := range postgres.Gauges {
		err := pgx.BeginFunc(t.Context(), d.pool, func(tx pgx.Tx) error {
			for _, off := range []string{"enable_seqscan", "enable_bitmapscan"} { // the tables are empty
				if _, err := tx.Exec(t.Context(), "set local "+off+" = off"); err != nil {
					return err
				}
			}
			rows, err := tx.Query(t.Context(), "explain (costs off) "+g.SQL)
			if err != nil {
				return err
			}
			lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
			scans := 0
			for _, line := range lines {
				if !reads.MatchString(line) {
					continue
				}
				if scans++; !strings.Contains(line, "Index Only Scan") {
					t.Errorf("%s: %s", g.Name, line)
				}
			}
			if scans < 2 {
				t.Errorf("%s reads %d tables: %q", g.Name, scans, lines)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
