package compras_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"entregas/contracts"
	"entregas/services/bff/compras"
	"entregas/services/internal/errores"
)

// Every purchase and cancellation that was acknowledged because the topic took it reaches gestor-compra, though the broker
// then loses it (docs/adr/told-twice.md). The broker of these tests loses everything: nobody reads its topic.
func TestWhatWentByTheTopicIsSentAgain(t *testing.T) {
	byTopic := func(t *testing.T, m mundo) {
		m.gestor.Caer()
		crearDada(m)
	}
	cancelled := func(t *testing.T, m mundo) {
		for _, c := range contar(m, contracts.EstadoIniciada) {
			exigir(t, m.Registrar(t.Context(), c), "")
		}
		m.gestor.Caer()
		_, _, err := m.Cancelar(t.Context(), idDado, "cambié de idea")
		exigir(t, err, "")
	}
	back := func(_ *testing.T, m mundo) { m.gestor.Responder(nil) }
	create, cancel := contracts.CrearCompra, contracts.CancelarCompra
	for _, c := range []struct {
		name   string
		given  []func(*testing.T, mundo)
		rounds []time.Duration  // after the purchase
		sent   []contracts.Tipo // after the first time
		calls  int              // of gestor-compra
	}{
		{"gestor-compra is back without it", []func(*testing.T, mundo){byTopic, back}, seconds(29, 30, 59, 60, 119, 120, 239, 240, 500), []contracts.Tipo{create, create, create}, 4},
		{"gestor-compra is back with it", []func(*testing.T, mundo){byTopic, back, func(_ *testing.T, m mundo) { crearDada(m) }}, seconds(30, 60), nil, 1},
		{"gestor-compra has told of it and is away again", []func(*testing.T, mundo){byTopic, back, func(t *testing.T, m mundo) {
			crearDada(m)
			exigir(t, m.Registrar(t.Context(), m.gestor.Compras()[0]), "")
			m.gestor.Caer()
		}}, seconds(30, 60), nil, 0},
		{"gestor-compra stays away: the topic has it", []func(*testing.T, mundo){byTopic}, seconds(30, 60, 600, 3600), nil, 4},
		{"it fails at something else", []func(*testing.T, mundo){byTopic, func(_ *testing.T, m mundo) {
			m.gestor.Responder(errores.Nuevo(errores.Interno, "nil pointer"))
		}}, seconds(30), []contracts.Tipo{create}, 1},
		{"a cancellation that nobody has: it is done now", []func(*testing.T, mundo){cancelled, back}, seconds(29, 30, 60), nil, 1},
		{"a cancellation that came too late", []func(*testing.T, mundo){cancelled, back, func(_ *testing.T, m mundo) { m.gestor.Avanzar(idDado, contracts.EstadoDespachada) }}, seconds(30, 60), nil, 1},
		{"a purchase and its cancellation", []func(*testing.T, mundo){byTopic, func(t *testing.T, m mundo) {
			for range 2 { // twice is once
				_, _, err := m.Cancelar(t.Context(), idDado, "cambié de idea")
				exigir(t, err, "")
			}
		}, back}, seconds(30), []contracts.Tipo{cancel, create}, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, start := nuevoMundo(), time.Now()
			m.Reloj(func() time.Time { return start })
			for _, do := range c.given {
				do(t, m)
			}
			first, calls := m.publicadas(t), m.gestor.Llamadas()
			for _, after := range c.rounds {
				m.Reloj(func() time.Time { return start.Add(after) })
				exigir(t, m.SendAgain(t.Context()), "")
			}
			var sent []contracts.Tipo
			for _, p := range m.publicadas(t)[len(first):] {
				sent = append(sent, p.Type)
				if original := first[slices.IndexFunc(first, func(f mensaje) bool { return f.Type == p.Type })]; !same(p, original) {
					t.Errorf("%s is sent again as %+v, was %+v", p.Type, p.Data, original.Data)
				}
			}
			if slices.Sort(sent); !slices.Equal(sent, c.sent) || m.gestor.Llamadas()-calls != c.calls {
				t.Errorf("sent again %v after %d questions, want %v and %d", sent, m.gestor.Llamadas()-calls, c.sent, c.calls)
			}
		})
	}
}

// A purchase of which nobody knows whether the topic took it is settled too: it is asked for, and sent where nobody has it.
func TestAPurchaseInDoubtIsSettled(t *testing.T) {
	m, start := nuevoMundo(), time.Now()
	m.Reloj(func() time.Time { return start })
	m.gestor.Caer()
	m.broker.Fallar(context.DeadlineExceeded)
	s := de("ana")
	s.ID = idDado
	m.crear(t, s, "", errores.OutcomeUnknown)
	m.broker.Fallar(nil)
	m.gestor.Responder(nil)
	m.Reloj(func() time.Time { return start.Add(30 * time.Second) })
	exigir(t, m.SendAgain(t.Context()), "")
	if sent := m.publicadas(t); len(sent) != 1 || sent[0].Data.IDCompra != idDado || sent[0].Data.IDUsuario != "ana" {
		t.Errorf("sent %+v", sent)
	}
}

// What cannot be sent again now is sent in a later round.
func TestSendingAgainWithoutABroker(t *testing.T) {
	m, start := nuevoMundo(), time.Now()
	m.gestor.Caer()
	crearDada(m)
	m.gestor.Responder(nil)
	m.Reloj(func() time.Time { return start.Add(time.Minute) })
	for _, broken := range []func(error){m.broker.Fallar, m.almacen.Fallar} {
		broken(errCaido)
		exigir(t, m.SendAgain(t.Context()), errores.NoDisponible)
		broken(nil)
	}
	exigir(t, m.SendAgain(t.Context()), "")
	if n := len(m.publicadas(t)); n != 2 {
		t.Errorf("published %d times", n)
	}
}

// A replica remembers MaxUnconfirmed commands, the newest ones.
func TestWhatIsSentAgainIsBounded(t *testing.T) {
	m, start := nuevoMundo(), time.Now()
	m.gestor.Caer()
	for i := range compras.MaxUnconfirmed + 3 {
		m.Reloj(func() time.Time { return start.Add(time.Duration(i)) })
		if _, err := m.Crear(context.Background(), de(fmt.Sprint("customer ", i)), ""); err != nil {
			t.Fatal(err)
		}
	}
	all := m.publicadas(t)
	m.gestor.Responder(nil)
	m.Reloj(func() time.Time { return start.Add(time.Minute) })
	exigir(t, m.SendAgain(t.Context()), "")
	again := m.publicadas(t)[len(all):]
	if len(again) != compras.MaxUnconfirmed || again[0].Data.IDCompra != all[3].Data.IDCompra {
		t.Errorf("sent %d again, from %s", len(again), again[0].Data.IDCompra)
	}
}

type mensaje = contracts.Mensaje[contracts.DatosComandoGestorCompra]

func same(a, b mensaje) bool {
	return a.Data.IDCompra == b.Data.IDCompra && a.Data.IDUsuario == b.Data.IDUsuario && a.Data.Domicilio == b.Data.Domicilio &&
		a.Data.Motivo == b.Data.Motivo && slices.Equal(a.Data.Productos, b.Data.Productos)
}

func seconds(list ...int) (d []time.Duration) {
	for _, n := range list {
		d = append(d, time.Duration(n)*time.Second)
	}
	return d
}
