// Command load buys through a system that is up, so many purchases with so many in flight at a time, and tells how fast
// they were confirmed, where the processor's time went, and whether the books balance.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"entregas/tests/client"
)

type settings struct {
	compras  int
	inFlight []int
	direct   bool
	cpu      bool
}

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		cancel()
		os.Exit(1)
	}
}

func readSettings() (settings, error) {
	var a settings
	var inFlight string
	flag.IntVar(&a.compras, "compras", 300, "cuántas compras en cada medida")
	flag.StringVar(&inFlight, "in-flight", "1,8,32", "cuántas a la vez, una medida por cada número")
	flag.BoolVar(&a.direct, "direct", false, "a gestor-compra, sin pasar por el bff")
	flag.BoolVar(&a.cpu, "cpu", true, "decir también el tiempo de procesador de cada programa")
	flag.Parse()
	for _, text := range strings.Split(inFlight, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil || n < 1 {
			return a, fmt.Errorf("-in-flight: %q no es un número de compras", text)
		}
		a.inFlight = append(a.inFlight, n)
	}
	if a.compras < 1 {
		return a, fmt.Errorf("-compras debe ser al menos 1")
	}
	return a, nil
}

func run(ctx context.Context) error {
	a, err := readSettings()
	if err != nil {
		return err
	}
	env, err := client.FromEnv()
	if err != nil {
		return err
	}
	manager, err := client.OpenDatabase(ctx, env.ManagerDSN)
	if err != nil {
		return err
	}
	defer manager.Close()
	m := &meter{env: env, store: client.Direct(env.Admin), compras: client.New(env.BFF), manager: manager, total: a.compras}
	if a.direct {
		m.compras = client.Direct(env.Manager)
	}
	fmt.Printf("%8s  %9s  %7s  %7s  %7s  %s\n", "en vuelo", "compras/s", "p50 ms", "p95 ms", "p99 ms", "terminaron")
	for _, inFlight := range a.inFlight {
		earlier := usage(ctx, env, a.cpu)
		r, err := m.measure(ctx, inFlight)
		if err != nil {
			return err
		}
		fmt.Printf("%8d  %9.1f  %7.0f  %7.0f  %7.0f  %s\n", inFlight, r.perSecond, r.p50, r.p95, r.p99, r.estados)
		if after := usage(ctx, env, a.cpu); len(after) > 0 {
			fmt.Printf("          ms de procesador por compra: %s\n", difference(earlier, after, a.compras))
		}
	}
	return books(ctx, env)
}

func books(ctx context.Context, env client.Env) error {
	database, err := client.OpenDatabase(ctx, env.ProductosDSN)
	if err != nil {
		return err
	}
	defer database.Close()
	accounts, err := client.Books(ctx, database)
	if err != nil {
		return err
	}
	t := client.Total(accounts)
	fmt.Printf("libros: iniciales %d + repuestas %d = existencias %d + reservadas %d + despachadas %d; diferencia %d\n",
		t.Inicial, t.Repuesto, t.Existencias, t.Reservado, t.Despachado, t.Diferencia)
	return client.Balanced(accounts)
}

// marca names what one run of the program makes.
var mark = time.Now().UTC().Format("0102-150405")
