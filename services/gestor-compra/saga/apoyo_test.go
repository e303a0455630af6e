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
	"entregas/services/gestor-compra/compras"
	"entregas/services/gestor-compra/mensajes"
	"entregas/services/gestor-compra/postgres"
	"entregas/services/gestor-compra/postgrestest"
	"entregas/services/gestor-compra/saga"
	"entregas/services/internal/pubsub"
	"entregas/services/internal/pubsubtest"
	"entregas/workflows/compra"
)

// escena is the saga's activities on a real database, with participants that answer as a test says.
type escena struct {
	*saga.Saga
	postgrestest.Almacen
	*participantes
	testigo postgrestest.Testigo
}

// participantes is the broker and, behind it, the other services: what is asked is kept, and answered before the publish
// returns, the earliest that a reply can come.
type participantes struct {
	pubsubtest.Broker
	mu        sync.Mutex
	recibidos []contracts.Tipo
	responder func(comando contracts.Tipo, vez int) *compras.Respuesta // nil: nobody answers
	anotar    func(ctx context.Context, id string, comando contracts.Tipo, r compras.Respuesta) (compras.Anotada, error)
}

func (p *participantes) PublishEvent(ctx context.Context, componente, tema string, data any, opciones ...dapr.PublishEventOption) error {
	if err := p.Broker.PublishEvent(ctx, componente, tema, data, opciones...); err != nil {
		return err
	}
	var m struct {
		Type contracts.Tipo
		Data struct {
			IDCompra string `json:"id_compra"`
		}
	}
	if err := json.Unmarshal(data.([]byte), &m); err != nil {
		return err
	}
	p.mu.Lock()
	p.recibidos = append(p.recibidos, m.Type)
	vez := 0
	for _, otro := range p.recibidos {
		if otro == m.Type {
			vez++
		}
	}
	p.mu.Unlock()
	if p.responder == nil {
		return nil
	}
	if r := p.responder(m.Type, vez); r != nil {
		_, err := p.anotar(context.WithoutCancel(ctx), m.Data.IDCompra, m.Type, *r)
		return err
	}
	return nil
}

func (p *participantes) preguntas() []contracts.Tipo {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.recibidos)
}

// pacientes are settings under which nothing runs out or is repeated within a test.
var pacientes = saga.Ajustes{Paciencia: time.Hour, Insistencia: time.Hour, VueltaRevision: 5 * time.Millisecond, EsperaRollback: time.Hour}

func nuevaEscena(t *testing.T, ajustes saga.Ajustes) *escena {
	t.Helper()
	e := &escena{Almacen: postgrestest.Nuevo(t)}
	e.participantes = &participantes{anotar: e.AnotarRespuesta, responder: deBuenaGana}
	e.Saga = e.conAvisos(postgres.NuevosAvisos(e.Pool), ajustes)
	return e
}

// conAvisos is another replica: the same database and broker, wake-ups of its own.
func (e *escena) conAvisos(a *postgres.Avisos, ajustes saga.Ajustes) *saga.Saga {
	return saga.Nueva(e.Almacen, mensajes.Participants{Publisher: pubsub.NuevoPublicador(e.participantes, "gestor-compra")}, a, &e.testigo, ajustes, e.testigo.Avisar)
}

// deBuenaGana is what participants answer when all is well.
func deBuenaGana(comando contracts.Tipo, _ int) *compras.Respuesta {
	return &compras.Respuesta{Tipo: compra.Replies(comando)[0].Type, IDOrden: "o1"}
}

func siempre(r *compras.Respuesta) func(contracts.Tipo, int) *compras.Respuesta {
	return func(contracts.Tipo, int) *compras.Respuesta { return r }
}

// pregunta is the step of workflows/compra that sends comando.
func pregunta(c contracts.SolicitudCompra, comando contracts.Tipo) compra.Pregunta {
	return compra.StepOf(comando).Question(c)
}

func en(estados ...contracts.Estado) []contracts.Estado { return estados }

// hasta waits until se cumple, for as long as it takes within the test's own limit.
func hasta(t *testing.T, que string, seCumple func() bool) {
	t.Helper()
	for plazo := time.Now().Add(30 * time.Second); !seCumple(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(plazo) {
			t.Fatalf("no llega a %s", que)
		}
	}
}

// escuchar makes wake-ups reach waiters, as main does, and returns when they do.
func (e *escena) escuchar(t *testing.T, a *postgres.Avisos) {
	t.Helper()
	ctx, parar := context.WithCancel(context.Background())
	var fin sync.WaitGroup
	antes := e.escuchas(t)
	fin.Go(func() { a.Escuchar(ctx) })
	t.Cleanup(func() { parar(); fin.Wait() })
	hasta(t, "escuchar", func() bool { return e.escuchas(t) > antes })
}

func (e *escena) escuchas(t *testing.T) int {
	return postgrestest.Uno[int](t, e.Almacen, `select count(*) from pg_stat_activity where datname = current_database() and query = 'listen respuestas' and state = 'idle'`)
}
