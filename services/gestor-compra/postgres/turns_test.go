package postgres_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"entregas/contracts"
	"entregas/internal/databasetest"
	"entregas/services/gestor-compra/compras"
	"entregas/services/gestor-compra/postgrestest"
	"entregas/workflows/compra"
)

const (
	headStart = 10 * time.Minute
	long      = time.Hour // a lease that does not expire during a test
)

// places returns limits with total places; one customer may have all of them.
func places(total int) compras.Places {
	return compras.Places{Total: total, PerCustomer: total, HeadStart: headStart, Lease: long}
}

// The number of purchases in flight over all replicas never exceeds the capacity, however many replicas call TakeTurns at
// once. Every purchase starts exactly once.
func TestCapacityIsKept(t *testing.T) {
	a := postgrestest.New(t)
	rapid.Check(t, func(r *rapid.T) {
		a.Do(t, `truncate compra cascade`)
		capacity, replicas, howMany := rapid.IntRange(1, 6).Draw(r, "cupo"), rapid.IntRange(2, 6).Draw(r, "réplicas"), rapid.IntRange(1, 25).Draw(r, "compras")
		a.Do(t, `insert into compra (id, id_usuario, estado, domicilio, productos)
select gen_random_uuid(), 'ana', 'RECIBIDA', n % 3 = 0, '[]' from generate_series(1, $1) n`, howMany)
		var inFlight, delivered atomic.Int32
		seen := sync.Map{}
		databasetest.Concurrently(replicas, replicas, func(i int) {
			for delivered.Load() < int32(howMany) && r.Context().Err() == nil && !t.Failed() {
				turns, err := a.TakeTurns(t.Context(), places(capacity))
				if err != nil {
					t.Error(err)
				}
				// The test counts a place after TakeTurns has returned it, and stops counting before the place is free. So
				// inFlight is never above the real number.
				if n := inFlight.Add(int32(len(turns))); n > int32(capacity) {
					t.Errorf("%d are in flight and the limit is %d", n, capacity)
				}
				for _, turn := range turns {
					if _, repeated := seen.LoadOrStore(turn.ID, true); repeated {
						t.Errorf("%s was given out twice", turn.ID)
					}
					finishTurn(t, a, turn, &inFlight, []contracts.Estado{contracts.EstadoConfirmada, contracts.EstadoPorAprobar, contracts.EstadoRechazada}[i%3])
					delivered.Add(1)
				}
			}
		})
		if t.Failed() || int(delivered.Load()) != howMany {
			r.Fatalf("%d of %d were given out", delivered.Load(), howMany)
		}
	})
}

// finishTurn does the work of the saga for one purchase: it starts the purchase, and ends it, which frees its place.
func finishTurn(t *testing.T, a postgrestest.Store, turn compras.Turn, inFlight *atomic.Int32, final contracts.Estado) {
	for _, k := range []compras.Change{
		change(turn.ID, contracts.EstadoIniciada, contracts.EstadoRecibida), change(turn.ID, final, contracts.EstadoIniciada),
	} {
		if k.To == final {
			inFlight.Add(-1)
		}
		if _, moved, err := a.Move(t.Context(), k); err != nil || !moved {
			t.Errorf("%s to %s: %v %v", turn.ID, k.To, moved, err)
		}
	}
}

// The query counts the states of compras.OccupiedPlaces as taken places. A lease also takes a place.
func TestWhatTakesAPlace(t *testing.T) {
	a := postgrestest.New(t)
	for _, estado := range contracts.Estados {
		t.Run(string(estado), func(t *testing.T) {
			a.Do(t, `truncate compra cascade`)
			occupant := a.Compra(t, estado)
			a.Do(t, `update compra set leased_until = now() + interval '1 hour' where id = $1`, occupant.ID) // the lease that TakeTurns stamps
			delay := a.Compra(t, contracts.EstadoRecibida)
			turns, err := a.TakeTurns(t.Context(), places(1))
			if err != nil {
				t.Fatal(err)
			}
			should := slices.Contains(compras.OccupiedPlaces, estado) || estado == contracts.EstadoRecibida
			if (len(turns) == 0) != should || !should && turns[0].ID != delay.ID {
				t.Errorf("it has a place: %v; turns were given to %v", should, turns)
			}
		})
	}
}

// Purchases with home delivery start first, then the oldest. But no purchase waits behind a later one for longer than the head
// start.
func TestWhoIsNext(t *testing.T) {
	a := postgrestest.New(t)
	for _, c := range []struct {
		minutes   int // minutes since the purchase came
		domicilio bool
	}{ // the purchases are in the order in which they must start
		{13, false}, {2, true}, {1, true}, {9, false}, {3, false}, {0, false},
	} {
		s := a.Compra(t, contracts.EstadoRecibida)
		a.Do(t, `update compra set domicilio = $2, creada_en = now() - make_interval(mins => $3), id_usuario = $4 where id = $1`,
			s.ID, c.domicilio, c.minutes, fmt.Sprint(c.minutes, c.domicilio))
	}
	var orden []string
	for capacity := 1; capacity <= 6; capacity++ {
		turns, err := a.TakeTurns(t.Context(), places(capacity))
		if err != nil || len(turns) != 1 {
			t.Fatalf("%v: %v", turns, err)
		}
		orden = append(orden, turns[0].IDUsuario)
	}
	if want := []string{"13 false", "2 true", "1 true", "9 false", "3 false", "0 false"}; !slices.Equal(orden, want) {
		t.Fatalf("started %v\nwant    %v", orden, want)
	}
}

func TestTurnSaysEverything(t *testing.T) {
	a := postgrestest.New(t)
	s := a.Compra(t, contracts.EstadoRecibida)
	turns, err := a.TakeTurns(t.Context(), places(5))
	if err != nil || len(turns) != 1 || fmt.Sprint(turns[0]) != fmt.Sprint(s) {
		t.Fatalf("%v: %v", turns, err)
	}
}

// TakeTurns returns a purchase again when its lease has expired before it started. It does not return a purchase with a valid
// lease, or one that has started.
func TestLeaseExpires(t *testing.T) {
	a := postgrestest.New(t)
	s := a.Compra(t, contracts.EstadoRecibida)
	for _, c := range []struct {
		name    string
		earlier string // an SQL statement that runs first
		turns   int
	}{
		{"the first time", ``, 1},
		{"its lease runs", ``, 0},
		{"its lease ran out", `update compra set leased_until = now() - interval '1 second'`, 1},
		{"its lease runs again", ``, 0},
		{"it has started", `update compra set estado = 'INICIADA', leased_until = now() - interval '1 second'`, 0},
		{"it was cancelled before it started", `update compra set estado = 'CANCELADA'`, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.earlier != "" {
				a.Do(t, c.earlier+` where id = $1`, s.ID)
			}
			turns, err := a.TakeTurns(t.Context(), places(2))
			if err != nil || len(turns) != c.turns {
				t.Fatalf("%v: %v", turns, err)
			}
		})
	}
}

// The workflow of a dispatch waits until its purchase is confirmed, and that of a cancellation does not wait. No tramite is
// given to two replicas, or after its end.
func TestTakeTramites(t *testing.T) {
	a := postgrestest.New(t)
	for _, kind := range []string{compra.TramiteDespacho, compra.TramiteCancelacion} {
		for _, estado := range contracts.Estados {
			a.Do(t, `truncate compra cascade`)
			s := a.Compra(t, estado)
			a.Do(t, `insert into tramite (id_compra, tipo, motivo) values ($1, $2, 'porque sí')`, s.ID, kind)
			tramites, err := a.TakeTramites(t.Context(), long, 10)
			if should := kind == compra.TramiteCancelacion || estado == contracts.EstadoConfirmada; err != nil || (len(tramites) == 1) != should {
				t.Fatalf("%s of a purchase in %s: %v %v", kind, estado, tramites, err)
			}
			if len(tramites) == 1 && fmt.Sprint(tramites[0]) != fmt.Sprint(compras.Tramite{SolicitudCompra: s, Tipo: kind, Motivo: "porque sí"}) {
				t.Errorf("%+v", tramites[0])
			}
		}
	}
}

func TestTakeTramitesAtOnce(t *testing.T) {
	a := postgrestest.New(t)
	for range 30 {
		s := a.Compra(t, contracts.EstadoConfirmada)
		if err := a.RecordDespacho(t.Context(), s.ID); err != nil {
			t.Fatal(err)
		}
	}
	seen := sync.Map{}
	var howMany atomic.Int32
	databasetest.Concurrently(4, 4, func(int) {
		for range 10 {
			tramites, err := a.TakeTramites(context.Background(), long, 3)
			if err != nil {
				t.Error(err)
			}
			for _, tramite := range tramites {
				if _, repeated := seen.LoadOrStore(tramite.ID, true); repeated {
					t.Errorf("%s was taken twice", tramite.ID)
				}
				howMany.Add(1)
			}
		}
	})
	if howMany.Load() != 30 {
		t.Errorf("%d of 30 were taken", howMany.Load())
	}
}

func TestFinishedTramiteDoesNotComeBack(t *testing.T) {
	a := postgrestest.New(t)
	s := a.Compra(t, contracts.EstadoConfirmada)
	if err := a.RecordDespacho(t.Context(), s.ID); err != nil {
		t.Fatal(err)
	}
	take := func() int {
		t.Helper()
		tramites, err := a.TakeTramites(t.Context(), -time.Second, 10) // a lease that has expired
		if err != nil {
			t.Fatal(err)
		}
		return len(tramites)
	}
	for range 2 {
		if take() != 1 {
			t.Fatal("a lease that ran out is not given out again")
		}
	}
	for _, done := range []bool{true, false} { // the second FinishTramite is a repetition and changes nothing
		if err := a.FinishTramite(t.Context(), compra.Tramite{IDCompra: s.ID, Tipo: compra.TramiteDespacho, Done: done}); err != nil {
			t.Fatal(err)
		}
	}
	if take() != 0 || !postgrestest.One[bool](t, a, `select hecho from tramite where id_compra = $1`, s.ID) {
		t.Fatal("a finished tramite is given out again, or changed")
	}
}
