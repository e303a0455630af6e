package main

import (
	"context"
	"errors"
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

// fault is one thing that can go wrong, at one step of the saga.
type fault struct {
	what, step string
	// act causes the fault and returns when the fault is over: a cut connection works again, an armed failpoint has fired.
	act func(ctx context.Context, c *chaos) error
	// mayNeedMending says that a reconciler may have to repair purchases after the fault: the fault deletes messages or reminders, or
	// lasts longer than a reconciler waits.
	mayNeedMending bool
}

// services has the services of dapr.yaml, applications their app-ids.
var (
	services     = mustServices()
	applications = func() (ids []string) {
		for _, s := range services {
			ids = append(ids, s.App)
		}
		return ids
	}()
)

func mustServices() []client.Service {
	all, err := client.Services()
	if err != nil {
		panic(err) // this program and its tests run only inside the project
	}
	return all
}

// anyStep is the step of a fault that does not wait for a particular step.
const anyStep = "any"

// catalog returns every fault, in a fixed order.
func catalog() []fault {
	var f []fault
	for _, a := range applications {
		f = append(f, kill("kill -9 of app "+a, oneProcess(a, "app")), kill("kill -9 of the sidecar of "+a, oneProcess(a, "sidecar")))
	}
	for _, i := range []string{"pulsar", "postgres", "placement", "scheduler"} {
		f = append(f, kill("kill -9 of "+i, oneProcess(i, i)))
	}
	f = append(f,
		kill("kill -9 of gestor-compra with its sidecar", func(p client.Process) bool { return p.Name == "gestor-compra" }),
		kill("kill -9 of postgres and pulsar", func(p client.Process) bool { return p.Name == "postgres" || p.Name == "pulsar" }),
		kill("kill -9 of placement and scheduler", func(p client.Process) bool { return p.Name == "placement" || p.Name == "scheduler" }),
		kill("kill -9 of all apps", func(p client.Process) bool { return p.Kind == "app" }),
		kill("kill -9 of all sidecars", func(p client.Process) bool { return p.Kind == "sidecar" }),
		kill("kill -9 of everything", func(client.Process) bool { return true }),
		fault{what: "kill -9 of everything and the supervisor, then make up", step: anyStep, act: everythingKilled},
	)
	return slices.Concat(f, points(), networkFaults(), deliveryFaults(), connectionFaults(), pauseFaults(), queueFaults(), diskFaults(), clockFaults(), replicaFaults())
}

// oneProcess selects the process of a class with this name.
func oneProcess(name, class string) func(client.Process) bool {
	return func(p client.Process) bool { return p.Name == name && p.Kind == class }
}

// kill is a fault that sends SIGKILL to processes.
func kill(what string, matches func(client.Process) bool) fault {
	return fault{what: what, step: anyStep, act: func(ctx context.Context, c *chaos) error {
		n, err := c.local.Kill(ctx, matches)
		if err == nil && n == 0 {
			err = didNotOccur("it does not run")
		}
		return err
	}}
}

// errDidNotOccur is the error of a fault that could not be caused.
var errDidNotOccur = errors.New("did not occur")

// The instants of failpoints. TestFailpointsExist compares them with internal/failpoint, which tests may not import.
const (
	beforePublish = "before-publish"
	published     = "published"
	handled       = "handled"
	recorded      = "recorded"
	turnGiven     = "turn-given"
)

// points returns the faults that failpoints cause. A program dies before it sends a message of the saga, between the sending and the
// acknowledgement of the message that caused it, after a reply is recorded, after an end state is recorded, or after a purchase got
// its turn.
func points() []fault {
	var f []fault
	for _, m := range messages(func(t contracts.Topic) bool {
		return t.Sender == "gestor-compra" && t.Name != string(contracts.EventosCompra)
	}) {
		f = append(f, point("dies before it publishes the command", beforePublish, m), point("dies with the command published", published, m))
	}
	for _, m := range messages(func(t contracts.Topic) bool {
		return t.Reader == "gestor-compra" && t.Name != string(contracts.ComandosGestorCompra)
	}) {
		f = append(f, point("dies between commit and reply", beforePublish, m), point("dies between reply and ack", published, m),
			point("dies with the reply recorded, before the ack", handled, m))
	}
	f = append(f, point("dies before it publishes the dispatch", beforePublish, "OrdenDespachada"), point("dies with the dispatch recorded, before the ack", handled, "OrdenDespachada"))
	for _, e := range []string{"CONFIRMADA", "CANCELADA", "RECHAZADA", "DESPACHADA"} {
		f = append(f, point("dies with the state recorded, before the engine knows", recorded, e))
	}
	for _, w := range []string{"Compra", "Cancelacion", "Despacho"} {
		f = append(f, point("dies with the turn given, before the workflow starts", turnGiven, w))
	}
	return append(f, point("dies before it broadcasts", beforePublish, "CompraActualizada"), point("dies with the broadcast done and not marked", published, "CompraActualizada"))
}

// rare has the replies that may never occur in a run: a participant sends them only when it loses a race.
var rare = []contracts.MessageType{contracts.ReservaRechazada, contracts.OrdenRechazada, contracts.OrdenDespachada}

// messages returns the messages, in their order, of the topics for which of returns true. It leaves out the messages in rare.
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

// pointWait is how long an armed failpoint waits for a purchase to reach it.
const pointWait = 25 * time.Second

// point is a fault that arms a failpoint and waits until it fires.
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
			return nil // the failpoint fired at the last moment
		}
		return didNotOccur("no purchase reached it")
	}}
}

// plan is the order of the faults: all of them shuffled, then all of them shuffled again. The same seed gives the same plan.
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

// chosen returns the faults whose fault/step the regular expression matches.
func chosen(all []fault, expression string) ([]fault, error) {
	re, err := regexp.Compile(expression)
	if err != nil {
		return nil, fmt.Errorf("FAULTS: %w", err)
	}
	those := slices.DeleteFunc(slices.Clone(all), func(f fault) bool { return !re.MatchString(f.what + "/" + f.step) })
	if len(those) == 0 {
		return nil, fmt.Errorf("FAULTS: no fault has a name that matches %q", expression)
	}
	return those, nil
}

// shortNames has the faults of the short version, one of each kind: fault, or fault/step for one step of several.
var shortNames = []string{
	"kill -9 of app gestor-compra", "kill -9 of the sidecar of admin-productos", "kill -9 of postgres", "kill -9 of pulsar",
	"dies with the command published/ReservarProducto", "dies between commit and reply/OrdenCreada", "dies between reply and ack/ReservaLiberada",
	"dies with the state recorded, before the engine knows/CONFIRMADA", "connections to PostgreSQL ended every 2 s", "deliveries repeated",
}

// shortOnes returns the faults of the short version.
func shortOnes(all []fault) []fault {
	return slices.DeleteFunc(slices.Clone(all), func(f fault) bool {
		return !slices.Contains(shortNames, f.what) && !slices.Contains(shortNames, f.what+"/"+f.step)
	})
}
