package compras_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"entregas/bff/compras"
	"entregas/contracts"
	"entregas/internal/errs"
)

func TestCancelar(t *testing.T) {
	// known puts the purchase into the read model in the last of steps, and then stops gestor-compra.
	known := func(steps ...contracts.Estado) func(*testing.T, world) {
		return func(t *testing.T, m world) {
			for _, c := range tell(m, steps...) {
				require(t, m.Register(t.Context(), c), "")
			}
			m.manager.GoDown()
		}
	}
	cases := []struct {
		name      string
		given     func(t *testing.T, m world)
		error     errs.Code
		done      bool
		estado    contracts.Estado
		published int
	}{
		{"just received", func(_ *testing.T, m world) { createGiven(m) }, "", true, contracts.EstadoCancelada, 0},
		{"under way", func(_ *testing.T, m world) { tell(m, contracts.EstadoIniciada) }, "", false, contracts.EstadoIniciada, 0},
		{"dispatched", func(_ *testing.T, m world) { tell(m, contracts.EstadoDespachada) }, errs.Conflict, false, "", 0},
		{"unknown to all", func(*testing.T, world) {}, errs.NotFound, false, "", 0},
		{"gestor-compra does not have it yet", func(_ *testing.T, m world) { m.manager.GoDown(); createGiven(m); m.manager.Respond(nil) }, "", false, contracts.EstadoRecibida, 1},
		{"gestor-compra down, under way", known(contracts.EstadoIniciada), "", false, contracts.EstadoIniciada, 1},
		{"gestor-compra down, confirmed", known(untilConfirmada...), "", false, contracts.EstadoConfirmada, 1},
		{"gestor-compra down, being rolled back", known(contracts.EstadoCompensando), "", true, contracts.EstadoCompensando, 0},
		{"gestor-compra down, cancelled already", known(contracts.EstadoCancelada), "", true, contracts.EstadoCancelada, 0},
		{"gestor-compra down, rejected", known(contracts.EstadoRechazada), errs.Conflict, false, "", 0},
		{"gestor-compra down, dispatched", known(contracts.EstadoDespachada), errs.Conflict, false, "", 0},
		{"gestor-compra down, not in the read model", func(_ *testing.T, m world) { m.manager.GoDown() }, errs.Unavailable, false, "", 0},
		{"all down", func(t *testing.T, m world) {
			known(contracts.EstadoIniciada)(t, m)
			m.broker.Fail(errNoSidecar)
		}, errs.Unavailable, false, "", 0},
		{"done without an answer, and the broker away: nobody knows", func(t *testing.T, m world) {
			known(contracts.EstadoIniciada)(t, m)
			m.manager.Mute()
			m.broker.Fail(errDown)
		}, errs.OutcomeUnknown, false, "", 0},
		{"no answer, and nothing known here: nobody knows", func(_ *testing.T, m world) {
			createGiven(m)
			m.manager.Mute()
			m.store.Fail(errDown)
		}, errs.OutcomeUnknown, false, "", 0},
		{"no answer, and no room to look", func(_ *testing.T, m world) {
			createGiven(m)
			m.manager.Mute()
			m.store.Fail(errs.New(errs.Busy, "lleno"))
		}, errs.OutcomeUnknown, false, "", 0},
		{"the store down too", func(_ *testing.T, m world) { m.manager.GoDown(); m.store.Fail(errDown) }, errs.Unavailable, false, "", 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			m := newWorld()
			c.given(t, m)
			earlier := len(m.published(t))
			a, done, err := m.Cancelar(t.Context(), givenID, "cambié de idea")
			require(t, err, c.error)
			if done != c.done || a.Estado != c.estado || (err == nil) != (a.ID == givenID) {
				t.Errorf("got %+v, done %v", a, done)
			}
			fresh := m.published(t)[earlier:]
			if len(fresh) != c.published {
				t.Fatalf("got %d published, want %d", len(fresh), c.published)
			}
			for _, p := range fresh {
				if p.Type != contracts.CancelarCompra || p.Data.IDCompra != givenID || p.Data.IDUsuario != "ana" || p.Data.Motivo != "cambié de idea" {
					t.Errorf("published %+v", p)
				}
			}
		})
	}
}

func TestAprobar(t *testing.T) {
	cases := []struct {
		name     string
		given    func(m world)
		aprobada bool
		error    errs.Code
		estado   contracts.Estado
	}{
		{"one that awaits approval", func(m world) { tell(m, contracts.EstadoPorAprobar) }, true, "", contracts.EstadoConfirmada},
		{"reject it", func(m world) { tell(m, contracts.EstadoPorAprobar) }, false, "", contracts.EstadoRechazada},
		{"one that awaits no approval", createGiven, true, errs.Conflict, ""},
		{"an unknown one", func(world) {}, true, errs.NotFound, ""},
		{"approved without an answer: it is asked again", func(m world) { tell(m, contracts.EstadoPorAprobar); m.manager.MuteOnce() }, true, "", contracts.EstadoConfirmada},
		{"rejected without an answer: it is asked again", func(m world) { tell(m, contracts.EstadoPorAprobar); m.manager.MuteOnce() }, false, "", contracts.EstadoRechazada},
		{"never an answer: nobody knows", func(m world) { tell(m, contracts.EstadoPorAprobar); m.manager.Mute() }, true, errs.OutcomeUnknown, ""},
		{"gestor-compra down", func(m world) { tell(m, contracts.EstadoPorAprobar); m.manager.GoDown() }, true, errs.Unavailable, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			m := newWorld()
			c.given(m)
			earlier := len(m.published(t))
			a, err := m.Aprobar(t.Context(), givenID, c.aprobada, "")
			require(t, err, c.error)
			if a.Estado != c.estado || len(m.published(t)) != earlier {
				t.Errorf("%+v", a)
			}
		})
	}
}

func TestBadDecisions(t *testing.T) {
	m := newWorld()
	for _, tc := range []struct{ id, motivo string }{{"x", ""}, {givenID, strings.Repeat("a", 501)}, {givenID, "a\x00b"}} {
		_, _, err := m.Cancelar(t.Context(), tc.id, tc.motivo)
		require(t, err, errs.Invalid)
		_, err = m.Aprobar(t.Context(), tc.id, true, tc.motivo)
		require(t, err, errs.Invalid)
	}
	if m.manager.Calls() != 0 || len(m.published(t)) != 0 {
		t.Error("something was called or published")
	}
}

// Only a definite answer settles a first try that had no answer.
func TestSettle(t *testing.T) {
	for second, want := range map[errs.Code]errs.Code{
		errs.Conflict: errs.Conflict, errs.NotFound: errs.NotFound, errs.Invalid: errs.Invalid,
		errs.Unavailable: errs.OutcomeUnknown, errs.Busy: errs.OutcomeUnknown, errs.TooMany: errs.OutcomeUnknown,
		errs.TooLarge: errs.OutcomeUnknown, errs.Internal: errs.OutcomeUnknown,
	} {
		synctest.Test(t, func(t *testing.T) {
			_, err := compras.Settle(t.Context(), "/x", "", func(_ context.Context, again bool) (int, error) {
				if again {
					return 0, errs.New(second, "x")
				}
				return 0, errDown
			})
			if errs.Of(err) != want {
				t.Errorf("%s: %v, want %s", second, err, want)
			}
		})
	}
}

// A write goes on while a service that has just started is not reached yet. A slow service gets it twice, at most.
func TestSettleAgain(t *testing.T) {
	for _, tc := range []struct {
		name      string
		unreached time.Duration // since the first try; then a try succeeds
		each      time.Duration // how long a try takes
		runs      int
		want      errs.Code
	}{
		{"reached at once", 0, 10 * time.Millisecond, 2, ""},
		{"reached after a second", 1200 * time.Millisecond, 20 * time.Millisecond, 6, ""},
		{"never reached", time.Minute, 0, 6, errs.OutcomeUnknown},
		{"slow", time.Minute, 600 * time.Millisecond, 2, errs.OutcomeUnknown},
	} {
		synctest.Test(t, func(t *testing.T) {
			start, runs := time.Now(), 0
			_, err := compras.Settle(t.Context(), "/x", "", func(context.Context, bool) (int, error) {
				runs++
				time.Sleep(tc.each)
				if runs == 1 || time.Since(start) < tc.unreached {
					return 0, errDown
				}
				return 1, nil
			})
			if runs != tc.runs || (err != nil || tc.want != "") && errs.Of(err) != tc.want {
				t.Errorf("%s: %d runs, %v, want %d and %q", tc.name, runs, err, tc.runs, tc.want)
			}
			if took := time.Since(start); took > 4*time.Second {
				t.Errorf("%s: the client waited for %s", tc.name, took)
			}
		})
	}
}
