package main

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"entregas/tests/balancer"
	"entregas/tests/scenarios/common"
)

const (
	frozen  = 45 * time.Second
	noticed = 8 * time.Second // after this time the balancer sends a frozen replica no requests
)

// withReplicas runs two replicas of the bff behind one address, and two of gestor-compra. When they restart one by one, no request may
// be refused. When a sidecar freezes, only the requests that it was handling may be refused.
func (u *usage) withReplicas(ctx context.Context) error {
	for _, replica := range []string{"bff-2", "gestor-compra-2"} {
		if err := u.e.Local.Run(ctx, "start", replica); err != nil {
			return err
		}
	}
	addresses, err := u.e.Local.AppsOf(ctx, "bff")
	if err != nil {
		return err
	}
	door, err := balancer.Open(ctx, addresses...)
	if err != nil {
		return err
	}
	defer door.Close()
	direct := u.e.BFF
	if u.e.BFF, err = u.e.Env.Through(door.URL); err != nil {
		return err
	}
	defer func() { u.e.BFF = direct }()
	fmt.Printf("\n%-34s  %10s  %7s  %9s  %s\n", "two bff and two gestor-compra", "requests", "errors", "purchases", "wait p95/max")
	return errors.Join(u.restartEach(ctx), u.freezeSidecar(ctx, door))
}

// restartEach restarts each replica in turn under load.
func (u *usage) restartEach(ctx context.Context) error {
	stop := u.load(ctx, "rolling")
	var bad error
	for _, replica := range []string{"bff", "bff-2", "gestor-compra", "gestor-compra-2"} {
		bad = errors.Join(bad, u.e.Local.Run(ctx, "restart", replica))
		time.Sleep(3 * time.Second)
	}
	refused, _ := stop("rolling restart of the four")
	if refused > 0 {
		bad = errors.Join(bad, fmt.Errorf("a rolling restart refused %d requests", refused))
	}
	return errors.Join(bad, u.allFinal(ctx))
}

// freezeSidecar stops the sidecar of the first bff, as on a machine that hangs, and later continues it.
func (u *usage) freezeSidecar(ctx context.Context, door *balancer.Balancer) error {
	pid := 0
	processes, err := u.e.Local.Processes(ctx)
	for _, p := range processes {
		if p.Name == "bff" && p.Kind == "sidecar" {
			pid = p.Pid
		}
	}
	if pid == 0 {
		return errors.Join(errors.New("there is no sidecar of the bff"), err)
	}
	stop := u.load(ctx, "frozen")
	time.Sleep(3 * time.Second)
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		return err
	}
	time.Sleep(noticed)
	atFirst := u.errors()
	time.Sleep(frozen - noticed)
	later := u.errors() - atFirst
	if err := syscall.Kill(pid, syscall.SIGCONT); err != nil {
		return err
	}
	refused, customers := stop(fmt.Sprintf("sidecar of one bff frozen %s", frozen))
	if later > 0 || refused > 2*customers {
		return fmt.Errorf("with a frozen sidecar %d requests were refused, %d of them after %s", refused, later, noticed)
	}
	for limit := time.Now().Add(backWithin); door.Ready() < 2; time.Sleep(200 * time.Millisecond) {
		if time.Now().After(limit) {
			return errors.New("the bff with the frozen sidecar did not come back")
		}
	}
	return u.allFinal(ctx)
}

// load starts the customers. The function that it returns stops the customers, prints a line, and returns the number of refused
// requests and the number of customers.
func (u *usage) load(ctx context.Context, name string) (stop func(what string) (refused, customers int)) {
	u.mu.Lock()
	u.delays = nil
	refused, bought := len(u.errs), len(u.finals)
	u.mu.Unlock()
	end := u.customers(ctx, name)
	return func(what string) (int, int) {
		end()
		u.mu.Lock()
		defer u.mu.Unlock()
		fmt.Printf("%-34s  %10d  %7d  %9d  %6.2f/%5.2f s\n", what, len(u.delays), len(u.errs)-refused, len(u.finals)-bought,
			common.Percentile(u.delays, 95), common.Percentile(u.delays, 100))
		return len(u.errs) - refused, customerCount
	}
}

// errors returns how many requests failed so far.
func (u *usage) errors() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return len(u.errs)
}

// allFinal waits until each purchase is in its final state.
func (u *usage) allFinal(ctx context.Context) error {
	_, err := u.waitForFinals(ctx, time.Now())
	return err
}
