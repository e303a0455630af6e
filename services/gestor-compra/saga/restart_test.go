package saga_test

import (
	"testing"

	"entregas/contracts"
	"entregas/services/gestor-compra/compras"
	"entregas/services/gestor-compra/postgrestest"
	"entregas/workflows/compra"
)

// A workflow that starts again walks over the steps whose reply is recorded, without asking, and goes on at the one at hand.
func TestAStepThatWasPassedIsWalkedOver(t *testing.T) {
	e := nuevaEscena(t, pacientes)
	s := e.Compra(t, contracts.EstadoRecibida)
	order := []contracts.Tipo{contracts.ValidarInventario, contracts.ReservarProducto, contracts.CrearOrden}
	for done := range order {
		before := len(e.preguntas())
		for i, command := range order[:done+1] {
			d, err := e.Preguntar(t.Context(), pregunta(s, command))
			if err != nil || d.Resultado != compra.Aceptada || !d.Preguntada {
				t.Fatalf("with %d steps done, %s: %+v %v", done, command, d, err)
			}
			if asked := len(e.preguntas()) - before; asked != 0 && i < done {
				t.Fatalf("asked %v again", e.preguntas())
			}
		}
	}
	if e.Estado(t, s.ID) != contracts.EstadoConfirmada || len(e.preguntas()) != 3 {
		t.Errorf("%s after %v", e.Estado(t, s.ID), e.preguntas())
	}
	e.SinHuecos(t, s.ID)
}

// A step that was refused, or whose purchase is being undone, is not walked over.
func TestAStepThatWasNotPassedIsNot(t *testing.T) {
	e := nuevaEscena(t, pacientes)
	s := e.Compra(t, contracts.EstadoRecibida)
	if _, err := e.Preguntar(t.Context(), pregunta(s, contracts.ValidarInventario)); err != nil {
		t.Fatal(err)
	}
	e.Hacer(t, `update compra set estado = 'COMPENSANDO' where id = $1`, s.ID)
	if d, err := e.Preguntar(t.Context(), pregunta(s, contracts.ValidarInventario)); err != nil || d.Resultado != compra.Terminada {
		t.Errorf("%+v %v", d, err)
	}
}

// Failure prevented: a workflow that starts again after the decision was handed out waits for an event that does not come again.
func TestAnApprovalThatWasDecidedIsNotAwaitedAgain(t *testing.T) {
	e := nuevaEscena(t, pacientes)
	for decision, outcome := range map[string]compra.Resultado{compras.Aprobada: compra.Aceptada, compras.Rechazada: compra.Rechazada, compras.Cancelada: compra.Cancelada} {
		s := e.Compra(t, contracts.EstadoPorAprobar)
		if _, _, err := e.Decidir(t.Context(), s.ID, compras.Decision{Decision: decision, Motivo: "porque sí"}); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if d, err := e.PedirAprobacion(t.Context(), s); err != nil || d.Resultado != outcome {
				t.Errorf("%s: %+v %v", decision, d, err)
			}
		}
	}
}

// Failure prevented: the approval threshold was lowered since the order was asked for; the purchase awaits an approval, is rejected,
// and the order stays.
func TestAnOrderThatWasAskedForNeedsNoApproval(t *testing.T) {
	e := nuevaEscena(t, pacientes)
	s := e.Compra(t, contracts.EstadoProductosReservados)
	e.Hacer(t, `insert into paso (id_compra, comando) values ($1, 'CrearOrden')`, s.ID)
	d, err := e.PedirAprobacion(t.Context(), s)
	if err != nil || d.Resultado != compra.Aceptada || e.Estado(t, s.ID) != contracts.EstadoProductosReservados {
		t.Errorf("%+v %v in %s", d, err, e.Estado(t, s.ID))
	}
}

// What could not be undone is told in the history; the reason stays.
func TestAFailureKeepsTheReason(t *testing.T) {
	e := nuevaEscena(t, pacientes)
	s := e.Compra(t, contracts.EstadoProductosReservados)
	if _, err := e.Deshacer(t.Context(), rollback(s, contracts.LiberarReserva)); err != nil {
		t.Fatal(err)
	}
	if err := e.Cerrar(t.Context(), compra.Cierre{
		IDCompra: s.ID, Estado: contracts.EstadoFallida, Detalle: "No se pudo deshacer.", Desde: en(contracts.EstadoCompensando),
	}); err != nil {
		t.Fatal(err)
	}
	c, err := e.Leer(t.Context(), s.ID)
	if err != nil || c.Motivo != "porque sí" || c.Historia[len(c.Historia)-1].Detalle != "No se pudo deshacer." {
		t.Errorf("%+v %v", c, err)
	}
}

// Failure prevented: a cancellation that was carried out and starts again tells the customer that it was refused.
func TestACancellationThatWasDoneIsNotRefused(t *testing.T) {
	e := nuevaEscena(t, pacientes)
	for estado, done := range map[contracts.Estado]bool{contracts.EstadoCancelada: true, contracts.EstadoFallida: false} {
		s := e.Compra(t, estado)
		e.Hacer(t, `insert into tramite (id_compra, tipo) values ($1, 'cancelacion')`, s.ID)
		if err := e.TerminarTramite(t.Context(), compra.Tramite{IDCompra: s.ID, Tipo: compra.TramiteCancelacion, Hecho: false}); err != nil {
			t.Fatal(err)
		}
		c, err := e.Leer(t.Context(), s.ID)
		did := postgrestest.Uno[bool](t, e.Almacen, `select hecho from tramite where id_compra = $1`, s.ID)
		if err != nil || len(c.Historia) != 1 || did != done {
			t.Errorf("%s: %+v %v, done %v", estado, c.Historia, err, did)
		}
	}
}
