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

// run is what the supervisor runs for a service: `dapr run` on its run file, and the three things that the CLI does not do.
// It first ends what an earlier CLI, killed, left orphaned on the ports; it stops app, sidecar and CLI in this order, each given
// time to finish (the CLI alone sends SIGKILL to both at once); and it ends when the app or the sidecar dies, so that
// the supervisor starts the service again.
func (in *Instance) run(name string) error {
	mark := serviceMark + "=" + name
	finish(processes(in.mark(), mark), 2*time.Second)

	cmd := exec.Command(in.shared("bin", "dapr"), "run", "-f", in.path("run", name+".yaml"))
	cmd.Dir, cmd.Stdout, cmd.Stderr = in.Root, os.Stdout, os.Stderr
	// The sidecar announces itself on the loopback: what runs here is nobody else's in the network.
	tokens, err := in.tokens()
	if err != nil {
		return err
	}
	cmd.Env = append(os.Environ(), mark, "DAPR_HOST_IP=127.0.0.1", "APP_API_TOKEN="+tokens.app, "DAPR_API_TOKEN="+tokens.dapr)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := cmd.Start(); err != nil {
		return err
	}
	end := make(chan struct{})
	go func() { _ = cmd.Wait(); close(end) }() // after a signal the CLI ends with 1 even when all went well
	halt := make(chan os.Signal, 1)
	signal.Notify(halt, syscall.SIGTERM, syscall.SIGINT)

	s, err := in.service(name)
	if err != nil {
		return err
	}
	mute := whenMute(context.Background(), in.health(s.HTTPPort, "/v1.0/healthz/outbound", 204))
	v := watchdog{in: in, mark: mark, cli: cmd.Process.Pid, start: newWaiter(name, pairPatience, in.log(name), func() glance {
		return glance{pids: processes(in.mark(), mark)}
	})}
	for ticker := time.Tick(time.Second / perSecond); ; {
		select {
		case <-end:
			finish(processes(in.mark(), mark), 2*time.Second)
			return fmt.Errorf("dapr run de %s terminó por sí solo", name)
		case <-halt:
			in.stop(mark, cmd.Process.Pid)
			<-end
			return nil
		case <-ticker:
			if who := v.dead(); who != "" {
				in.stop(mark, cmd.Process.Pid)
				<-end
				return fmt.Errorf("%s de %s terminó: arranco de nuevo los dos", who, name)
			}
		case <-mute:
			in.stop(mark, cmd.Process.Pid)
			<-end
			return fmt.Errorf("el sidecar de %s no contesta desde hace %s: arranco de nuevo los dos", name, muteFor)
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

// watchdog looks at a service's app and sidecar. The CLI does not: it waits a minute for one that died while it started.
type watchdog struct {
	in           *Instance
	mark         string
	cli          int
	app, sidecar int
	start        *waiter // follows the CLI, and whom it has started
	looked       time.Time
}

const perSecond = 10 // looks

// pairPatience is how long one of the two may be missing: while the CLI or the other works, it may still come.
var pairPatience = patience{idle: 30 * time.Second, work: time.Second, total: 5 * time.Minute}

// dead says which of the two died, or "" while both live or may be about to start.
func (v *watchdog) dead() string {
	if v.app == 0 || v.sidecar == 0 {
		app, sidecar := v.in.pair(v.mark, v.cli)
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
	case v.app == 0 || !alive(v.app):
		return "la aplicación"
	case v.sidecar == 0 || !alive(v.sidecar):
		return "el sidecar"
	}
	return ""
}

// pair finds the app and the sidecar among the service's processes.
func (in *Instance) pair(mark string, cli int) (app, sidecar int) {
	for _, p := range processes(in.mark(), mark) {
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

// stop ends the app first, while its sidecar can still publish and acknowledge what it finishes.
func (in *Instance) stop(mark string, cli int) {
	app, sidecar := in.pair(mark, cli)
	for _, p := range []struct {
		pid      int
		deadline time.Duration
	}{{app, 20 * time.Second}, {sidecar, 10 * time.Second}, {cli, 3 * time.Second}} {
		if p.pid != 0 {
			finish([]int{p.pid}, p.deadline)
		}
	}
	finish(slices.DeleteFunc(processes(in.mark(), mark), func(p int) bool { return p == cli }), time.Second)
}
