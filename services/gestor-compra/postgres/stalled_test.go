package postgres_test

import (
	"slices"
	"testing"
	"time"

	"entregas/contracts"
	"entregas/services/gestor-compra/compras"
	"entregas/services/gestor-compra/postgrestest"
	"entregas/workflows/compra"
)

const (
	quiet    = time.Minute
	approval = 24 * time.Hour
)

func allStalled(t *testing.T, a postgrestest.Store) []compras.Stalled {
	t.Helper()
	found, err := a.Stalled(t.Context(), quiet, approval, 100)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func onlyStalled(t *testing.T, a postgrestest.Store) compras.Stalled {
	t.Helper()
	found := allStalled(t, a)
	if len(found) != 1 {
		t.Fatalf("%d workflows stand still: %+v", len(found), found)
	}
	return found[0]
}

// age moves all instants of a purchase into the past by the duration by.
func age(t *testing.T, a postgrestest.Store, id string, by time.Duration) {
	t.Helper()
	for _, q := range []string{
		`update compra set actualizada_en = actualizada_en - $2::interval, creada_en = creada_en - $2::interval, replaced_at = replaced_at - $2::interval where id = $1`,
		`update paso set preguntada_en = preguntada_en - $2::interval, alive_at = alive_at - $2::interval where id_compra = $1`,
		`update historia set en = en - $2::interval where id_compra = $1`,
		`update decision set tomada_en = tomada_en - $2::interval where id_compra = $1`,
		`update tramite set pedido_en = pedido_en - $2::interval where id_compra = $1`,
	} {
		a.Do(t, q, id, by)
	}
}

// Stalled returns the workflows whose purchase should go on and that have shown no sign of life for too long.
func TestStalled(t *testing.T) {
	const old, young = 2 * time.Minute, 10 * time.Second
	a := postgrestest.New(t)
	ask := func(t *testing.T, a postgrestest.Store, id string) {
		a.Do(t, `insert into paso (id_compra, comando) values ($1, 'ReservarProducto')`, id)
	}
	tramite := func(kind string) func(*testing.T, postgrestest.Store, string) {
		return func(t *testing.T, a postgrestest.Store, id string) {
			a.Do(t, `insert into tramite (id_compra, tipo, motivo) values ($1, $2, 'ya no')`, id, kind)
		}
	}
	decide := func(decision string) func(*testing.T, postgrestest.Store, string) {
		return func(t *testing.T, a postgrestest.Store, id string) {
			if _, first, err := a.Decide(t.Context(), id, compras.Decision{Decision: decision}); err != nil || !first {
				t.Fatal(first, err)
			}
		}
	}
	after := func(f func(*testing.T, postgrestest.Store, string), sql string) func(*testing.T, postgrestest.Store, string) {
		return func(t *testing.T, a postgrestest.Store, id string) { f(t, a, id); a.Do(t, sql, id) }
	}
	for _, c := range []struct {
		name    string
		estado  contracts.Estado
		before  func(*testing.T, postgrestest.Store, string) // changes the purchase before it is aged
		by      time.Duration
		now     string // an SQL statement that runs after the purchase was aged
		then    func(*testing.T, postgrestest.Store, string)
		stalled bool
		tramite string
	}{
		{name: "nothing has happened for long", estado: contracts.EstadoIniciada, by: old, stalled: true},
		{name: "it goes on", estado: contracts.EstadoIniciada, by: young},
		{name: "it asked long ago and nobody waits", estado: contracts.EstadoProductosValidos, before: ask, by: old, stalled: true},
		{name: "it waits for a reply and is alive", estado: contracts.EstadoProductosValidos, before: ask, by: old,
			now: `update paso set alive_at = clock_timestamp() where id_compra = $1`},
		{name: "its rollback was refused just now", estado: contracts.EstadoCompensando, before: ask, by: old, now: `update paso set respuesta = 'ReservaDespachada' where id_compra = $1`,
			then: func(t *testing.T, a postgrestest.Store, id string) {
				if err := a.Reopen(t.Context(), id, contracts.ReservarProducto); err != nil {
					t.Fatal(err)
				}
			}},
		{name: "it asks just now", estado: contracts.EstadoProductosValidos, by: old, now: `insert into paso (id_compra, comando) values ($1, 'CrearOrden')`},
		{name: "it was replaced just now", estado: contracts.EstadoIniciada, by: old, now: `update compra set replaced_at = clock_timestamp() where id = $1`},
		{name: "it is undone", estado: contracts.EstadoCompensando, by: old, stalled: true},
		{name: "a cancellation undoes it", estado: contracts.EstadoCompensando, before: tramite("cancelacion"), by: old, stalled: true, tramite: "cancelacion"},
		{name: "it waits in the queue", estado: contracts.EstadoRecibida, by: old},
		{name: "it was given out and has not begun", estado: contracts.EstadoRecibida, by: old, stalled: true, now: `update compra set leased_until = clock_timestamp() where id = $1`},
		{name: "it awaits an operator", estado: contracts.EstadoPorAprobar, by: old},
		{name: "its time was up and nobody said so", estado: contracts.EstadoPorAprobar, by: approval + old, stalled: true},
		{name: "its time was up, and something was noted meanwhile", estado: contracts.EstadoPorAprobar, by: approval + old, stalled: true,
			before: func(t *testing.T, a postgrestest.Store, id string) {
				a.Do(t, `insert into historia (id_compra, numero, paso, tipo) values ($1, 2, 'POR_APROBAR', 'Prueba')`, id)
				a.Do(t, `update compra set actualizada_en = actualizada_en + interval '12 hours' where id = $1`, id)
			}},
		{name: "it was approved just now", estado: contracts.EstadoPorAprobar, before: decide(compras.Aprobada), by: young},
		{name: "it was approved and does not know", estado: contracts.EstadoPorAprobar, before: decide(compras.Aprobada), by: old, stalled: true},
		{name: "it knows of its rejection and does not go on", estado: contracts.EstadoPorAprobar,
			before: after(decide(compras.Refused), `update decision set delivered = true where id_compra = $1`), by: old, stalled: true},
		{name: "it was dispatched just now", estado: contracts.EstadoConfirmada, before: tramite("despacho"), by: young},
		{name: "its dispatch does not go on", estado: contracts.EstadoConfirmada, before: tramite("despacho"), by: old, stalled: true, tramite: "despacho"},
		{name: "its dispatch waits for its confirmation", estado: contracts.EstadoFallida, before: tramite("despacho"), by: old},
		{name: "its cancellation does not go on", estado: contracts.EstadoConfirmada, before: tramite("cancelacion"), by: old, stalled: true, tramite: "cancelacion"},
		{name: "its cancellation has not said that it ended", estado: contracts.EstadoCancelada, before: tramite("cancelacion"), by: old, stalled: true, tramite: "cancelacion"},
		{name: "it is dispatched", estado: contracts.EstadoDespachada, by: old,
			before: after(tramite("despacho"), `update tramite set terminado_en = now(), hecho = true where id_compra = $1`)},
		{name: "it is at an end", estado: contracts.EstadoRechazada, by: approval + old},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := a.Compra(t, c.estado)
			if c.before != nil {
				c.before(t, a, s.ID)
			}
			age(t, a, s.ID, c.by)
			if c.now != "" {
				a.Do(t, c.now, s.ID)
			}
			if c.then != nil {
				c.then(t, a, s.ID)
			}
			found := slices.DeleteFunc(allStalled(t, a), func(other compras.Stalled) bool { return other.ID != s.ID })
			if (len(found) == 1) != c.stalled || len(found) > 1 {
				t.Fatalf("found %+v", found)
			}
			if c.stalled && (found[0].Tramite != c.tramite || found[0].Estado != c.estado || found[0].Asked ||
				c.tramite != "" && found[0].Motivo != "ya no") {
				t.Errorf("found %+v", found[0])
			}
			// Reintentar accepts exactly the stalled purchases and FALLIDA, but not a RECIBIDA, which waits for its place.
			_, err := a.Reintentar(t.Context(), s.ID, approval)
			if can := c.stalled && c.estado != contracts.EstadoRecibida || c.estado == contracts.EstadoFallida; (err == nil) != can {
				t.Errorf("by hand: %v", err)
			}
		})
	}
}

// A rollback that a replaced workflow ends has the same reason, cause and faltantes as if the first workflow had ended it.
func TestStalledCompensationKeepsItsReason(t *testing.T) {
	a := postgrestest.New(t)
	s := a.Compra(t, contracts.EstadoProductosValidos)
	missing := []contracts.Faltante{{IDProducto: "1", Solicitada: 2, Disponible: 1}}
	a.Do(t, `insert into paso (id_compra, comando) values ($1, 'ReservarProducto')`, s.ID)
	if _, _, err := a.RecordReply(t.Context(), s.ID, contracts.ReservarProducto, compras.Reply{Tipo: contracts.ReservaRechazada, Faltantes: missing}); err != nil {
		t.Fatal(err)
	}
	if _, moved, err := a.Move(t.Context(), compras.Change{
		IDCompra: s.ID, To: contracts.EstadoCompensando, From: []contracts.Estado{contracts.EstadoProductosValidos}, Tipo: contracts.ReservaRechazada, Motivo: "no hay",
	}); err != nil || !moved {
		t.Fatal(moved, err)
	}
	age(t, a, s.ID, time.Hour)
	if d := onlyStalled(t, a); d.Motivo != "no hay" || d.Cause != contracts.ReservaRechazada || !slices.Equal(d.Faltantes, missing) || d.Cancelled {
		t.Errorf("%+v", d)
	}
}

// Failure prevented: purchases that wait for a place fill the limit of Stalled. The stalled purchases that hold the places are
// never found.
func TestStalledBehindWhatWaitsForAPlace(t *testing.T) {
	a := postgrestest.New(t)
	for range 5 {
		waiting := a.Compra(t, contracts.EstadoRecibida)
		age(t, a, waiting.ID, time.Hour)
		a.Do(t, `update compra set leased_until = clock_timestamp() where id = $1`, waiting.ID)
	}
	s := a.Compra(t, contracts.EstadoIniciada)
	age(t, a, s.ID, 2*time.Minute)
	if found, err := a.Stalled(t.Context(), quiet, approval, 1); err != nil || len(found) != 1 || found[0].ID != s.ID {
		t.Errorf("%+v %v", found, err)
	}
}

// Replicas claim a replacement one after the other. A released claim can be made again, and does not count as a replacement.
func TestClaimReplacement(t *testing.T) {
	a := postgrestest.New(t)
	s := a.Compra(t, contracts.EstadoIniciada)
	claim := func(want int) {
		t.Helper()
		if n, err := a.ClaimReplacement(t.Context(), s.ID, time.Hour); err != nil || n != want {
			t.Fatalf("%d %v, want %d", n, err, want)
		}
	}
	claim(1)
	claim(0)
	if err := a.ReleaseReplacement(t.Context(), s.ID, false); err != nil {
		t.Fatal(err)
	}
	claim(1)
	age(t, a, s.ID, 2*time.Hour)
	claim(2)
	a.Do(t, `update compra set replacement_asked = true where id = $1`, s.ID)
	claim(1)
	claim(0)
}

// A purchase that is given up becomes FALLIDA, with a reason. An operator can still start its compensation.
func TestGiveUp(t *testing.T) {
	a := postgrestest.New(t)
	for _, estado := range append([]contracts.Estado{contracts.EstadoCompensando}, compra.InFlight...) {
		s := a.Compra(t, estado)
		if moved, err := a.GiveUp(t.Context(), s.ID); err != nil || !moved {
			t.Fatalf("%s: %v %v", estado, moved, err)
		}
		c, err := a.Reintentar(t.Context(), s.ID, approval)
		if err != nil || c.Estado != contracts.EstadoCompensando || c.Motivo != "" || c.Historia[1].Detalle == "" {
			t.Errorf("%s: %+v %v", estado, c, err)
		}
		a.NoGaps(t, s.ID)
	}
	decided := a.Compra(t, contracts.EstadoPorAprobar)
	if _, _, err := a.Decide(t.Context(), decided.ID, compras.Decision{Decision: compras.Aprobada}); err != nil {
		t.Fatal(err)
	}
	if _, err := a.GiveUp(t.Context(), decided.ID); err != nil {
		t.Fatal(err)
	}
	if ids, err := a.AwaitingWakeup(t.Context(), 0, 10); err != nil || len(ids) > 0 { // no workflow waits
		t.Errorf("%v %v", ids, err)
	}
	s := a.Compra(t, contracts.EstadoConfirmada)
	if moved, err := a.GiveUp(t.Context(), s.ID); err != nil || moved {
		t.Errorf("%v %v", moved, err)
	}
}
