package intake_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"entregas/contracts"
	"entregas/internal/errs"
	"entregas/services/gestor-compra/intake"
	"entregas/services/gestor-compra/postgrestest"
)

const (
	recibida   = contracts.EstadoRecibida
	porAprobar = contracts.EstadoPorAprobar
)

// A change is broadcast, a decision wakes the workflow, and a new purchase notifies the admission. A refused or repeated request
// notifies no part.
func TestWhoIsToldOfIt(t *testing.T) {
	a := postgrestest.New(t)
	var witness postgrestest.Witness
	r := intake.New(a, &witness, &witness, intake.Options{MaxOpen: 100, Admit: witness.Notify, Reconcile: witness.Reconcile})
	nobody := postgrestest.Seen{}
	long := strings.Repeat("a", contracts.MaxMotivo+1)
	for _, c := range []struct {
		name   string
		estado contracts.Estado // "": there is no purchase yet
		act    func(s contracts.SolicitudCompra) error
		code   errs.Code
		seen   postgrestest.Seen
	}{
		{"a purchase", "", accept(t, r), "", postgrestest.Seen{Broadcasts: []contracts.Estado{recibida}, Wakeups: 1}},
		{"the same again", recibida, accept(t, r), "", nobody},
		{"an invalid one", "", func(s contracts.SolicitudCompra) error { s.Productos = nil; return accept(t, r)(s) }, errs.Invalid, nobody},
		{"another one's id", recibida, func(s contracts.SolicitudCompra) error { s.IDUsuario = "eva"; return accept(t, r)(s) }, errs.Conflict, nobody},

		{"a cancellation of what has not begun", recibida, cancelar(t, r, "ya no"), "", postgrestest.Seen{Broadcasts: []contracts.Estado{contracts.EstadoCancelada}, Wakeups: 1}},
		{"of what awaits approval", porAprobar, cancelar(t, r, "ya no"), "", postgrestest.Seen{Woken: 1, Wakeups: 1}},
		{"of what runs", contracts.EstadoIniciada, cancelar(t, r, "ya no"), "", postgrestest.Seen{Wakeups: 1}},
		{"of what is confirmed", contracts.EstadoConfirmada, cancelar(t, r, "ya no"), "", postgrestest.Seen{Wakeups: 1}},
		{"of what was rejected", contracts.EstadoRechazada, cancelar(t, r, "ya no"), errs.Conflict, nobody},
		{"for too long a reason", recibida, cancelar(t, r, long), errs.Invalid, nobody},
		{"of nothing", "", cancelar(t, r, "ya no"), errs.NotFound, nobody},
		{"by message", recibida, cancelarByMessage(t, r, "ana"), "", postgrestest.Seen{Broadcasts: []contracts.Estado{contracts.EstadoCancelada}, Wakeups: 1}},
		{"by message, before it comes", "", cancelarByMessage(t, r, "ana"), "", nobody},
		{"by another's message", recibida, cancelarByMessage(t, r, "eva"), errs.BadMessage, nobody},
		{"by nobody's message", "", cancelarByMessage(t, r, ""), errs.Invalid, nobody},

		{"an approval", porAprobar, aprobar(t, r, ""), "", postgrestest.Seen{Woken: 1}},
		{"an approval of what awaits none", contracts.EstadoIniciada, aprobar(t, r, ""), errs.Conflict, nobody},
		{"an approval of nothing", "", aprobar(t, r, ""), errs.NotFound, nobody},
		{"an approval for too long a reason", porAprobar, aprobar(t, r, long), errs.Invalid, nobody},

		{"a retry of what failed", contracts.EstadoFallida, retry(t, r), "", postgrestest.Seen{Broadcasts: []contracts.Estado{contracts.EstadoCompensando}, Reconciled: 1}},
		{"a retry of what did not", contracts.EstadoConfirmada, retry(t, r), errs.Conflict, nobody},
		{"a retry of nothing", "", retry(t, r), errs.NotFound, nobody},

		{"a dispatch", contracts.EstadoConfirmada, despachada(t, r), "", postgrestest.Seen{Wakeups: 1}},
		{"a dispatch of nothing", "", despachada(t, r), errs.BadMessage, nobody},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := postgrestest.NewSolicitud()
			if c.estado != "" {
				s = a.Compra(t, c.estado)
			}
			err := c.act(s)
			if (err == nil) != (c.code == "") || err != nil && errs.Of(err) != c.code {
				t.Fatalf("%v, want %q", err, c.code)
			}
			if seen := witness.Forget(); fmt.Sprint(seen) != fmt.Sprint(c.seen) {
				t.Errorf("told %+v, want %+v", seen, c.seen)
			}
		})
	}
}

func accept(t *testing.T, r *intake.Intake) func(contracts.SolicitudCompra) error {
	return func(s contracts.SolicitudCompra) error { _, err := r.Accept(t.Context(), s); return err }
}

func cancelar(t *testing.T, r *intake.Intake, motivo string) func(contracts.SolicitudCompra) error {
	return func(s contracts.SolicitudCompra) error {
		_, _, err := r.Cancelar(t.Context(), s.ID, motivo)
		return err
	}
}

func cancelarByMessage(t *testing.T, r *intake.Intake, usuario string) func(contracts.SolicitudCompra) error {
	return func(s contracts.SolicitudCompra) error { return r.CancelarByMessage(t.Context(), s.ID, usuario, "") }
}

func aprobar(t *testing.T, r *intake.Intake, motivo string) func(contracts.SolicitudCompra) error {
	return func(s contracts.SolicitudCompra) error {
		_, err := r.Aprobar(t.Context(), s.ID, true, motivo)
		return err
	}
}

func despachada(t *testing.T, r *intake.Intake) func(contracts.SolicitudCompra) error {
	return func(s contracts.SolicitudCompra) error { return r.DespachoDone(t.Context(), s.ID) }
}

func TestCancelacionWithoutMotivoGetsOne(t *testing.T) {
	a := postgrestest.New(t)
	r := intake.New(a, &postgrestest.Witness{}, &postgrestest.Witness{}, intake.Options{MaxOpen: 100, Admit: func() {}})
	c, done, err := r.Cancelar(t.Context(), a.Compra(t, recibida).ID, "")
	if err != nil || !done || c.Motivo == "" {
		t.Fatalf("%+v %v %v", c, done, err)
	}
}

func retry(t *testing.T, r *intake.Intake) func(contracts.SolicitudCompra) error {
	return func(s contracts.SolicitudCompra) error {
		_, err := r.Reintentar(t.Context(), s.ID)
		return err
	}
}

// A customer at the limit of open purchases gets no further one. A request gets Conflict; a command is stored as RECHAZADA. A
// repeated request still returns its purchase.
func TestTooManyOpen(t *testing.T) {
	a := postgrestest.New(t)
	var witness postgrestest.Witness
	r := intake.New(a, &witness, &witness, intake.Options{MaxOpen: 3, Admit: witness.Notify})
	var first contracts.SolicitudCompra
	for i, estado := range []contracts.Estado{recibida, porAprobar, contracts.EstadoConfirmada} {
		s := postgrestest.NewSolicitud()
		if _, err := r.Accept(t.Context(), s); err != nil {
			t.Fatalf("purchase %d: %v", i+1, err)
		}
		a.Do(t, `update compra set estado = $2 where id = $1`, s.ID, estado)
		first = s
	}
	witness.Forget()

	refused := postgrestest.NewSolicitud()
	if _, err := r.Accept(t.Context(), refused); errs.Of(err) != errs.Conflict || !strings.Contains(err.Error(), "3 compras abiertas") {
		t.Errorf("one too many: %v", err)
	}
	if _, err := a.Load(t.Context(), refused.ID); errs.Of(err) != errs.NotFound {
		t.Errorf("a purchase that was not accepted is stored: %v", err)
	}
	if _, err := r.Accept(t.Context(), first); err != nil {
		t.Errorf("a repeated one: %v", err)
	}
	if seen := witness.Forget(); fmt.Sprint(seen) != fmt.Sprint(postgrestest.Seen{}) {
		t.Errorf("told %+v", seen)
	}

	for range 2 { // the broker delivers it again
		c, err := r.AcceptByMessage(t.Context(), refused)
		if err != nil || c.Estado != contracts.EstadoRechazada || c.Motivo == "" || len(c.Historia) != 2 || c.Historia[1].Detalle != c.Motivo {
			t.Fatalf("by message: %+v %v", c, err)
		}
	}
	a.NoGaps(t, refused.ID)
	if seen := witness.Forget(); fmt.Sprint(seen) != fmt.Sprint(postgrestest.Seen{Broadcasts: []contracts.Estado{contracts.EstadoRechazada}}) {
		t.Errorf("told %+v", seen)
	}

	other := postgrestest.NewSolicitud()
	other.IDUsuario = "eva"
	if _, err := r.Accept(t.Context(), other); err != nil {
		t.Errorf("another customer's: %v", err)
	}
	a.Do(t, `update compra set estado = 'DESPACHADA' where id = $1`, first.ID)
	if _, err := r.Accept(t.Context(), postgrestest.NewSolicitud()); err != nil {
		t.Errorf("an order left: %v", err)
	}
}

// An erasure removes the workflows of a purchase with a reason of its customer before it erases the purchase, and tells the readers. Where the
// engine does not answer, nothing is erased, and the next call does all of it.
func TestBorrar(t *testing.T) {
	a := postgrestest.New(t)
	var witness postgrestest.Witness
	var removed []string
	away := errors.New("no engine")
	failure := away
	var mu sync.Mutex
	r := intake.New(a, &witness, &witness, intake.Options{MaxOpen: 100, Admit: witness.Notify, Remove: func(_ context.Context, id string) error {
		mu.Lock()
		defer mu.Unlock()
		removed = append(removed, id)
		return failure
	}})
	addressed := a.Compra(t, contracts.EstadoDespachada)
	a.Do(t, `update compra set direccion = '{"calle": "Calle 1"}' where id = $1`, addressed.ID)
	s := a.Compra(t, recibida)
	if _, _, err := r.Cancelar(t.Context(), s.ID, "Me voy a Cali."); err != nil {
		t.Fatal(err)
	}
	a.Compra(t, contracts.EstadoRechazada)
	a.Compra(t, recibida)
	witness.Forget()

	if _, err := r.Borrar(t.Context(), "ana"); errs.Of(err) != errs.Unavailable {
		t.Errorf("without the engine: %v", err)
	}
	if n := postgrestest.One[int](t, a, `select count(*) from compra where motivo = 'Me voy a Cali.' or direccion is not null`); n != 2 {
		t.Errorf("%d purchases have their data, want 2", n)
	}
	removed, failure = nil, nil
	for i, want := range []contracts.ParteBorrada{{Borradas: 2, Abiertas: 1}, {Abiertas: 1}} {
		if got, err := r.Borrar(t.Context(), "ana"); err != nil || got != want {
			t.Errorf("call %d: %+v, want %+v: %v", i+1, got, want, err)
		}
	}
	if slices.Sort(removed); !slices.Equal(removed, []string{s.ID, s.ID + "-cancelacion", s.ID + "-despacho"}) {
		t.Errorf("removed the workflows %v", removed)
	}
	if seen := witness.Forget(); len(seen.Broadcasts) != 2 {
		t.Errorf("told %+v", seen)
	}
	if _, err := r.Borrar(t.Context(), "a\x00"); errs.Of(err) != errs.Invalid {
		t.Errorf("a customer with a NUL: %v", err)
	}
}
