package postgres_test

import (
	"context"
	"testing"
	"time"

	"entregas/contracts"
	"entregas/internal/actor"
	"entregas/services/gestor-compra/compras"
	"entregas/services/gestor-compra/postgrestest"
	"entregas/workflows/compra"
)

var (
	ana = contracts.Actor{Sujeto: "ana", Rol: contracts.RolCliente}
	oti = contracts.Actor{Sujeto: "oti", Rol: contracts.RolOperador}
	eli = contracts.Actor{Sujeto: "eli", Rol: contracts.RolOperador}
)

// Each thing that a person asks for is one act, however often it is asked, of the person who asked first. The saga carries it out later
// and without the person: its entry in the history names the person all the same (docs/adr/who-did-it.md).
func TestTheHistoryAndTheAuditNameThePerson(t *testing.T) {
	a := postgrestest.New(t)
	undo := func(tipo contracts.MessageType, from ...contracts.Estado) func(context.Context, string) error {
		return func(ctx context.Context, id string) error {
			_, _, err := a.Move(ctx, compras.Change{IDCompra: id, To: contracts.EstadoCompensando, From: from, Tipo: tipo})
			return err
		}
	}
	cancelar := func(ctx context.Context, id string) error { _, _, err := a.Cancelar(ctx, id, "ya no"); return err }
	decide := func(d string) func(context.Context, string) error {
		return func(ctx context.Context, id string) error {
			_, err := a.Aprobar(ctx, id, compras.Decision{Decision: d, Motivo: "ya no"})
			return err
		}
	}
	for _, c := range []struct {
		name   string
		estado contracts.Estado
		by     contracts.Actor
		ask    func(ctx context.Context, id string) error // the person asks
		carry  func(ctx context.Context, id string) error // the saga carries it out; nil where the request itself does
		acto   contracts.TipoDeActo                       // "" for no act
		motivo string
	}{
		{"cancelled before it began", contracts.EstadoRecibida, ana, cancelar, nil, contracts.ActoCancelacion, "ya no"},
		{"cancelled while it runs", contracts.EstadoIniciada, ana, cancelar, undo(contracts.CancelarCompra, contracts.EstadoIniciada), contracts.ActoCancelacion, "ya no"},
		{"cancelled while it waits", contracts.EstadoPorAprobar, oti, cancelar, undo(contracts.CancelarCompra, contracts.EstadoPorAprobar), contracts.ActoCancelacion, "ya no"},
		{"cancelled after it was confirmed", contracts.EstadoConfirmada, oti, cancelar, undo(contracts.CancelarCompra, contracts.EstadoConfirmada), contracts.ActoCancelacion, "ya no"},
		{"approved", contracts.EstadoPorAprobar, oti, decide(compras.Aprobada), func(ctx context.Context, id string) error {
			d, err := a.DeliverDecision(ctx, id)
			if err == nil {
				_, err = a.RecordFact(actor.With(ctx, d.By), id, "Aprobacion", "CompraAprobada", "Un operador la aprobó.")
			}
			return err
		}, contracts.ActoAprobacion, "ya no"},
		{"not approved", contracts.EstadoPorAprobar, oti, decide(compras.Refused), undo(compras.AprobacionDenied, contracts.EstadoPorAprobar), contracts.ActoRechazo, "ya no"},
		{"dispatched", contracts.EstadoConfirmada, oti, a.RecordDespacho, func(ctx context.Context, id string) error {
			_, _, err := a.Move(ctx, compras.Change{IDCompra: id, To: contracts.EstadoDespachada, From: []contracts.Estado{contracts.EstadoConfirmada}, Tipo: compra.Salida.Accepted.Type})
			return err
		}, "", ""}, // the act is of ordenes
		{"retried", contracts.EstadoFallida, oti, func(ctx context.Context, id string) error { _, err := a.Reintentar(ctx, id, time.Hour); return err }, nil, contracts.ActoReintento, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := a.Compra(t, c.estado)
			if err := c.ask(actor.With(t.Context(), c.by), s.ID); err != nil {
				t.Fatal(err)
			}
			if err := c.ask(actor.With(t.Context(), eli), s.ID); err != nil {
				t.Errorf("asked again: %v", err)
			}
			if c.carry != nil {
				if err := c.carry(t.Context(), s.ID); err != nil {
					t.Fatal(err)
				}
			}
			view, err := a.Load(t.Context(), s.ID)
			if err != nil || len(view.Historia) != 2 {
				t.Fatalf("%+v %v", view, err)
			}
			if h := view.Historia[1]; h.Sujeto != c.by.Sujeto || h.Rol != c.by.Rol {
				t.Errorf("the history names %q in the role %q, want %+v", h.Sujeto, h.Rol, c.by)
			}
			acts, err := a.Actos(t.Context(), contracts.ActosFilter{ID: s.ID}, contracts.Cursor{}, 10)
			if err != nil {
				t.Fatal(err)
			}
			if c.acto == "" {
				if len(acts) != 0 {
					t.Errorf("acts %+v", acts)
				}
				return
			}
			if act := only(t, acts); act.Tipo != c.acto || act.Sujeto != c.by.Sujeto || act.Rol != c.by.Rol || act.IDCompra != s.ID || act.Motivo != c.motivo || time.Since(act.En) > time.Minute {
				t.Errorf("the act %+v", act)
			}
		})
	}
}

// A purchase that another person enters names that person, and what the system does names nobody.
func TestTheSystemIsNobody(t *testing.T) {
	a, s := postgrestest.New(t), postgrestest.NewSolicitud()
	if _, _, err := a.Accept(actor.With(t.Context(), oti), s, postgrestest.OpenLimit); err != nil {
		t.Fatal(err)
	}
	if _, _, err := a.Move(t.Context(), change(s.ID, contracts.EstadoPorAprobar, contracts.EstadoRecibida)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := a.Decide(t.Context(), s.ID, compras.Decision{Decision: compras.Expired}); err != nil {
		t.Fatal(err)
	}
	c, _, err := a.Move(t.Context(), compras.Change{IDCompra: s.ID, To: contracts.EstadoCompensando, From: []contracts.Estado{contracts.EstadoPorAprobar}, Tipo: "AprobacionExpirada"})
	if err != nil || len(c.Historia) != 3 || c.Historia[0].Sujeto != "oti" || c.Historia[1].Rol != "" || c.Historia[2].Rol != "" {
		t.Errorf("%+v %v", c.Historia, err)
	}
	if acts, err := a.Actos(t.Context(), contracts.ActosFilter{}, contracts.Cursor{}, 10); len(acts) != 0 || err != nil {
		t.Errorf("acts %+v %v", acts, err)
	}
}

// A cancellation that comes before its purchase is one act, and the purchase is cancelled in the name of the person.
func TestAnEarlyCancellationNamesThePerson(t *testing.T) {
	a, s := postgrestest.New(t), postgrestest.NewSolicitud()
	for range 2 {
		if _, _, err := a.CancelarByMessage(actor.With(t.Context(), ana), s.ID, s.IDUsuario, "ya no"); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := a.Accept(t.Context(), s, postgrestest.OpenLimit); err != nil {
		t.Fatal(err)
	}
	c, _, err := a.Move(t.Context(), compras.Change{IDCompra: s.ID, To: contracts.EstadoCancelada, From: []contracts.Estado{contracts.EstadoRecibida}, Tipo: contracts.CancelarCompra})
	if err != nil || len(c.Historia) != 2 || c.Historia[1].Sujeto != "ana" || c.Historia[1].Rol != contracts.RolCliente {
		t.Errorf("%+v %v", c.Historia, err)
	}
	acts, err := a.Actos(t.Context(), contracts.ActosFilter{ID: s.ID}, contracts.Cursor{}, 10)
	if err != nil || only(t, acts).Sujeto != "ana" {
		t.Errorf("acts %+v %v", acts, err)
	}
}
