package compras_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"entregas/bff/compras"
	"entregas/contracts"
	"entregas/internal/errs"
)

// Every purchase and cancellation that the bff published reaches gestor-compra, even if the broker loses the command
// (docs/adr/told-twice.md). The broker of these tests loses every command, since nobody reads its topic.
func TestWhatWentByTheTopicIsSentAgain(t *testing.T) {
	byTopic := func(t *testing.T, m world) {
		m.manager.GoDown()
		createGiven(m)
	}
	cancelled := func(t *testing.T, m world) {
		for _, c := range tell(m, contracts.EstadoIniciada) {
			require(t, m.Register(t.Context(), c), "")
		}
		m.manager.GoDown()
		_, _, err := m.Cancelar(t.Context(), givenID, "cambié de idea")
		require(t, err, "")
	}
	back := func(_ *testing.T, m world) { m.manager.Respond(nil) }
	create, cancel := contracts.CrearCompra, contracts.CancelarCompra
	for _, c := range []struct {
		name   string
		given  []func(*testing.T, world)
		rounds []time.Duration         // times of SendAgain, counted from the purchase
		sent   []contracts.MessageType // commands that SendAgain published
		calls  int                     // number of calls of gestor-compra
	}{
		{"gestor-compra is back without it", []func(*testing.T, world){byTopic, back}, seconds(29, 30, 59, 60, 119, 120, 239, 240, 500), []contracts.MessageType{create, create, create}, 4},
		{"gestor-compra is back with it", []func(*testing.T, world){byTopic, back, func(_ *testing.T, m world) { createGiven(m) }}, seconds(30, 60), nil, 1},
		{"gestor-compra has told of it and is away again", []func(*testing.T, world){byTopic, back, func(t *testing.T, m world) {
			createGiven(m)
			require(t, m.Register(t.Context(), m.manager.Compras()[0]), "")
			m.manager.GoDown()
		}}, seconds(30, 60), nil, 0},
		{"gestor-compra stays away: the topic has it", []func(*testing.T, world){byTopic}, seconds(30, 60, 600, 3600), nil, 4},
		{"it fails at something else", []func(*testing.T, world){byTopic, func(_ *testing.T, m world) {
			m.manager.Respond(errs.New(errs.Internal, "nil pointer"))
		}}, seconds(30), []contracts.MessageType{create}, 1},
		{"a cancellation that nobody has: it is done now", []func(*testing.T, world){cancelled, back}, seconds(29, 30, 60), nil, 1},
		{"a cancellation that came too late", []func(*testing.T, world){cancelled, back, func(_ *testing.T, m world) { m.manager.Advance(givenID, contracts.EstadoDespachada) }}, seconds(30, 60), nil, 1},
		{"a purchase and its cancellation", []func(*testing.T, world){byTopic, func(t *testing.T, m world) {
			for range 2 { // a second cancellation adds no command
				_, _, err := m.Cancelar(t.Context(), givenID, "cambié de idea")
				require(t, err, "")
			}
		}, back}, seconds(30), []contracts.MessageType{cancel, create}, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, start := newWorld(), time.Now()
			m.Clock(func() time.Time { return start })
			for _, do := range c.given {
				do(t, m)
			}
			first, calls := m.published(t), m.manager.Calls()
			for _, after := range c.rounds {
				m.Clock(func() time.Time { return start.Add(after) })
				require(t, m.SendAgain(t.Context()), "")
			}
			var sent []contracts.MessageType
			for _, p := range m.published(t)[len(first):] {
				sent = append(sent, p.Type)
				if original := first[slices.IndexFunc(first, func(f message) bool { return f.Type == p.Type })]; !same(p, original) {
					t.Errorf("%s is sent again as %+v, was %+v", p.Type, p.Data, original.Data)
				}
			}
			if slices.Sort(sent); !slices.Equal(sent, c.sent) || m.manager.Calls()-calls != c.calls {
				t.Errorf("sent again %v after %d questions, want %v and %d", sent, m.manager.Calls()-calls, c.sent, c.calls)
			}
		})
	}
}

// A purchase whose publication had no answer is settled too: the bff asks the owner for the purchase, and publishes the purchase
// again if the owner does not have it.
func TestAPurchaseInDoubtIsSettled(t *testing.T) {
	m, start := newWorld(), time.Now()
	m.Clock(func() time.Time { return start })
	m.manager.GoDown()
	m.broker.Fail(context.DeadlineExceeded)
	s := of("ana")
	s.ID = givenID
	m.create(t, s, "", errs.OutcomeUnknown)
	m.broker.Fail(nil)
	m.manager.Respond(nil)
	m.Clock(func() time.Time { return start.Add(30 * time.Second) })
	require(t, m.SendAgain(t.Context()), "")
	if sent := m.published(t); len(sent) != 1 || sent[0].Data.IDCompra != givenID || sent[0].Data.IDUsuario != "ana" {
		t.Errorf("sent %+v", sent)
	}
}

// A command that cannot be published again now is published in a later round.
func TestSendingAgainWithoutABroker(t *testing.T) {
	m, start := newWorld(), time.Now()
	m.manager.GoDown()
	createGiven(m)
	m.manager.Respond(nil)
	m.Clock(func() time.Time { return start.Add(time.Minute) })
	for _, broken := range []func(error){m.broker.Fail, m.store.Fail} {
		broken(errDown)
		require(t, m.SendAgain(t.Context()), errs.Unavailable)
		broken(nil)
	}
	require(t, m.SendAgain(t.Context()), "")
	if n := len(m.published(t)); n != 2 {
		t.Errorf("published %d times", n)
	}
}

// A replica remembers MaxUnconfirmed commands, the newest ones.
func TestWhatIsSentAgainIsBounded(t *testing.T) {
	m, start := newWorld(), time.Now()
	m.manager.GoDown()
	for i := range compras.MaxUnconfirmed + 3 {
		m.Clock(func() time.Time { return start.Add(time.Duration(i)) })
		if _, err := m.Create(context.Background(), of(fmt.Sprint("customer ", i)), ""); err != nil {
			t.Fatal(err)
		}
	}
	all := m.published(t)
	m.manager.Respond(nil)
	m.Clock(func() time.Time { return start.Add(time.Minute) })
	require(t, m.SendAgain(t.Context()), "")
	again := m.published(t)[len(all):]
	if len(again) != compras.MaxUnconfirmed || again[0].Data.IDCompra != all[3].Data.IDCompra {
		t.Errorf("sent %d again, from %s", len(again), again[0].Data.IDCompra)
	}
}

type message = contracts.Message[contracts.DatosComandoGestorCompra]

func same(a, b message) bool {
	return a.Data.IDCompra == b.Data.IDCompra && a.Data.IDUsuario == b.Data.IDUsuario && a.Data.Domicilio == b.Data.Domicilio &&
		a.Data.Motivo == b.Data.Motivo && slices.Equal(a.Data.Productos, b.Data.Productos) &&
		a.Data.Direccion == b.Data.Direccion
}

func seconds(list ...int) (d []time.Duration) {
	for _, n := range list {
		d = append(d, time.Duration(n)*time.Second)
	}
	return d
}
