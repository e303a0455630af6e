package saga_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"entregas/contracts"
	"entregas/services/gestor-compra/intake"
	"entregas/services/gestor-compra/postgrestest"
	"entregas/workflows/compra"
)

// A purchase that awaits approval holds 300 units of a product, and another purchase is refused for lack of units. If the 300 units
// would have been enough, the operator is told, and the units are released later. Otherwise, or after a decision, the first purchase
// keeps them.
func TestStockThatAwaitsApprovalIsGivenUp(t *testing.T) {
	settings := patient
	settings.AprobacionDeadline, settings.WantedStock = 24*time.Hour, 15*time.Minute
	e := newScene(t, settings)
	hold := func(units int) string {
		s := postgrestest.NewSolicitud()
		s.Productos = []contracts.Linea{{IDProducto: "1", Cantidad: units}}
		if _, _, err := e.Accept(t.Context(), s, postgrestest.OpenLimit); err != nil {
			t.Fatal(err)
		}
		e.Do(t, `update compra set estado = 'PRODUCTOS_VALIDOS' where id = $1`, s.ID)
		if d, err := e.AskForAprobacion(t.Context(), s); err != nil || d.Result != compra.Pending {
			t.Fatalf("%+v %v", d, err)
		}
		c, err := e.Load(t.Context(), s.ID)
		if err != nil || !strings.Contains(c.Historia[len(c.Historia)-1].Detalle, "Retiene 300 unidades hasta el ") {
			t.Fatalf("it does not say how much it holds: %+v %v", c.Historia, err)
		}
		return s.ID
	}
	refuse := func(product string, wanted, there int) {
		s := e.Compra(t, contracts.EstadoIniciada)
		if err := e.Close(t.Context(), compra.Ending{
			IDCompra: s.ID, Estado: contracts.EstadoRechazada, Motivo: "No hay.", Cause: contracts.InventarioInsuficiente, From: inAnyOf(contracts.EstadoIniciada),
			Faltantes: []contracts.Faltante{{IDProducto: product, Solicitada: wanted, Disponible: there}},
		}); err != nil {
			t.Fatal(err)
		}
	}
	id := hold(300)
	told := func() bool {
		c, err := e.Load(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		return slices.ContainsFunc(c.Historia, func(h contracts.HechoContado) bool {
			return h.Paso == "Demanda" && strings.Contains(h.Detalle, "se liberan desde el ")
		})
	}
	refuse("2", 5, 0)
	refuse("1", 1_000_000, 200)
	if told() {
		t.Fatal("the refusal is blamed on a purchase that does not hold enough units")
	}
	refuse("1", 400, 200)
	refuse("1", 1, 0)
	if !told() {
		t.Fatal("the operator does not learn that others lack the units")
	}
	e.NoGaps(t, id)

	r := intake.New(e.Store, &e.witness, &e.witness, intake.Options{MaxOpen: 100, Admit: func() {}})
	decided := func(age time.Duration) int {
		t.Helper()
		if err := r.ReleaseWanted(t.Context(), age); err != nil {
			t.Fatal(err)
		}
		return postgrestest.One[int](t, e.Store, `select count(*) from decision where id_compra = $1 and decision = 'expirada'`, id)
	}
	e.witness.Forget()
	if decided(time.Hour) != 0 {
		t.Error("it is released too early")
	}
	once, again := decided(0), decided(0)
	if once != 1 || again != 1 || e.witness.Forget().Woken != 1 {
		t.Error("it is not released, or its workflow is not told once")
	}
	if d, err := e.ReadDecision(t.Context(), compra.DecisionReading{IDCompra: id}); err != nil || d.Result != compra.Refused {
		t.Errorf("its workflow reads %+v %v", d, err)
	}

	id = hold(300) // a purchase that an operator approves in time
	refuse("1", 400, 200)
	if _, err := r.Aprobar(t.Context(), id, true, ""); err != nil {
		t.Fatal(err)
	}
	if !told() || decided(0) != 0 {
		t.Error("an approved purchase is released")
	}
}
