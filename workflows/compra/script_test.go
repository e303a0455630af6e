package compra

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"entregas/contracts"
)

// script has the outcomes of the calls of one purchase: for the name of each call, its outcomes in order. The last outcome
// repeats. A call without outcomes is accepted.
type script struct {
	mu        sync.Mutex
	outcomes  map[string][]Outcome
	failure   func(call string, attempt int) bool // whether this call returns an error
	onCall    func(call string)
	calls     []string // the calls so far, in order
	ending    *Ending
	rollbacks []Rollback
}

// The names of calls. The name of a step is its command.
const (
	undoOf        = "undo "
	closingPrefix = "close "
	finishing     = "finish "
	withExpired   = decisionName + " expired"
)

func (l *script) call(call, key string) (Outcome, error) {
	l.mu.Lock()
	l.calls = append(l.calls, call)
	attempt := 0
	for _, other := range l.calls {
		if other == call {
			attempt++
		}
	}
	l.mu.Unlock()
	if l.onCall != nil {
		l.onCall(call)
	}
	if l.failure != nil && l.failure(call, attempt) {
		return Outcome{}, errors.New("does not answer")
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	remaining := l.outcomes[key]
	if len(remaining) == 0 {
		return accepted, nil
	}
	if len(remaining) > 1 {
		l.outcomes[key] = remaining[1:]
	}
	return remaining[0], nil
}

// done returns the calls so far.
func (l *script) done() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string{}, l.calls...)
}

// theater implements Activities for all tests. Each purchase has its own script.
type theater struct{ scripts sync.Map }

func (t *theater) of(idCompra string) *script {
	l, found := t.scripts.Load(idCompra)
	if !found {
		panic("no test has a script for the purchase " + idCompra)
	}
	return l.(*script)
}

func (t *theater) Ask(_ context.Context, p Question) (Outcome, error) {
	return t.of(p.Compra.ID).call(string(p.Command), string(p.Command))
}

func (t *theater) AskForAprobacion(_ context.Context, c contracts.SolicitudCompra) (Outcome, error) {
	return t.of(c.ID).call(aprobacionName, aprobacionName)
}

func (t *theater) ReadDecision(_ context.Context, d DecisionReading) (Outcome, error) {
	call := decisionName
	if d.Expired {
		call = withExpired
	}
	return t.of(d.IDCompra).call(call, call)
}

func (t *theater) Undo(_ context.Context, r Rollback) (Outcome, error) {
	l := t.of(r.Compra.ID)
	l.mu.Lock()
	l.rollbacks = append(l.rollbacks, r)
	l.mu.Unlock()
	return l.call(undoOf+string(r.Command), undoOf+string(r.Command))
}

func (t *theater) Close(_ context.Context, c Ending) error {
	l := t.of(c.IDCompra)
	_, err := l.call(closingPrefix+string(c.Estado), closingPrefix)
	if err == nil {
		l.mu.Lock()
		l.ending = &c
		l.mu.Unlock()
	}
	return err
}

func (t *theater) FinishTramite(_ context.Context, d Tramite) error {
	_, err := t.of(d.IDCompra).call(fmt.Sprintf("%s%s %v", finishing, d.Tipo, d.Done), finishing)
	return err
}

var _ Activities = (*theater)(nil)
