package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// correr is what the supervisor runs for a service: `dapr run` on its run file, and the three things that the CLI does not do.
// It first ends what an earlier CLI, killed, left orphaned on the ports; it stops app, sidecar and CLI in this order, each given
// time to finish (the CLI alone sends SIGKILL to both at once); and it ends when the app or the sidecar dies, so that
// the supervisor starts the service again.
func (in *Instancia) correr(nombre string) error {
	marca := marcaServicio + "=" + nombre
	terminar(procesos(in.marca(), marca), 2*time.Second)

	cmd := exec.Command(in.compartida("bin", "dapr"), "run", "-f", in.ruta("run", nombre+".yaml"))
	cmd.Dir, cmd.Stdout, cmd.Stderr = in.Raiz, os.Stdout, os.Stderr
	// The sidecar announces itself on the loopback: what runs here is nobody else's in the network.
	tokens, err := in.tokens()
	if err != nil {
		return err
	}
	cmd.Env = append(os.Environ(), marca, "DAPR_HOST_IP=127.0.0.1", "APP_API_TOKEN="+tokens.app, "DAPR_API_TOKEN="+tokens.dapr)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := cmd.Start(); err != nil {
		return err
	}
	fin := make(chan struct{})
	go func() { _ = cmd.Wait(); close(fin) }() // after a signal the CLI ends with 1 even when all went well
	parar := make(chan os.Signal, 1)
	signal.Notify(parar, syscall.SIGTERM, syscall.SIGINT)

	s, err := in.servicio(nombre)
	if err != nil {
		return err
	}
	mute := whenMute(context.Background(), in.salud(s.PuertoHTTP, "/v1.0/healthz/outbound", 204))
	v := vigia{in: in, marca: marca, cli: cmd.Process.Pid, start: newWaiter(nombre, pairPatience, in.log(nombre), func() glance {
		return glance{pids: procesos(in.marca(), marca)}
	})}
	for reloj := time.Tick(time.Second / porSegundo); ; {
		select {
		case <-fin:
			terminar(procesos(in.marca(), marca), 2*time.Second)
			return fmt.Errorf("dapr run de %s terminó por sí solo", nombre)
		case <-parar:
			in.detener(marca, cmd.Process.Pid)
			<-fin
			return nil
		case <-reloj:
			if quien := v.muerto(); quien != "" {
				in.detener(marca, cmd.Process.Pid)
				<-fin
				return fmt.Errorf("%s de %s terminó: arranco de nuevo los dos", quien, nombre)
			}
		case <-mute:
			in.detener(marca, cmd.Process.Pid)
			<-fin
			return fmt.Errorf("el sidecar de %s no contesta desde hace %s: arranco de nuevo los dos", nombre, muteFor)
		}
	}
}

// muteFor is how long a sidecar that was healthy may be silent before it is started again. One that starts has no such limit:
// it takes as long as it needs.
const muteFor = time.Minute

// whenMute closes its channel when what was healthy has not been so for muteFor. It looks until ctx ends.
func whenMute(ctx context.Context, healthy func() error) <-chan struct{} {
	mute := make(chan struct{})
	go func() {
		var last time.Time // when it was healthy
		for ctx.Err() == nil {
			time.Sleep(time.Second)
			if healthy() == nil {
				last = time.Now()
			} else if !last.IsZero() && time.Since(last) > muteFor {
				close(mute)
				return
			}
		}
	}()
	return mute
}

// vigia looks at a service's app and sidecar. The CLI does not: it waits a minute for one that died while it started.
type vigia struct {
	in           *Instancia
	marca        string
	cli          int
	app, sidecar int
	start        *waiter // follows the CLI, and whom it has started
	looked       time.Time
}

const porSegundo = 10 // looks

// pairPatience is how long one of the two may be missing: while the CLI or the other works, it may still come.
var pairPatience = patience{idle: 30 * time.Second, work: time.Second, total: 5 * time.Minute}

// muerto says which of the two died, or "" while both live or may be about to start.
func (v *vigia) muerto() string {
	if v.app == 0 || v.sidecar == 0 {
		app, sidecar := v.in.pareja(v.marca, v.cli)
		switch {
		case app != 0 && sidecar != 0:
			v.app, v.sidecar = app, sidecar
			return ""
		case v.app != 0 && app == 0:
			return "la aplicación"
		case v.sidecar != 0 && sidecar == 0:
			return "el sidecar"
		}
		v.app, v.sidecar = app, sidecar
		if time.Since(v.looked) < time.Second {
			return ""
		}
		v.looked = time.Now()
		if v.start.hopeless() == nil {
			return ""
		}
	}
	switch {
	case v.app == 0 || !vivo(v.app):
		return "la aplicación"
	case v.sidecar == 0 || !vivo(v.sidecar):
		return "el sidecar"
	}
	return ""
}

// pareja finds the app and the sidecar among the service's processes.
func (in *Instancia) pareja(marca string, cli int) (app, sidecar int) {
	for _, p := range procesos(in.marca(), marca) {
		exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", p))
		switch {
		case err != nil || p == cli || filepath.Base(exe) == "dapr":
		case filepath.Base(exe) == "daprd":
			sidecar = p
		case strings.HasPrefix(filepath.Base(filepath.Dir(exe)), "bin"):
			app = p
		}
	}
	return app, sidecar
}

// detener ends the app first, while its sidecar can still publish and acknowledge what it finishes.
func (in *Instancia) detener(marca string, cli int) {
	app, sidecar := in.pareja(marca, cli)
	for _, p := range []struct {
		pid   int
		plazo time.Duration
	}{{app, 20 * time.Second}, {sidecar, 10 * time.Second}, {cli, 3 * time.Second}} {
		if p.pid != 0 {
			terminar([]int{p.pid}, p.plazo)
		}
	}
	terminar(slices.DeleteFunc(procesos(in.marca(), marca), func(p int) bool { return p == cli }), time.Second)
}
