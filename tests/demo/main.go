// Command demo sends purchases through the bff of a system that is up. It prints what happens to each purchase while it happens,
// a summary, and the books of the stock. It leaves the system up. Its exit status is 1 when a purchase ended in a wrong state
// or the books do not balance.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"entregas/tests/client"
)

// deadline is the longest time that one purchase may take. It is much longer than a purchase takes on a busy machine.
const deadline = 90 * time.Second

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "\nThe demo failed:", err)
		cancel()
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	env, err := client.FromEnv()
	if err != nil {
		return err
	}
	d := &demo{env: env, client: client.New(env.BFF), paper: newPaper(os.Stdout), mark: time.Now().UTC().Format("150405.000")}
	d.introduce()
	if err := d.restock(ctx); err != nil {
		return err
	}
	var failures []error
	for i, p := range paths {
		if err := d.walk(ctx, i+1, p); err != nil {
			d.paper.Bad(err.Error())
			failures = append(failures, fmt.Errorf("%s: %w", p.title, err))
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	d.summarize()
	if err := d.books(ctx); err != nil {
		failures = append(failures, err)
	}
	d.addresses()
	return errors.Join(failures...)
}
