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

// run runs a service for the supervisor: `dapr run` on its run file, and three things that the CLI does not do.
// First, it ends the orphans that a killed CLI left on the ports. Second, it stops app, sidecar and CLI in this order and gives
// each time to finish; the CLI alone sends SIGKILL to app and sidecar at once. Third, it ends when the app or the sidecar dies, so that
// the supervisor starts the service again.
func (in *Instance) run(name string) error {
	mark := serviceMark + "=" + name
	finish(processes(in.mark(), mark), 2*time.Second)

	cmd := exec.Command(in.shared("bin", "dapr"), "run", "-f", in.path("run", name+".yaml"))
	cmd.Dir, cmd.Stdout, cmd.Stderr = in.Root, os.Stdout, os.Stderr
	// The sidecar announces its address to other sidecars: on the loopback, no other machine can call it.
	tokens, err := in.tokens()
	if err != nil {
		return err
	}
	s, err := in.service(name)
	if err != nil {
		return err
	}
	cmd.Env = append(os.Environ(), mark, "DAPR_HOST_IP=127.0.0.1", "APP_API_TOKEN="+tokens.app, "DAPR_API_TOKEN="+tokens.dapr)
	cmd.Env = append(cmd.Env, in.telemetryEnv(s)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := cmd.Start(); err != nil {
		return err
	}
	end := make(chan struct{})
	go func() { _ = cmd.Wait(); close(end) }() // after a signal, the CLI's status is 1 even if it stopped well
	halt := make(chan os.Signal, 1)
	signal.Notify(halt, syscall.SIGTERM, syscall.SIGINT)

	mute := whenMute(context.Background(), in.health(s.HTTPPort, "/v1.0/healthz/outbound", 204))
	v := watchdog{in: in, mark: mark, cli: cmd.Process.Pid, start: newWaiter(name, pairPatience, in.log(name), func() glance {
		return glance{pids: processes(in.mark(), mark)}
	})}
	for ticker := time.Tick(time.Second / perSecond); ; {
		select {
		case <-end:
			finish(processes(in.mark(), mark), 2*time.Second)
			return fmt.Errorf("dapr run of %s ended by itself", name)
		case <-halt:
			in.stop(mark, cmd.Process.Pid)
			<-end
			return nil
		case <-ticker:
			if who := v.dead(); who != "" {
				in.stop(mark, cmd.Process.Pid)
				<-end
				return fmt.Errorf("the %s of %s ended: both start again", who, name)
			}
		case <-mute:
			in.stop(mark, cmd.Process.Pid)
			<-end
			return fmt.Errorf("the sidecar of %s has not answered for %s: both start again", name, muteFor)
		}
	}
}

// muteFor is how long a sidecar that was healthy may leave the health check unanswered before it is started again. A sidecar
// that starts has no such limit.
const muteFor = time.Minute

// whenMute returns a channel. It closes the channel when healthy has failed for muteFor after it had succeeded. It stops with ctx.
func whenMute(ctx context.Context, healthy func() error) <-chan struct{} {
	mute := make(chan struct{})
	go func() {
		var last time.Time // the last time when the sidecar was healthy
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

// watchdog notices the death of a service's app or sidecar. The CLI notices it late: it waits a minute for a program that dies at its
// start.
type watchdog struct {
	in           *Instance
	mark         string
	cli          int
	app, sidecar int
	start        *waiter // follows the processes of the service while one of the two is missing
	looked       time.Time
}

const perSecond = 10 // how often the watchdog looks at the processes

// pairPatience is how long the app or the sidecar may be missing. While the CLI or the other program works, the missing one may still
// start.
var pairPatience = patience{idle: 30 * time.Second, work: time.Second, total: 5 * time.Minute}

// dead returns "app" or "sidecar" if that program died, and "" while both run or may still start.
func (v *watchdog) dead() string {
	if v.app == 0 || v.sidecar == 0 {
		app, sidecar := v.in.pair(v.mark, v.cli)
		switch {
		case app != 0 && sidecar != 0:
			v.app, v.sidecar = app, sidecar
			return ""
		case v.app != 0 && app == 0:
			return "app"
		case v.sidecar != 0 && sidecar == 0:
			return "sidecar"
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
		return "app"
	case v.sidecar == 0 || !alive(v.sidecar):
		return "sidecar"
	}
	return ""
}

// pair returns the process ids of the service's app and sidecar, 0 for one that does not run. Both are children of the CLI. The sidecar is
// the one that launchDaprd has started or is about to start, the app the other, in whatever language it is.
func (in *Instance) pair(mark string, cli int) (app, sidecar int) {
	for _, p := range processes(in.mark(), mark) {
		command, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", p))
		if err != nil || parentOf(p) != cli {
			continue
		}
		program, _, _ := strings.Cut(string(command), "\x00")
		switch {
		case program == "" || filepath.Base(program) == "dapr": // has not become another program yet
		case filepath.Base(program) == "daprd" || strings.Contains(string(command), launcherPath):
			sidecar = p
		default:
			app = p
		}
	}
	return app, sidecar
}

// stop ends the app first: its sidecar can still publish and acknowledge the work that the app completes.
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
