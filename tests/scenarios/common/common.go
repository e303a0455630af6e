// Package common has the code that all scenarios use: it starts a new instance of the system with the settings of the scenario, sends
// a load of purchases, and audits the system at the end.
package common

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/google/uuid"

	"entregas/contracts"
	"entregas/tests/auditor"
	"entregas/tests/client"
)

// Scenario is a running instance of the whole system for one scenario.
type Scenario struct {
	Local              *client.Local
	Env                client.Env
	BFF                *client.Client
	Manager, Productos *client.Database
	RunName            string // a name of this run, for its customers
	start              time.Time
	calls              int
}

// Run starts an instance with new data and the settings, which have the form of local.env, calls act, and stops the instance. It ends the
// program with status 1 when there is an error.
func Run(name string, settings []string, act func(ctx context.Context, e *Scenario) error) {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, name, settings, act)
	cancel()
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, name string, settings []string, act func(ctx context.Context, e *Scenario) error) (err error) {
	e := &Scenario{start: time.Now(), RunName: name + "-" + time.Now().UTC().Format("150405")}
	if e.Local, err = client.NewLocal(cmp.Or(os.Getenv("INSTANCIA"), "chaos"), settings...); err != nil {
		return err
	}
	defer func() {
		deadline, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
		defer cancel()
		if stopErr := e.Local.Run(deadline, "down"); err == nil {
			err = stopErr
		}
	}()
	e.Say("start an instance with new data and these settings: %v", settings)
	for _, command := range []string{"reset", "up"} {
		if err := e.Local.Run(ctx, command); err != nil {
			return err
		}
	}
	defer e.disconnect()
	if err := e.Connect(ctx); err != nil {
		return err
	}
	if _, err := client.Direct(e.Env.Admin).Restock(ctx, map[string]int{"1": 100_000, "2": 100_000}, e.RunName); err != nil {
		return err
	}
	return act(ctx, e)
}

// Connect reads the addresses of the instance and opens its databases. A scenario that starts another instance calls it again.
func (e *Scenario) Connect(ctx context.Context) (err error) {
	e.disconnect()
	if e.Env, err = e.Local.Env(ctx); err != nil {
		return err
	}
	e.BFF = client.New(e.Env.BFF)
	if e.Manager, err = client.OpenDatabase(ctx, e.Env.ManagerDSN); err != nil {
		return err
	}
	e.Productos, err = client.OpenDatabase(ctx, e.Env.ProductosDSN)
	return err
}

func (e *Scenario) disconnect() {
	for _, b := range []*client.Database{e.Manager, e.Productos} {
		if b != nil {
			b.Close()
		}
	}
	e.Manager, e.Productos = nil, nil
}

// Say prints a line with the time since the start.
func (e *Scenario) Say(format string, args ...any) {
	fmt.Printf("[%5.1f s] %s\n", time.Since(e.start).Seconds(), fmt.Sprintf(format, args...))
}

// Comprar sends n purchases of one unit, atOnce at the same time, and returns their ids. It spreads them over customers with at most
// 50 purchases each, because ordenes allows a hundred open orders.
func (e *Scenario) Comprar(ctx context.Context, who string, n, atOnce int, domicilio bool) ([]string, error) {
	e.calls++
	ids, errs, numbers := make([]string, n), make([]error, n), make(chan int)
	var group sync.WaitGroup
	for range atOnce {
		group.Go(func() {
			for i := range numbers {
				s := contracts.SolicitudCompra{
					ID:        uuid.Must(uuid.NewV7()).String(),
					IDUsuario: fmt.Sprintf("%s-%s-%d-%d", e.RunName, who, e.calls, i/50), Domicilio: domicilio,
					Productos: []contracts.Linea{{IDProducto: "1", Cantidad: 1}},
				}
				ids[i], errs[i] = s.ID, e.insist(ctx, s)
			}
		})
	}
	for i := range n {
		numbers <- i
	}
	close(numbers)
	group.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return ids, nil
}

// insist sends a purchase. After a response of 500 or above it sends the purchase again, for at most 30 s: a busy machine may answer
// too late.
func (e *Scenario) insist(ctx context.Context, s contracts.SolicitudCompra) error {
	for until := time.Now().Add(30 * time.Second); ; time.Sleep(time.Second) {
		_, err := e.BFF.Comprar(ctx, s)
		var p *client.Problem
		if err == nil || !errors.As(err, &p) || p.Status < 500 || time.Now().After(until) {
			return err
		}
	}
}

// Until waits until howMany of the purchases are in the state.
func (e *Scenario) Until(ctx context.Context, deadline time.Duration, ids []string, howMany int, estado contracts.Estado) error {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	for n := 0; ; time.Sleep(200 * time.Millisecond) {
		readings, err := client.One[int](ctx, e.Manager, `select count(*) from compra where id = any($1) and estado = $2`, ids, estado)
		if err == nil {
			n = readings
		}
		if n >= howMany {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("after %s, %d of %d purchases are %s", deadline, n, howMany, estado)
		}
	}
}

// Audit audits the system. It ignores violations whose text begins with one of except: the scenario causes these on purpose.
func (e *Scenario) Audit(ctx context.Context, ids []string, except ...string) error {
	a, err := auditor.Open(ctx, auditor.Addresses{
		ManagerDSN: e.Env.ManagerDSN, ProductosDSN: e.Env.ProductosDSN, OrdenesDSN: e.Env.OrdenesDSN,
		PulsarURL: e.Env.PulsarURL, PulsarAdmin: e.Env.PulsarAdmin,
	})
	if err != nil {
		return err
	}
	defer a.Close()
	i, err := a.InspectUntil(ctx, time.Minute, ids)
	if err != nil {
		return err
	}
	i.Violations = slices.DeleteFunc(i.Violations, func(f auditor.Violation) bool {
		return slices.ContainsFunc(except, func(s string) bool { return strings.HasPrefix(f.What, s) })
	})
	e.Say("audit: %d purchases, %v, %d violations", i.Compras, i.ByEstado, len(i.Violations))
	for _, f := range i.Violations {
		fmt.Printf("WRONG %s %s\n", f.IDCompra, f.What)
	}
	if len(i.Violations) > 0 {
		return fmt.Errorf("%d violations", len(i.Violations))
	}
	return nil
}

// Percentile returns the p-th percentile of values, by nearest rank.
func Percentile(values []float64, p float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[max(0, int(math.Ceil(float64(len(sorted))*p/100))-1)]
}

// Decode decodes the body of a response.
func Decode[T any](r client.Response) (T, error) {
	var v T
	return v, json.Unmarshal(r.Body, &v)
}
