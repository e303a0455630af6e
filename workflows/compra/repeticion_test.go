package compra

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/dapr/durabletask-go/api"
	"github.com/dapr/durabletask-go/backend"
	"github.com/dapr/durabletask-go/workflow"

	"entregas/contracts"
)

// Instances in flight are replayed with the new program. The engine itself only notices that an activity was called where
// none is now; that it is another one, or called with something else, only this comparison does.
func TestLasHistoriasSeRepiten(t *testing.T) {
	m := nuevoTrabajador(t, func(r *workflow.Registry) error { return Registrar(r, &teatro{}) })
	for _, h := range leerHistorias(t) {
		t.Run(h.nombre, func(t *testing.T) {
			if err := m.repetir(t, h); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestHayUnaHistoriaDeCadaCamino(t *testing.T) {
	historias := leerHistorias(t)
	for _, c := range caminos {
		if !slices.ContainsFunc(historias, func(h historia) bool { return strings.HasPrefix(h.nombre, c.nombre+".") }) {
			t.Errorf("falta la historia de %s: go test ./compra -run TestCaminos -record", c.nombre)
		}
	}
}

// repetir replays h as an instance that is anywhere on its way: at each place the workflow must do what it did.
func (m *motor) repetir(t *testing.T, h historia) error {
	t.Helper()
	for k := 1; k <= len(h.eventos); k++ {
		respuesta, err := m.ejecutor.Executor.ExecuteWorkflow(t.Context(), api.InstanceID(fmt.Sprint(h.nombre, k)), h.eventos[:k], nil, backend.ExecuteOptions{})
		if err != nil {
			return err
		}
		var ahora []paso
		for _, a := range respuesta.GetActions() {
			ahora = append(ahora, deAccion(a))
		}
		antes, comparable := h.despuesDe(k)
		if !comparable {
			antes = nil // a turn that is cut in two: it never is, but it must not fail
			ahora = slices.DeleteFunc(ahora, func(p paso) bool { return !strings.Contains(p.Nombre, "FAILED") })
		}
		if !slices.EqualFunc(antes, ahora, paso.igual) {
			return fmt.Errorf("tras %d eventos\nhacía %v\nhace  %v", k, antes, ahora)
		}
	}
	return nil
}

// despuesDe gives what the workflow did after the first k events, and whether that can be told: only where it had been
// told all that came with them.
func (h historia) despuesDe(k int) ([]paso, bool) {
	if k == len(h.eventos) {
		var pasos []paso
		for _, a := range h.acciones {
			pasos = append(pasos, deAccion(a))
		}
		return pasos, true
	}
	var pasos []paso
	for _, e := range h.eventos[k:] {
		p := deEvento(e)
		if p == nil {
			return pasos, len(pasos) > 0 || e.GetWorkflowStarted() != nil
		}
		pasos = append(pasos, *p)
	}
	return pasos, true
}

// alteraciones are changes of the workflow that break instances in flight.
var alteraciones = map[string]workflow.Workflow{
	"steps in another order":       conPasos(func(r *recorrido) { r.do(Reserva); r.do(Inventario); r.aprobar(); r.do(Orden) }),
	"a step left out":              conPasos(func(r *recorrido) { r.do(Reserva); r.aprobar(); r.do(Orden) }),
	"a step twice":                 conPasos(func(r *recorrido) { r.do(Inventario); r.do(Inventario); r.do(Reserva); r.aprobar(); r.do(Orden) }),
	"the approval last":            conPasos(func(r *recorrido) { r.do(Inventario); r.do(Reserva); r.do(Orden); r.aprobar() }),
	"everything needs an approval": conPasos(func(r *recorrido) { r.do(Inventario); r.do(Reserva); r.Aprobacion(); r.do(Orden) }),
	"another rollback": conPasos(func(r *recorrido) {
		r.do(Inventario)
		r.deshacer = nil
		r.do(Reserva)
		r.aprobar()
		r.do(Orden)
	}),
	"another activity": conPasos(func(r *recorrido) {
		r.fallar(r.llamar("Validar", Pregunta{Compra: r.entrada.Compra, Comando: contracts.ValidarInventario}, nil))
		r.do(Reserva)
		r.aprobar()
		r.do(Orden)
	}),
	"a wait between": conPasos(func(r *recorrido) {
		r.do(Inventario)
		r.fallar(r.ctx.CreateTimer(1).Await(nil))
		r.do(Reserva)
		r.aprobar()
		r.do(Orden)
	}),
	"rollbacks first to last": conPasos(func(r *recorrido) {
		r.do(Inventario)
		r.do(Reserva)
		r.aprobar()
		r.do(Orden)
		slices.Reverse(r.deshacer)
	}),
}

func conPasos(pasos func(r *recorrido)) workflow.Workflow {
	return func(ctx *workflow.WorkflowContext) (any, error) {
		var e Entrada
		if err := ctx.GetInput(&e); err != nil {
			return nil, err
		}
		r := nuevoRecorrido(ctx, e, InFlight)
		pasos(r)
		return r.Fin()
	}
}

func (r *recorrido) aprobar() {
	if r.entrada.RequiereAprobacion() {
		r.Aprobacion()
	}
}

func (r *recorrido) fallar(err error) {
	if err != nil {
		r.nadaQueHacer = true
	}
}

// That the replay above would see it.
func TestUnCambioQueRompeSeVe(t *testing.T) {
	historias := leerHistorias(t)
	for nombre, alterada := range alteraciones {
		t.Run(nombre, func(t *testing.T) {
			m := nuevoTrabajador(t, func(r *workflow.Registry) error {
				return errors.Join(r.AddWorkflowN(NombreCompra, alterada), r.AddWorkflowN(NombreDespacho, Despacho), r.AddWorkflowN(NombreCancelacion, Cancelacion))
			})
			for _, h := range historias {
				if m.repetir(t, h) != nil {
					return
				}
			}
			t.Error("ninguna historia lo nota")
		})
	}
}
