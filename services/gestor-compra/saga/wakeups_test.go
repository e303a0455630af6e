package saga_test

import (
	"context"
	"testing"
	"time"

	"entregas/contracts"
	"entregas/services/gestor-compra/compras"
	"entregas/services/gestor-compra/postgres"
	"entregas/services/gestor-compra/postgrestest"
	"entregas/services/gestor-compra/saga"
	"entregas/workflows/compra"
)

// A wake-up may come as early as before the publish of the command returns. The waiter still gets it, and need not look for
// its reply.
func TestWakeupWakes(t *testing.T) {
	e := newScene(t, patient)
	wakeups := postgres.NewWakeups(e.Pool)
	e.listen(t, wakeups)
	e.record = func(ctx context.Context, id string, command contracts.MessageType, r compras.Reply) (compras.Recorded, time.Duration, error) {
		other, release := wakeups.Wait(id, command)
		defer release()
		recorded, waited, err := e.RecordReply(ctx, id, command, r)
		<-other // now every waiter has been woken
		return recorded, waited, err
	}
	e.Saga = e.withWakeups(wakeups, saga.Settings{Patience: time.Hour, AskAgainAfter: time.Hour, ReviewRound: time.Hour})
	s := e.Compra(t, contracts.EstadoRecibida)
	for _, command := range []contracts.MessageType{contracts.ValidarInventario, contracts.ReservarProducto, contracts.CrearOrden} {
		if d, err := e.Ask(t.Context(), question(s, command)); err != nil || d.Result != compra.Accepted {
			t.Fatalf("%s: %+v %v", command, d, err)
		}
	}
}

// After the connection that listens is lost, Listen opens a new one, and wake-ups arrive again.
func TestWakeupsComeBack(t *testing.T) {
	e := newScene(t, patient)
	wakeups := postgres.NewWakeups(e.Pool)
	e.listen(t, wakeups)
	pid := postgrestest.One[int](t, e.Store, `select pid from pg_stat_activity where datname = current_database() and query = 'listen replies'`)
	e.Do(t, `select pg_terminate_backend($1)`, pid)
	until(t, "lose the connection", func() bool {
		return !postgrestest.One[bool](t, e.Store, `select exists (select from pg_stat_activity where pid = $1)`, pid)
	})
	s := postgrestest.NewSolicitud()
	wakeup, release := wakeups.Wait(s.ID, contracts.CrearOrden)
	defer release()
	until(t, "wake again", func() bool {
		e.Do(t, `select pg_notify($$replies$$, $1)`, s.ID+"/"+string(contracts.CrearOrden))
		select {
		case <-wakeup:
			return true
		default:
			return false
		}
	})
}
