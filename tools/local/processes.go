package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// instanceMark is a variable that every process of an instance inherits. serviceMark is one more that the app, sidecar and CLI
// of a service inherit. By these marks this program finds a process whose parent has died.
const (
	instanceMark = "ENTREGAS_INSTANCE"
	serviceMark  = "ENTREGAS_SERVICE"
)

// processes returns the ids of the processes whose environment contains all of the given NAME=value marks.
func processes(marks ...string) []int {
	var pids []int
	entries, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, path := range entries {
		env, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		vars := bytes.Split(env, []byte{0})
		all := true
		for _, m := range marks {
			all = all && slices.ContainsFunc(vars, func(v []byte) bool { return string(v) == m })
		}
		if pid, _ := strconv.Atoi(strings.Split(path, "/")[2]); all && pid != os.Getpid() {
			pids = append(pids, pid)
		}
	}
	return pids
}

// mark returns the NAME=value that marks every process of this instance.
func (in *Instance) mark() string { return instanceMark + "=" + in.Dir }

// finish sends SIGTERM to the processes, and SIGKILL to those that still run after the deadline.
func finish(pids []int, deadline time.Duration) {
	for _, p := range pids {
		_ = syscall.Kill(p, syscall.SIGTERM)
	}
	for limit := time.Now().Add(deadline); time.Now().Before(limit); time.Sleep(50 * time.Millisecond) {
		if pids = slices.DeleteFunc(pids, func(p int) bool { return !alive(p) }); len(pids) == 0 {
			return
		}
	}
	for _, p := range pids {
		_ = syscall.Kill(p, syscall.SIGKILL)
	}
}

// alive reports whether the process runs. A zombie does not run.
func alive(pid int) bool {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, remainder, _ := strings.Cut(string(status), ") ")
	return !strings.HasPrefix(remainder, "Z")
}

// listeners maps each listening TCP port to the id of its process. The id is 0 if the process is another user's.
func listeners() map[int]int {
	portOf := map[string]int{}
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		text, _ := os.ReadFile(table)
		for line := range strings.Lines(string(text)) {
			c := strings.Fields(line)
			if len(c) < 10 || c[3] != "0A" { // LISTEN
				continue
			}
			_, hex, _ := strings.Cut(c[1], ":")
			if p, err := strconv.ParseInt(hex, 16, 32); err == nil {
				portOf["socket:["+c[9]+"]"] = int(p)
			}
		}
	}
	m := map[int]int{}
	for _, p := range portOf {
		m[p] = 0
	}
	descriptors, _ := filepath.Glob("/proc/[0-9]*/fd/*")
	for _, fd := range descriptors {
		target, err := os.Readlink(fd)
		p, ok := portOf[target]
		if err != nil || !ok {
			continue
		}
		// Children inherit the socket (the backends of PostgreSQL): the oldest process is its owner.
		if pid, _ := strconv.Atoi(strings.Split(fd, "/")[2]); m[p] == 0 || pid < m[p] {
			m[p] = pid
		}
	}
	return m
}

// freePorts returns an error if a program that does not belong to this instance listens on one of the ports. The error names the
// program.
func (in *Instance) freePorts(ports map[string]int) error {
	inUse, own := listeners(), processes(in.mark())
	var lines []string
	for name, p := range ports {
		pid, taken := inUse[p]
		if !taken || slices.Contains(own, pid) {
			continue
		}
		owner := "a process of another user (sudo ss -ltnp names it)"
		if pid != 0 {
			command, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
			owner = fmt.Sprintf("process %d: %.120s", pid, strings.TrimSpace(string(bytes.ReplaceAll(command, []byte{0}, []byte{' '}))))
		}
		lines = append(lines, fmt.Sprintf("  %d (%s) is taken by %s", p, name, owner))
	}
	if len(lines) == 0 {
		return nil
	}
	slices.Sort(lines)
	return fmt.Errorf("these ports are taken:\n%s\nEnd those processes, or change the ports in local.env", strings.Join(lines, "\n"))
}

// portsOf returns this instance's ports by the names of their settings: those of PostgreSQL, Pulsar and the control plane, and
// those of the services unless infraOnly.
func (in *Instance) portsOf(infraOnly bool) map[string]int {
	m := map[string]int{}
	for name := range in.basePorts {
		isApp := slices.Contains(in.apps, strings.ToLower(strings.ReplaceAll(name, "_", "-")))
		isSidecar := strings.HasPrefix(name, "SIDECAR_")
		_, isObserver := observerPorts[name]
		if (infraOnly && (isApp || isSidecar || name == "BFF_METRICS")) || (isObserver && !in.observing()) || (name == "POSTGRES" && in.ownDSN() != "") {
			continue
		}
		m["PORT_"+name] = in.port(name)
		for i := 1; isSidecar && i < len(in.apps); i++ {
			m[fmt.Sprintf("PORT_%s + %d", name, i)] = in.port(name) + i
		}
	}
	return m
}
