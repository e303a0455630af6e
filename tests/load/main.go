// Command load sends purchases to a running system, with a given number of purchases in flight. It prints how fast the purchases
// were confirmed, how much processor time each program used, and whether the books balance. It also compares two systems in turns.
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
	json     bool // print one measurement for a comparison
	observe  bool
	against  string
	rounds   int
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
	flag.IntVar(&a.compras, "compras", 300, "purchases of each measurement")
	flag.StringVar(&inFlight, "in-flight", "1,8,32", "purchases in flight, one measurement for each number")
	flag.BoolVar(&a.direct, "direct", false, "send to gestor-compra, not to the bff")
	flag.BoolVar(&a.cpu, "cpu", true, "print the processor time of each program too")
	flag.BoolVar(&a.json, "json", false, "warm up, measure the first number in flight and print JSON; a comparison runs this")
	flag.BoolVar(&a.observe, "observe", false, "compare the system with make observe on and off, in turns")
	flag.StringVar(&a.against, "against", "", "compare the system with that of another checkout, which is up too, in turns: its folder")
	flag.IntVar(&a.rounds, "rounds", 6, "rounds of a comparison")
	flag.Parse()
	for _, text := range strings.Split(inFlight, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil || n < 1 {
			return a, fmt.Errorf("-in-flight: %q is no number of purchases", text)
		}
		a.inFlight = append(a.inFlight, n)
	}
	if a.compras < 1 {
		return a, fmt.Errorf("-compras must be at least 1")
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
	if a.observe || a.against != "" {
		return compare(ctx, a, variants(a, env))
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
	if a.json {
		return once(ctx, a, m)
	}
	fmt.Printf("%9s  %9s  %7s  %7s  %7s  %s\n", "in flight", "purch./s", "p50 ms", "p95 ms", "p99 ms", "ended")
	for _, inFlight := range a.inFlight {
		earlier := usage(ctx, env, a.cpu)
		r, err := m.measure(ctx, inFlight)
		if err != nil {
			return err
		}
		fmt.Printf("%9d  %9.1f  %7.0f  %7.0f  %7.0f  %s\n", inFlight, r.perSecond, r.p50, r.p95, r.p99, r.estados)
		if after := usage(ctx, env, a.cpu); len(after) > 0 {
			fmt.Printf("           ms of processor time a purchase: %s\n", difference(earlier, after, a.compras))
		}
	}
	return books(ctx, env)
}

// books prints the books, and returns an error when they do not balance.
func books(ctx context.Context, env client.Env) error {
	accounts, err := client.ReadBooks(ctx, env.ProductosDSN)
	if err != nil {
		return err
	}
	t := client.Total(accounts)
	fmt.Printf("books: %d at the start + %d restocked = %d on the shelf + %d reserved + %d dispatched; difference %d\n",
		t.Inicial, t.Repuesto, t.Existencias, t.Reservado, t.Despachado, t.Diferencia)
	return client.Balanced(accounts)
}

// mark names the customers and restocks of this run.
var mark = time.Now().UTC().Format("0102-150405")
