package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// up makes the system complete and healthy; what already is, it leaves alone.
func (in *Instance) up(infraOnly bool) error {
	say("instancia %s en %s", in.Name, in.Dir)
	if err := in.tools(); err != nil {
		return err
	}
	if err := in.freePorts(in.portsOf(infraOnly)); err != nil {
		return err
	}
	if err := os.MkdirAll(in.path("datos"), 0o755); err != nil {
		return err
	}
	keys, err := in.keys()
	if err != nil {
		return err
	}
	if _, err := in.tokens(); err != nil {
		return err
	}
	if _, err := in.issuerKey(); err != nil {
		return err
	}
	if err := in.createPostgres(keys); err != nil {
		return err
	}
	earlier, _ := os.ReadFile(in.path("run", "process-compose.yaml"))
	if err := in.writeFiles(); err != nil {
		return err
	}
	if err := in.bringUpInfra(string(earlier)); err != nil {
		return err
	}
	if infraOnly {
		say("infraestructura lista: PostgreSQL %s, Pulsar %d, placement %d, scheduler %d",
			in.postgresAddress(), in.port("PULSAR"), in.port("PLACEMENT"), in.port("SCHEDULER"))
		return nil
	}
	return in.bringUpServices()
}

// bringUpInfra starts PostgreSQL, Pulsar and the control plane, with the services' build meanwhile, and makes databases and topics.
func (in *Instance) bringUpInfra(earlier string) error {
	ps, err := in.supervised()
	if err != nil && !errors.Is(err, errNotUp) {
		return err
	}
	if err != nil {
		say("arranco PostgreSQL, Pulsar, placement y scheduler")
		finish(processes(in.mark()), 5*time.Second) // orphans of a supervisor that was killed
		if err := in.startSupervisor(); err != nil {
			return err
		}
	} else if now, _ := os.ReadFile(in.path("run", "process-compose.yaml")); earlier != "" && earlier != string(now) {
		say("aviso: la configuración cambió; se aplica del todo con make down y make up")
	}
	for _, p := range in.infra() {
		if e, found := ps[p.Name]; found && !e.active() {
			if err := in.start(p.Name); err != nil {
				return err
			}
		}
	}
	for _, p := range in.infra() {
		if err := in.await(p.Name, p.check); err != nil {
			return err
		}
	}
	if err := in.createDatabases(); err != nil {
		return fmt.Errorf("PostgreSQL: %w", err)
	}
	// A broker that has just become healthy may be too busy for the first of these.
	if err := in.await("pulsar", func() error { return in.pulsarAdmin().CreateTopics(context.Background()) }); err != nil {
		return err
	}
	say("bases de datos y tópicos listos")
	return nil
}

// renewInfra makes the databases, topics and schemas that the code has gained since the system came up: a producer cannot
// register a schema itself. Trouble is only said, since a service may start while PostgreSQL or Pulsar is away.
func (in *Instance) renewInfra() {
	ctx, release := context.WithTimeout(context.Background(), 10*time.Second)
	defer release()
	if err := in.createDatabases(); err != nil {
		say("aviso: no pude revisar las bases de datos: %v", err)
	}
	if err := in.pulsarAdmin().CreateTopics(ctx); err != nil {
		say("aviso: no pude revisar los tópicos y sus esquemas: %v", err)
	}
}

// bringUpServices builds and starts the services that do not run, all at once.
func (in *Instance) bringUpServices() error {
	say("construyo los servicios")
	if err := in.services(); err != nil {
		return err
	}
	ps, err := in.supervised()
	if err != nil {
		return err
	}
	var own []service
	for _, s := range in.allServices() {
		if s.isReplica() {
			continue
		}
		own = append(own, s)
		if !ps[s.Name].active() {
			say("arranco %s con su sidecar", s.Name)
			if err := in.start(s.Name); err != nil {
				return err
			}
		}
	}
	errs := make([]error, len(own))
	var group sync.WaitGroup
	for i, s := range own {
		group.Go(func() { errs[i] = in.waitForService(s) })
	}
	group.Wait()
	for _, p := range processes(in.mark()) {
		if exe, _ := os.Readlink(fmt.Sprintf("/proc/%d/exe", p)); strings.HasPrefix(exe, in.shared("bin")) && strings.HasSuffix(exe, " (deleted)") {
			if app := filepath.Base(strings.TrimSuffix(exe, " (deleted)")); slices.Contains(apps, app) {
				say("aviso: %s corre con un programa anterior al que acabo de construir: make restart S=%s", app, app)
			}
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	say("todo está sano: http://127.0.0.1:%d", own[0].AppPort)
	return nil
}

// start asks the supervisor for a process, unless it already runs.
func (in *Instance) start(name string) error {
	if ps, err := in.supervised(); err == nil && ps[name].active() {
		return nil
	}
	return in.supervisor("POST", "/process/start/"+name, nil)
}

func (in *Instance) waitForService(s service) error {
	return in.await(s.Name, in.serviceReady(s))
}

// serviceReady checks a service's app, and its sidecar.
func (in *Instance) serviceReady(s service) func() error {
	app, sidecar := in.health(s.AppPort, "/readyz", 200), in.health(s.HTTPPort, "/v1.0/healthz/outbound", 204)
	return func() error {
		if err := app(); err != nil {
			return err
		}
		return sidecar()
	}
}

// down stops everything in the reverse order of the start, then ends whatever still carries the instance's mark.
func (in *Instance) down() error {
	if err := in.supervisor("POST", "/project/stop", nil); err == nil {
		say("paro la instancia %s", in.Name)
		in.waitForEnd()
	}
	if remaining := processes(in.mark()); len(remaining) > 0 {
		say("termino %d procesos huérfanos", len(remaining))
		finish(remaining, 10*time.Second)
	}
	for _, d := range []string{"logs", ""} { // the CLI makes this folder wherever it runs; ours is empty
		_ = os.Remove(filepath.Join(in.Root, ".dapr", d))
	}
	say("nada de la instancia %s queda en marcha; los datos siguen en %s", in.Name, in.path("datos"))
	return nil
}

// waitForEnd waits until no process of the instance is left. The supervisor gives each of them its time, and ends one that takes
// longer: it is waited for while they get on.
func (in *Instance) waitForEnd() {
	all := func() glance { return glance{pids: processes(in.mark())} }
	err := in.wait(newWaiter("la parada", normalPatience, in.log("supervisor"), all), func() error {
		if n := len(all().pids); n > 0 {
			return fmt.Errorf("quedan %d procesos", n)
		}
		return nil
	})
	if err != nil {
		say("aviso: %v", err)
	}
}

// reset forgets the instance: its data, passwords, logs.
func (in *Instance) reset() error {
	if err := in.down(); err != nil {
		return err
	}
	say("borro %s", in.Dir)
	if in.ownDSN() != "" {
		say("aviso: en su servidor de POSTGRES_DSN siguen las bases productos, gestor_compra, ordenes, dapr y bff; bórrelas usted si quiere")
	}
	return os.RemoveAll(in.Dir)
}
