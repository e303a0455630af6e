package postgres_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"entregas/contracts"
	"entregas/internal/databasetest"
	"entregas/internal/errs"
)

// orden is one request to the warehouse: a command about a purchase, a restock, or a correction.
type orden struct {
	kind     contracts.MessageType // empty for a restock, correction for a correction
	compra   int
	lineas   []contracts.Linea
	key      string
	cantidad int
}

// correction is the kind of a request that takes units off the shelf, or adds them.
const correction = contracts.MessageType("correction")

// Units are neither lost nor made up (docs/adr/stock-is-conserved.md): neither after all requests nor at any instant in
// between. The requests come in any order, twice, and all at once.
func TestInventarioIsConserved(t *testing.T) {
	b := newBodega(t)
	observe, finish := observer(t, b)
	defer finish()
	rapid.Check(t, func(rt *rapid.T) {
		const compras = 6
		ids := make([]string, compras)
		lineas := make([][]contracts.Linea, compras)
		for i := range ids {
			ids[i] = uuid.NewString()
			lineas[i] = rapid.SliceOfNDistinct(rapid.Custom(func(rt *rapid.T) contracts.Linea {
				return linea(fmt.Sprint(rapid.IntRange(12, 16).Draw(rt, "producto")), rapid.IntRange(1, 8).Draw(rt, "cantidad"))
			}), 1, 4, func(l contracts.Linea) string { return l.IDProducto }).Draw(rt, "lineas")
		}
		ordenes := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) orden {
			i := rapid.IntRange(0, compras-1).Draw(rt, "compra")
			kind := rapid.SampledFrom([]contracts.MessageType{
				contracts.ReservarProducto, contracts.ReservarProducto, contracts.LiberarReserva, contracts.DespacharReserva, "", correction,
			}).Draw(rt, "tipo")
			o := orden{kind, i, lineas[i], fmt.Sprint(ids[0], kind, rapid.IntRange(0, 2).Draw(rt, "clave")), 4}
			if kind == correction { // one quantity for each key
				o.cantidad = map[byte]int{'0': -3, '1': 2, '2': -7}[o.key[len(o.key)-1]]
			}
			return o
		}), 1, 30).Draw(rt, "ordenes")

		earlier := b.balanceByProducto(t)
		replies := b.act(t, ids, ordenes, rapid.IntRange(1, 8).Draw(rt, "a la vez"))
		b.balances(t)
		b.checkReplies(t, earlier, ids, lineas, ordenes, replies)
		if t.Failed() {
			rt.Fatalf("with %+v", ordenes)
		}
	})
	t.Logf("the books were read %d times meanwhile", observe())
}

type replies struct {
	mu sync.Mutex
	of map[string]map[contracts.MessageType]contracts.MessageType // the reply to each command, by purchase and command
}

func (b bodega) act(t *testing.T, ids []string, ordenes []orden, width int) map[string]map[contracts.MessageType]contracts.MessageType {
	r := replies{of: map[string]map[contracts.MessageType]contracts.MessageType{}}
	for _, id := range ids {
		r.of[id] = map[contracts.MessageType]contracts.MessageType{}
	}
	databasetest.Concurrently(len(ordenes), width, func(n int) {
		o := ordenes[n]
		if o.kind == correction { // the shelf may have too few
			if _, err := b.Corregir(context.Background(), "14", contracts.Correccion{Cantidad: o.cantidad, Motivo: "recuento"}, o.key); err != nil && errs.Of(err) != errs.Conflict {
				t.Errorf("correct: %v", err)
			}
			return
		}
		if o.kind == "" {
			if _, err := b.Reponer(context.Background(), "14", o.cantidad, o.key); err != nil {
				t.Errorf("put back: %v", err)
			}
			return
		}
		said, err := b.ask(o.kind, ids[o.compra], o.lineas)
		if err != nil {
			t.Errorf("%s: %v", o.kind, err)
			return
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		if earlier, existed := r.of[ids[o.compra]][o.kind]; existed && earlier != said.Tipo {
			t.Errorf("the reply to %s was %s and then %s", o.kind, earlier, said.Tipo)
		}
		r.of[ids[o.compra]][o.kind] = said.Tipo
	})
	return r.of
}

// checkReplies compares the replies with the books: the units reserved, dispatched and restocked of each product must be those
// that the replies say.
func (b bodega) checkReplies(t *testing.T, earlier map[string]balance, ids []string, lineas [][]contracts.Linea, ordenes []orden, stated map[string]map[contracts.MessageType]contracts.MessageType) {
	reserved, despachado, restocked := map[string]int{}, map[string]int{}, map[string]bool{}
	for i, id := range ids {
		said := stated[id]
		reservedIt := said[contracts.ReservarProducto] == contracts.ProductosReservados
		happened := said[contracts.DespacharReserva] == contracts.ReservaDespachada
		cameBack := said[contracts.LiberarReserva] == contracts.ReservaLiberada
		if happened && (cameBack || !reservedIt) {
			t.Errorf("purchase %s: dispatched, and also %v", id, said)
		}
		for _, l := range lineas[i] {
			switch {
			case happened:
				despachado[l.IDProducto] += l.Cantidad
			case reservedIt && !cameBack:
				reserved[l.IDProducto] += l.Cantidad
			}
		}
	}
	for _, o := range ordenes {
		if o.kind == "" {
			restocked[o.key] = true
		}
	}
	for id, s := range b.balanceByProducto(t) {
		a := earlier[id]
		more := 0
		if id == "14" {
			more = 4 * len(restocked)
		}
		if s.Reservado-a.Reservado != reserved[id] || s.Despachado-a.Despachado != despachado[id] || s.Repuesto-a.Repuesto != more {
			t.Errorf("product %s: before %+v, after %+v, by the replies: reserved %d, dispatched %d, restocked %d", id, a, s, reserved[id], despachado[id], more)
		}
	}
}

// observer reads the view balance again and again until finish; observe returns the number of reads.
func observer(t *testing.T, b bodega) (observe func() int, finish func()) {
	ctx, stop := context.WithCancel(context.Background())
	var mu sync.Mutex
	var times int
	end := make(chan struct{})
	go func() {
		defer close(end)
		for ctx.Err() == nil {
			var badOnes int
			err := b.pool.QueryRow(ctx, `select count(*) from balance where diferencia <> 0`).Scan(&badOnes)
			if err == nil && badOnes != 0 {
				t.Errorf("%d products do not balance in the middle", badOnes)
				return
			}
			mu.Lock()
			times++
			mu.Unlock()
		}
	}()
	observe = func() int { mu.Lock(); defer mu.Unlock(); return times }
	return observe, func() { stop(); <-end }
}
