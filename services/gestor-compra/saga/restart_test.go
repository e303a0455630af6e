package saga_test

import (
	"testing"

	"entregas/contracts"
	"entregas/services/gestor-compra/postgres"
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
	for decision, outcome := range map[string]compra.Resultado{postgres.Aprobada: compra.Aceptada, postgres.Rechazada: compra.Rechazada, postgres.Cancelada: compra.Cancelada} {
		s := e.Compra(t, contracts.EstadoPorAprobar)
		if _, _, err := e.Decidir(t.Context(), s.ID, postgres.Decision{Decision: decision, Motivo: "porque sí"}); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if d, err := e.PedirAprobacion(t.Context(), s); err != nil || d.Resultado != outcome {
				t.Errorf("%s: %+v %v", decision, d, err)
			}
		}
	}
}

// Failure prevented: a cancellation that was carried out and starts again tells the customer that it was refused.
func TestACancellationThatWasDoneIsNotRefused(t *testing.T) {
	e := nuevaEscena(t, pacientes)
	s := e.Compra(t, contracts.EstadoCancelada)
	e.Hacer(t, `insert into tramite (id_compra, tipo) values ($1, 'cancelacion')`, s.ID)
	if err := e.TerminarTramite(t.Context(), compra.Tramite{IDCompra: s.ID, Tipo: compra.TramiteCancelacion, Hecho: false}); err != nil {
		t.Fatal(err)
	}
	c, err := e.Leer(t.Context(), s.ID)
	done := postgrestest.Uno[bool](t, e.Almacen, `select hecho from tramite where id_compra = $1`, s.ID)
	if err != nil || len(c.Historia) != 1 || !done {
		t.Errorf("%+v %v, done %v", c.Historia, err, done)
	}
}
