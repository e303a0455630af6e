package saga_test

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"testing"
	"time"

	dapr "github.com/dapr/go-sdk/client"

	"entregas/contracts"
	"entregas/internal/pubsub"
	"entregas/internal/pubsubtest"
	"entregas/services/gestor-compra/compras"
	"entregas/services/gestor-compra/messages"
	"entregas/services/gestor-compra/postgres"
	"entregas/services/gestor-compra/postgrestest"
	"entregas/services/gestor-compra/saga"
	"entregas/workflows/compra"
)

// scene has the activities of the saga on a real database. The function respond of the test answers for the participants.
type scene struct {
	*saga.Saga
	postgrestest.Store
	*participants
	witness postgrestest.Witness
}

// participants stands in for the broker and the other services. It records the commands and replies before Ask returns, which is
// the earliest that a reply can come.
type participants struct {
	pubsubtest.Broker
	mu       sync.Mutex
	received []contracts.MessageType
	respond  func(command contracts.MessageType, attempt int) *compras.Reply // nil means that no reply comes
	record   func(ctx context.Context, id string, command contracts.MessageType, r compras.Reply) (compras.Recorded, time.Duration, error)
}

func (p *participants) PublishEvent(ctx context.Context, component, topic string, data any, options ...dapr.PublishEventOption) error {
	if err := p.Broker.PublishEvent(ctx, component, topic, data, options...); err != nil {
		return err
	}
	var m struct {
		Type contracts.MessageType
		Data struct {
			IDCompra string `json:"id_compra"`
		}
	}
	if err := json.Unmarshal(data.([]byte), &m); err != nil {
		return err
	}
	p.mu.Lock()
	p.received = append(p.received, m.Type)
	attempt := 0
	for _, other := range p.received {
		if other == m.Type {
			attempt++
		}
	}
	p.mu.Unlock()
	if p.respond == nil {
		return nil
	}
	if r := p.respond(m.Type, attempt); r != nil {
		_, _, err := p.record(context.WithoutCancel(ctx), m.Data.IDCompra, m.Type, *r)
		return err
	}
	return nil
}

func (p *participants) questions() []contracts.MessageType {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.received)
}

// patient has settings under which no deadline passes and no command is repeated during a test.
var patient = saga.Settings{Patience: time.Hour, AskAgainAfter: time.Hour, ReviewRound: 5 * time.Millisecond, RollbackDelay: time.Hour}

func newScene(t *testing.T, settings saga.Settings) *scene {
	t.Helper()
	e := &scene{Store: postgrestest.New(t)}
	e.participants = &participants{record: e.RecordReply, respond: willingly}
	e.Saga = e.withWakeups(postgres.NewWakeups(e.Pool), settings)
	return e
}

// withWakeups returns the saga of another replica: the same database and broker, with the wake-ups a.
func (e *scene) withWakeups(a *postgres.Wakeups, settings saga.Settings) *saga.Saga {
	return saga.New(e.Store, messages.Participants{Publisher: pubsub.NewPublisher(e.participants, "gestor-compra")}, a, &e.witness, settings, e.witness.Notify)
}

// willingly returns the reply that accepts a command.
func willingly(command contracts.MessageType, _ int) *compras.Reply {
	return &compras.Reply{Tipo: compra.Replies(command)[0].Type, IDOrden: "o1"}
}

func always(r *compras.Reply) func(contracts.MessageType, int) *compras.Reply {
	return func(contracts.MessageType, int) *compras.Reply { return r }
}

// question returns the step of workflows/compra that sends command.
func question(c contracts.SolicitudCompra, command contracts.MessageType) compra.Question {
	return compra.StepOf(command).Question(c)
}

func inAnyOf(estados ...contracts.Estado) []contracts.Estado { return estados }

// until waits until holds returns true. It has no other limit than that of the test.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !holds(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it does not come to: %s", what)
		}
	}
}

// listen runs a.Listen, as main does, and returns when its connection listens.
func (e *scene) listen(t *testing.T, a *postgres.Wakeups) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	var end sync.WaitGroup
	earlier := e.listeners(t)
	end.Go(func() { a.Listen(ctx) })
	t.Cleanup(func() { stop(); end.Wait() })
	until(t, "listen", func() bool { return e.listeners(t) > earlier })
}

func (e *scene) listeners(t *testing.T) int {
	return postgrestest.One[int](t, e.Store, `select count(*) from pg_stat_activity where datname = current_database() and query = 'listen replies' and state = 'idle'`)
}
