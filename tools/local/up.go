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
func (in *Instancia) up(soloInfra bool) error {
	decir("instancia %s en %s", in.Nombre, in.Dir)
	if err := in.herramientas(); err != nil {
		return err
	}
	if err := in.puertosLibres(in.puertosDe(soloInfra)); err != nil {
		return err
	}
	if err := os.MkdirAll(in.ruta("datos"), 0o755); err != nil {
		return err
	}
	claves, err := in.claves()
	if err != nil {
		return err
	}
	if _, err := in.tokens(); err != nil {
		return err
	}
	if _, err := in.claveEmisor(); err != nil {
		return err
	}
	if err := in.crearPostgres(claves); err != nil {
		return err
	}
	antes, _ := os.ReadFile(in.ruta("run", "process-compose.yaml"))
	if err := in.escribirArchivos(); err != nil {
		return err
	}
	if err := in.subirInfra(string(antes)); err != nil {
		return err
	}
	if soloInfra {
		decir("infraestructura lista: PostgreSQL %s, Pulsar %d, placement %d, scheduler %d",
			in.direccionPostgres(), in.puerto("PULSAR"), in.puerto("PLACEMENT"), in.puerto("SCHEDULER"))
		return nil
	}
	return in.subirServicios()
}

// subirInfra starts PostgreSQL, Pulsar and the control plane, with the services' build meanwhile, and makes databases and topics.
func (in *Instancia) subirInfra(antes string) error {
	ps, err := in.supervisados()
	if err != nil && !errors.Is(err, errNotUp) {
		return err
	}
	if err != nil {
		decir("arranco PostgreSQL, Pulsar, placement y scheduler")
		terminar(procesos(in.marca()), 5*time.Second) // orphans of a supervisor that was killed
		if err := in.arrancarSupervisor(); err != nil {
			return err
		}
	} else if ahora, _ := os.ReadFile(in.ruta("run", "process-compose.yaml")); antes != "" && antes != string(ahora) {
		decir("aviso: la configuración cambió; se aplica del todo con make down y make up")
	}
	for _, p := range in.infra() {
		if e, hay := ps[p.Nombre]; hay && !e.activo() {
			if err := in.arrancar(p.Nombre); err != nil {
				return err
			}
		}
	}
	for _, p := range in.infra() {
		if err := in.esperar(p.Nombre, p.revisar); err != nil {
			return err
		}
	}
	if err := in.crearBases(); err != nil {
		return fmt.Errorf("PostgreSQL: %w", err)
	}
	// A broker that has just become healthy may be too busy for the first of these.
	if err := in.esperar("pulsar", func() error { return in.pulsarAdmin().CrearTopicos(context.Background()) }); err != nil {
		return err
	}
	decir("bases de datos y tópicos listos")
	return nil
}

// renewInfra makes the databases, topics and schemas that the code has gained since the system came up: a producer cannot
// register a schema itself. Trouble is only said, since a service may start while PostgreSQL or Pulsar is away.
func (in *Instancia) renewInfra() {
	ctx, release := context.WithTimeout(context.Background(), 10*time.Second)
	defer release()
	if err := in.crearBases(); err != nil {
		decir("aviso: no pude revisar las bases de datos: %v", err)
	}
	if err := in.pulsarAdmin().CrearTopicos(ctx); err != nil {
		decir("aviso: no pude revisar los tópicos y sus esquemas: %v", err)
	}
}

// subirServicios builds and starts the services that do not run, all at once.
func (in *Instancia) subirServicios() error {
	decir("construyo los servicios")
	if err := in.servicios(); err != nil {
		return err
	}
	ps, err := in.supervisados()
	if err != nil {
		return err
	}
	var propios []servicio
	for _, s := range in.losServicios() {
		if s.esReplica() {
			continue
		}
		propios = append(propios, s)
		if !ps[s.Nombre].activo() {
			decir("arranco %s con su sidecar", s.Nombre)
			if err := in.arrancar(s.Nombre); err != nil {
				return err
			}
		}
	}
	errores := make([]error, len(propios))
	var grupo sync.WaitGroup
	for i, s := range propios {
		grupo.Go(func() { errores[i] = in.esperarServicio(s) })
	}
	grupo.Wait()
	for _, p := range procesos(in.marca()) {
		if exe, _ := os.Readlink(fmt.Sprintf("/proc/%d/exe", p)); strings.HasPrefix(exe, in.compartida("bin")) && strings.HasSuffix(exe, " (deleted)") {
			if app := filepath.Base(strings.TrimSuffix(exe, " (deleted)")); slices.Contains(apps, app) {
				decir("aviso: %s corre con un programa anterior al que acabo de construir: make restart S=%s", app, app)
			}
		}
	}
	if err := errors.Join(errores...); err != nil {
		return err
	}
	decir("todo está sano: http://127.0.0.1:%d", propios[0].PuertoApp)
	return nil
}

// arrancar asks the supervisor for a process, unless it already runs.
func (in *Instancia) arrancar(nombre string) error {
	if ps, err := in.supervisados(); err == nil && ps[nombre].activo() {
		return nil
	}
	return in.supervisor("POST", "/process/start/"+nombre, nil)
}

func (in *Instancia) esperarServicio(s servicio) error {
	return in.esperar(s.Nombre, in.serviceReady(s))
}

// serviceReady checks a service's app, and its sidecar.
func (in *Instancia) serviceReady(s servicio) func() error {
	app, sidecar := in.salud(s.PuertoApp, "/readyz", 200), in.salud(s.PuertoHTTP, "/v1.0/healthz/outbound", 204)
	return func() error {
		if err := app(); err != nil {
			return err
		}
		return sidecar()
	}
}

// down stops everything in the reverse order of the start, then ends whatever still carries the instance's mark.
func (in *Instancia) down() error {
	if err := in.supervisor("POST", "/project/stop", nil); err == nil {
		decir("paro la instancia %s", in.Nombre)
		in.waitForEnd()
	}
	if quedan := procesos(in.marca()); len(quedan) > 0 {
		decir("termino %d procesos huérfanos", len(quedan))
		terminar(quedan, 10*time.Second)
	}
	for _, d := range []string{"logs", ""} { // the CLI makes this folder wherever it runs; ours is empty
		_ = os.Remove(filepath.Join(in.Raiz, ".dapr", d))
	}
	decir("nada de la instancia %s queda en marcha; los datos siguen en %s", in.Nombre, in.ruta("datos"))
	return nil
}

// waitForEnd waits until no process of the instance is left. The supervisor gives each of them its time, and ends one that takes
// longer: it is waited for while they get on.
func (in *Instancia) waitForEnd() {
	all := func() glance { return glance{pids: procesos(in.marca())} }
	err := in.wait(newWaiter("la parada", normalPatience, in.log("supervisor"), all), func() error {
		if n := len(all().pids); n > 0 {
			return fmt.Errorf("quedan %d procesos", n)
		}
		return nil
	})
	if err != nil {
		decir("aviso: %v", err)
	}
}

// reset forgets the instance: its data, passwords, logs.
func (in *Instancia) reset() error {
	if err := in.down(); err != nil {
		return err
	}
	decir("borro %s", in.Dir)
	if in.dsnPropio() != "" {
		decir("aviso: en su servidor de POSTGRES_DSN siguen las bases productos, gestor_compra, ordenes, dapr y bff; bórrelas usted si quiere")
	}
	return os.RemoveAll(in.Dir)
}
