package postgres_test

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"entregas/contracts"
	"entregas/internal/databasetest"
	"entregas/internal/errs"
	"entregas/services/gestor-compra/postgrestest"
)

// A purchase that is sent twice is stored once. An id that exists with another owner or content is refused.
func TestAcceptAgain(t *testing.T) {
	a := postgrestest.New(t)
	for _, c := range []struct {
		name   string
		change func(s *contracts.SolicitudCompra)
		code   errs.Code
	}{
		{"the same", func(*contracts.SolicitudCompra) {}, ""},
		{"another owner", func(s *contracts.SolicitudCompra) { s.IDUsuario = "eva" }, errs.Conflict},
		{"home delivery", func(s *contracts.SolicitudCompra) { s.Domicilio = true }, errs.Conflict},
		{"more of it", func(s *contracts.SolicitudCompra) { s.Productos[0].Cantidad++ }, errs.Conflict},
		{"a line less", func(s *contracts.SolicitudCompra) { s.Productos = s.Productos[:1] }, errs.Conflict},
		{"the lines in another order", func(s *contracts.SolicitudCompra) { slices.Reverse(s.Productos) }, errs.Conflict},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := postgrestest.NewSolicitud()
			first, fresh, err := a.Accept(t.Context(), s, postgrestest.OpenLimit)
			if err != nil || !fresh || first.Estado != contracts.EstadoRecibida || first.Numero() != 1 || first.IDUsuario != "ana" {
				t.Fatalf("new %v: %+v %v", fresh, first, err)
			}
			a.Do(t, `update compra set estado = 'CONFIRMADA' where id = $1`, s.ID)
			c.change(&s)
			other, fresh, err := a.Accept(t.Context(), s, postgrestest.OpenLimit)
			wantCode(t, err, c.code)
			if fresh || err == nil && other.Estado != contracts.EstadoConfirmada {
				t.Fatalf("new %v: %+v", fresh, other)
			}
			loaded, err := a.Load(t.Context(), s.ID)
			if err != nil || fmt.Sprint(loaded.Productos) != fmt.Sprint(first.Productos) || loaded.IDUsuario != "ana" || loaded.Numero() != 1 {
				t.Fatalf("stored is %+v: %v", loaded, err)
			}
		})
	}
}

func TestConcurrentAccept(t *testing.T) {
	a := postgrestest.New(t)
	for range 20 {
		alike := postgrestest.NewSolicitud()
		different := alike
		different.IDUsuario = "eva"
		var created, conflicts, others atomic.Int32
		databasetest.Concurrently(8, 8, func(i int) {
			s := alike
			if i%2 == 1 {
				s = different
			}
			_, fresh, err := a.Accept(t.Context(), s, postgrestest.OpenLimit)
			switch {
			case fresh && err == nil:
				created.Add(1)
			case errs.Of(err) == errs.Conflict:
				conflicts.Add(1)
			case err != nil:
				others.Add(1)
			}
		})
		if created.Load() != 1 || conflicts.Load() != 4 || others.Load() != 0 {
			t.Fatalf("new %d, in conflict %d, with an error %d", created.Load(), conflicts.Load(), others.Load())
		}
		a.NoGaps(t, alike.ID)
	}
}

func TestLoadWhatIsNotThere(t *testing.T) {
	_, err := postgrestest.New(t).Load(t.Context(), postgrestest.NewSolicitud().ID)
	wantCode(t, err, errs.NotFound)
}

// The pages of a customer's list have all purchases of that customer, newest first, and no others.
func TestListByPages(t *testing.T) {
	a := postgrestest.New(t)
	var expected []string
	for i := range 7 {
		s := a.Compra(t, contracts.EstadoConfirmada)
		a.Do(t, `update compra set creada_en = '2026-01-01'::timestamptz + make_interval(hours => $2) + '999 microseconds' where id = $1`, s.ID, i/2) // some purchases have the same instant
		expected = append(expected, s.ID)
	}
	foreign := a.Compra(t, contracts.EstadoConfirmada)
	a.Do(t, `update compra set id_usuario = 'eva' where id = $1`, foreign.ID)
	slices.Reverse(expected)

	var seen []string
	from := contracts.Cursor{CreadaEn: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)}
	for {
		page, err := a.Buscar(t.Context(), contracts.ComprasFilter{IDUsuario: "ana"}, from, 2)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		for _, c := range page {
			seen = append(seen, c.ID)
		}
		last := page[len(page)-1]
		from = contracts.Cursor{CreadaEn: last.CreadaEn.Truncate(time.Millisecond), ID: last.ID} // the read model of the bff has milliseconds only
	}
	if !slices.Equal(seen, expected) {
		t.Fatalf("listed %v\nwant   %v", seen, expected)
	}
}
