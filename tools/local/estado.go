package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
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
		{Nombre: "placement", Clase: "placement", Puerto: in.puerto("PLACEMENT"), revisar: in.salud(in.puerto("PLACEMENT_HEALTH"), "/healthz", 200)},
		{Nombre: "scheduler", Clase: "scheduler", Puerto: in.puerto("SCHEDULER"), revisar: in.salud(in.puerto("SCHEDULER_HEALTH"), "/healthz", 200)},
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

// clienteSalud is patient: on a slow machine the first answer of what has just started takes seconds.
var clienteSalud = &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}

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
