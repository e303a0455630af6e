package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"entregas/tests/client"
)

// pauseFaults returns the faults in which a process is stopped for 20 to 45 s and then continues. The stopped process keeps its ports
// and its connections, and answers nothing. PostgreSQL is stopped with all of its sessions.
func pauseFaults() []fault {
	var f []fault
	for _, a := range applications {
		f = append(f, pause("SIGSTOP of app "+a, oneProcess(a, "app")), pause("SIGSTOP of the sidecar of "+a, oneProcess(a, "sidecar")))
	}
	for _, i := range []string{"postgres", "pulsar", "placement", "scheduler"} {
		f = append(f, pause("SIGSTOP of "+i, oneProcess(i, i)))
	}
	return f
}

// pause is a fault that stops a process and its children.
func pause(what string, matches func(client.Process) bool) fault {
	return fault{what: what, step: anyStep, mayNeedMending: true, act: func(ctx context.Context, c *chaos) error {
		lasts := c.lasting(c.between(20*time.Second, 45*time.Second))
		p, err := c.one(ctx, matches)
		if err != nil {
			return err
		}
		goOn, err := c.freeze(p.Pid)
		if err != nil {
			return err
		}
		defer goOn()
		sleep(ctx, lasts)
		return nil
	}}
}

// freeze stops the process and its children, and returns a function that continues them. A guard process continues them when this
// program ends in any way, and at the latest after the duration guarded, or half a minute after hold.
func (c *chaos) freeze(pid int) (goOn func(), err error) {
	pids := []int{pid}
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		return nil, err
	}
	awaken := func() {
		for _, p := range pids { // the parent first, so that it does not see a child continue
			_ = syscall.Kill(p, syscall.SIGCONT)
		}
	}
	for _, child := range children(pid) {
		pids = append(pids, child)
		_ = syscall.Kill(child, syscall.SIGSTOP) // the child may have ended
	}
	endGuard, err := guard(pids, max(guarded, c.hold+guarded/2))
	if err != nil {
		awaken()
		return nil, err
	}
	for _, p := range pids {
		for tries := 0; tries < 100 && !stopped(p); tries++ {
			time.Sleep(5 * time.Millisecond)
		}
	}
	if !stopped(pid) {
		awaken()
		endGuard()
		return nil, didNotOccur("process %d did not stop", pid)
	}
	return c.onExit(func() { awaken(); endGuard() }), nil
}

const guarded = 60 * time.Second

// guard starts a process that continues pids when this program is gone, or after the duration atMost. Ctrl-C in the terminal does not
// reach that process.
func guard(pids []int, atMost time.Duration) (end func(), err error) {
	words := make([]string, len(pids))
	for i, p := range pids {
		words[i] = strconv.Itoa(p)
	}
	cmd := exec.Command("sh", "-c", fmt.Sprintf(`n=0; while [ $n -lt %d ] && kill -0 %d 2>/dev/null; do sleep 1; n=$((n+1)); done; kill -CONT %s 2>/dev/null`,
		int(atMost.Seconds()), os.Getpid(), strings.Join(words, " "))) // #nosec G204 -- numbers
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
	}, nil
}

// stopped reports whether a process is stopped or gone.
func stopped(pid int) bool {
	s := state(fmt.Sprintf("/proc/%d/stat", pid))
	return s == "T" || s == "" || s == "Z"
}

// children returns the child processes of pid.
func children(pid int) []int {
	var found []int
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		text, err := os.ReadFile(path) // #nosec G304 -- a file of /proc
		_, rest, ok := strings.Cut(string(text), ") ")
		fields := strings.Fields(rest)
		if err != nil || !ok || len(fields) < 2 || fields[1] != strconv.Itoa(pid) {
			continue
		}
		if child, err := strconv.Atoi(strings.Split(path, "/")[2]); err == nil {
			found = append(found, child)
		}
	}
	return found
}
