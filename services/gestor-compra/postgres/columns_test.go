package postgres_test

import (
	"reflect"
	"testing"
	"time"

	"entregas/contracts"
	"entregas/internal/databasetest"
	"entregas/services/gestor-compra/compras"
	"entregas/services/gestor-compra/postgrestest"
)

// Each query that reads a purchase returns every field of the customer's request, and only Load the address.
func TestAPurchaseIsReadWhole(t *testing.T) {
	a := postgrestest.New(t)
	s := databasetest.Filled[contracts.SolicitudCompra](t)
	want := func(who string, got contracts.SolicitudCompra, err error) {
		t.Helper()
		s := s
		if who != "Load" { // only the detail of one purchase has the address: docs/adr/personal-data.md
			s.Direccion = nil
		}
		if err != nil || !reflect.DeepEqual(got, s) {
			t.Errorf("%s reads %+v, want %+v: %v: edit requestColumns in services/gestor-compra/postgres/store.go, and add a migration with the column", who, got, s, err)
		}
	}
	c, _, err := a.Accept(t.Context(), s, postgrestest.OpenLimit)
	if want("Accept", c.SolicitudCompra, err); t.Failed() {
		return
	}
	c, err = a.Load(t.Context(), s.ID)
	want("Load", c.SolicitudCompra, err)
	list, err := a.Buscar(t.Context(), contracts.ComprasFilter{}, contracts.Cursor{CreadaEn: time.Now().Add(time.Hour)}, 10)
	want("Buscar", only(t, list).SolicitudCompra, err)
	turns, err := a.TakeTurns(t.Context(), compras.Places{Total: 10, PerCustomer: 10, HeadStart: time.Minute, Lease: time.Minute})
	want("TakeTurns", only(t, turns), err)

	a.Do(t, `update compra set estado = 'POR_APROBAR' where id = $1`, s.ID)
	wanted, err := a.Wanted(t.Context(), []contracts.Faltante{{IDProducto: s.Productos[0].IDProducto, Solicitada: 1}})
	want("Wanted", only(t, wanted), err)

	a.Do(t, `update compra set estado = 'CONFIRMADA' where id = $1`, s.ID)
	if err := a.RecordDespacho(t.Context(), s.ID); err != nil {
		t.Fatal(err)
	}
	tramites, err := a.TakeTramites(t.Context(), time.Minute, 10)
	want("TakeTramites", only(t, tramites).SolicitudCompra, err)

	a.Do(t, `update compra set estado = 'INICIADA', actualizada_en = now() - interval '1 day' where id = $1`, s.ID)
	stalled, err := a.Stalled(t.Context(), time.Minute, time.Minute, 10)
	want("Stalled", only(t, stalled).SolicitudCompra, err)
}

func only[T any](t *testing.T, list []T) T {
	t.Helper()
	if len(list) != 1 {
		t.Fatalf("found %d, not one: %+v", len(list), list)
	}
	return list[0]
}
