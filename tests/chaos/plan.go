package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"

	"entregas/contracts"
	"entregas/tests/client"
)

// fault is one thing that can go wrong.
type fault struct {
	what, step string
	// act does it, and returns when it is over: what was cut is joined again, what was armed has gone off.
	act func(ctx context.Context, c *chaos) error
	// mayNeedMending tells that it takes messages or reminders away, or lasts longer than a reconciler waits.
	mayNeedMending bool
}

var applications = []string{"bff", "gestor-compra", "admin-productos", "consolidador", "ordenes", "monitor"}

// catalog lists every fault, in a fixed order.
func catalog() []fault {
	var f []fault
	for _, a := range applications {
		f = append(f, kill("kill -9 de la app "+a, oneProcess(a, "app")), kill("kill -9 del sidecar de "+a, oneProcess(a, "sidecar")))
	}
	for _, i := range []string{"pulsar", "postgres", "placement", "scheduler"} {
		f = append(f, kill("kill -9 de "+i, oneProcess(i, i)))
	}
	f = append(f,
		kill("kill -9 de gestor-compra con su sidecar", func(p client.Process) bool { return p.Name == "gestor-compra" }),
		kill("kill -9 de postgres y pulsar", func(p client.Process) bool { return p.Name == "postgres" || p.Name == "pulsar" }),
		kill("kill -9 de placement y scheduler", func(p client.Process) bool { return p.Name == "placement" || p.Name == "scheduler" }),
		kill("kill -9 de todas las apps", func(p client.Process) bool { return p.Kind == "app" }),
		kill("kill -9 de todos los sidecars", func(p client.Process) bool { return p.Kind == "sidecar" }),
		kill("kill -9 de todo", func(client.Process) bool { return true }),
		fault{what: "kill -9 de todo y del supervisor, y make up", step: "cualquiera", act: everythingKilled},
	)
	return slices.Concat(f, points(), networkFaults(), deliveryFaults(), connectionFaults(), pauseFaults(), queueFaults(), diskFaults(), clockFaults(), replicaFaults())
}

func oneProcess(name, class string) func(client.Process) bool {
	return func(p client.Process) bool { return p.Name == name && p.Kind == class }
}

func kill(what string, which func(client.Process) bool) fault {
	return fault{what: what, step: "cualquiera", act: func(ctx context.Context, c *chaos) error {
		n, err := c.local.Kill(ctx, which)
		if err == nil && n == 0 {
			err = didNotOccur("no corre")
		}
		return err
	}}
}

var errDidNotOccur = fmt.Errorf("no ocurrió")

// points are the failpoints: each message of the saga, before it is sent and before what caused it is acknowledged; each
// reply that is recorded; each end that is recorded. The names are those of internal/failpoint.
func points() []fault {
	var f []fault
	for _, m := range messages(func(t contracts.Topic) bool {
		return t.Sender == "gestor-compra" && t.Name != string(contracts.EventosCompra)
	}) {
		f = append(f, point("muere antes de publicar el comando", "antes-de-publicar", m), point("muere con el comando publicado", "publicado", m))
	}
	for _, m := range messages(func(t contracts.Topic) bool {
		return t.Reader == "gestor-compra" && t.Name != string(contracts.ComandosGestorCompra)
	}) {
		f = append(f, point("muere entre commit y respuesta", "antes-de-publicar", m), point("muere entre respuesta y ack", "publicado", m),
			point("muere con la respuesta anotada, antes del ack", "atendido", m))
	}
	f = append(f, point("muere antes de avisar del despacho", "antes-de-publicar", "OrdenDespachada"), point("muere con el despacho anotado, antes del ack", "atendido", "OrdenDespachada"))
	for _, e := range []string{"CONFIRMADA", "CANCELADA", "RECHAZADA", "DESPACHADA"} {
		f = append(f, point("muere con el estado anotado, sin decirlo al motor", "anotada", e))
	}
	for _, w := range []string{"Compra", "Cancelacion", "Despacho"} {
		f = append(f, point("muere con el turno dado, sin arrancar el workflow", "turno-dado", w))
	}
	return append(f, point("muere antes de difundir", "antes-de-publicar", "CompraActualizada"), point("muere con la difusión hecha y sin marcar", "publicado", "CompraActualizada"))
}

// rare are replies that a run may never see: a participant gives them only where it lost a race.
var rare = []contracts.MessageType{contracts.ReservaRechazada, contracts.OrdenRechazada, contracts.OrdenDespachada}

// messages are those of the topics for which of is true, in their order, without the rare ones.
func messages(of func(contracts.Topic) bool) []string {
	var names []string
	for _, t := range contracts.Topics {
		for _, m := range t.Messages {
			if of(t) && !slices.Contains(rare, m) {
				names = append(names, string(m))
			}
		}
	}
	return names
}

// pointWait is how long a failpoint may wait for a purchase that comes by.
const pointWait = 25 * time.Second

func point(what, when, message string) fault {
	return fault{what: what, step: message, act: func(ctx context.Context, c *chaos) error {
		file := filepath.Join(c.failpoints, when+"."+message)
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			return err
		}
		for limit := time.Now().Add(pointWait); time.Now().Before(limit) && ctx.Err() == nil; time.Sleep(50 * time.Millisecond) {
			if _, err := os.Stat(file); os.IsNotExist(err) {
				return nil
			}
		}
		if os.Remove(file) != nil {
			return nil // at the last moment
		}
		return didNotOccur("ninguna compra pasó por ahí")
	}}
}

// plan is the order of the faults: all of them, shuffled, and again. The same seed gives the same plan.
type plan struct {
	rng *rand.Rand
	missing,
	all []fault
}

func newPlan(seed uint64, all []fault) *plan {
	return &plan{rng: rand.New(rand.NewPCG(seed, 1)), all: all}
}

func (p *plan) next() fault {
	if len(p.missing) == 0 {
		p.missing = slices.Clone(p.all)
		p.rng.Shuffle(len(p.missing), func(i, j int) { p.missing[i], p.missing[j] = p.missing[j], p.missing[i] })
	}
	f := p.missing[0]
	p.missing = p.missing[1:]
	return f
}

// chosen are the faults whose name and step the expression matches.
func chosen(all []fault, expression string) ([]fault, error) {
	re, err := regexp.Compile(expression)
	if err != nil {
		return nil, fmt.Errorf("FAULTS: %w", err)
	}
	those := slices.DeleteFunc(slices.Clone(all), func(f fault) bool { return !re.MatchString(f.what + "/" + f.step) })
	if len(those) == 0 {
		return nil, fmt.Errorf("FAULTS: ninguna falla se llama como %q", expression)
	}
	return those, nil
}

// shortNames are the faults of the short version, one of each kind: que, or que/step where one step is meant.
var shortNames = []string{
	"kill -9 de la app gestor-compra", "kill -9 del sidecar de admin-productos", "kill -9 de postgres", "kill -9 de pulsar",
	"muere con el comando publicado/ReservarProducto", "muere entre commit y respuesta/OrdenCreada", "muere entre respuesta y ack/ReservaLiberada",
	"muere con el estado anotado, sin decirlo al motor/CONFIRMADA", "conexiones de PostgreSQL terminadas cada 2 s", "entregas repetidas",
}

func shortOnes(all []fault) []fault {
	return slices.DeleteFunc(slices.Clone(all), func(f fault) bool {
		return !slices.Contains(shortNames, f.what) && !slices.Contains(shortNames, f.what+"/"+f.step)
	})
}
