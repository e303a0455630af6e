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

// Every process of an instance inherits instanceMark in its environment, and a service's app, sidecar and CLI also
// serviceMark: so what was orphaned is found whatever became of its parent.
const (
	instanceMark = "ENTREGAS_INSTANCE"
	serviceMark  = "ENTREGAS_SERVICE"
)

// processes lists the pids whose environment holds all the given NAME=value marks.
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

func (in *Instance) mark() string { return instanceMark + "=" + in.Dir }

// finish ends the processes: SIGTERM, and after the given time SIGKILL.
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

// alive says whether the process runs; a zombie does not.
func alive(pid int) bool {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, remainder, _ := strings.Cut(string(status), ") ")
	return !strings.HasPrefix(remainder, "Z")
}

// listeners maps each listening TCP port to its process: 0 where another user's process hides it.
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
		// A child that inherited the socket (a PostgreSQL backend) is not its holder: the oldest is.
		if pid, _ := strconv.Atoi(strings.Split(fd, "/")[2]); m[p] == 0 || pid < m[p] {
			m[p] = pid
		}
	}
	return m
}

// freePorts fails, naming the holder, where one of the ports is taken by what is not this instance.
func (in *Instance) freePorts(ports map[string]int) error {
	inUse, own := listeners(), processes(in.mark())
	var lines []string
	for name, p := range ports {
		pid, taken := inUse[p]
		if !taken || slices.Contains(own, pid) {
			continue
		}
		owner := "un proceso de otro usuario (sudo ss -ltnp lo nombra)"
		if pid != 0 {
			command, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
			owner = fmt.Sprintf("el proceso %d: %.120s", pid, strings.TrimSpace(string(bytes.ReplaceAll(command, []byte{0}, []byte{' '}))))
		}
		lines = append(lines, fmt.Sprintf("  %d (%s) lo tiene %s", p, name, owner))
	}
	if len(lines) == 0 {
		return nil
	}
	slices.Sort(lines)
	return fmt.Errorf("hay puertos ocupados:\n%s\nTermine esos procesos o cambie el puerto en local.env", strings.Join(lines, "\n"))
}

// portsOf lists this instance's ports: those of PostgreSQL, Pulsar and the control plane, and with them the services'.
func (in *Instance) portsOf(infraOnly bool) map[string]int {
	m := map[string]int{}
	for name := range basePorts {
		isApp := slices.Contains(apps, strings.ToLower(strings.ReplaceAll(name, "_", "-")))
		isSidecar := strings.HasPrefix(name, "SIDECAR_")
		if (infraOnly && (isApp || isSidecar)) || (name == "POSTGRES" && in.ownDSN() != "") {
			continue
		}
		m["PORT_"+name] = in.port(name)
		for i := 1; isSidecar && i < len(apps); i++ {
			m[fmt.Sprintf("PORT_%s + %d", name, i)] = in.port(name) + i
		}
	}
	return m
}
