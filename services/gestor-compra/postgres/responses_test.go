package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync/atomic"
	"testing"
	"time"

	"entregas/contracts"
	"entregas/internal/databasetest"
	"entregas/services/gestor-compra/compras"
	"entregas/services/gestor-compra/postgrestest"
)

// asked stores a purchase whose ReservarProducto was sent, and returns its id.
func asked(t *testing.T, a postgrestest.Store) string {
	t.Helper()
	s := a.Compra(t, contracts.EstadoProductosValidos)
	p, err := a.Pose(t.Context(), change(s.ID, contracts.EstadoProductosValidos, contracts.EstadoIniciada), contracts.ReservarProducto, inAnyOf(contracts.EstadoProductosValidos), false)
	if err != nil || p.Step == nil {
		t.Fatalf("%+v: %v", p, err)
	}
	return s.ID
}

var (
	reserved = compras.Reply{Tipo: contracts.ProductosReservados}
	refused  = compras.Reply{Tipo: contracts.ReservaRechazada, Motivo: "no hay", Faltantes: []contracts.Faltante{{IDProducto: "1", Solicitada: 2, Disponible: 1}}}
)

// The first reply in time counts. A later reply, or a reply after the step was abandoned, is stored and changes nothing.
func TestRecordReply(t *testing.T) {
	a := postgrestest.New(t)
	const abandon = "abandonar"
	for _, c := range []struct {
		name        string
		arrivals    []any // replies, and abandon for the end of the wait, in order
		allRecorded []compras.Recorded
		valid       *compras.Reply
		lateReplies int
	}{
		{"one", []any{reserved}, []compras.Recorded{compras.First}, &reserved, 0},
		{"a refusal, with what is missing", []any{refused}, []compras.Recorded{compras.First}, &refused, 0},
		{"the same again", []any{reserved, reserved, reserved}, []compras.Recorded{compras.First, compras.Repeated, compras.Repeated}, &reserved, 0},
		{"another one", []any{refused, reserved}, []compras.Recorded{compras.First, compras.Late}, &refused, 1},
		{"too late", []any{abandon, reserved}, []compras.Recorded{compras.Late}, nil, 1},
		{"too late, of each kind", []any{abandon, reserved, refused}, []compras.Recorded{compras.Late, compras.Late}, nil, 2},
		{"too late, again", []any{abandon, reserved, reserved}, []compras.Recorded{compras.Late, compras.Repeated}, nil, 1},
		{"another one, again", []any{refused, reserved, reserved}, []compras.Recorded{compras.First, compras.Late, compras.Repeated}, &refused, 1},
		{"in time, and then patience ran out", []any{reserved, abandon, reserved}, []compras.Recorded{compras.First, compras.Repeated}, &reserved, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			id := asked(t, a)
			var allRecorded []compras.Recorded
			for _, arrival := range c.arrivals {
				if r, is := arrival.(compras.Reply); is {
					recorded, _, err := a.RecordReply(t.Context(), id, contracts.ReservarProducto, r)
					if err != nil {
						t.Fatal(err)
					}
					allRecorded = append(allRecorded, recorded)
				} else if _, err := a.Abandon(t.Context(), id, contracts.ReservarProducto); err != nil {
					t.Fatal(err)
				}
			}
			step, err := a.LoadStep(t.Context(), id, contracts.ReservarProducto)
			if err != nil || fmt.Sprint(allRecorded) != fmt.Sprint(c.allRecorded) || !sameReply(step.Reply, c.valid) {
				t.Fatalf("recorded %v, want %v; valid is %+v: %v", allRecorded, c.allRecorded, step.Reply, err)
			}
			if n := postgrestest.One[int](t, a, `select jsonb_array_length(tardias) from paso where id_compra = $1`, id); n != c.lateReplies {
				t.Errorf("stored %d late replies, want %d", n, c.lateReplies)
			}
		})
	}
}

// The first reply in time fixes the amounts of the purchase. Those of a later reply, or of a reply that came too late, are not taken.
func TestTheFirstReplyFixesTheAmounts(t *testing.T) {
	a := postgrestest.New(t)
	price := func(each int64) contracts.Importes { // of two units of product 1 and one of product 2
		return contracts.Importes{Moneda: "COP", Total: 3 * each, Precios: []contracts.PrecioFijado{{IDProducto: "1", Precio: each}, {IDProducto: "2", Precio: each}}}
	}
	record := func(id string, i contracts.Importes) compras.Recorded {
		recorded, _, err := a.RecordReply(t.Context(), id, contracts.ReservarProducto, compras.Reply{Tipo: contracts.InventarioValidado, Importes: i})
		if err != nil {
			t.Fatal(err)
		}
		return recorded
	}
	of := func(id string) contracts.Importes {
		c, err := a.Load(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		return c.Importes
	}
	priced, late, without := asked(t, a), asked(t, a), asked(t, a)
	if !of(priced).None() {
		t.Error("a purchase has amounts before the reply")
	}
	for n, want := range []compras.Recorded{compras.First, compras.Repeated} {
		if got := record(priced, price(int64(n+7))); got != want || !reflect.DeepEqual(of(priced), price(7)) {
			t.Errorf("reply %d is %s, and the purchase costs %+v", n, got, of(priced))
		}
	}
	if _, err := a.Abandon(t.Context(), late, contracts.ReservarProducto); err != nil {
		t.Fatal(err)
	}
	if got := record(late, price(7)); got != compras.Late || !of(late).None() {
		t.Errorf("the reply is %s, and the purchase costs %+v", got, of(late))
	}
	if got := record(without, contracts.Importes{}); got != compras.First || record(without, price(7)) != compras.Repeated || !of(without).None() {
		t.Errorf("the reply is %s, and the purchase costs %+v", got, of(without))
	}
	wrong := price(7)
	wrong.Total++
	_, _, err := a.RecordReply(t.Context(), asked(t, a), contracts.ReservarProducto, compras.Reply{Tipo: contracts.InventarioValidado, Importes: wrong})
	var invalid *contracts.ValidationError
	if !errors.As(err, &invalid) {
		t.Errorf("a total that is not the sum: %v", err)
	}
}

func sameReply(x, y *compras.Reply) bool {
	if x == nil || y == nil {
		return x == y
	}
	return fmt.Sprintf("%+v", *x) == fmt.Sprintf("%+v", *y)
}

func TestRecordReplyThatNobodyAwaits(t *testing.T) {
	a := postgrestest.New(t)
	for name, id := range map[string]string{"an unknown purchase": postgrestest.NewSolicitud().ID, "another question's": asked(t, a)} {
		recorded, _, err := a.RecordReply(t.Context(), id, contracts.CrearOrden, compras.Reply{Tipo: contracts.OrdenCreada})
		if err != nil || recorded != compras.Unknown {
			t.Errorf("%s: %s %v", name, recorded, err)
		}
	}
	if step, err := a.LoadStep(t.Context(), postgrestest.NewSolicitud().ID, contracts.CrearOrden); step != nil || err != nil {
		t.Errorf("there is a step that was never posed: %+v %v", step, err)
	}
}

// The number of late replies that a step keeps is limited, however often a step is reopened.
func TestLateOnesAreFew(t *testing.T) {
	a := postgrestest.New(t)
	id := asked(t, a)
	for round := range 15 {
		recorded, waited, err := a.RecordReply(t.Context(), id, contracts.ReservarProducto, refused)
		if err != nil || recorded != compras.First || (waited > 0) != (round == 0) { // only the first round is measured
			t.Fatalf("round %d: %s after %s, %v", round, recorded, waited, err)
		}
		if err := a.Reopen(t.Context(), id, contracts.ReservarProducto); err != nil {
			t.Fatal(err)
		}
	}
	if n := postgrestest.One[int](t, a, `select jsonb_array_length(tardias) from paso where id_compra = $1`, id); n != 10 {
		t.Errorf("stored %d late replies", n)
	}
}

// Of several replies at once exactly one counts, and every reader sees that one. If the step was abandoned first, none counts.
func TestConcurrentRecordReply(t *testing.T) {
	a := postgrestest.New(t)
	for range 30 {
		id := asked(t, a)
		var firstFew atomic.Int32
		var abandoned atomic.Pointer[compras.Step]
		databasetest.Concurrently(7, 7, func(i int) {
			if i == 0 {
				step, err := a.Abandon(t.Context(), id, contracts.ReservarProducto)
				if err != nil {
					t.Error(err)
					return
				}
				abandoned.Store(step)
				return
			}
			r := reserved
			if i%2 == 0 {
				r = refused
			}
			recorded, _, err := a.RecordReply(t.Context(), id, contracts.ReservarProducto, r)
			if err != nil || recorded == compras.Unknown {
				t.Errorf("%s %v", recorded, err)
			}
			if recorded == compras.First {
				firstFew.Add(1)
			}
		})
		final, err := a.LoadStep(t.Context(), id, contracts.ReservarProducto)
		if err != nil || t.Failed() {
			t.Fatal(err)
		}
		if answered := final.Reply != nil; int(firstFew.Load()) != map[bool]int{true: 1, false: 0}[answered] || final.Abandoned == answered {
			t.Fatalf("%d first replies, and stored is %+v", firstFew.Load(), final)
		}
		if seen := abandoned.Load(); !sameReply(seen.Reply, final.Reply) || seen.Abandoned != final.Abandoned {
			t.Fatalf("abandon returned %+v and stored is %+v", seen, final)
		}
	}
}

// A workflow is woken only after its reply is committed, so it can read the reply.
func TestWakeupComesWithTheSavedReply(t *testing.T) {
	a := postgrestest.New(t)
	id := asked(t, a)
	connection, err := a.Pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Release()
	if _, err := connection.Exec(t.Context(), "listen replies"); err != nil {
		t.Fatal(err)
	}
	if recorded, _, err := a.RecordReply(t.Context(), id, contracts.ReservarProducto, reserved); err != nil || recorded != compras.First {
		t.Fatalf("%s %v", recorded, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	wakeup, err := connection.Conn().WaitForNotification(ctx)
	if err != nil || wakeup.Payload != id+"/"+string(contracts.ReservarProducto) {
		t.Fatalf("published %+v: %v", wakeup, err)
	}
	if step, err := a.LoadStep(t.Context(), id, contracts.ReservarProducto); err != nil || step.Reply == nil {
		t.Fatalf("%+v: %v", step, err)
	}
}
