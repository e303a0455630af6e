package saga_test

import (
	"slices"
	"testing"

	"entregas/contracts"
	"entregas/services/gestor-compra/compras"
	"entregas/workflows/compra"
)

// A large purchase goes through PRODUCTOS_RESERVADOS, as every purchase does. Then it frees its place while it waits for
// approval.
func TestAskForAprobacion(t *testing.T) {
	e := newScene(t, patient)
	for _, c := range []struct {
		name    string
		estado  contracts.Estado
		marked  bool
		result  compra.Result
		remains contracts.Estado
		steps   int // entries in the history besides the first
	}{
		{"reserved", contracts.EstadoProductosValidos, false, compra.Pending, contracts.EstadoPorAprobar, 2},
		{"half way", contracts.EstadoProductosReservados, false, compra.Pending, contracts.EstadoPorAprobar, 1},
		{"it waits already", contracts.EstadoPorAprobar, false, compra.Pending, contracts.EstadoPorAprobar, 0},
		{"cancelled before", contracts.EstadoProductosValidos, true, compra.Cancelled, contracts.EstadoProductosValidos, 0},
		{"at its end", contracts.EstadoRechazada, false, compra.Finished, contracts.EstadoRechazada, 0},
		{"being undone", contracts.EstadoCompensando, true, compra.Finished, contracts.EstadoCompensando, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := e.Compra(t, c.estado)
			if c.marked {
				e.Do(t, `update compra set cancelacion_pedida = 'ya no' where id = $1`, s.ID)
			}
			e.witness.Forget()
			for range 2 {
				d, err := e.AskForAprobacion(t.Context(), s)
				if err != nil || d.Result != c.result || d.Asked || d.Result == compra.Cancelled && d.Motivo != "ya no" {
					t.Fatalf("%+v %v", d, err)
				}
			}
			view, err := e.Load(t.Context(), s.ID)
			if err != nil || view.Estado != c.remains || len(view.Historia) != 1+c.steps {
				t.Fatalf("%+v %v", view, err)
			}
			if seen := e.witness.Forget(); (seen.Wakeups == 1 && len(seen.Broadcasts) == 1) != (c.steps > 0) {
				t.Errorf("told %+v", seen)
			}
			e.NoGaps(t, s.ID)
		})
	}
}

// The stored decision counts, whatever event woke the workflow. The deadline decides only when there is no decision.
func TestReadDecision(t *testing.T) {
	e := newScene(t, patient)
	for _, c := range []struct {
		name    string
		decided string
		expired bool
		result  compra.Result
		reply   contracts.MessageType
	}{
		{"woken for nothing", "", false, compra.Pending, ""},
		{"approved", compras.Aprobada, false, compra.Accepted, ""},
		{"rejected", compras.Refused, false, compra.Refused, "AprobacionNegada"},
		{"cancelled", compras.Cancelled, false, compra.Cancelled, ""},
		{"the time is up", "", true, compra.Refused, "AprobacionExpirada"},
		{"the time is up, but it was approved", compras.Aprobada, true, compra.Accepted, ""},
		{"the time is up, but it was cancelled", compras.Cancelled, true, compra.Cancelled, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := e.Compra(t, contracts.EstadoPorAprobar)
			if c.decided != "" {
				if _, first, err := e.Decide(t.Context(), s.ID, compras.Decision{Decision: c.decided, Motivo: "porque sí"}); err != nil || !first {
					t.Fatal(first, err)
				}
			}
			for range 2 {
				d, err := e.ReadDecision(t.Context(), compra.DecisionReading{IDCompra: s.ID, Expired: c.expired})
				if err != nil || d.Result != c.result || d.Reply != c.reply {
					t.Fatalf("%+v %v", d, err)
				}
				if hasMotivo := slices.Contains([]compra.Result{compra.Refused, compra.Cancelled}, d.Result); hasMotivo != (d.Motivo != "") {
					t.Errorf("it says %q", d.Motivo)
				}
			}
			view, err := e.Load(t.Context(), s.ID)
			if aprobada := c.result == compra.Accepted; err != nil || (len(view.Historia) == 2) != aprobada {
				t.Errorf("%+v %v", view.Historia, err)
			}
			if toWake, err := e.AwaitingWakeup(t.Context(), 0, 100); err != nil || slices.Contains(toWake, s.ID) {
				t.Errorf("still to wake: %v", err)
			}
		})
	}
}
