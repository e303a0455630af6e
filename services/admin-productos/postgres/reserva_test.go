package postgres_test

import (
	"slices"
	"sync/atomic"
	"testing"

	"entregas/contracts"
	"entregas/internal/databasetest"
	"entregas/internal/errs"
)

var twoLineas = []contracts.Linea{linea("14", 3), linea("13", 5)}

func TestReservarAllLineas(t *testing.T) {
	b, c := newBodega(t), compra()
	b.require(t, contracts.ReservarProducto, c, twoLineas, contracts.ProductosReservados)
	s := b.balanceByProducto(t)
	if s["14"].Existencias != 7 || s["14"].Reservado != 3 || s["13"].Existencias != 45 || s["13"].Reservado != 5 {
		t.Errorf("%+v, %+v", s["14"], s["13"])
	}
	b.balances(t)
}

func TestReservarNothingIfOneIsShort(t *testing.T) {
	b, c := newBodega(t), compra()
	requested := []contracts.Linea{linea("1", 1), linea("15", 1), linea("no-existe", 2)}
	missing := []contracts.Faltante{{IDProducto: "15", Solicitada: 1}, {IDProducto: "no-existe", Solicitada: 2}}
	r := b.require(t, contracts.ReservarProducto, c, requested, contracts.ReservaRechazada)
	if !slices.Equal(r.Data.Faltantes, missing) || r.Data.Motivo == "" {
		t.Errorf("%+v", r.Data)
	}
	if s := b.balanceByProducto(t)["1"]; s.Existencias != 500 || s.Reservado != 0 {
		t.Errorf("%+v", s)
	}
	// The refusal is stored: a copy of the command gets the same refusal, even when there are enough units meanwhile.
	if _, err := b.Reponer(t.Context(), "15", 100, "k"); err != nil {
		t.Fatal(err)
	}
	b.require(t, contracts.ReservarProducto, c, requested, contracts.ReservaRechazada)
	b.balances(t)
}

func TestSameCommandTwice(t *testing.T) {
	b, c := newBodega(t), compra()
	for range 3 {
		b.require(t, contracts.ReservarProducto, c, twoLineas, contracts.ProductosReservados)
	}
	if s := b.balanceByProducto(t)["14"]; s.Reservado != 3 {
		t.Errorf("%+v", s)
	}
	if _, err := b.ask(contracts.ReservarProducto, c, []contracts.Linea{linea("14", 4)}); errs.Of(err) != errs.BadMessage {
		t.Errorf("with other content: %v", err)
	}
	b.balances(t)
}

// Sequences of commands about a reservation of 3 units: the commands, their replies, and the units that moved.
func TestHistoriesOfAReserva(t *testing.T) {
	const (
		reservar, liberar, despachar            = contracts.ReservarProducto, contracts.LiberarReserva, contracts.DespacharReserva
		reserved, refused, liberada, despachada = contracts.ProductosReservados, contracts.ReservaRechazada, contracts.ReservaLiberada, contracts.ReservaDespachada
	)
	type step struct{ asks, replies contracts.MessageType }
	b := newBodega(t)
	for name, h := range map[string]struct {
		steps                             []step
		existencias, reserved, despachado int // the change of these numbers by the commands
	}{
		"reserved":                                {[]step{{reservar, reserved}}, -3, 3, 0},
		"reserved, released":                      {[]step{{reservar, reserved}, {liberar, liberada}}, 0, 0, 0},
		"released twice":                          {[]step{{reservar, reserved}, {liberar, liberada}, {liberar, liberada}}, 0, 0, 0},
		"the rollback overtook it":                {[]step{{liberar, liberada}, {reservar, refused}, {reservar, refused}}, 0, 0, 0},
		"reserved, dispatched":                    {[]step{{reservar, reserved}, {despachar, despachada}}, -3, 0, 3},
		"dispatched twice":                        {[]step{{reservar, reserved}, {despachar, despachada}, {despachar, despachada}}, -3, 0, 3},
		"a redelivery after the dispatch":         {[]step{{reservar, reserved}, {despachar, despachada}, {reservar, reserved}}, -3, 0, 3},
		"a rollback of what left the house":       {[]step{{reservar, reserved}, {despachar, despachada}, {liberar, despachada}}, -3, 0, 3},
		"a dispatch of what was given back":       {[]step{{reservar, reserved}, {liberar, liberada}, {despachar, refused}}, 0, 0, 0},
		"a dispatch of nothing":                   {[]step{{despachar, refused}}, 0, 0, 0},
		"a dispatch refused closes the door":      {[]step{{despachar, refused}, {reservar, refused}}, 0, 0, 0},
		"a refused dispatch, and its rollback":    {[]step{{despachar, refused}, {liberar, liberada}}, 0, 0, 0},
		"a rollback again after what it refused":  {[]step{{liberar, liberada}, {reservar, refused}, {liberar, liberada}}, 0, 0, 0},
		"the reservation again after its release": {[]step{{reservar, reserved}, {liberar, liberada}, {reservar, reserved}}, 0, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			c, earlier := compra(), b.balanceByProducto(t)["1"]
			for _, p := range h.steps {
				b.require(t, p.asks, c, []contracts.Linea{linea("1", 3)}, p.replies)
			}
			s := b.balanceByProducto(t)["1"]
			if s.Existencias-earlier.Existencias != h.existencias || s.Reservado-earlier.Reservado != h.reserved || s.Despachado-earlier.Despachado != h.despachado {
				t.Errorf("before %+v, after %+v", earlier, s)
			}
			b.balances(t)
		})
	}
}

// When more purchases want the last units than there are units, exactly the stock is reserved.
func TestLastUnidadesForMany(t *testing.T) {
	b := newBodega(t)
	var reserved, refusedCount atomic.Int32
	databasetest.Concurrently(60, 60, func(int) {
		r, err := b.ask(contracts.ReservarProducto, compra(), []contracts.Linea{linea("14", 1), linea("1", 1)})
		switch {
		case err != nil:
			t.Error(err)
		case r.Tipo == contracts.ProductosReservados:
			reserved.Add(1)
		default:
			refusedCount.Add(1)
		}
	})
	s := b.balanceByProducto(t)
	if reserved.Load() != 10 || refusedCount.Load() != 50 || s["14"].Existencias != 0 || s["14"].Reservado != 10 || s["1"].Reservado != 10 {
		t.Errorf("%d reserved and %d refused; %+v, %+v", reserved.Load(), refusedCount.Load(), s["14"], s["1"])
	}
	b.balances(t)
}

// Purchases of the same products in opposite orders wait for each other without a deadlock, so no command fails.
func TestNoDeadlocks(t *testing.T) {
	b := newBodega(t)
	forward := []contracts.Linea{linea("1", 1), linea("2", 1), linea("10", 1), linea("3", 1)}
	back := slices.Clone(forward)
	slices.Reverse(back)
	databasetest.Concurrently(300, 20, func(i int) {
		c, lineas := compra(), forward
		if i%2 == 0 {
			lineas = back
		}
		b.requireInParallel(t, contracts.ReservarProducto, c, lineas, contracts.ProductosReservados)
		if i%3 == 0 {
			b.requireInParallel(t, contracts.DespacharReserva, c, nil, contracts.ReservaDespachada)
		} else {
			b.requireInParallel(t, contracts.LiberarReserva, c, nil, contracts.ReservaLiberada)
		}
	})
	if s := b.balanceByProducto(t)["1"]; s.Existencias != 400 || s.Despachado != 100 {
		t.Errorf("%+v", s)
	}
	b.balances(t)
}

// A command and its rollback run at once, a thousand times. No reservation remains, whichever of the two is first
// (docs/adr/rollback-may-come-first.md).
func TestCommandAndItsReversalAtOnce(t *testing.T) {
	b := newBodega(t)
	var reserved atomic.Int32
	databasetest.Concurrently(1000, 16, func(int) {
		c := compra()
		databasetest.Concurrently(2, 2, func(which int) {
			if which == 0 {
				b.requireInParallel(t, contracts.LiberarReserva, c, nil, contracts.ReservaLiberada)
				return
			}
			r, err := b.ask(contracts.ReservarProducto, c, twoLineas)
			if err != nil {
				t.Error(err)
			}
			if r.Tipo == contracts.ProductosReservados {
				reserved.Add(1)
			}
		})
	})
	t.Logf("the reservation came first %d times of 1000", reserved.Load())
	s := b.balanceByProducto(t)
	if b.count(t, `select count(*) from reserva`) != 0 || s["14"].Existencias != 10 || s["13"].Existencias != 50 {
		t.Errorf("something is left: %+v, %+v", s["14"], s["13"])
	}
	b.balances(t)
}

func (b bodega) requireInParallel(t testing.TB, kind contracts.MessageType, c string, lineas []contracts.Linea, delay contracts.MessageType) {
	if r, err := b.ask(kind, c, lineas); err != nil || r.Tipo != delay {
		t.Errorf("%s: the reply is %s, %v; want %s", kind, r.Tipo, err, delay)
	}
}
