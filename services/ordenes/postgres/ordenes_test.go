package postgres_test

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"entregas/contracts"
	"entregas/services/internal/basetest"
	"entregas/services/internal/errores"
	"entregas/services/internal/inbox"
)

const (
	crear, cancelar = contracts.CrearOrden, contracts.CancelarOrden
	creada          = contracts.OrdenCreada
	rechazada       = contracts.OrdenRechazada
	cancelada       = contracts.OrdenCancelada
	despachada      = contracts.OrdenDespachada
)

func TestCrearUnaOrden(t *testing.T) {
	o, c := nuevaOficina(t, 100), compra()
	r := o.exigir(t, crear, c, "ana", creada)
	if otra := o.exigir(t, crear, c, "ana", creada); otra.Data.IDOrden != r.Data.IDOrden {
		t.Errorf("la segunda vez es otra orden: %s y %s", r.Data.IDOrden, otra.Data.IDOrden)
	}
	orden, err := o.Orden(t.Context(), r.Data.IDOrden)
	if err != nil || orden.IDCompra != c || orden.IDUsuario != "ana" || !orden.Domicilio || orden.Estado != contracts.EstadoOrdenCreada ||
		len(orden.Productos) != 1 || orden.Productos[0] != (contracts.Linea{IDProducto: "1", Cantidad: 2}) || orden.CreadaEn.IsZero() {
		t.Errorf("%+v, %v", orden, err)
	}
	if u, err := uuid.Parse(orden.ID); err != nil || u.Version() != 7 {
		t.Errorf("id %s", orden.ID)
	}
	if _, err := o.Orden(t.Context(), compra()); errores.De(err) != errores.NoEncontrado {
		t.Errorf("desconocida: %v", err)
	}
	if _, err := o.pedir(crear, c, "otro"); errores.De(err) != errores.MensajeMalo {
		t.Errorf("con otro contenido: %v", err)
	}
}

func TestCancelarUnaOrden(t *testing.T) {
	o, c := nuevaOficina(t, 100), compra()
	id := o.exigir(t, crear, c, "ana", creada).Data.IDOrden
	for range 2 {
		if r := o.exigir(t, cancelar, c, "ana", cancelada); r.Data.IDOrden != id {
			t.Errorf("%+v", r)
		}
	}
	if e := o.estado(t, id); e != contracts.EstadoOrdenCancelada {
		t.Errorf("%s", e)
	}
	if _, err := o.Despachar(t.Context(), id); errores.De(err) != errores.Conflicto {
		t.Errorf("despachar una cancelada: %v", err)
	}
	if n := o.contar(t, `select count(*) from outbox`); n != 0 {
		t.Errorf("%d avisos de un despacho que no hubo", n)
	}
}

// docs/adr/rollback-may-come-first.md: the rollback overtakes its command.
func TestLaReversaLlegaPrimero(t *testing.T) {
	o, c := nuevaOficina(t, 100), compra()
	o.exigir(t, cancelar, c, "ana", cancelada)
	for range 2 {
		o.exigir(t, crear, c, "ana", rechazada)
	}
	o.exigir(t, cancelar, c, "ana", cancelada)
	if n := o.contar(t, `select count(*) from orden`); n != 0 {
		t.Errorf("%d órdenes", n)
	}
}

func TestCrearYCancelarALaVez(t *testing.T) {
	o := nuevaOficina(t, 10_000)
	var creadas atomic.Int32
	basetest.ALaVez(1000, 16, func(i int) {
		c, usuario := compra(), fmt.Sprint("usuario ", i%7)
		basetest.ALaVez(2, 2, func(cual int) {
			tipo := []contracts.Tipo{crear, cancelar}[cual]
			r, err := o.pedir(tipo, c, usuario)
			if err != nil || (tipo == cancelar && r.Tipo != cancelada) {
				t.Errorf("%s: %+v, %v", tipo, r, err)
			}
			if r.Tipo == creada {
				creadas.Add(1)
			}
		})
	})
	t.Logf("la orden llegó primero %d veces de 1000", creadas.Load())
	if n := o.contar(t, `select count(*) from orden where estado <> 'CANCELADA'`); n != 0 {
		t.Errorf("%d órdenes sin cancelar", n)
	}
}

// The limit holds when a customer's orders come all at once, and a place is free again when one is cancelled or dispatched.
func TestOrdenesAbiertas(t *testing.T) {
	const maximo = 5
	o := nuevaOficina(t, maximo)
	var creadas atomic.Int32
	compras := make([]string, 30)
	basetest.ALaVez(len(compras), 30, func(i int) {
		compras[i] = compra()
		r, err := o.pedir(crear, compras[i], "ana")
		switch {
		case err != nil:
			t.Error(err)
		case r.Tipo == creada:
			creadas.Add(1)
		case r.Tipo != rechazada || r.Data.Motivo == "" || r.Data.IDOrden != "":
			t.Errorf("%+v", r)
		}
	})
	if creadas.Load() != maximo {
		t.Fatalf("%d órdenes abiertas", creadas.Load())
	}
	o.exigir(t, crear, compra(), "beto", creada) // another customer
	abiertas, err := o.DeUsuario(t.Context(), "ana", 10, "")
	if err != nil || len(abiertas) != maximo {
		t.Fatalf("%v, %v", abiertas, err)
	}
	o.exigir(t, cancelar, abiertas[0].IDCompra, "ana", cancelada)
	if _, err := o.Despachar(t.Context(), abiertas[1].ID); err != nil {
		t.Fatal(err)
	}
	o.exigir(t, crear, compra(), "ana", creada)
	o.exigir(t, crear, compra(), "ana", creada)
	o.exigir(t, crear, compra(), "ana", rechazada)
	for _, c := range compras { // what was refused stays refused
		if r, err := o.pedir(crear, c, "ana"); err != nil || (r.Tipo == rechazada) != (r.Data.IDOrden == "") {
			t.Errorf("%+v, %v", r, err)
		}
	}
	if n := o.contar(t, `select count(*) from orden where id_usuario = 'ana' and estado = 'CREADA'`); n != maximo {
		t.Errorf("%d abiertas", n)
	}
}

func TestDespacharUnaOrden(t *testing.T) {
	o, c, p := nuevaOficina(t, 100), compra(), &publicados{}
	id := o.exigir(t, crear, c, "ana", creada).Data.IDOrden
	for range 2 {
		orden, err := o.Despachar(t.Context(), id)
		if err != nil || orden.Estado != contracts.EstadoOrdenDespachada || !orden.ActualizadaEn.After(orden.CreadaEn) {
			t.Fatalf("%+v, %v", orden, err)
		}
		if err := o.Difundir(t.Context(), c, p.publicar); err != nil {
			t.Fatal(err)
		}
	}
	if len(p.lista) != 1 || p.lista[0].IDCompra != c || p.lista[0].IDOrden != id {
		t.Errorf("avisado: %+v", p.lista)
	}
	if r := o.exigir(t, cancelar, c, "ana", despachada); r.Data.IDOrden != id || r.Data.Motivo == "" {
		t.Errorf("%+v", r)
	}
	if _, err := o.Despachar(t.Context(), compra()); errores.De(err) != errores.NoEncontrado {
		t.Errorf("desconocida: %v", err)
	}
}

// docs/adr/who-owns-a-fact-decides.md: both sides are told the same, and an event is said exactly when it happened.
func TestDespacharYCancelarALaVez(t *testing.T) {
	o, p := nuevaOficina(t, 10_000), &publicados{}
	var despachadas atomic.Int32
	basetest.ALaVez(200, 8, func(int) {
		c := compra()
		r, err := o.pedir(crear, c, "ana")
		if err != nil {
			t.Error(err)
			return
		}
		var alDespachar, alCancelar error
		basetest.ALaVez(2, 2, func(cual int) {
			if cual == 0 {
				_, alDespachar = o.Despachar(t.Context(), r.Data.IDOrden)
				return
			}
			dicho, err := o.pedir(cancelar, c, "ana")
			if alCancelar = err; dicho.Tipo == despachada {
				alCancelar = errors.New("ya despachada")
			}
		})
		if (alDespachar == nil) == (alCancelar == nil) {
			t.Errorf("despacho: %v; cancelación: %v", alDespachar, alCancelar)
		}
		if alDespachar == nil {
			despachadas.Add(1)
		}
		if fue := o.estado(t, r.Data.IDOrden) == contracts.EstadoOrdenDespachada; fue != (alDespachar == nil) {
			t.Errorf("despachada %v, y el despacho dijo %v", fue, alDespachar)
		}
		if err := o.Difundir(t.Context(), c, p.publicar); err != nil {
			t.Error(err)
		}
	})
	t.Logf("el despacho llegó primero %d veces de 200", despachadas.Load())
	if len(p.lista) != int(despachadas.Load()) {
		t.Errorf("%d avisos de %d despachos", len(p.lista), despachadas.Load())
	}
}

func TestElBarridoPublicaLoQueQuedo(t *testing.T) {
	o, p, ctx := nuevaOficina(t, 100), &publicados{falla: errors.New("sin broker")}, t.Context()
	for range 50 {
		c := compra()
		id := o.exigir(t, crear, c, "ana", creada).Data.IDOrden
		if _, err := o.Despachar(ctx, id); err != nil {
			t.Fatal(err)
		}
		if err := o.Difundir(ctx, c, p.publicar); !errors.Is(err, p.falla) {
			t.Fatal(err)
		}
	}
	if _, err := o.pool.Exec(ctx, `update outbox set creado_en = now() - interval '1 minute' where id > 1`); err != nil {
		t.Fatal(err)
	}
	if err := o.Barrer(ctx, p.publicar); !errors.Is(err, p.falla) || o.contar(t, `select count(*) from outbox`) != 50 {
		t.Fatalf("sin broker: %v", err)
	}
	p.falla = nil
	basetest.ALaVez(4, 4, func(int) { // replicas sweep at once
		if err := o.Barrer(ctx, p.publicar); err != nil {
			t.Error(err)
		}
	})
	if len(p.lista) != 49 || o.contar(t, `select count(*) from outbox where tell_again_at is null`) != 1 {
		t.Errorf("%d avisos; el reciente es de quien lo escribió", len(p.lista))
	}
}

// A broker that took the first telling may have lost it: the second one comes a minute later, and then nothing more.
func TestADispatchIsToldTwice(t *testing.T) {
	o, p, ctx, c := nuevaOficina(t, 100), &publicados{}, t.Context(), compra()
	id := o.exigir(t, crear, c, "ana", creada).Data.IDOrden
	if _, err := o.Despachar(ctx, id); err != nil {
		t.Fatal(err)
	}
	const (
		ripe  = `update outbox set creado_en = now() - interval '1 hour', tell_again_at = tell_again_at - interval '61 s'`
		early = `update outbox set creado_en = now() - interval '1 hour', tell_again_at = tell_again_at - interval '30 s'`
	)
	for _, step := range []struct {
		name, before string
		do           func() error
		broker       error
		told, rows   int
	}{
		{"the dispatch itself", "", func() error { return o.Difundir(ctx, c, p.publicar) }, nil, 1, 1},
		{"asked for again", "", func() error { return o.Difundir(ctx, c, p.publicar) }, nil, 1, 1},
		{"half a minute later", early, func() error { return o.Barrer(ctx, p.publicar) }, nil, 1, 1},
		{"a minute later, without a broker", ripe, func() error { return o.Barrer(ctx, p.publicar) }, errors.New("no broker"), 1, 1},
		{"a minute later, in four replicas at once", "", func() error {
			basetest.ALaVez(4, 4, func(int) {
				if err := o.Barrer(ctx, p.publicar); err != nil {
					t.Error(err)
				}
			})
			return nil
		}, nil, 2, 0},
		{"later", "", func() error { return o.Barrer(ctx, p.publicar) }, nil, 2, 0},
	} {
		if step.before != "" {
			if _, err := o.pool.Exec(ctx, step.before); err != nil {
				t.Fatal(err)
			}
		}
		p.falla = step.broker
		if err := step.do(); !errors.Is(err, step.broker) {
			t.Fatalf("%s: %v", step.name, err)
		}
		if rows := o.contar(t, `select count(*) from outbox`); len(p.lista) != step.told || rows != step.rows {
			t.Errorf("%s: told %d times and %d rows, want %d and %d", step.name, len(p.lista), rows, step.told, step.rows)
		}
	}
	if p.lista[0] != p.lista[len(p.lista)-1] {
		t.Errorf("told differently: %+v", p.lista)
	}
}

func TestLasOrdenesDeUnUsuario(t *testing.T) {
	o := nuevaOficina(t, 100)
	var ids []string
	for range 5 {
		ids = append([]string{o.exigir(t, crear, compra(), "ana", creada).Data.IDOrden}, ids...)
	}
	o.exigir(t, crear, compra(), "beto", creada)
	primeras, err := o.DeUsuario(t.Context(), "ana", 3, "")
	if err != nil || len(primeras) != 3 || primeras[0].ID != ids[0] {
		t.Fatalf("%v, %v", primeras, err)
	}
	resto, err := o.DeUsuario(t.Context(), "ana", 3, primeras[2].ID)
	if err != nil || len(resto) != 2 || resto[0].ID != ids[3] || resto[1].ID != ids[4] {
		t.Errorf("%v, %v", resto, err)
	}
	if nadie, err := o.DeUsuario(t.Context(), "nadie", 3, ""); err != nil || nadie == nil || len(nadie) != 0 {
		t.Errorf("%v, %v", nadie, err)
	}
	if err := inbox.Purgar(t.Context(), o.pool); err != nil || o.contar(t, `select count(*) from inbox`) != 6 {
		t.Errorf("purga: %v", err)
	}
}
