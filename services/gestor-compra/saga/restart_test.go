package saga_test

import (
	"testing"

	"entregas/contracts"
	"entregas/services/gestor-compra/compras"
	"entregas/services/gestor-compra/postgrestest"
	"entregas/workflows/compra"
)

// A workflow that starts again skips the steps whose reply is recorded, without sending their commands. It continues at the
// first step without a reply.
func TestAStepThatWasPassedIsWalkedOver(t *testing.T) {
	e := newScene(t, patient)
	s := e.Compra(t, contracts.EstadoRecibida)
	order := []contracts.MessageType{contracts.ValidarInventario, contracts.ReservarProducto, contracts.CrearOrden}
	for done := range order {
		before := len(e.questions())
		for i, command := range order[:done+1] {
			d, err := e.Ask(t.Context(), question(s, command))
			if err != nil || d.Result != compra.Accepted || !d.Asked {
				t.Fatalf("with %d steps done, %s: %+v %v", done, command, d, err)
			}
			if asked := len(e.questions()) - before; asked != 0 && i < done {
				t.Fatalf("asked %v again", e.questions())
			}
		}
	}
	if e.Estado(t, s.ID) != contracts.EstadoConfirmada || len(e.questions()) != 3 {
		t.Errorf("%s after %v", e.Estado(t, s.ID), e.questions())
	}
	e.NoGaps(t, s.ID)
}

// A step is not skipped if its reply is a refusal or if its purchase is being rolled back.
func TestAStepThatWasNotPassedIsNot(t *testing.T) {
	e := newScene(t, patient)
	s := e.Compra(t, contracts.EstadoRecibida)
	if _, err := e.Ask(t.Context(), question(s, contracts.ValidarInventario)); err != nil {
		t.Fatal(err)
	}
	e.Do(t, `update compra set estado = 'COMPENSANDO' where id = $1`, s.ID)
	if d, err := e.Ask(t.Context(), question(s, contracts.ValidarInventario)); err != nil || d.Result != compra.Finished {
		t.Errorf("%+v %v", d, err)
	}
}

// Failure prevented: a workflow that starts again after the decision was delivered waits for an event that never comes again.
func TestAnApprovalThatWasDecidedIsNotAwaitedAgain(t *testing.T) {
	e := newScene(t, patient)
	for decision, outcome := range map[string]compra.Result{compras.Aprobada: compra.Accepted, compras.Refused: compra.Refused, compras.Cancelled: compra.Cancelled} {
		s := e.Compra(t, contracts.EstadoPorAprobar)
		if _, _, err := e.Decide(t.Context(), s.ID, compras.Decision{Decision: decision, Motivo: "porque sí"}); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if d, err := e.AskForAprobacion(t.Context(), s); err != nil || d.Result != outcome {
				t.Errorf("%s: %+v %v", decision, d, err)
			}
		}
	}
}

// Failure prevented: the approval threshold is lowered after CrearOrden was sent, and the workflow starts again. The purchase
// waits for approval and is rejected, and its order stays.
func TestAnOrderThatWasAskedForNeedsNoApproval(t *testing.T) {
	e := newScene(t, patient)
	s := e.Compra(t, contracts.EstadoProductosReservados)
	e.Do(t, `insert into paso (id_compra, comando) values ($1, 'CrearOrden')`, s.ID)
	d, err := e.AskForAprobacion(t.Context(), s)
	if err != nil || d.Result != compra.Accepted || e.Estado(t, s.ID) != contracts.EstadoProductosReservados {
		t.Errorf("%+v %v in %s", d, err, e.Estado(t, s.ID))
	}
}

// A failed rollback is recorded in the history. It does not replace the reason of the purchase.
func TestAFailureKeepsTheReason(t *testing.T) {
	e := newScene(t, patient)
	s := e.Compra(t, contracts.EstadoProductosReservados)
	if _, err := e.Undo(t.Context(), rollback(s, contracts.LiberarReserva)); err != nil {
		t.Fatal(err)
	}
	if err := e.Close(t.Context(), compra.Ending{
		IDCompra: s.ID, Estado: contracts.EstadoFallida, Detalle: "No se pudo deshacer.", From: inAnyOf(contracts.EstadoCompensando),
	}); err != nil {
		t.Fatal(err)
	}
	c, err := e.Load(t.Context(), s.ID)
	if err != nil || c.Motivo != "porque sí" || c.Historia[len(c.Historia)-1].Detalle != "No se pudo deshacer." {
		t.Errorf("%+v %v", c, err)
	}
}

// Failure prevented: the workflow of a cancellation that was carried out starts again, and tells the customer that the
// cancellation was refused.
func TestACancellationThatWasDoneIsNotRefused(t *testing.T) {
	e := newScene(t, patient)
	for estado, done := range map[contracts.Estado]bool{contracts.EstadoCancelada: true, contracts.EstadoFallida: false} {
		s := e.Compra(t, estado)
		e.Do(t, `insert into tramite (id_compra, tipo) values ($1, 'cancelacion')`, s.ID)
		if err := e.FinishTramite(t.Context(), compra.Tramite{IDCompra: s.ID, Tipo: compra.TramiteCancelacion, Done: false}); err != nil {
			t.Fatal(err)
		}
		c, err := e.Load(t.Context(), s.ID)
		did := postgrestest.One[bool](t, e.Store, `select hecho from tramite where id_compra = $1`, s.ID)
		if err != nil || len(c.Historia) != 1 || did != done {
			t.Errorf("%s: %+v %v, done %v", estado, c.Historia, err, did)
		}
	}
}
