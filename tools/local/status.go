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

// oneProcess is a line of `make status`. Its process is the app or the sidecar itself, not the wrapper that started it.
type oneProcess struct {
	Name    string `json:"name"`
	Kind    string `json:"kind"`
	Pid     int    `json:"pid"`
	Port    int    `json:"port"`
	Healthy bool   `json:"healthy"`
	check   func() error
}

// infra returns the processes of the infrastructure.
func (in *Instance) infra() []oneProcess {
	return []oneProcess{
		{Name: "postgres", Kind: "postgres", Port: in.port("POSTGRES"), check: in.postgresHealth},
		{Name: "pulsar", Kind: "pulsar", Port: in.port("PULSAR"), check: in.health(in.port("PULSAR_ADMIN"), "/admin/v2/brokers/health", 200)},
		{Name: "placement", Kind: "placement", Port: in.port("PLACEMENT"), check: in.health(in.port("PLACEMENT_HEALTH"), "/healthz", 200)},
		{Name: "scheduler", Kind: "scheduler", Port: in.port("SCHEDULER"), check: in.health(in.port("SCHEDULER_HEALTH"), "/healthz", 200)},
		{Name: "mail", Kind: "mail", Port: in.port("SMTP"), check: in.mailHealth},
	}
}

// status returns every process with its health. It leaves out replicas that do not run and a PostgreSQL server of the user's own.
func (in *Instance) status() []oneProcess {
	list := in.infra()
	if in.ownDSN() != "" {
		list = list[1:]
	}
	if in.observing() {
		list = append(list, in.observers()...)
	}
	for _, s := range in.allServices() {
		list = append(list,
			oneProcess{Name: s.Name, Kind: "app", Port: s.AppPort, check: in.health(s.AppPort, "/readyz", 200)},
			oneProcess{Name: s.Name, Kind: "sidecar", Port: s.HTTPPort, check: in.health(s.HTTPPort, "/v1.0/healthz/outbound", 204)})
	}
	pids, own := listeners(), map[int]bool{}
	for _, p := range processes(in.mark()) {
		own[p] = true
	}
	var group sync.WaitGroup
	var found []oneProcess
	for _, p := range list {
		if pid := pids[p.Port]; own[pid] {
			p.Pid = pid
		}
		if p.Pid != 0 || !in.isReplica(p.Name) {
			found = append(found, p)
		}
	}
	for i := range found {
		if p := &found[i]; p.Pid != 0 {
			group.Go(func() { p.Healthy = p.check() == nil })
		}
	}
	group.Wait()
	return found
}

func (in *Instance) isReplica(name string) bool {
	s, err := in.service(name)
	return err == nil && s.isReplica()
}

func (in *Instance) postgresHealth() error {
	c, err := in.connect("postgres")
	if err == nil {
		err = c.Close(context.Background())
	}
	return err
}

// healthClient has a long timeout: on a slow machine, the first answer of a new process takes seconds.
var healthClient = &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}

// health returns a check that sends a GET to a port of the loopback. The check fails unless the response has wantStatus.
func (in *Instance) health(port int, path string, wantStatus int) func() error {
	return func() error {
		r, err := healthClient.Get(fmt.Sprintf("http://127.0.0.1:%d%s", port, path))
		if err != nil {
			return err
		}
		defer r.Body.Close()
		if r.StatusCode != wantStatus {
			text, _ := io.ReadAll(io.LimitReader(r.Body, 300))
			return fmt.Errorf("%s answered %d %s", path, r.StatusCode, text)
		}
		return nil
	}
}

// printStatus prints the table of `make status`, or JSON for programs.
func (in *Instance) printStatus(asJSON bool) error {
	list := in.status()
	if asJSON {
		e := json.NewEncoder(os.Stdout)
		e.SetIndent("", "  ")
		return e.Encode(list)
	}
	t := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "NAME\tKIND\tPID\tPORT\tSTATE")
	for _, p := range list {
		pid, status := fmt.Sprint(p.Pid), "healthy"
		if p.Pid == 0 {
			pid, status = "-", "stopped"
		} else if !p.Healthy {
			status = "no answer"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%s\n", p.Name, p.Kind, pid, p.Port, status)
	}
	return t.Flush()
}
