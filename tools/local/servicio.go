package main

import (
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

	v := vigia{in: in, marca: marca, cli: cmd.Process.Pid}
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
		}
	}
}

// vigia looks at a service's app and sidecar. The CLI does not: it waits a minute for one that died while it started.
type vigia struct {
	in           *Instancia
	marca        string
	cli          int
	app, sidecar int
	visto        bool // one of them, at some time
	solos        int  // how often they were not both there
}

const porSegundo = 10 // looks

// muerto says which of the two died, or "" while both live or may be about to start.
func (v *vigia) muerto() string {
	if v.app == 0 || v.sidecar == 0 {
		v.app, v.sidecar = v.in.pareja(v.marca, v.cli)
		switch {
		case v.app != 0 && v.sidecar != 0:
			return ""
		case v.app == 0 && v.sidecar == 0 && v.visto:
			return "la aplicación y el sidecar"
		}
		v.visto = v.visto || v.app != 0 || v.sidecar != 0
		paciencia := 8 * porSegundo
		if v.visto {
			paciencia = 3 * porSegundo
		}
		if v.solos++; v.solos < paciencia {
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
