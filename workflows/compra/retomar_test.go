package compra

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dapr/durabletask-go/api"
	"github.com/dapr/durabletask-go/api/protos"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"entregas/contracts"
)

// undoing is e for a purchase whose compensation was lost on the way and that ends in final.
func undoing(e Entrada, final contracts.Estado) Entrada {
	return Resume(Progress{
		SolicitudCompra: e.Compra, Estado: contracts.EstadoCompensando, Desde: time.Now(), Cancelled: final == contracts.EstadoCancelada, Motivo: "Se perdió.",
	}, e.Ajustes, "", time.Now())
}

// A compensation that was lost undoes every step and ends where it must; no step is asked again.
func TestLostCompensationUndoesEverything(t *testing.T) {
	e := nuevoEscenario(t)
	for id, final := range map[string]contracts.Estado{"perdida": contracts.EstadoRechazada, "perdida-cancelada": contracts.EstadoCancelada} {
		l := &libreto{desenlaces: map[string][]Desenlace{}}
		e.teatro.libretos.Store(id, l)
		e.motor.iniciar(t, NombreCompra, id, undoing(camino{ajustes: Ajustes{PlazoCompensacion: time.Hour}}.entrada(id), final))
		e.terminar(t, id)
		if hecho := strings.Join(l.hecho(), ", "); hecho != strings.TrimPrefix(sinOrden, ", ")+", cerrar "+string(final) {
			t.Errorf("hizo %s", hecho)
		}
	}
}

// What a workflow that starts again begins with, by where its purchase stands.
func TestResume(t *testing.T) {
	now := time.Now()
	settings := Ajustes{UmbralAprobacion: 100, PlazoAprobacion: 24 * time.Hour, PlazoCompensacion: time.Hour}
	for _, c := range []struct {
		estado   contracts.Estado
		since    time.Duration
		umbral   int
		plazo    time.Duration
		undoes   bool
		cancels  bool
		finalFor contracts.Estado
	}{
		{estado: contracts.EstadoIniciada, since: time.Hour, umbral: 100, plazo: 24 * time.Hour},
		{estado: contracts.EstadoProductosReservados, since: time.Hour, umbral: 100, plazo: 24 * time.Hour},
		{estado: contracts.EstadoPorAprobar, since: time.Hour, plazo: 23 * time.Hour},
		{estado: contracts.EstadoPorAprobar, since: 25 * time.Hour, plazo: 0},
		{estado: contracts.EstadoCompensando, since: time.Hour, umbral: 100, plazo: 24 * time.Hour, undoes: true, finalFor: contracts.EstadoRechazada},
		{estado: contracts.EstadoCompensando, since: time.Hour, umbral: 100, plazo: 24 * time.Hour, undoes: true, cancels: true, finalFor: contracts.EstadoCancelada},
	} {
		falta := []contracts.Faltante{{IDProducto: "1", Solicitada: 2}}
		e := Resume(Progress{
			Estado: c.estado, Desde: now.Add(-c.since), Cancelled: c.cancels, Causa: contracts.ReservaRechazada, Motivo: "no hay", Faltantes: falta,
		}, settings, "otra", now)
		if e.Run != "otra" || e.Version != Version || e.Ajustes.UmbralAprobacion != c.umbral || e.Ajustes.PlazoAprobacion != c.plazo || e.deshaciendo() != c.undoes {
			t.Errorf("%s: %+v", c.estado, e)
		}
		if c.undoes && (e.Retomada.Fin.Estado != c.finalFor || e.Retomada.Fin.Motivo != "no hay" || !e.Retomada.Desde.Equal(now.Add(-c.since)) ||
			!slices.Equal(e.Retomada.Fin.Faltantes, falta) || !slices.Equal(e.Retomada.Pendientes, rollbacks("", Version))) {
			t.Errorf("%s: %+v", c.estado, e.Retomada)
		}
	}
}

// Failure prevented: an instance was replaced under the same id, and then an activity of the old one ends. The engine numbers the
// activities of both alike, so that the new instance takes the outcome for that of its own step.
func TestLateOutcomeOfAReplacedInstanceChangesNothing(t *testing.T) {
	e := nuevoEscenario(t)
	for name, stale := range map[string]string{
		"a refusal of the first instance":      `{"resultado":"rechazada","preguntada":true,"motivo":"no"}`,
		"an end without an outcome":            "",
		"a cancellation of another named run":  `{"run":"uno","body":{"resultado":"cancelada","preguntada":true}}`,
		"an approval of the first instance":    `{"resultado":"aceptada","preguntada":true}`,
		"no reply in time, of the first (nil)": `null`,
	} {
		t.Run(name, func(t *testing.T) {
			id := strings.ReplaceAll(name, " ", "-")
			l := &libreto{desenlaces: map[string][]Desenlace{}}
			told := false
			l.alLlamar = func(call string) {
				if told || call != string(contracts.ValidarInventario) {
					return
				}
				told = true
				if err := e.almacen.AddNewWorkflowEvent(t.Context(), api.InstanceID(id), &protos.HistoryEvent{
					EventId: -1, Timestamp: timestamppb.Now(), EventType: &protos.HistoryEvent_TaskCompleted{
						TaskCompleted: &protos.TaskCompletedEvent{TaskScheduledId: 0, Result: wrapperspb.String(stale)},
					},
				}); err != nil {
					t.Error(err)
				}
				for len(l.hecho()) < 2 { // the workflow has taken it before this step ends
					if t.Context().Err() != nil {
						return
					}
					time.Sleep(time.Millisecond)
				}
			}
			e.teatro.libretos.Store(id, l)
			e.motor.iniciar(t, NombreCompra, id, camino{run: "dos"}.entrada(id))
			e.terminar(t, id)
			want := string(contracts.ValidarInventario) + ", " + hastaOrden
			if did := strings.Join(l.hecho(), ", "); did != want {
				t.Errorf("did %s, want %s", did, want)
			}
		})
	}
}

// A run with a name walks every way as one without.
func TestNamedRunsWalkAlike(t *testing.T) {
	e := nuevoEscenario(t)
	libretos := map[string]*libreto{}
	for _, c := range caminos {
		c.run = "dos"
		libretos[c.nombre] = e.iniciar(t, c, c.nombre)
	}
	for _, c := range caminos {
		e.terminar(t, c.nombre)
		if did := libretos[c.nombre].hecho(); !slices.Equal(did, c.esperado()) {
			t.Errorf("%s did %q, want %q", c.nombre, did, c.esperado())
		}
	}
}
