package postgres_test

import (
	"errors"
	"testing"
	"time"

	"entregas/contracts"
	"entregas/internal/databasetest"
	"entregas/internal/errs"
	"entregas/services/gestor-compra/compras"
	"entregas/services/gestor-compra/postgrestest"
	"entregas/workflows/compra"
)

// TestCancelarInTheDatabase cancels a purchase in each state. A second cancellation gets the same answer and changes nothing.
func TestCancelarInTheDatabase(t *testing.T) {
	a := postgrestest.New(t)
	for _, c := range []struct {
		name     string
		estado   contracts.Estado
		earlier  string // an SQL statement about purchase $1 that runs first
		code     errs.Code
		remains  contracts.Estado
		done     bool
		mark     bool   // the mark that each step reads
		decision string // the decision that is valid at the end
		tramite  bool
	}{
		{"not started", contracts.EstadoRecibida, "", "", contracts.EstadoCancelada, true, false, "", false},
		{"being started", contracts.EstadoRecibida, `update compra set leased_until = now() + interval '1 hour' where id = $1`, "", contracts.EstadoCancelada, true, false, "", false},
		{"started", contracts.EstadoIniciada, "", "", contracts.EstadoIniciada, false, true, "", false},
		{"valid", contracts.EstadoProductosValidos, "", "", contracts.EstadoProductosValidos, false, true, "", false},
		{"reserved", contracts.EstadoProductosReservados, "", "", contracts.EstadoProductosReservados, false, true, "", false},
		{"awaits approval", contracts.EstadoPorAprobar, "", "", contracts.EstadoPorAprobar, false, false, compras.Cancelled, false},
		{"approved, the order on its way", contracts.EstadoPorAprobar, `insert into decision (id_compra, decision) values ($1, 'aprobada')`, "", contracts.EstadoPorAprobar, false, true, compras.Aprobada, false},
		{"rejected", contracts.EstadoPorAprobar, `insert into decision (id_compra, decision) values ($1, 'rechazada')`, errs.Conflict, contracts.EstadoPorAprobar, false, false, compras.Refused, false},
		{"expired", contracts.EstadoPorAprobar, `insert into decision (id_compra, decision) values ($1, 'expirada')`, errs.Conflict, contracts.EstadoPorAprobar, false, false, compras.Expired, false},
		{"confirmed", contracts.EstadoConfirmada, "", "", contracts.EstadoConfirmada, false, false, "", true},
		{"confirmed, and the order has left", contracts.EstadoConfirmada, `insert into tramite (id_compra, tipo) values ($1, 'despacho')`, errs.Conflict, contracts.EstadoConfirmada, false, false, "", false},
		{"confirmed, and ordenes refused before", contracts.EstadoConfirmada, `insert into tramite (id_compra, tipo, terminado_en, hecho) values ($1, 'cancelacion', now(), false)`, errs.Conflict, contracts.EstadoConfirmada, false, false, "", true},
		{"on its way", contracts.EstadoCompensando, "", "", contracts.EstadoCompensando, false, false, "", false},
		{"done", contracts.EstadoCancelada, "", "", contracts.EstadoCancelada, true, false, "", false},
		{"refused", contracts.EstadoRechazada, "", errs.Conflict, contracts.EstadoRechazada, false, false, "", false},
		{"dispatched", contracts.EstadoDespachada, "", errs.Conflict, contracts.EstadoDespachada, false, false, "", false},
		{"failed", contracts.EstadoFallida, "", errs.Conflict, contracts.EstadoFallida, false, false, "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := a.Compra(t, c.estado)
			if c.earlier != "" {
				a.Do(t, c.earlier, s.ID)
			}
			for range 2 {
				view, done, err := a.Cancelar(t.Context(), s.ID, "ya no")
				wantCode(t, err, c.code)
				if done != c.done || err == nil && view.Estado != c.remains {
					t.Errorf("done %v: %+v", done, view)
				}
			}
			final, err := a.Load(t.Context(), s.ID)
			if err != nil || final.Estado != c.remains || c.estado == contracts.EstadoRecibida && final.Motivo != "ya no" {
				t.Errorf("stored is %+v: %v", final, err)
			}
			a.NoGaps(t, s.ID)
			current, _, err := a.Decide(t.Context(), s.ID, compras.Decision{Decision: compras.Refused})
			if c.decision != "" && (err != nil || current.Decision != c.decision) {
				t.Errorf("valid is %+v: %v", current, err)
			}
			if mark := postgrestest.One[bool](t, a, `select coalesce(cancelacion_pedida = 'ya no', false) from compra where id = $1`, s.ID); mark != c.mark {
				t.Errorf("marked: %v", mark)
			}
			if n := postgrestest.One[int](t, a, `select count(*) from tramite where id_compra = $1 and tipo = 'cancelacion'`, s.ID); (n == 1) != c.tramite {
				t.Errorf("%d cancellations have begun", n)
			}
		})
	}
	_, _, err := a.Cancelar(t.Context(), postgrestest.NewSolicitud().ID, "ya no")
	wantCode(t, err, errs.NotFound)
}

// docs/adr/accept-then-start-by-priority.md: starting and cancelling a purchase are the same compare-and-set.
func TestStartAndCancelarAtOnce(t *testing.T) {
	a := postgrestest.New(t)
	for range 40 {
		s := a.Compra(t, contracts.EstadoRecibida)
		var moved, done bool
		databasetest.Concurrently(2, 2, func(i int) {
			var err error
			if i == 0 {
				_, moved, err = a.Move(t.Context(), change(s.ID, contracts.EstadoIniciada, contracts.EstadoRecibida))
			} else {
				_, done, err = a.Cancelar(t.Context(), s.ID, "ya no")
			}
			if err != nil {
				t.Error(err)
			}
		})
		if estado := a.Estado(t, s.ID); moved == done || moved != (estado == contracts.EstadoIniciada) {
			t.Fatalf("started %v, cancelled %v, and its state is %s", moved, done, estado)
		}
		if moved && !postgrestest.One[bool](t, a, `select cancelacion_pedida is not null from compra where id = $1`, s.ID) {
			t.Fatal("it started, and the cancellation is lost")
		}
		a.NoGaps(t, s.ID)
	}
}

// A purchase becomes CONFIRMADA while its cancellation is requested. The row of the purchase decides which one is first, so
// the cancellation is not lost (docs/adr/who-owns-a-fact-decides.md).
func TestConfirmAndCancelarAtOnce(t *testing.T) {
	a := postgrestest.New(t)
	for range 40 {
		s := a.Compra(t, contracts.EstadoProductosReservados)
		var moved bool
		databasetest.Concurrently(2, 2, func(i int) {
			var err error
			if i == 0 {
				k := change(s.ID, contracts.EstadoConfirmada, contracts.EstadoProductosReservados)
				k.UnlessCancelled = true
				_, moved, err = a.Move(t.Context(), k)
			} else {
				_, _, err = a.Cancelar(t.Context(), s.ID, "ya no")
			}
			if err != nil {
				t.Error(err)
			}
		})
		marked := postgrestest.One[bool](t, a, `select cancelacion_pedida is not null from compra where id = $1`, s.ID)
		inTramite := postgrestest.One[bool](t, a, `select exists (select from tramite where id_compra = $1)`, s.ID)
		if moved == marked || moved != inTramite {
			t.Fatalf("confirmed %v, marked %v, cancellation begun %v", moved, marked, inTramite)
		}
	}
}

// The owner of a purchase may cancel it before it has arrived (docs/adr/rollback-may-come-first.md).
func TestCancelarBeforeItArrives(t *testing.T) {
	a := postgrestest.New(t)
	for _, c := range []struct {
		name     string
		usuarios []string
		marked   bool
	}{{"its owner's", []string{"ana", "ana"}, true}, {"another's", []string{"eva"}, false}, {"another's first", []string{"eva", "ana"}, true}} {
		t.Run(c.name, func(t *testing.T) {
			s, motivo := postgrestest.NewSolicitud(), map[string]string{"ana": "ya no", "eva": "por molestar"}
			for _, usuario := range c.usuarios {
				if view, done, err := a.CancelarByMessage(t.Context(), s.ID, usuario, motivo[usuario]); err != nil || done || view.ID != "" {
					t.Fatalf("%+v %v %v", view, done, err)
				}
				motivo[usuario] = "ni ahora" // a second delivery with another reason: the first reason stays
			}
			view, fresh, err := a.Accept(t.Context(), s, postgrestest.OpenLimit)
			if err != nil || !fresh || view.Estado != contracts.EstadoRecibida {
				t.Fatalf("%+v %v %v", view, fresh, err)
			}
			if marked := postgrestest.One[bool](t, a, `select coalesce(cancelacion_pedida = 'ya no', false) from compra where id = $1`, s.ID); marked != c.marked {
				t.Errorf("marked: %v", marked)
			}
		})
	}
}

func TestCancelarByMessageWhatIsDone(t *testing.T) {
	a := postgrestest.New(t)
	s := a.Compra(t, contracts.EstadoRecibida)
	_, _, err := a.CancelarByMessage(t.Context(), s.ID, "eva", "ya no")
	wantCode(t, err, errs.BadMessage)
	if estado := a.Estado(t, s.ID); estado != contracts.EstadoRecibida {
		t.Fatalf("another customer left it in %s", estado)
	}
	for range 2 {
		if view, done, err := a.CancelarByMessage(t.Context(), s.ID, "ana", "ya no"); err != nil || !done || view.Estado != contracts.EstadoCancelada {
			t.Fatalf("%+v %v %v", view, done, err)
		}
	}
}

// A purchase and its cancellation arrive at once. In either order the purchase is cancelled, or its first step will cancel it.
func TestCreateAndCancelarAtOnce(t *testing.T) {
	a := postgrestest.New(t)
	for range 60 {
		s := postgrestest.NewSolicitud()
		databasetest.Concurrently(2, 2, func(i int) {
			var err error
			if i == 0 {
				_, _, err = a.Accept(t.Context(), s, postgrestest.OpenLimit)
			} else {
				_, _, err = a.CancelarByMessage(t.Context(), s.ID, "ana", "ya no")
			}
			if err != nil {
				t.Error(err)
			}
		})
		if !postgrestest.One[bool](t, a, `select estado = 'CANCELADA' or cancelacion_pedida is not null from compra where id = $1`, s.ID) {
			t.Fatal("the cancellation is lost")
		}
	}
}

// RecordDespacho records the dispatch of an order once, in whatever state the purchase is.
func TestRecordDespacho(t *testing.T) {
	a := postgrestest.New(t)
	for _, estado := range contracts.Estados {
		s := a.Compra(t, estado)
		for range 2 {
			if err := a.RecordDespacho(t.Context(), s.ID); err != nil {
				t.Fatal(err)
			}
		}
		if n := postgrestest.One[int](t, a, `select count(*) from tramite where id_compra = $1 and tipo = 'despacho'`, s.ID); n != 1 {
			t.Errorf("%s: %d dispatches", estado, n)
		}
	}
	wantCode(t, a.RecordDespacho(t.Context(), postgrestest.NewSolicitud().ID), errs.BadMessage)
}

// The workflow of a dispatch that is recorded while the saga runs starts when the purchase is confirmed.
func TestDespachoWaitsForTheConfirmation(t *testing.T) {
	a := postgrestest.New(t)
	s := a.Compra(t, contracts.EstadoProductosReservados)
	if err := a.RecordDespacho(t.Context(), s.ID); err != nil {
		t.Fatal(err)
	}
	for _, delay := range []int{0, 1} {
		tramites, err := a.TakeTramites(t.Context(), time.Hour, 10)
		if err != nil || len(tramites) != delay || delay == 1 && tramites[0].Tipo != compra.TramiteDespacho {
			t.Fatal(errors.Join(err), tramites)
		}
		if _, _, err := a.Move(t.Context(), change(s.ID, contracts.EstadoConfirmada, contracts.EstadoProductosReservados)); err != nil {
			t.Fatal(err)
		}
	}
}
