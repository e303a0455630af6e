package postgres_test

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"entregas/contracts"
	"entregas/internal/databasetest"
	"entregas/internal/errs"
	"entregas/services/gestor-compra/compras"
	"entregas/services/gestor-compra/postgrestest"
)

// Only a purchase that waits for approval can get a decision.
func TestDecideOnlyWhatWaits(t *testing.T) {
	a := postgrestest.New(t)
	for _, estado := range contracts.Estados {
		s := a.Compra(t, estado)
		delay := estado == contracts.EstadoPorAprobar
		current, first, err := a.Decide(t.Context(), s.ID, compras.Decision{Decision: compras.Aprobada, Motivo: "bien"})
		if err != nil || first != delay || (current.Decision == compras.Aprobada) != delay {
			t.Errorf("%s: %+v %v %v", estado, current, first, err)
		}
		delivered, err := a.DeliverDecision(t.Context(), s.ID)
		if err != nil || (delivered.Decision == compras.Aprobada) != delay {
			t.Errorf("%s: it delivers %+v %v", estado, delivered, err)
		}
	}
	current, first, err := a.Decide(t.Context(), postgrestest.NewSolicitud().ID, compras.Decision{Decision: compras.Aprobada})
	if err != nil || first || current.Decision != compras.NoDecision {
		t.Errorf("of a purchase that does not exist: %+v %v %v", current, first, err)
	}
}

// TestAprobarInTheDatabase checks the answer to an approval, in each state of the purchase and after each earlier decision.
func TestAprobarInTheDatabase(t *testing.T) {
	a := postgrestest.New(t)
	for _, c := range []struct {
		name    string
		estado  contracts.Estado
		earlier string // the decision that was made before
		code    errs.Code
	}{
		{"it awaits approval", contracts.EstadoPorAprobar, "", ""},
		{"approved before, in the same words", contracts.EstadoPorAprobar, compras.Aprobada, ""},
		{"rejected before", contracts.EstadoPorAprobar, compras.Refused, errs.Conflict},
		{"cancelled before", contracts.EstadoPorAprobar, compras.Cancelled, errs.Conflict},
		{"expired before", contracts.EstadoPorAprobar, compras.Expired, errs.Conflict},
		{"it awaits none yet", contracts.EstadoProductosValidos, "", errs.Conflict},
		{"approved before and past that", contracts.EstadoConfirmada, compras.Aprobada, ""},
		{"rejected before and past that", contracts.EstadoRechazada, compras.Refused, errs.Conflict},
		{"it never awaited one", contracts.EstadoConfirmada, "", errs.Conflict},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := a.Compra(t, c.estado)
			if c.earlier != "" {
				a.Do(t, `insert into decision (id_compra, decision) values ($1, $2)`, s.ID, c.earlier)
			}
			_, err := a.Aprobar(t.Context(), s.ID, compras.Decision{Decision: compras.Aprobada})
			wantCode(t, err, c.code)
		})
	}
	s := a.Compra(t, contracts.EstadoPorAprobar)
	for _, c := range []struct {
		motivo string
		code   errs.Code
	}{{"bien", ""}, {"bien", ""}, {"muy bien", errs.Conflict}} {
		_, err := a.Aprobar(t.Context(), s.ID, compras.Decision{Decision: compras.Aprobada, Motivo: c.motivo})
		wantCode(t, err, c.code)
	}
	_, err := a.Aprobar(t.Context(), postgrestest.NewSolicitud().ID, compras.Decision{Decision: compras.Aprobada})
	wantCode(t, err, errs.NotFound)
}

// Approve, reject, cancel and expire run at once, and exactly one decision wins (docs/adr/who-owns-a-fact-decides.md). Only the winner
// learns that it was first. The losers and the workflow read the winning decision.
func TestOneDecisionWins(t *testing.T) {
	a := postgrestest.New(t)
	wins := map[string]int{}
	for range 60 {
		s := a.Compra(t, contracts.EstadoPorAprobar)
		var winners atomic.Pointer[string]
		var howMany atomic.Int32
		won := func(which string, won bool) {
			if won {
				winners.Store(&which)
				howMany.Add(1)
			}
		}
		databasetest.Concurrently(6, 6, func(i int) {
			var err error
			switch i % 4 {
			case 0, 1:
				d := []string{compras.Aprobada, compras.Refused}[i%4]
				_, err = a.Aprobar(t.Context(), s.ID, compras.Decision{Decision: d, Motivo: fmt.Sprint(i)})
				won(d, err == nil)
			case 2:
				_, _, err = a.Cancelar(t.Context(), s.ID, "ya no")
			default:
				var first bool
				_, first, err = a.Decide(t.Context(), s.ID, compras.Decision{Decision: compras.Expired})
				won(compras.Expired, first)
			}
			if err != nil && errs.Of(err) != errs.Conflict {
				t.Errorf("%d: %v", i, err)
			}
		})
		loaded, err := a.DeliverDecision(t.Context(), s.ID)
		if err != nil || t.Failed() {
			t.Fatal(err)
		}
		// A cancellation without an error is the first decision.
		if loaded.Decision == compras.Cancelled && howMany.Load() != 0 || loaded.Decision != compras.Cancelled && (howMany.Load() != 1 || *winners.Load() != loaded.Decision) {
			t.Fatalf("%d won and the workflow reads %+v", howMany.Load(), loaded)
		}
		wins[loaded.Decision]++
	}
	t.Log(wins)
}

// AwaitingWakeup leaves out a decision that has reached its workflow or is younger than the given age.
func TestToBeWoken(t *testing.T) {
	a := postgrestest.New(t)
	var ids []string
	for i := range 4 {
		s := a.Compra(t, contracts.EstadoPorAprobar)
		if _, _, err := a.Decide(t.Context(), s.ID, compras.Decision{Decision: compras.Aprobada}); err != nil {
			t.Fatal(err)
		}
		a.Do(t, `update decision set tomada_en = now() - make_interval(mins => $2) where id_compra = $1`, s.ID, 3-i) // the last decision is the youngest
		ids = append(ids, s.ID)
	}
	if _, err := a.DeliverDecision(t.Context(), ids[1]); err != nil {
		t.Fatal(err)
	}
	for limit, expected := range map[int][]string{10: {ids[0], ids[2]}, 1: {ids[0]}} {
		if toWake, err := a.AwaitingWakeup(t.Context(), 30*time.Second, limit); err != nil || !slices.Equal(toWake, expected) {
			t.Errorf("to wake %v: %v", toWake, err)
		}
	}
}

// The queue of approvals has each purchase that waits for a decision once, the oldest first, on whatever pages. A decision ends its
// wait at once, before its workflow has moved.
func TestQueueOfApprovals(t *testing.T) {
	a := postgrestest.New(t)
	var want []string
	for range 5 {
		want = append(want, a.Compra(t, contracts.EstadoPorAprobar).ID)
	}
	a.Compra(t, contracts.EstadoConfirmada)
	a.Compra(t, contracts.EstadoFallida)
	decided := a.Compra(t, contracts.EstadoPorAprobar).ID
	if _, _, err := a.Decide(t.Context(), decided, compras.Decision{Decision: compras.Aprobada}); err != nil {
		t.Fatal(err)
	}
	var seen []string
	for after := (contracts.Cursor{}); ; {
		page, total, err := a.PorAprobar(t.Context(), after, 2)
		if err != nil || total != len(want) {
			t.Fatalf("%d in all, %v", total, err)
		}
		if len(page) == 0 {
			break
		}
		for _, c := range page {
			seen = append(seen, c.ID)
		}
		after = contracts.CursorOf(page[len(page)-1])
	}
	if !slices.Equal(seen, want) {
		t.Errorf("listed %v\nwant %v", seen, want)
	}
	if p, err := a.Pendientes(t.Context()); err != nil || *p.PorAprobar != len(want) || *p.Fallidas != 1 {
		t.Errorf("%+v %v", p, err)
	}
}
