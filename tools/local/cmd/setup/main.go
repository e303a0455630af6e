// Command setup creates roles, databases, topics and subscriptions on PostgreSQL and Pulsar servers, and ends. It is the job
// that runs before the services in docker compose and in Kubernetes. Its settings are environment variables:
//
//	POSTGRES_DSN       an administrator's address; if empty, PostgreSQL is left out
//	PASSWORDS_FILE     pgpass file with the passwords of the roles
//	RESTORED           true once, after a restore: make the restored databases ready for the services; refused where the system is live
//	PULSAR_ADMIN       the broker's administrative interface; if empty, Pulsar is left out
//	PULSAR_TOKEN_FILE  file with an administrator's token, for a broker with authentication
//	PULSAR_ROLE        the role of the services, for such a broker
//	COMPONENTS_DIR     folder for the Dapr components; if empty, none are written
//	COMPONENTS_SOURCE  folder with the original components
//	REPLACE_ADDRESSES  old=new pairs of addresses in the components, separated by spaces
//	SIDECAR_ADDRESS    template of a sidecar's address, for service invocation
//	WAIT_TIMEOUT       how long to wait for the servers (5m)
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"entregas/tools/local/setup"
)

// Version is the commit of the program. The build of an image sets it.
var Version = "development"

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer cancel()
	say("setup %s", Version)
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
	say("all is ready")
}

func say(format string, args ...any) {
	fmt.Printf("%s "+format+"\n", append([]any{time.Now().UTC().Format(time.RFC3339)}, args...)...)
}

func run(ctx context.Context) error {
	delay, err := time.ParseDuration(cmp.Or(os.Getenv("WAIT_TIMEOUT"), "5m"))
	if err != nil {
		return fmt.Errorf("WAIT_TIMEOUT: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, delay)
	defer cancel()
	restored := os.Getenv("RESTORED")
	switch restored {
	case "", "false":
		return errors.Join(components(), databases(ctx, false), topics(ctx))
	case "true":
		if err := newBroker(ctx); err != nil {
			return fmt.Errorf("RESTORED=true: %w", err)
		}
		// Topics come last. While they are missing, the set-up of a restore may run again.
		return inTurn(components, func() error { return databases(ctx, true) }, func() error { return topics(ctx) })
	}
	return fmt.Errorf("RESTORED=%s: it must be true or false", restored)
}

// inTurn runs the steps until one fails.
func inTurn(steps ...func() error) error {
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// newBroker returns an error unless the broker has no topics of this system.
func newBroker(ctx context.Context) error {
	p, err := broker()
	if err != nil {
		return err
	}
	if p.URL == "" || os.Getenv("POSTGRES_DSN") == "" {
		return errors.New("POSTGRES_DSN and PULSAR_ADMIN are needed: only both tell a restored system from a live one")
	}
	if err := await(ctx, "Pulsar", func() error { return p.Healthy(ctx) }); err != nil {
		return err
	}
	return p.CheckNew(ctx)
}

func components() error {
	target := os.Getenv("COMPONENTS_DIR")
	if target == "" {
		return nil
	}
	var pairs []string
	for _, c := range strings.Fields(os.Getenv("REPLACE_ADDRESSES")) {
		old, fresh, _ := strings.Cut(c, "=")
		pairs = append(pairs, old, fresh)
	}
	mutate := strings.NewReplacer(pairs...).Replace
	if err := setup.CopyComponents(os.Getenv("COMPONENTS_SOURCE"), target, mutate, os.Getenv("SIDECAR_ADDRESS")); err != nil {
		return fmt.Errorf("components: %w", err)
	}
	say("components written to %s", target)
	return nil
}

func databases(ctx context.Context, restored bool) error {
	dsn := os.Getenv("POSTGRES_DSN")
	if dsn == "" {
		return nil
	}
	file := os.Getenv("PASSWORDS_FILE")
	keys, err := setup.Keys(file)
	if err != nil {
		return err
	}
	roles, err := setup.RolesIn(file)
	if err != nil {
		return err
	}
	var c *pgx.Conn
	if err := await(ctx, "PostgreSQL", func() (err error) { c, err = pgx.Connect(ctx, dsn); return err }); err != nil {
		return err
	}
	defer func() { _ = c.Close(context.WithoutCancel(ctx)) }()
	if restored {
		if err := setup.CheckUnused(ctx, c, roles); err != nil {
			return fmt.Errorf("RESTORED=true: %w", err)
		}
	}
	if err := setup.CreateDatabases(ctx, c, roles, keys); err != nil {
		return fmt.Errorf("PostgreSQL: %w", err)
	}
	connect := func(database string) (*pgx.Conn, error) {
		other := c.Config().Copy()
		other.Database = database
		return pgx.ConnectConfig(ctx, other)
	}
	if err := setup.ForgetLostWorkflows(ctx, connect); err != nil {
		return err
	}
	if key := keys[setup.Observer]; key != "" {
		if err := setup.CreateObserver(ctx, c, key); err != nil {
			return fmt.Errorf("the role %s: %w", setup.Observer, err)
		}
	}
	say("databases and roles are ready")
	if !restored {
		return nil
	}
	if err := setup.AfterRestore(ctx, connect); err != nil {
		return fmt.Errorf("after the restore: %w", err)
	}
	say("the restored databases are ready for the services")
	return nil
}

// broker returns the broker of the settings. Its URL is empty if Pulsar is left out.
func broker() (setup.Pulsar, error) {
	p := setup.Pulsar{URL: strings.TrimSuffix(os.Getenv("PULSAR_ADMIN"), "/"), Role: os.Getenv("PULSAR_ROLE")}
	if path := os.Getenv("PULSAR_TOKEN_FILE"); path != "" && p.URL != "" {
		text, err := os.ReadFile(path) //nolint:gosec // the operator names the file
		if err != nil {
			return p, err
		}
		p.Token = strings.TrimSpace(string(text))
	}
	return p, nil
}

func topics(ctx context.Context) error {
	p, err := broker()
	if err != nil || p.URL == "" {
		return err
	}
	if err := await(ctx, "Pulsar", func() error { return p.Healthy(ctx) }); err != nil {
		return err
	}
	if err := p.CreateTopics(ctx); err != nil {
		return err
	}
	say("topics and subscriptions are ready")
	return nil
}

// await calls try once a second until it succeeds or ctx ends. Every ten seconds it prints the error.
func await(ctx context.Context, what string, try func() error) error {
	for nth := 0; ; nth++ {
		err := try()
		if err == nil {
			return nil
		}
		if nth%10 == 0 {
			say("waiting for %s: %v", what, err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s did not answer in time: %w", what, err)
		case <-time.After(time.Second):
		}
	}
}
