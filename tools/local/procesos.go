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

// Every process of an instance inherits marcaInstancia in its environment, and a service's app, sidecar and CLI also
// marcaServicio: so what was orphaned is found whatever became of its parent.
const (
	marcaInstancia = "ENTREGAS_INSTANCE"
	marcaServicio  = "ENTREGAS_SERVICE"
)

// procesos lists the pids whose environment holds all the given NAME=value marks.
func procesos(marcas ...string) []int {
	var pids []int
	entradas, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, ruta := range entradas {
		entorno, err := os.ReadFile(ruta)
		if err != nil {
			continue
		}
		vars := bytes.Split(entorno, []byte{0})
		todas := true
		for _, m := range marcas {
			todas = todas && slices.ContainsFunc(vars, func(v []byte) bool { return string(v) == m })
		}
		if pid, _ := strconv.Atoi(strings.Split(ruta, "/")[2]); todas && pid != os.Getpid() {
			pids = append(pids, pid)
		}
	}
	return pids
}

func (in *Instancia) marca() string { return marcaInstancia + "=" + in.Dir }

// terminar ends the processes: SIGTERM, and after the given time SIGKILL.
func terminar(pids []int, plazo time.Duration) {
	for _, p := range pids {
		_ = syscall.Kill(p, syscall.SIGTERM)
	}
	for limite := time.Now().Add(plazo); time.Now().Before(limite); time.Sleep(50 * time.Millisecond) {
		if pids = slices.DeleteFunc(pids, func(p int) bool { return !vivo(p) }); len(pids) == 0 {
			return
		}
	}
	for _, p := range pids {
		_ = syscall.Kill(p, syscall.SIGKILL)
	}
}

// vivo says whether the process runs; a zombie does not.
func vivo(pid int) bool {
	estado, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, resto, _ := strings.Cut(string(estado), ") ")
	return !strings.HasPrefix(resto, "Z")
}

// escuchas maps each listening TCP port to its process: 0 where another user's process hides it.
func escuchas() map[int]int {
	puertoDe := map[string]int{}
	for _, tabla := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		texto, _ := os.ReadFile(tabla)
		for linea := range strings.Lines(string(texto)) {
			c := strings.Fields(linea)
			if len(c) < 10 || c[3] != "0A" { // LISTEN
				continue
			}
			_, hex, _ := strings.Cut(c[1], ":")
			if p, err := strconv.ParseInt(hex, 16, 32); err == nil {
				puertoDe["socket:["+c[9]+"]"] = int(p)
			}
		}
	}
	m := map[int]int{}
	for _, p := range puertoDe {
		m[p] = 0
	}
	descriptores, _ := filepath.Glob("/proc/[0-9]*/fd/*")
	for _, fd := range descriptores {
		destino, err := os.Readlink(fd)
		p, ok := puertoDe[destino]
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

// puertosLibres fails, naming the holder, where one of the ports is taken by what is not this instance.
func (in *Instancia) puertosLibres(puertos map[string]int) error {
	tomados, propios := escuchas(), procesos(in.marca())
	var lineas []string
	for nombre, p := range puertos {
		pid, tomado := tomados[p]
		if !tomado || slices.Contains(propios, pid) {
			continue
		}
		dueno := "un proceso de otro usuario (sudo ss -ltnp lo nombra)"
		if pid != 0 {
			orden, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
			dueno = fmt.Sprintf("el proceso %d: %.120s", pid, strings.TrimSpace(string(bytes.ReplaceAll(orden, []byte{0}, []byte{' '}))))
		}
		lineas = append(lineas, fmt.Sprintf("  %d (%s) lo tiene %s", p, nombre, dueno))
	}
	if len(lineas) == 0 {
		return nil
	}
	slices.Sort(lineas)
	return fmt.Errorf("hay puertos ocupados:\n%s\nTermine esos procesos o cambie el puerto en local.env", strings.Join(lineas, "\n"))
}

// puertosDe lists this instance's ports: those of PostgreSQL, Pulsar and the control plane, and with them the services'.
func (in *Instancia) puertosDe(soloInfra bool) map[string]int {
	m := map[string]int{}
	for nombre := range puertosBase {
		esApp := slices.Contains(apps, strings.ToLower(strings.ReplaceAll(nombre, "_", "-")))
		esSidecar := strings.HasPrefix(nombre, "SIDECAR_")
		if (soloInfra && (esApp || esSidecar)) || (nombre == "POSTGRES" && in.dsnPropio() != "") {
			continue
		}
		m["PORT_"+nombre] = in.puerto(nombre)
		for i := 1; esSidecar && i < len(apps); i++ {
			m[fmt.Sprintf("PORT_%s + %d", nombre, i)] = in.puerto(nombre) + i
		}
	}
	return m
}
