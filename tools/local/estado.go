package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"
)

// unProceso is a line of `make status`: the process itself, not the wrapper that started it.
type unProceso struct {
	Nombre  string `json:"name"`
	Clase   string `json:"kind"`
	Pid     int    `json:"pid"`
	Puerto  int    `json:"port"`
	Sano    bool   `json:"healthy"`
	revisar func() error
}

// infra lists what the services stand on.
func (in *Instancia) infra() []unProceso {
	return []unProceso{
		{Nombre: "postgres", Clase: "postgres", Puerto: in.puerto("POSTGRES"), revisar: in.saludPostgres},
		{Nombre: "pulsar", Clase: "pulsar", Puerto: in.puerto("PULSAR"), revisar: in.salud(in.puerto("PULSAR_ADMIN"), "/admin/v2/brokers/health", 200)},
		{Nombre: "placement", Clase: "placement", Puerto: in.puerto("PLACEMENT"), revisar: in.salud(in.puerto("PLACEMENT_SALUD"), "/healthz", 200)},
		{Nombre: "scheduler", Clase: "scheduler", Puerto: in.puerto("SCHEDULER"), revisar: in.salud(in.puerto("SCHEDULER_SALUD"), "/healthz", 200)},
	}
}

// estado lists every process with its health now. A replica is listed only while it runs, an own PostgreSQL never.
func (in *Instancia) estado() []unProceso {
	lista := in.infra()
	if in.dsnPropio() != "" {
		lista = lista[1:]
	}
	for _, s := range in.losServicios() {
		lista = append(lista,
			unProceso{Nombre: s.Nombre, Clase: "app", Puerto: s.PuertoApp, revisar: in.salud(s.PuertoApp, "/readyz", 200)},
			unProceso{Nombre: s.Nombre, Clase: "sidecar", Puerto: s.PuertoHTTP, revisar: in.salud(s.PuertoHTTP, "/v1.0/healthz/outbound", 204)})
	}
	pids, propios := escuchas(), map[int]bool{}
	for _, p := range procesos(in.marca()) {
		propios[p] = true
	}
	var grupo sync.WaitGroup
	var presentes []unProceso
	for _, p := range lista {
		if pid := pids[p.Puerto]; propios[pid] {
			p.Pid = pid
		}
		if p.Pid != 0 || !in.esReplica(p.Nombre) {
			presentes = append(presentes, p)
		}
	}
	for i := range presentes {
		if p := &presentes[i]; p.Pid != 0 {
			grupo.Go(func() { p.Sano = p.revisar() == nil })
		}
	}
	grupo.Wait()
	return presentes
}

func (in *Instancia) esReplica(nombre string) bool {
	s, err := in.servicio(nombre)
	return err == nil && s.esReplica()
}

func (in *Instancia) saludPostgres() error {
	c, err := in.conectar("postgres")
	if err == nil {
		err = c.Close(context.Background())
	}
	return err
}

var clienteSalud = &http.Client{Timeout: 3 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}

// salud checks that a GET on the loopback answers the given status.
func (in *Instancia) salud(puerto int, ruta string, espero int) func() error {
	return func() error {
		r, err := clienteSalud.Get(fmt.Sprintf("http://127.0.0.1:%d%s", puerto, ruta))
		if err != nil {
			return err
		}
		defer r.Body.Close()
		if r.StatusCode != espero {
			texto, _ := io.ReadAll(io.LimitReader(r.Body, 300))
			return fmt.Errorf("%s contesta %d %s", ruta, r.StatusCode, texto)
		}
		return nil
	}
}

// imprimirEstado writes the table, or JSON for programs.
func (in *Instancia) imprimirEstado(enJSON bool) error {
	lista := in.estado()
	if enJSON {
		e := json.NewEncoder(os.Stdout)
		e.SetIndent("", "  ")
		return e.Encode(lista)
	}
	t := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "NOMBRE\tCLASE\tPID\tPUERTO\tESTADO")
	for _, p := range lista {
		pid, estado := fmt.Sprint(p.Pid), "sano"
		if p.Pid == 0 {
			pid, estado = "-", "parado"
		} else if !p.Sano {
			estado = "no responde"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%s\n", p.Nombre, p.Clase, pid, p.Puerto, estado)
	}
	return t.Flush()
}

// esperar polls until the check passes. In vain, it ends with the last lines of the process's log.
func (in *Instancia) esperar(nombre string, plazo time.Duration, revisar func() error) error {
	var err error
	inicio := time.Now()
	for aviso := inicio.Add(5 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		if err = revisar(); err == nil {
			return nil
		}
		reinicios := 0
		if ps, e := in.supervisados(); e == nil {
			reinicios = ps[nombre].Reinicios
		}
		if time.Since(inicio) > plazo || (reinicios > 3 && time.Since(inicio) > 10*time.Second) {
			return fmt.Errorf("%s no llegó a estar sano en %s (%d reinicios): %w\n%s", nombre, time.Since(inicio).Round(time.Second), reinicios, err, in.cola(nombre, 12))
		}
		if time.Now().After(aviso) {
			decir("  … espero a %s", nombre)
			aviso = aviso.Add(5 * time.Second)
		}
	}
}

var deInteres = regexp.MustCompile(`^== APP|level=(error|fatal)|^error:|ERROR|FATAL|Exception`)

// cola is the end of a process's log, of what it and its sidecar complain, with the log's path.
func (in *Instancia) cola(nombre string, n int) string {
	texto, err := os.ReadFile(in.log(nombre))
	if err != nil {
		return "(sin registro en " + in.log(nombre) + ")"
	}
	lineas := strings.Split(strings.TrimSpace(string(texto)), "\n")
	lineas = lineas[max(0, len(lineas)-500):]
	quejas := slices.DeleteFunc(slices.Clone(lineas), func(l string) bool { return !deInteres.MatchString(l) })
	if len(quejas) > 0 {
		lineas = quejas
	}
	return strings.Join(lineas[max(0, len(lineas)-n):], "\n") + "\n(registro: " + in.log(nombre) + ")"
}
