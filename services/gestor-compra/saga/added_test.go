package saga_test

import (
	"slices"
	"testing"
	"time"

	"entregas/contracts"
	"entregas/services/gestor-compra/compras"
	"entregas/workflows/compra"
)

const packing contracts.Estado = "EMPACANDO"

// withAdded adds a step to the table as a new version would: before the step whose command is before.
func withAdded(t *testing.T, before contracts.MessageType, added compra.Step) {
	t.Helper()
	steps, version, inFlight := compra.Steps, compra.Version, compra.InFlight
	t.Cleanup(func() { compra.Steps, compra.Version, compra.InFlight = steps, version, inFlight })
	added.Workflow, added.Command, added.Since, added.Cancelable = compra.CompraName, "PrepararEmpaque", version+1, true
	at := slices.IndexFunc(steps, func(s compra.Step) bool { return s.Command == before })
	compra.Steps, compra.Version = slices.Insert(slices.Clone(steps), at, added), added.Since
	if added.Enters != "" {
		compra.InFlight = slices.Insert(slices.Clone(inFlight), slices.Index(inFlight, compra.StepOf(before).Enters), added.Enters)
	}
}

// Failure prevented: a release adds a step, and a purchase is already beyond the place of that step. The workflow of the
// purchase starts again with the new table. The command of the new step was never sent, so the workflow finds nothing to do
// and ends. The purchase stands still until it is FALLIDA.
func TestAPurchasePastAnAddedStepGoesOn(t *testing.T) {
	for name, added := range map[string]compra.Step{
		"with a state of its own": {Enters: packing, Cause: contracts.ProductosReservados, From: inAnyOf(contracts.EstadoProductosValidos), In: inAnyOf(packing)},
		"without a state":         {In: inAnyOf(contracts.EstadoProductosValidos)},
	} {
		for _, estado := range []contracts.Estado{contracts.EstadoProductosReservados, contracts.EstadoPorAprobar} {
			t.Run(name+" in "+string(estado), func(t *testing.T) {
				e := newScene(t, patient)
				s := e.Compra(t, contracts.EstadoRecibida)
				for _, command := range []contracts.MessageType{contracts.ValidarInventario, contracts.ReservarProducto} {
					if _, err := e.Ask(t.Context(), question(s, command)); err != nil {
						t.Fatal(err)
					}
				}
				e.Do(t, `update compra set estado = $2 where id = $1`, s.ID, estado)
				if estado == contracts.EstadoPorAprobar {
					if _, _, err := e.Decide(t.Context(), s.ID, compras.Decision{Decision: compras.Aprobada}); err != nil {
						t.Fatal(err)
					}
				}
				withAdded(t, contracts.CrearOrden, added)
				in := compra.Resume(compra.Progress{SolicitudCompra: s, Estado: estado, Since: time.Now()}, compra.Settings{AprobacionThreshold: 100}, "two", time.Now())
				for _, step := range compra.Saga() {
					if in.Version < step.Since {
						t.Fatalf("version %d leaves out %s", in.Version, step.Command)
					}
					if step.Approved && in.RequiresAprobacion() {
						if d, err := e.AskForAprobacion(t.Context(), s); err != nil || d.Result != compra.Accepted {
							t.Fatalf("approval: %+v %v", d, err)
						}
					}
					d, err := e.Ask(t.Context(), step.Question(s))
					if asked := step.Since == 0; err != nil || d.Result != compra.Accepted || d.Asked != asked {
						t.Fatalf("%s: %+v %v, want accepted and asked %v", step.Command, d, err, asked)
					}
				}
				if e.Estado(t, s.ID) != contracts.EstadoConfirmada || slices.Contains(e.questions(), "PrepararEmpaque") {
					t.Errorf("%s after %v", e.Estado(t, s.ID), e.questions())
				}
			})
		}
	}
}

// A cancellation stops a purchase that is beyond an added step at the next step that it has not done.
func TestAPurchasePastAnAddedStepIsCancelled(t *testing.T) {
	e := newScene(t, patient)
	s := e.Compra(t, contracts.EstadoProductosReservados)
	e.Do(t, `update compra set cancelacion_pedida = 'ya no' where id = $1`, s.ID)
	withAdded(t, contracts.CrearOrden, compra.Step{Enters: packing, From: inAnyOf(contracts.EstadoProductosValidos), In: inAnyOf(packing)})
	if d, err := e.Ask(t.Context(), question(s, "PrepararEmpaque")); err != nil || d.Result != compra.Accepted || d.Asked {
		t.Errorf("the added step: %+v %v", d, err)
	}
	if d, err := e.Ask(t.Context(), question(s, contracts.CrearOrden)); err != nil || d.Result != compra.Cancelled || d.Motivo != "ya no" {
		t.Errorf("the step after it: %+v %v", d, err)
	}
}

// A release adds a step, and large purchases now wait for approval before that step. A purchase whose CrearOrden was sent is
// beyond it and needs no approval.
func TestAPurchasePastAnAddedApprovalGoesOn(t *testing.T) {
	e := newScene(t, patient)
	s := e.Compra(t, contracts.EstadoProductosReservados)
	withAdded(t, contracts.CrearOrden, compra.Step{
		Enters: packing, From: inAnyOf(contracts.EstadoProductosValidos), In: inAnyOf(packing, contracts.EstadoPorAprobar), Approved: true,
	})
	compra.InFlight = inAnyOf(contracts.EstadoRecibida, contracts.EstadoIniciada, contracts.EstadoProductosValidos, packing, contracts.EstadoPorAprobar, contracts.EstadoProductosReservados)
	for range 2 {
		if d, err := e.AskForAprobacion(t.Context(), s); err != nil || d.Result != compra.Accepted {
			t.Fatalf("%+v %v", d, err)
		}
	}
	if e.Estado(t, s.ID) != contracts.EstadoProductosReservados {
		t.Errorf("it is %s", e.Estado(t, s.ID))
	}
}
