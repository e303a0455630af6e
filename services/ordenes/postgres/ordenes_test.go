package postgres_test

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"entregas/contracts"
	"entregas/internal/actor"
	"entregas/internal/databasetest"
	"entregas/internal/errs"
	"entregas/internal/inbox"
)

const (
	create, cancelar = contracts.CrearOrden, contracts.CancelarOrden
	created          = contracts.OrdenCreada
	refused          = contracts.OrdenRechazada
	cancelled        = contracts.OrdenCancelada
	despachada       = contracts.OrdenDespachada
)

func TestCreateAnOrden(t *testing.T) {
	o, c := newOffice(t, 100), compra()
	r := o.require(t, create, c, "ana", created)
	if other := o.require(t, create, c, "ana", created); other.Data.IDOrden != r.Data.IDOrden {
		t.Errorf("the second time it is another order: %s and %s", r.Data.IDOrden, other.Data.IDOrden)
	}
	orden, err := o.Orden(t.Context(), r.Data.IDOrden)
	if err != nil || orden.IDCompra != c || orden.IDUsuario != "ana" || !orden.Domicilio || orden.Estado != contracts.EstadoOrdenCreada ||
		len(orden.Productos) != 1 || orden.Productos[0] != (contracts.Linea{IDProducto: "1", Cantidad: 2}) || orden.CreadaEn.IsZero() {
		t.Errorf("%+v, %v", orden, err)
	}
	if u, err := uuid.Parse(orden.ID); err != nil || u.Version() != 7 {
		t.Errorf("id %s", orden.ID)
	}
	if _, err := o.Orden(t.Context(), compra()); errs.Of(err) != errs.NotFound {
		t.Errorf("unknown: %v", err)
	}
	if _, err := o.ask(create, c, "otro"); errs.Of(err) != errs.BadMessage {
		t.Errorf("with other content: %v", err)
	}
}

func TestCancelarAnOrden(t *testing.T) {
	o, c := newOffice(t, 100), compra()
	id := o.require(t, create, c, "ana", created).Data.IDOrden
	for range 2 {
		if r := o.require(t, cancelar, c, "ana", cancelled); r.Data.IDOrden != id {
			t.Errorf("%+v", r)
		}
	}
	if e := o.estado(t, id); e != contracts.EstadoOrdenCancelada {
		t.Errorf("%s", e)
	}
	if _, err := o.Despachar(t.Context(), id); errs.Of(err) != errs.Conflict {
		t.Errorf("dispatch of a cancelled order: %v", err)
	}
	if n := o.tell(t, `select count(*) from outbox`); n != 0 {
		t.Errorf("%d events of a dispatch that did not happen", n)
	}
}

// The rollback of an order may come before its command (docs/adr/rollback-may-come-first.md).
func TestReversalComesFirst(t *testing.T) {
	o, c := newOffice(t, 100), compra()
	o.require(t, cancelar, c, "ana", cancelled)
	for range 2 {
		o.require(t, create, c, "ana", refused)
	}
	o.require(t, cancelar, c, "ana", cancelled)
	if n := o.tell(t, `select count(*) from orden`); n != 0 {
		t.Errorf("%d orders", n)
	}
}

func TestCreateAndCancelarAnOrdenAtOnce(t *testing.T) {
	o := newOffice(t, 10_000)
	var createdCount atomic.Int32
	databasetest.Concurrently(1000, 16, func(i int) {
		c, usuario := compra(), fmt.Sprint("usuario ", i%7)
		databasetest.Concurrently(2, 2, func(which int) {
			kind := []contracts.MessageType{create, cancelar}[which]
			r, err := o.ask(kind, c, usuario)
			if err != nil || (kind == cancelar && r.Tipo != cancelled) {
				t.Errorf("%s: %+v, %v", kind, r, err)
			}
			if r.Tipo == created {
				createdCount.Add(1)
			}
		})
	})
	t.Logf("the order came first %d times of 1000", createdCount.Load())
	if n := o.tell(t, `select count(*) from orden where estado <> 'CANCELADA'`); n != 0 {
		t.Errorf("%d orders are not cancelled", n)
	}
}

// The limit for open orders holds when all orders of a customer come at once. A cancellation or a dispatch makes room for a
// new order.
func TestOpenOrdenes(t *testing.T) {
	const maximum = 5
	o := newOffice(t, maximum)
	var createdCount atomic.Int32
	compras := make([]string, 30)
	databasetest.Concurrently(len(compras), 30, func(i int) {
		compras[i] = compra()
		r, err := o.ask(create, compras[i], "ana")
		switch {
		case err != nil:
			t.Error(err)
		case r.Tipo == created:
			createdCount.Add(1)
		case r.Tipo != refused || r.Data.Motivo == "" || r.Data.IDOrden != "":
			t.Errorf("%+v", r)
		}
	})
	if createdCount.Load() != maximum {
		t.Fatalf("%d open orders", createdCount.Load())
	}
	o.require(t, create, compra(), "beto", created) // the limit does not count orders of another customer
	open, err := o.OfUsuario(t.Context(), "ana", 10, "")
	if err != nil || len(open) != maximum {
		t.Fatalf("%v, %v", open, err)
	}
	o.require(t, cancelar, open[0].IDCompra, "ana", cancelled)
	if _, err := o.Despachar(t.Context(), open[1].ID); err != nil {
		t.Fatal(err)
	}
	o.require(t, create, compra(), "ana", created)
	o.require(t, create, compra(), "ana", created)
	o.require(t, create, compra(), "ana", refused)
	for _, c := range compras { // a refused order stays refused
		if r, err := o.ask(create, c, "ana"); err != nil || (r.Tipo == refused) != (r.Data.IDOrden == "") {
			t.Errorf("%+v, %v", r, err)
		}
	}
	if n := o.tell(t, `select count(*) from orden where id_usuario = 'ana' and estado = 'CREADA'`); n != maximum {
		t.Errorf("%d open", n)
	}
}

func TestDespacharOneOrden(t *testing.T) {
	o, c, p := newOffice(t, 100), compra(), &published{}
	id := o.require(t, create, c, "ana", created).Data.IDOrden
	for _, who := range []string{"oti", "eli"} { // the first one is who did it (docs/adr/who-did-it.md)
		orden, err := o.Despachar(actor.With(t.Context(), contracts.Actor{Sujeto: who, Rol: contracts.RolOperador}), id)
		if err != nil || orden.Estado != contracts.EstadoOrdenDespachada || orden.DespachadaPor != "oti" || orden.DespachadaRol != contracts.RolOperador || !orden.ActualizadaEn.After(orden.CreadaEn) {
			t.Fatalf("%+v, %v", orden, err)
		}
		if err := o.Broadcast(t.Context(), c, p.publish); err != nil {
			t.Fatal(err)
		}
	}
	if len(p.list) != 1 || p.list[0].IDCompra != c || p.list[0].IDOrden != id || p.list[0].Sujeto != "oti" || p.list[0].Rol != contracts.RolOperador {
		t.Errorf("published: %+v", p.list)
	}
	acts, err := o.Actos(t.Context(), contracts.ActosFilter{}, contracts.Cursor{}, 10)
	if err != nil || len(acts) != 1 || acts[0].Tipo != contracts.ActoDespacho || acts[0].Sujeto != "oti" || acts[0].Objeto != id || acts[0].IDCompra != c {
		t.Errorf("the acts are %+v, %v", acts, err)
	}
	if r := o.require(t, cancelar, c, "ana", despachada); r.Data.IDOrden != id || r.Data.Motivo == "" {
		t.Errorf("%+v", r)
	}
	if _, err := o.Despachar(t.Context(), compra()); errs.Of(err) != errs.NotFound {
		t.Errorf("unknown: %v", err)
	}
}

// A dispatch and a cancellation run at once, and both get the same decision. The event is published exactly when the order is
// dispatched (docs/adr/who-owns-a-fact-decides.md).
func TestDespacharAndCancelarAtOnce(t *testing.T) {
	o, p := newOffice(t, 10_000), &published{}
	var despachadas atomic.Int32
	databasetest.Concurrently(200, 8, func(int) {
		c := compra()
		r, err := o.ask(create, c, "ana")
		if err != nil {
			t.Error(err)
			return
		}
		var despacharErr, cancelErr error
		databasetest.Concurrently(2, 2, func(which int) {
			if which == 0 {
				_, despacharErr = o.Despachar(t.Context(), r.Data.IDOrden)
				return
			}
			said, err := o.ask(cancelar, c, "ana")
			if cancelErr = err; said.Tipo == despachada {
				cancelErr = errors.New("dispatched already")
			}
		})
		if (despacharErr == nil) == (cancelErr == nil) {
			t.Errorf("dispatch: %v; cancellation: %v", despacharErr, cancelErr)
		}
		if despacharErr == nil {
			despachadas.Add(1)
		}
		if happened := o.estado(t, r.Data.IDOrden) == contracts.EstadoOrdenDespachada; happened != (despacharErr == nil) {
			t.Errorf("dispatched %v, and the dispatch returned %v", happened, despacharErr)
		}
		if err := o.Broadcast(t.Context(), c, p.publish); err != nil {
			t.Error(err)
		}
	})
	t.Logf("the dispatch came first %d times of 200", despachadas.Load())
	if len(p.list) != int(despachadas.Load()) {
		t.Errorf("%d events of %d dispatches", len(p.list), despachadas.Load())
	}
}

func TestSweepPublishesWhatRemained(t *testing.T) {
	o, p, ctx := newOffice(t, 100), &published{failure: errors.New("no broker")}, t.Context()
	for range 50 {
		c := compra()
		id := o.require(t, create, c, "ana", created).Data.IDOrden
		if _, err := o.Despachar(ctx, id); err != nil {
			t.Fatal(err)
		}
		if err := o.Broadcast(ctx, c, p.publish); !errors.Is(err, p.failure) {
			t.Fatal(err)
		}
	}
	if _, err := o.pool.Exec(ctx, `update outbox set created_at = now() - interval '1 minute' where id > 1`); err != nil {
		t.Fatal(err)
	}
	if err := o.Sweep(ctx, p.publish); !errors.Is(err, p.failure) || o.tell(t, `select count(*) from outbox`) != 50 {
		t.Fatalf("without a broker: %v", err)
	}
	p.failure = nil
	databasetest.Concurrently(4, 4, func(int) { // several replicas sweep at once
		if err := o.Sweep(ctx, p.publish); err != nil {
			t.Error(err)
		}
	})
	if len(p.list) != 49 || o.tell(t, `select count(*) from outbox where tell_again_at is null`) != 1 {
		t.Errorf("%d events; the recent one belongs to the request that stored it", len(p.list))
	}
}

// A broker may lose an event that it acknowledged. So each dispatch is published again a minute later, and then not again.
func TestADispatchIsToldTwice(t *testing.T) {
	o, p, ctx, c := newOffice(t, 100), &published{}, t.Context(), compra()
	id := o.require(t, create, c, "ana", created).Data.IDOrden
	if _, err := o.Despachar(ctx, id); err != nil {
		t.Fatal(err)
	}
	const (
		ripe  = `update outbox set created_at = now() - interval '1 hour', tell_again_at = tell_again_at - interval '61 s'`
		early = `update outbox set created_at = now() - interval '1 hour', tell_again_at = tell_again_at - interval '30 s'`
	)
	for _, step := range []struct {
		name, before string
		do           func() error
		broker       error
		told, rows   int
	}{
		{"the dispatch itself", "", func() error { return o.Broadcast(ctx, c, p.publish) }, nil, 1, 1},
		{"asked for again", "", func() error { return o.Broadcast(ctx, c, p.publish) }, nil, 1, 1},
		{"half a minute later", early, func() error { return o.Sweep(ctx, p.publish) }, nil, 1, 1},
		{"a minute later, without a broker", ripe, func() error { return o.Sweep(ctx, p.publish) }, errors.New("no broker"), 1, 1},
		{"a minute later, in four replicas at once", "", func() error {
			databasetest.Concurrently(4, 4, func(int) {
				if err := o.Sweep(ctx, p.publish); err != nil {
					t.Error(err)
				}
			})
			return nil
		}, nil, 2, 0},
		{"later", "", func() error { return o.Sweep(ctx, p.publish) }, nil, 2, 0},
	} {
		if step.before != "" {
			if _, err := o.pool.Exec(ctx, step.before); err != nil {
				t.Fatal(err)
			}
		}
		p.failure = step.broker
		if err := step.do(); !errors.Is(err, step.broker) {
			t.Fatalf("%s: %v", step.name, err)
		}
		if rows := o.tell(t, `select count(*) from outbox`); len(p.list) != step.told || rows != step.rows {
			t.Errorf("%s: told %d times and %d rows, want %d and %d", step.name, len(p.list), rows, step.told, step.rows)
		}
	}
	if p.list[0] != p.list[len(p.list)-1] {
		t.Errorf("told differently: %+v", p.list)
	}
}

func TestOrdenesOfAUsuario(t *testing.T) {
	o := newOffice(t, 100)
	var ids []string
	for range 5 {
		ids = append([]string{o.require(t, create, compra(), "ana", created).Data.IDOrden}, ids...)
	}
	o.require(t, create, compra(), "beto", created)
	firstFew, err := o.OfUsuario(t.Context(), "ana", 3, "")
	if err != nil || len(firstFew) != 3 || firstFew[0].ID != ids[0] {
		t.Fatalf("%v, %v", firstFew, err)
	}
	remainder, err := o.OfUsuario(t.Context(), "ana", 3, firstFew[2].ID)
	if err != nil || len(remainder) != 2 || remainder[0].ID != ids[3] || remainder[1].ID != ids[4] {
		t.Errorf("%v, %v", remainder, err)
	}
	if nobody, err := o.OfUsuario(t.Context(), "nadie", 3, ""); err != nil || nobody == nil || len(nobody) != 0 {
		t.Errorf("%v, %v", nobody, err)
	}
	if err := inbox.Purge(t.Context(), o.pool); err != nil || o.tell(t, `select count(*) from inbox`) != 6 {
		t.Errorf("purge: %v", err)
	}
}

// The queue has home delivery first, then the oldest. Each order is on one page, also where orders leave the queue between two pages.
func TestQueueOfOrdenes(t *testing.T) {
	o := newOffice(t, 100)
	ids := map[bool][]string{}
	for i := range 7 {
		id := o.require(t, create, compra(), "ana", created).Data.IDOrden
		home := i%3 == 0
		o.do(t, `update orden set domicilio = $2 where id = $1`, id, home)
		ids[home] = append(ids[home], id)
	}
	want := slices.Concat(ids[true], ids[false])
	f := contracts.OrdenesFilter{Estado: contracts.EstadoOrdenCreada}
	var seen []string
	for after := (contracts.OrdenCursor{}); ; {
		page, _, err := o.Queue(t.Context(), f, after, 2)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		for _, one := range page {
			seen = append(seen, one.ID)
			if _, err := o.Despachar(t.Context(), one.ID); err != nil {
				t.Fatal(err)
			}
		}
		last := page[len(page)-1]
		after = contracts.OrdenCursor{Domicilio: last.Domicilio, ID: last.ID}
	}
	if !slices.Equal(seen, want) {
		t.Errorf("listed %v\nwant %v", seen, want)
	}
	home := true
	for name, c := range map[string]struct {
		filter contracts.OrdenesFilter
		total  int
	}{
		"nothing is left":          {f, 0},
		"dispatched":               {contracts.OrdenesFilter{Estado: contracts.EstadoOrdenDespachada}, 7},
		"dispatched home delivery": {contracts.OrdenesFilter{Estado: contracts.EstadoOrdenDespachada, Domicilio: &home}, 3},
	} {
		page, total, err := o.Queue(t.Context(), c.filter, contracts.OrdenCursor{}, 10)
		if err != nil || total != c.total || len(page) != c.total || page == nil {
			t.Errorf("%s: %d of %d, %v", name, len(page), total, err)
		}
	}
}

// The zones and their counts are those of the orders that wait, and the queue of a zone has as many.
func TestZonesOfTheQueue(t *testing.T) {
	o := newOffice(t, 100)
	for _, tienda := range []string{"", "granada", "granada", "chapinero", "granada", "chapinero"} {
		o.do(t, `update orden set tienda = $2 where id = $1`, o.require(t, create, compra(), "ana", created).Data.IDOrden, tienda)
	}
	left := o.require(t, create, compra(), "ana", created).Data.IDOrden
	o.do(t, `update orden set tienda = 'granada' where id = $1`, left)
	if _, err := o.Despachar(t.Context(), left); err != nil {
		t.Fatal(err)
	}
	zonas, err := o.Zonas(t.Context())
	if want := []contracts.ZonaDeOrdenes{{Zona: "granada", Ordenes: 3}, {Zona: "chapinero", Ordenes: 2}, {Ordenes: 1}}; err != nil || !slices.Equal(zonas, want) {
		t.Fatalf("%+v %v, want %+v", zonas, err, want)
	}
	for _, z := range zonas {
		page, total, err := o.Queue(t.Context(), contracts.OrdenesFilter{Estado: contracts.EstadoOrdenCreada, Zona: &z.Zona}, contracts.OrdenCursor{}, 10)
		if err != nil || total != z.Ordenes || len(page) != z.Ordenes {
			t.Errorf("%q: %d of %d, %v", z.Zona, len(page), total, err)
		}
	}
}

// Failure prevented: a page of the queue reads all orders that were ever dispatched, or sorts all that wait.
func TestTheQueueUsesItsIndex(t *testing.T) {
	o := newOffice(t, 100)
	o.do(t, `insert into orden (id, id_compra, id_usuario, productos, domicilio, estado)
		select gen_random_uuid(), n::text, 'ana', '[]', n % 20 = 0, case when n % 10 = 0 then 'CREADA' else 'DESPACHADA' end from generate_series(1, 20000) n`)
	o.do(t, `vacuum analyze orden`)
	before := o.tell(t, `select seq_scan + seq_tup_read from pg_stat_user_tables where relname = 'orden'`)
	page, total, err := o.Queue(t.Context(), contracts.OrdenesFilter{Estado: contracts.EstadoOrdenCreada}, contracts.OrdenCursor{Domicilio: true, ID: "80000000-0000-4000-8000-000000000000"}, 50)
	if err != nil || len(page) != 50 || total != 2000 || !page[0].Domicilio {
		t.Fatalf("%d of %d: %v", len(page), total, err)
	}
	for range 12 { // until PostgreSQL may keep a plan for all parameters
		if _, _, err := o.Queue(t.Context(), contracts.OrdenesFilter{Estado: contracts.EstadoOrdenCreada}, contracts.OrdenCursor{}, 50); err != nil {
			t.Fatal(err)
		}
	}
	o.do(t, `select pg_stat_force_next_flush()`)
	if after := o.tell(t, `select seq_scan + seq_tup_read from pg_stat_user_tables where relname = 'orden'`); after != before {
		t.Errorf("the whole table was read: %d, then %d", before, after)
	}
}
