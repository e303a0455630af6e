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
	"entregas/tests/cliente"
)

// falla is one thing that can go wrong.
type falla struct {
	que, paso string
	// hacer does it, and returns when it is over: what was cut is joined again, what was armed has gone off.
	hacer func(ctx context.Context, c *caos) error
	// mayNeedMending tells that it takes messages or reminders away, or lasts longer than a reconciler waits.
	mayNeedMending bool
}

var aplicaciones = []string{"bff", "gestor-compra", "admin-productos", "consolidador", "ordenes", "monitor"}

// catalogo lists every fault, in a fixed order.
func catalogo() []falla {
	var f []falla
	for _, a := range aplicaciones {
		f = append(f, matar("kill -9 de la app "+a, unProceso(a, "app")), matar("kill -9 del sidecar de "+a, unProceso(a, "sidecar")))
	}
	for _, i := range []string{"pulsar", "postgres", "placement", "scheduler"} {
		f = append(f, matar("kill -9 de "+i, unProceso(i, i)))
	}
	f = append(f,
		matar("kill -9 de gestor-compra con su sidecar", func(p cliente.Proceso) bool { return p.Nombre == "gestor-compra" }),
		matar("kill -9 de postgres y pulsar", func(p cliente.Proceso) bool { return p.Nombre == "postgres" || p.Nombre == "pulsar" }),
		matar("kill -9 de placement y scheduler", func(p cliente.Proceso) bool { return p.Nombre == "placement" || p.Nombre == "scheduler" }),
		matar("kill -9 de todas las apps", func(p cliente.Proceso) bool { return p.Clase == "app" }),
		matar("kill -9 de todos los sidecars", func(p cliente.Proceso) bool { return p.Clase == "sidecar" }),
		matar("kill -9 de todo", func(cliente.Proceso) bool { return true }),
		falla{que: "kill -9 de todo y del supervisor, y make up", paso: "cualquiera", hacer: everythingKilled},
	)
	return slices.Concat(f, puntos(), deRed(), deEntrega(), deConexiones(), dePausa(), deColas(), deDisco(), deReloj(), deReplicas())
}

func unProceso(nombre, clase string) func(cliente.Proceso) bool {
	return func(p cliente.Proceso) bool { return p.Nombre == nombre && p.Clase == clase }
}

func matar(que string, cual func(cliente.Proceso) bool) falla {
	return falla{que: que, paso: "cualquiera", hacer: func(ctx context.Context, c *caos) error {
		n, err := c.local.Matar(ctx, cual)
		if err == nil && n == 0 {
			err = didNotOccur("no corre")
		}
		return err
	}}
}

var errNoOcurrio = fmt.Errorf("no ocurrió")

// puntos are the failpoints: each message of the saga, before it is sent and before what caused it is acknowledged; each
// reply that is recorded; each end that is recorded. The names are those of services/internal/fallas.
func puntos() []falla {
	var f []falla
	for _, m := range messages(func(t contracts.Topic) bool {
		return t.Sender == "gestor-compra" && t.Name != string(contracts.EventosCompra)
	}) {
		f = append(f, punto("muere antes de publicar el comando", "antes-de-publicar", m), punto("muere con el comando publicado", "publicado", m))
	}
	for _, m := range messages(func(t contracts.Topic) bool {
		return t.Reader == "gestor-compra" && t.Name != string(contracts.ComandosGestorCompra)
	}) {
		f = append(f, punto("muere entre commit y respuesta", "antes-de-publicar", m), punto("muere entre respuesta y ack", "publicado", m),
			punto("muere con la respuesta anotada, antes del ack", "atendido", m))
	}
	f = append(f, punto("muere antes de avisar del despacho", "antes-de-publicar", "OrdenDespachada"), punto("muere con el despacho anotado, antes del ack", "atendido", "OrdenDespachada"))
	for _, e := range []string{"CONFIRMADA", "CANCELADA", "RECHAZADA", "DESPACHADA"} {
		f = append(f, punto("muere con el estado anotado, sin decirlo al motor", "anotada", e))
	}
	for _, w := range []string{"Compra", "Cancelacion", "Despacho"} {
		f = append(f, punto("muere con el turno dado, sin arrancar el workflow", "turno-dado", w))
	}
	return append(f, punto("muere antes de difundir", "antes-de-publicar", "CompraActualizada"), punto("muere con la difusión hecha y sin marcar", "publicado", "CompraActualizada"))
}

// rare are replies that a run may never see: a participant gives them only where it lost a race.
var rare = []contracts.Tipo{contracts.ReservaRechazada, contracts.OrdenRechazada, contracts.OrdenDespachada}

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

// esperaPunto is how long a failpoint may wait for a purchase that comes by.
const esperaPunto = 25 * time.Second

func punto(que, cuando, mensaje string) falla {
	return falla{que: que, paso: mensaje, hacer: func(ctx context.Context, c *caos) error {
		archivo := filepath.Join(c.fallas, cuando+"."+mensaje)
		if err := os.WriteFile(archivo, nil, 0o600); err != nil {
			return err
		}
		for limite := time.Now().Add(esperaPunto); time.Now().Before(limite) && ctx.Err() == nil; time.Sleep(50 * time.Millisecond) {
			if _, err := os.Stat(archivo); os.IsNotExist(err) {
				return nil
			}
		}
		if os.Remove(archivo) != nil {
			return nil // at the last moment
		}
		return didNotOccur("ninguna compra pasó por ahí")
	}}
}

// plan is the order of the faults: all of them, shuffled, and again. The same seed gives the same plan.
type plan struct {
	azar *rand.Rand
	faltan,
	todas []falla
}

func nuevoPlan(semilla uint64, todas []falla) *plan {
	return &plan{azar: rand.New(rand.NewPCG(semilla, 1)), todas: todas}
}

func (p *plan) siguiente() falla {
	if len(p.faltan) == 0 {
		p.faltan = slices.Clone(p.todas)
		p.azar.Shuffle(len(p.faltan), func(i, j int) { p.faltan[i], p.faltan[j] = p.faltan[j], p.faltan[i] })
	}
	f := p.faltan[0]
	p.faltan = p.faltan[1:]
	return f
}

// chosen are the faults whose name and step the expression matches.
func chosen(all []falla, expression string) ([]falla, error) {
	re, err := regexp.Compile(expression)
	if err != nil {
		return nil, fmt.Errorf("FAULTS: %w", err)
	}
	those := slices.DeleteFunc(slices.Clone(all), func(f falla) bool { return !re.MatchString(f.que + "/" + f.paso) })
	if len(those) == 0 {
		return nil, fmt.Errorf("FAULTS: ninguna falla se llama como %q", expression)
	}
	return those, nil
}

// shortNames are the faults of the short version, one of each kind: que, or que/paso where one step is meant.
var shortNames = []string{
	"kill -9 de la app gestor-compra", "kill -9 del sidecar de admin-productos", "kill -9 de postgres", "kill -9 de pulsar",
	"muere con el comando publicado/ReservarProducto", "muere entre commit y respuesta/OrdenCreada", "muere entre respuesta y ack/ReservaLiberada",
	"muere con el estado anotado, sin decirlo al motor/CONFIRMADA", "conexiones de PostgreSQL terminadas cada 2 s", "entregas repetidas",
}

func cortas(todas []falla) []falla {
	return slices.DeleteFunc(slices.Clone(todas), func(f falla) bool {
		return !slices.Contains(shortNames, f.que) && !slices.Contains(shortNames, f.que+"/"+f.paso)
	})
}
