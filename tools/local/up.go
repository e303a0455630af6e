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

	"entregas/tools/local/setup"
)

// up builds and starts the missing parts, and waits until the system is healthy. It does not touch the parts that already run.
func (in *Instance) up(infraOnly bool) error {
	say("instance %s in %s", in.Name, in.Dir)
	if err := in.tools(); err != nil {
		return err
	}
	if in.observing() {
		if err := in.observeTools(); err != nil {
			return err
		}
	}
	if err := in.freePorts(in.portsOf(infraOnly)); err != nil {
		return err
	}
	if err := os.MkdirAll(in.path("data"), 0o755); err != nil {
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
	changed := in.choose(in.apps...)
	earlier, _ := os.ReadFile(in.path("run", "process-compose.yaml"))
	if err := in.writeFiles(); err != nil {
		return err
	}
	if err := in.bringUpInfra(string(earlier)); err != nil {
		return err
	}
	if infraOnly {
		say("infrastructure is ready: PostgreSQL %s, Pulsar %d, placement %d, scheduler %d",
			in.postgresAddress(), in.port("PULSAR"), in.port("PLACEMENT"), in.port("SCHEDULER"))
		return nil
	}
	if err := in.startObservers(); err != nil {
		return err
	}
	if err := in.bringUpServices(changed); err != nil {
		return err
	}
	return in.waitForObservers()
}

// bringUpInfra starts PostgreSQL, Pulsar and the control plane, waits for them, and creates databases and topics. earlier is the
// supervisor's configuration before this start, "" if there was none.
func (in *Instance) bringUpInfra(earlier string) error {
	ps, err := in.supervised()
	if err != nil && !errors.Is(err, errNotUp) {
		return err
	}
	if err != nil {
		say("starting PostgreSQL, Pulsar, placement and scheduler")
		finish(processes(in.mark()), 5*time.Second) // orphans of a killed supervisor
		if err := in.startSupervisor(); err != nil {
			return err
		}
	} else if now, _ := os.ReadFile(in.path("run", "process-compose.yaml")); earlier != "" && earlier != string(now) {
		say("warning: the configuration changed. It takes full effect after make down and make up")
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
	// A broker may be too busy for these requests for some seconds after it is healthy.
	if err := in.await("pulsar", func() error { return in.pulsarAdmin().CreateTopics(context.Background()) }); err != nil {
		return err
	}
	if err := setup.ForgetLostWorkflows(context.Background(), in.connect); err != nil {
		return err
	}
	say("databases and topics are ready")
	return in.afterRestore()
}

// renewInfra creates the databases, topics and schemas that are new in the code since the system was started, because a producer
// cannot register a schema. renewInfra only prints its errors, because a service may start while PostgreSQL or Pulsar is down.
func (in *Instance) renewInfra() {
	ctx, release := context.WithTimeout(context.Background(), 10*time.Second)
	defer release()
	if err := in.createDatabases(); err != nil {
		say("warning: the databases could not be checked: %v", err)
	}
	if err := in.pulsarAdmin().CreateTopics(ctx); err != nil {
		say("warning: the topics and their schemas could not be checked: %v", err)
	}
}

// bringUpServices builds the services, starts at the same time all that do not run, and waits until they are healthy. It stops those whose
// implementation changed first.
func (in *Instance) bringUpServices(changed []string) error {
	say("building the services")
	if err := in.services(); err != nil {
		return err
	}
	if err := in.migrate(5*time.Minute, in.apps...); err != nil {
		return err
	}
	ps, err := in.supervised()
	if err != nil {
		return err
	}
	stopped, err := in.stopChanged(changed, ps)
	if err != nil {
		return err
	}
	if err := in.keepChosen(); err != nil {
		return err
	}
	var own []service
	for _, s := range in.allServices() {
		if s.isReplica() && !stopped[s.Name] {
			continue
		}
		own = append(own, s)
		if !ps[s.Name].active() || stopped[s.Name] {
			say("starting %s with its sidecar", s.Name)
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
			if app := filepath.Base(strings.TrimSuffix(exe, " (deleted)")); slices.Contains(in.apps, app) {
				say("warning: %s runs an older program than the one just built: make restart S=%s", app, app)
			}
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	say("everything is healthy: http://127.0.0.1:%d", own[0].AppPort)
	return nil
}

// stopChanged stops each service and replica that runs another implementation than the one that was chosen, and returns their names.
func (in *Instance) stopChanged(changed []string, ps map[string]processStatus) (stopped map[string]bool, err error) {
	stopped = map[string]bool{}
	for _, s := range in.allServices() {
		if !slices.Contains(changed, s.App) || !ps[s.Name].active() {
			continue
		}
		say("stopping %s", s.Name)
		if err := in.halt(s.Name); err != nil {
			return nil, err
		}
		stopped[s.Name] = true
	}
	return stopped, nil
}

// start tells the supervisor to start a process, unless it already runs.
func (in *Instance) start(name string) error {
	if ps, err := in.supervised(); err == nil && ps[name].active() {
		return nil
	}
	return in.supervisor("POST", "/process/start/"+name, nil)
}

func (in *Instance) waitForService(s service) error {
	return in.await(s.Name, in.serviceReady(s))
}

// serviceReady returns a check of a service's app and sidecar.
func (in *Instance) serviceReady(s service) func() error {
	app, sidecar := in.health(s.AppPort, "/readyz", 200), in.health(s.HTTPPort, "/v1.0/healthz/outbound", 204)
	return func() error {
		if err := app(); err != nil {
			return err
		}
		return sidecar()
	}
}

// down stops everything in the reverse order of the start, then ends each process that still has the instance's mark.
func (in *Instance) down() error {
	if err := in.supervisor("POST", "/project/stop", nil); err == nil {
		say("stopping the instance %s", in.Name)
		in.waitForEnd()
	}
	if remaining := processes(in.mark()); len(remaining) > 0 {
		say("ending %d orphaned processes", len(remaining))
		finish(remaining, 10*time.Second)
	}
	for _, d := range []string{"logs", ""} { // the CLI creates this empty folder in its working directory
		_ = os.Remove(filepath.Join(in.Root, ".dapr", d))
	}
	say("no process of the instance %s runs any more; the data stays in %s", in.Name, in.path("data"))
	return nil
}

// waitForEnd waits until no process of the instance is left, for as long as the processes make progress. The supervisor gives
// each process its time to stop, and then kills it.
func (in *Instance) waitForEnd() {
	all := func() glance { return glance{pids: processes(in.mark())} }
	err := in.wait(newWaiter("the stop", normalPatience, in.log("supervisor"), all), func() error {
		if n := len(all().pids); n > 0 {
			return fmt.Errorf("%d processes are left", n)
		}
		return nil
	})
	if err != nil {
		say("warning: %v", err)
	}
}

// reset stops the instance and deletes its folder: data, passwords and logs.
func (in *Instance) reset() error {
	if err := in.down(); err != nil {
		return err
	}
	say("deleting %s", in.Dir)
	if in.ownDSN() != "" {
		say("warning: the databases productos, gestor_compra, ordenes, avisos, dapr and bff stay on the server of POSTGRES_DSN; delete them yourself if you want")
	}
	return os.RemoveAll(in.Dir)
}
