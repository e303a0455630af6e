// Command demo sends real purchases through the bff of a system that is up, draws what happens to each while it happens,
// and shows at the end that the books balance. It leaves the system up. It ends with 1 when something did not go as it should.
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

// deadline bounds each way: far more than one takes on a busy machine.
const deadline = 90 * time.Second

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "\nLa demostración falló:", err)
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
	if err := d.restock(ctx); err != nil {
		return err
	}
	var failures []error
	for i, c := range paths {
		if err := d.walk(ctx, i+1, c); err != nil {
			d.paper.Bad(err.Error())
			failures = append(failures, fmt.Errorf("%s: %w", c.title, err))
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	if err := d.books(ctx); err != nil {
		failures = append(failures, err)
	}
	d.addresses()
	return errors.Join(failures...)
}
