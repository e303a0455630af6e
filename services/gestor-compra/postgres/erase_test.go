package postgres_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/uuid"

	"entregas/contracts"
	"entregas/internal/actor"
	"entregas/services/gestor-compra/compras"
	"entregas/services/gestor-compra/postgrestest"
	"entregas/workflows/compra"
)

// tables are all tables of the database that have rows about purchases.
var tables = []string{"compra", "historia", "paso", "decision", "tramite", "cancelacion_anticipada", "finding", "acto"}

// with returns the tables with a row that has text.
func with(t *testing.T, a postgrestest.Store, text string) (found []string) {
	t.Helper()
	for _, table := range tables {
		if postgrestest.One[int](t, a, `select count(*) from `+table+` r where r::text like '%' || $1 || '%'`, text) > 0 {
			found = append(found, table)
		}
	}
	return found
}

// Personal data goes from each table, wherever the customer's words came to stand; the history keeps its entries, and gets one more. What an
// operator wrote stays, and so does the data of open purchases and of other customers.
func TestErase(t *testing.T) {
	a := postgrestest.New(t)
	ana := actor.With(t.Context(), contracts.Actor{Sujeto: "ana", Rol: contracts.RolCliente})
	anaAsOperator := actor.With(t.Context(), contracts.Actor{Sujeto: "ana", Rol: contracts.RolOperador})
	oti := actor.With(t.Context(), contracts.Actor{Sujeto: "oti", Rol: contracts.RolOperador})
	const gone, stays, operators = "Calle Borrable 1", "Calle Abierta 2", "Llamó y pidió anularla"

	purchase := func(usuario, calle string, estado contracts.Estado) contracts.SolicitudCompra {
		s := postgrestest.NewSolicitud()
		s.IDUsuario, s.Domicilio = usuario, true
		s.Direccion = &contracts.Direccion{Destinatario: calle, Calle: calle, Ciudad: "Cali", Telefono: "5550100"}
		if _, _, err := a.Accept(ana, s, postgrestest.OpenLimit); err != nil {
			t.Fatal(err)
		}
		a.Do(t, `update compra set estado = $2 where id = $1`, s.ID, estado)
		return s
	}
	// cancelled takes a purchase from estado to CANCELADA as the saga does, after the customer asked for it.
	cancelled := func(estado contracts.Estado) contracts.SolicitudCompra {
		s := purchase("ana", gone, estado)
		if _, _, err := a.Cancelar(ana, s.ID, gone); err != nil {
			t.Fatal(err)
		}
		for _, k := range []compras.Change{
			{IDCompra: s.ID, To: contracts.EstadoCompensando, Motivo: gone, Detalle: gone},
			{IDCompra: s.ID, To: contracts.EstadoFallida, Tipo: contracts.CancelarOrden, Detalle: "No se pudo deshacer: CancelarOrden sin confirmar. " + gone},
			{IDCompra: s.ID, To: contracts.EstadoCancelada, Motivo: gone, Detalle: gone},
		} {
			if k.From = []contracts.Estado{estado, contracts.EstadoCompensando, contracts.EstadoFallida}; k.Tipo == "" {
				k.Tipo = contracts.CancelarCompra
			}
			if _, moved, err := a.Move(t.Context(), k); err != nil || !moved {
				t.Fatal(moved, err)
			}
		}
		if err := a.FinishTramite(t.Context(), compra.Tramite{IDCompra: s.ID, Tipo: compra.TramiteCancelacion, Done: true}); err != nil {
			t.Fatal(err)
		}
		return s
	}

	sent := purchase("ana", gone, contracts.EstadoDespachada)
	all := []contracts.SolicitudCompra{sent, cancelled(contracts.EstadoIniciada), cancelled(contracts.EstadoPorAprobar), cancelled(contracts.EstadoConfirmada)}
	atOnce := purchase("ana", gone, contracts.EstadoRecibida)
	if _, done, err := a.Cancelar(ana, atOnce.ID, gone); err != nil || !done {
		t.Fatal(done, err)
	}
	byHerself := purchase("ana", gone, contracts.EstadoRecibida)
	if _, _, err := a.Cancelar(anaAsOperator, byHerself.ID, gone); err != nil {
		t.Fatal(err)
	}
	byOperator := purchase("ana", gone, contracts.EstadoRecibida)
	if _, _, err := a.Cancelar(oti, byOperator.ID, operators); err != nil {
		t.Fatal(err)
	}
	all = append(all, atOnce, byHerself, byOperator)
	if _, _, err := a.CancelarByMessage(ana, uuid.Must(uuid.NewV7()).String(), "ana", gone); err != nil {
		t.Fatal(err)
	}
	purchase("ana", stays, contracts.EstadoConfirmada)
	purchase("ana", stays, contracts.EstadoFallida)
	purchase("eva", stays, contracts.EstadoDespachada)
	if found := with(t, a, gone); !slices.Equal(found, []string{"compra", "historia", "decision", "tramite", "cancelacion_anticipada", "acto"}) {
		t.Fatalf("this test tries only the tables %v", found)
	}

	list, total, err := a.ToErase(t.Context(), "ana", 4)
	if err != nil || len(list) != 4 || total != len(all) {
		t.Fatalf("%d of %d to erase, want 4 of %d: %v", len(list), total, len(all), err)
	}
	if list, _, err = a.ToErase(t.Context(), "ana", 100); err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, one := range list {
		ids = append(ids, one.ID)
		if wrote := one.ID != sent.ID && one.ID != byOperator.ID; one.Motivo != wrote {
			t.Errorf("%+v: the customer wrote a reason: %v", one, wrote)
		}
	}
	for round, n := range []int{len(all), 0} {
		erased, open, err := a.Erase(oti, "ana", ids)
		if err != nil || len(erased) != n || open != 2 {
			t.Fatalf("round %d: erased %d and %d are open: %v", round, len(erased), open, err)
		}
		if found := with(t, a, gone); len(found) > 0 {
			t.Errorf("round %d: the tables %v still have it", round, found)
		}
		for _, c := range erased {
			last := c.Historia[len(c.Historia)-1]
			if last.Paso != contracts.PasoBorrado || last.Sujeto != "oti" || c.Direccion != nil || c.Estado == "" {
				t.Errorf("round %d: %+v", round, c)
			}
			a.NoGaps(t, c.ID)
		}
		if list, total, err := a.ToErase(t.Context(), "ana", 100); err != nil || len(list) > 0 || total > 0 {
			t.Errorf("round %d: %d are left: %v", round, total, err)
		}
	}
	for text, want := range map[string]int{stays: 3, operators: 1} {
		if n := postgrestest.One[int](t, a, `select count(*) from compra c where c::text like '%' || $1 || '%'`, text); n != want {
			t.Errorf("%d purchases have %q, want %d", n, text, want)
		}
	}
	if n := postgrestest.One[int](t, a, `select count(*) from historia where detalle = $1`, contracts.TextoBorrado); n != 8 { // twice each, and once where it was cancelled at once
		t.Errorf("%d entries of histories say that a text was erased", n)
	}
	if acts := postgrestest.One[string](t, a, `select string_agg(tipo || ' ' || objeto || ' ' || sujeto || ' ' || detalle, ', ') from acto where tipo = 'borrado'`); acts != fmt.Sprintf("borrado ana oti Compras: %d.", len(all)) {
		t.Errorf("the audit has %q", acts)
	}
	if c, fresh, err := a.Accept(t.Context(), sent, postgrestest.OpenLimit); err != nil || fresh || c.Estado != contracts.EstadoDespachada {
		t.Errorf("the same purchase again: %+v, %v, %v", c, fresh, err)
	}
	if erased, open, err := a.Erase(oti, "nadie", ids); err != nil || len(erased) > 0 || open > 0 {
		t.Errorf("another customer's purchases: %d, %d: %v", len(erased), open, err)
	}
}
