package saga_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"entregas/contracts"
	"entregas/services/gestor-compra/compras"
	"entregas/services/gestor-compra/postgres"
	"entregas/services/gestor-compra/postgrestest"
	"entregas/services/gestor-compra/saga"
	"entregas/workflows/compra"
)

var underway = compra.InFlight

func rollback(c contracts.SolicitudCompra, command contracts.MessageType) compra.Rollback {
	return compra.Rollback{Compra: c, Command: command, Motivo: "porque sí", Cause: contracts.OrdenRechazada, From: underway}
}

// A rollback changes the purchase to COMPENSANDO once. The history has each confirmed rollback once, in order.
func TestUndo(t *testing.T) {
	e := newScene(t, patient)
	s := e.Compra(t, contracts.EstadoProductosReservados)
	for _, command := range []contracts.MessageType{contracts.CancelarOrden, contracts.LiberarReserva, contracts.CancelarValidacionInventario} {
		for range 2 { // an activity may run again after its end
			if d, err := e.Undo(t.Context(), rollback(s, command)); err != nil || d.Result != compra.Accepted {
				t.Fatalf("%s: %+v %v", command, d, err)
			}
		}
	}
	c, err := e.Load(t.Context(), s.ID)
	if err != nil || c.Estado != contracts.EstadoCompensando || c.Motivo != "porque sí" || len(e.questions()) != 3 {
		t.Fatalf("%+v %v after asking %v", c, err, e.questions())
	}
	var steps []string
	for _, h := range c.Historia {
		steps = append(steps, h.Paso+" "+h.Tipo)
	}
	if want := []string{"RECIBIDA CrearCompra", "COMPENSANDO OrdenRechazada", "CancelarOrden OrdenCancelada", "LiberarReserva ReservaLiberada",
		"CancelarValidacionInventario ValidacionCancelada"}; !slices.Equal(steps, want) {
		t.Errorf("the history has %q", steps)
	}
	e.NoGaps(t, s.ID)
}

// A rollback gets no reply in its first round. The same command is sent again in later rounds, and the step is never
// abandoned.
func TestUndoWithoutConfirmation(t *testing.T) {
	e := newScene(t, saga.Settings{AskAgainAfter: time.Hour, ReviewRound: time.Millisecond, RollbackDelay: 10 * time.Millisecond})
	s := e.Compra(t, contracts.EstadoProductosReservados)
	e.respond = nil
	for attempt := 1; attempt <= 2; attempt++ {
		if d, err := e.Undo(t.Context(), rollback(s, contracts.LiberarReserva)); err != nil || d.Result != compra.NoReply || len(e.questions()) != attempt {
			t.Fatalf("attempt %d: %+v %v after asking %v", attempt, d, err, e.questions())
		}
		e.Do(t, `update paso set preguntada_en = preguntada_en - interval '1 hour' where id_compra = $1`, s.ID)
	}
	if recorded, _, err := e.RecordReply(t.Context(), s.ID, contracts.LiberarReserva, compras.Reply{Tipo: contracts.ReservaLiberada}); err != nil || recorded != compras.First {
		t.Fatal(recorded, err)
	}
	if d, err := e.Undo(t.Context(), rollback(s, contracts.LiberarReserva)); err != nil || d.Result != compra.Accepted || len(e.questions()) != 2 {
		t.Fatalf("%+v %v after asking %v", d, err, e.questions())
	}
}

// ordenes says that an order has left the warehouse, so it is not cancelled (docs/adr/who-owns-a-fact-decides.md). Nothing was
// undone, and the history does not say so.
func TestUndoWhatAlreadyLeft(t *testing.T) {
	e := newScene(t, patient)
	s := e.Compra(t, contracts.EstadoProductosReservados)
	e.respond = always(despachada)
	d, err := e.Undo(t.Context(), rollback(s, contracts.CancelarOrden))
	if err != nil || d.Result != compra.Refused || d.Reply != contracts.OrdenDespachada || d.IDOrden != "o1" {
		t.Fatalf("%+v %v", d, err)
	}
	if c, err := e.Load(t.Context(), s.ID); err != nil || len(c.Historia) != 2 || c.Estado != contracts.EstadoCompensando {
		t.Fatalf("%+v %v", c, err)
	}
}

// Only ordenes may say that a purchase has left. A refusal by another participant is recorded once, and the command is sent again
// until the rollback is confirmed.
func TestARefusedRollbackIsAskedAgain(t *testing.T) {
	e := newScene(t, patient)
	s := e.Compra(t, contracts.EstadoProductosReservados)
	refuse := true
	e.respond = func(contracts.MessageType, int) *compras.Reply {
		if refuse {
			return &compras.Reply{Tipo: contracts.ReservaDespachada, Motivo: "Los productos ya se habían despachado."}
		}
		return &compras.Reply{Tipo: contracts.ReservaLiberada}
	}
	for try := 1; try <= 3; try++ {
		d, err := e.Undo(t.Context(), rollback(s, contracts.LiberarReserva))
		if err != nil || d.Result != compra.NoReply || d.Reply != contracts.ReservaDespachada || len(e.questions()) != try {
			t.Fatalf("try %d: %+v %v after asking %v", try, d, err, e.questions())
		}
	}
	refuse = false
	if d, err := e.Undo(t.Context(), rollback(s, contracts.LiberarReserva)); err != nil || d.Result != compra.Accepted || len(e.questions()) != 4 {
		t.Fatalf("%+v %v after asking %v", d, err, e.questions())
	}
	c, err := e.Load(t.Context(), s.ID)
	if err != nil || c.Estado != contracts.EstadoCompensando {
		t.Fatalf("%+v %v", c, err)
	}
	told := 0
	for _, h := range c.Historia {
		if h.Paso == "ReversaNegada" && h.Tipo == string(contracts.ReservaDespachada) {
			told++
		}
	}
	if late := postgrestest.One[int](t, e.Store, `select jsonb_array_length(tardias) from paso where id_compra = $1`, s.ID); told != 1 || late != 3 {
		t.Errorf("told %d times, kept %d replies", told, late)
	}
}

// The table of steps says what a refused rollback means: one reply of ordenes says that the order has left. Any other refusal is a
// failure, both in a compensation and in the cancellation of a confirmed purchase.
func TestTheTableSaysWhatARefusedRollbackMeans(t *testing.T) {
	e := newScene(t, patient)
	for _, step := range compra.Saga() {
		for _, reply := range answers(step) {
			for name, undo := range map[string]func(contracts.SolicitudCompra) (compra.Outcome, error){
				"compensation": func(s contracts.SolicitudCompra) (compra.Outcome, error) {
					return e.Undo(t.Context(), rollback(s, step.Undo.Command))
				},
				"cancellation": func(s contracts.SolicitudCompra) (compra.Outcome, error) {
					return e.Ask(t.Context(), compra.Anulacion.Question(s))
				},
			} {
				if name == "cancellation" && step.Undo.Command != compra.Anulacion.Command {
					continue
				}
				s := e.Compra(t, map[string]contracts.Estado{"compensation": contracts.EstadoProductosReservados, "cancellation": contracts.EstadoConfirmada}[name])
				before := len(e.questions())
				e.respond = always(&compras.Reply{Tipo: reply, IDOrden: "o1"})
				d, err := undo(s)
				if err != nil {
					t.Fatal(err)
				}
				left := reply == contracts.OrdenDespachada && step.Command == contracts.CrearOrden
				told := postgrestest.One[int](t, e.Store, `select count(*) from historia where id_compra = $1 and paso = 'ReversaNegada' and tipo = $2`, s.ID, reply)
				if left != (d.Result == compra.Refused) || left != (told == 0) {
					t.Errorf("%s of %s answered by %s: %s, told %d times", name, step.Undo.Command, reply, d.Result, told)
				}
				if left {
					continue
				}
				e.respond = always(&compras.Reply{Tipo: step.Undo.Confirmed.Type})
				if d, err := undo(s); err != nil || d.Result != compra.Accepted || len(e.questions()) != before+2 {
					t.Errorf("%s of %s after %s: %+v %v, asked %v", name, step.Undo.Command, reply, d, err, e.questions()[before:])
				}
			}
		}
	}
}

// answers returns every message type of the participant of step, except the one that confirms the rollback, and one unknown
// type.
func answers(step compra.Step) []contracts.MessageType {
	all := append([]contracts.MessageType{"RollbackNegado"}, contracts.TopicOf(step.Accepted.Type).Messages...)
	return slices.DeleteFunc(all, func(t contracts.MessageType) bool { return t == step.Undo.Confirmed.Type })
}

// Undo of a purchase that has ended returns an error, not an outcome: the workflow must never ask for it.
func TestWhatIsFinishedIsNotUndone(t *testing.T) {
	e := newScene(t, patient)
	for _, estado := range []contracts.Estado{contracts.EstadoConfirmada, contracts.EstadoDespachada, contracts.EstadoRechazada, contracts.EstadoCancelada} {
		s := e.Compra(t, estado)
		if d, err := e.Undo(t.Context(), rollback(s, contracts.LiberarReserva)); err == nil || len(e.questions()) != 0 || e.Estado(t, s.ID) != estado {
			t.Errorf("%s: %+v %v after asking %v", estado, d, err, e.questions())
		}
	}
}

// The end of a purchase is recorded once and published once, and frees the place.
func TestClose(t *testing.T) {
	e := newScene(t, patient)
	missing := []contracts.Faltante{{IDProducto: "1", Solicitada: 2, Disponible: 1}}
	for _, c := range []struct {
		name    string
		desde   contracts.Estado
		ending  compra.Ending
		remains contracts.Estado
	}{
		{"out of stock", contracts.EstadoIniciada, compra.Ending{Estado: contracts.EstadoRechazada, Motivo: "no hay", Cause: contracts.InventarioInsuficiente, Faltantes: missing, From: underway}, contracts.EstadoRechazada},
		{"cancelled before it began", contracts.EstadoRecibida, compra.Ending{Estado: contracts.EstadoCancelada, Motivo: "ya no", Cause: contracts.CancelarCompra, From: underway}, contracts.EstadoCancelada},
		{"all undone", contracts.EstadoCompensando, compra.Ending{Estado: contracts.EstadoCancelada, Motivo: "ya no", Cause: contracts.CancelarCompra, From: append(inAnyOf(contracts.EstadoCompensando), underway...)}, contracts.EstadoCancelada},
		{"confirmed after all", contracts.EstadoCompensando, compra.Ending{Estado: contracts.EstadoConfirmada, Cause: contracts.OrdenDespachada, IDOrden: "o1", From: inAnyOf(contracts.EstadoCompensando)}, contracts.EstadoConfirmada},
		{"it is at another end", contracts.EstadoDespachada, compra.Ending{Estado: contracts.EstadoRechazada, Motivo: "no", From: underway}, contracts.EstadoDespachada},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := e.Compra(t, c.desde)
			c.ending.IDCompra = s.ID
			e.witness.Forget()
			for range 2 {
				if err := e.Close(t.Context(), c.ending); err != nil {
					t.Fatal(err)
				}
			}
			view, err := e.Load(t.Context(), s.ID)
			if err != nil || view.Estado != c.remains {
				t.Fatalf("%+v %v", view, err)
			}
			times := map[bool]int{true: 1, false: 0}[c.remains == c.ending.Estado]
			if seen := e.witness.Forget(); len(seen.Broadcasts) != times || seen.Wakeups != times || len(view.Historia) != 1+times {
				t.Errorf("told %+v, %+v", seen, view.Historia)
			}
			if times == 1 && (view.Motivo == "" && c.ending.Motivo != "" || !slices.Equal(view.Faltantes, c.ending.Faltantes) || view.IDOrden != c.ending.IDOrden) {
				t.Errorf("%+v", view)
			}
		})
	}
}

func TestFinishTramite(t *testing.T) {
	e := newScene(t, patient)
	for _, c := range []struct {
		kind  string
		done  bool
		steps int // entries in the history besides the first
	}{{compra.TramiteDespacho, true, 0}, {compra.TramiteCancelacion, true, 0}, {compra.TramiteCancelacion, false, 1}} {
		s := e.Compra(t, contracts.EstadoConfirmada)
		e.Do(t, `insert into tramite (id_compra, tipo) values ($1, $2)`, s.ID, c.kind)
		if c.steps > 0 { // ordenes refused
			e.Do(t, `insert into paso (id_compra, comando, respuesta, datos) values ($1, 'CancelarOrden', 'OrdenDespachada', '{}')`, s.ID)
		}
		for range 2 {
			if err := e.FinishTramite(t.Context(), compra.Tramite{IDCompra: s.ID, Tipo: c.kind, Done: c.done}); err != nil {
				t.Fatal(err)
			}
		}
		view, err := e.Load(t.Context(), s.ID)
		if err != nil || len(view.Historia) != 1+c.steps || view.Estado != contracts.EstadoConfirmada {
			t.Errorf("%s %v: %+v %v", c.kind, c.done, view, err)
		}
		if done := postgrestest.One[bool](t, e.Store, `select hecho and terminado_en is not null from tramite where id_compra = $1`, s.ID); done != c.done {
			t.Errorf("done of %s is %v", c.kind, done)
		}
	}
}

// If the broker is down during a rollback, the rollback has no reply. The workflow tries again later.
func TestUndoWithoutABroker(t *testing.T) {
	e := newScene(t, saga.Settings{AskAgainAfter: time.Hour, ReviewRound: time.Millisecond, RollbackDelay: 5 * time.Millisecond})
	s := e.Compra(t, contracts.EstadoProductosReservados)
	e.Fail(errors.New("the broker does not answer"))
	if d, err := e.Undo(t.Context(), rollback(s, contracts.LiberarReserva)); err != nil || d.Result != compra.NoReply {
		t.Fatalf("%+v %v", d, err)
	}
	e.Fail(nil)
	e.Saga = e.withWakeups(postgres.NewWakeups(e.Pool), patient)
	if d, err := e.Undo(t.Context(), rollback(s, contracts.LiberarReserva)); err != nil || d.Result != compra.Accepted {
		t.Fatalf("%+v %v", d, err)
	}
}
