package compra

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"entregas/contracts"
)

// script is what the world does in one test: to each call, by name, the outcomes in order, of which the last repeats.
// A call that is not in it is accepted.
type script struct {
	mu        sync.Mutex
	outcomes  map[string][]Outcome
	failure   func(call string, attempt int) bool // whether this call is trouble: an error
	onCall    func(call string)
	calls     []string // what was called, in order
	ending    *Ending
	rollbacks []Rollback
}

// The names of calls. A step is named by its command.
const (
	undoOf        = "deshacer "
	closingPrefix = "cerrar "
	finishing     = "terminar "
	withExpired   = decisionName + " vencida"
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
		return Outcome{}, errors.New("no responde")
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

// done is what was called so far.
func (l *script) done() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string{}, l.calls...)
}

// theater is the Activities of all tests: each purchase has a script of its own.
type theater struct{ scripts sync.Map }

func (t *theater) of(idCompra string) *script {
	l, found := t.scripts.Load(idCompra)
	if !found {
		panic("nadie espera la compra " + idCompra)
	}
	return l.(*script)
}

func (t *theater) Ask(_ context.Context, p Question) (Outcome, error) {
	return t.of(p.Compra.ID).call(string(p.Comando), string(p.Comando))
}

func (t *theater) AskForAprobacion(_ context.Context, c contracts.SolicitudCompra) (Outcome, error) {
	return t.of(c.ID).call(aprobarName, aprobarName)
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
	return l.call(undoOf+string(r.Comando), undoOf+string(r.Comando))
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
	_, err := t.of(d.IDCompra).call(fmt.Sprintf("%s%s %v", finishing, d.Tipo, d.Hecho), finishing)
	return err
}

var _ Activities = (*theater)(nil)
