// Command disponibilidad kills each service, one after the other, and starts it again after a minute, while customers buy. No customer
// may get an error, and every purchase must be at its end within a minute after the service is back. Then it restarts two replicas of
// the bff and of gestor-compra one by one, and freezes the sidecar of one bff.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"

	"entregas/contracts"
	"entregas/tests/client"
	"entregas/tests/scenarios/common"
)

const (
	customerCount = 3 // about six purchases a second: the purchases of a minute must be served in less than a minute
	downtime      = 60 * time.Second
	backWithin    = 60 * time.Second // the longest time from the return of the service to the end of a purchase
)

func main() {
	onlyReplicas := flag.Bool("replicas", false, "only what two replicas do")
	flag.Parse()
	common.Run("disponibilidad", nil, func(ctx context.Context, e *common.Scenario) error {
		u := &usage{e: e, finals: map[string]contracts.Estado{}}
		fmt.Printf("%-16s  %10s  %7s  %9s  %14s  %s\n", "dead for 60 s", "requests", "errors", "purchases", "wait p95/max", "all at their end after")
		var bad error
		services := []string{"consolidador", "admin-productos", "ordenes", "gestor-compra", "monitor"}
		if *onlyReplicas {
			services = nil
		}
		for _, service := range services {
			if err := u.without(ctx, service); err != nil {
				bad = err
				fmt.Println("BAD", err)
			}
		}
		if err := u.withReplicas(ctx); err != nil {
			bad = errors.Join(bad, err)
			fmt.Println("BAD", err)
		}
		fmt.Printf("\nthe longest that a customer waited for a response: %.2f s, in %d requests\n", u.worst.Seconds(), u.total)
		for i, text := range u.errs {
			if i < 20 {
				fmt.Println("ERROR", text)
			}
		}
		if bad != nil {
			return bad
		}
		return e.Audit(ctx, u.ids())
	})
}

// usage is the load of the customers, and the responses that they got.
type usage struct {
	e      *common.Scenario
	mu     sync.Mutex
	finals map[string]contracts.Estado // the state in which each purchase must end
	delays []float64                   // of the responses in this part, in seconds
	errs   []string
	worst  time.Duration
	total  int
}

// without kills the service with its sidecar under load, starts it again after downtime, and prints a line.
func (u *usage) without(ctx context.Context, service string) error {
	u.mu.Lock()
	u.delays = nil
	errs, compras := len(u.errs), len(u.finals)
	u.mu.Unlock()
	stop := u.customers(ctx, service)
	time.Sleep(3 * time.Second)
	if _, err := u.e.Local.Kill(ctx, func(p client.Process) bool { return p.Name == service }); err != nil {
		stop()
		return err
	}
	if err := u.e.Local.Run(ctx, "stop", service); err != nil { // otherwise the supervisor restarts it
		stop()
		return err
	}
	time.Sleep(downtime)
	err := u.e.Local.Run(ctx, "start", service)
	back := time.Now()
	time.Sleep(2 * time.Second)
	stop()
	if err != nil {
		return err
	}
	took, err := u.waitForFinals(ctx, back)
	u.mu.Lock()
	defer u.mu.Unlock()
	fmt.Printf("%-16s  %10d  %7d  %9d  %6.2f/%5.2f s  %.1f s\n", service, len(u.delays), len(u.errs)-errs, len(u.finals)-compras,
		common.Percentile(u.delays, 95), common.Percentile(u.delays, 100), took.Seconds())
	if n := len(u.errs) - errs; n > 0 {
		return fmt.Errorf("without %s, %d requests were answered with an error", service, n)
	}
	return err
}

// customers starts customers who buy, read and cancel. The function that it returns stops them, and waits for their requests.
func (u *usage) customers(ctx context.Context, name string) (stop func()) {
	going, end := context.WithCancel(ctx)
	var group sync.WaitGroup
	for i := range customerCount {
		group.Go(func() {
			for n := 0; going.Err() == nil; n++ {
				u.customer(ctx, fmt.Sprintf("%s-%s-%d-%d", u.e.RunName, name, i, n/20))
			}
		})
	}
	return func() { end(); group.Wait() }
}

// customer buys, reads, and cancels every second purchase.
func (u *usage) customer(ctx context.Context, usuario string) {
	a, err := count(u, func() (client.Response, error) {
		return u.e.BFF.Request(ctx, http.MethodPost, "/compras", map[string]any{
			"id_usuario": usuario, "domicilio": rand.IntN(2) == 0, "productos": []contracts.Linea{{IDProducto: "1", Cantidad: 1}, {IDProducto: "2", Cantidad: 2}},
		})
	}, "buy")
	if err != nil {
		return
	}
	u.record(a.ID, contracts.EstadoConfirmada)
	for range 2 {
		time.Sleep(time.Duration(150+rand.IntN(200)) * time.Millisecond)
		_, _ = count(u, func() (client.Response, error) { // count records an error
			return u.e.BFF.Request(ctx, http.MethodGet, "/compras/"+a.ID, nil)
		}, "read "+a.ID)
	}
	if rand.IntN(2) == 0 {
		return
	}
	if _, err = count(u, func() (client.Response, error) {
		return u.e.BFF.Request(ctx, http.MethodPost, "/compras/"+a.ID+"/cancelacion", map[string]string{"motivo": "ya no"})
	}, "cancel "+a.ID); err == nil {
		u.record(a.ID, contracts.EstadoCancelada)
	}
}

// count sends a request once. It records how long the request took and whether it failed.
func count(u *usage, ask func() (client.Response, error), what string) (contracts.Aceptada, error) {
	start := time.Now()
	r, err := ask()
	took := time.Since(start)
	var a contracts.Aceptada
	if err == nil && r.Status >= http.StatusBadRequest {
		err = r.Problem()
	} else if err == nil {
		a, err = common.Decode[contracts.Aceptada](r)
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.total++
	u.delays = append(u.delays, took.Seconds())
	u.worst = max(u.worst, took)
	if err != nil {
		u.errs = append(u.errs, fmt.Sprintf("%s %s: %v", time.Now().UTC().Format("15:04:05.000"), what, err))
	}
	return a, err
}

// record stores the state in which a purchase must end.
func (u *usage) record(id string, final contracts.Estado) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.finals[id] = final
}

func (u *usage) ids() []string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return slices.Collect(maps.Keys(u.finals))
}

// waitForFinals waits until each purchase is in its final state, and returns the time from back to that moment.
func (u *usage) waitForFinals(ctx context.Context, back time.Time) (time.Duration, error) {
	type row struct {
		ID     string
		Estado contracts.Estado
	}
	for {
		missing, example := 0, ""
		rows, err := client.Rows[row](ctx, u.e.Manager, `select id, estado from compra where id = any($1)`, u.ids())
		if err == nil {
			estados := map[string]contracts.Estado{}
			for _, f := range rows {
				estados[f.ID] = f.Estado
			}
			for id, final := range u.finals {
				if estados[id] != final {
					missing++
					example = fmt.Sprintf("%s is %q and should end %s", id, estados[id], final)
				}
			}
			if missing == 0 {
				return time.Since(back), nil
			}
		}
		if time.Since(back) > backWithin || ctx.Err() != nil {
			return time.Since(back), errors.Join(fmt.Errorf("%s after the return %d purchases are not at their end: %s", backWithin, missing, example), err)
		}
		time.Sleep(200 * time.Millisecond)
	}
}
