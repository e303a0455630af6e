// Command setup makes roles, databases, topics and subscriptions on servers that run somewhere else, and ends: the job
// that goes before the services in docker compose and in Kubernetes. It is configured by its environment alone:
//
//	POSTGRES_DSN       an administrator's address; empty leaves PostgreSQL alone
//	PASSWORDS_FILE     pgpass file with the passwords that the roles get
//	PULSAR_ADMIN       the broker's administrative interface; empty leaves Pulsar alone
//	PULSAR_TOKEN_FILE  file with an administrator's token, where the broker asks for one
//	PULSAR_ROLE        who the services are for that broker
//	COMPONENTS_DIR     where to write the Dapr components; empty writes none
//	COMPONENTS_SOURCE  where those components are
//	REPLACE_ADDRESSES  old=new pairs for their addresses, separated by spaces
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

// Version is the commit that the program was built from.
var Version = "desarrollo"

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer cancel()
	say("preparar %s", Version)
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
	say("todo listo")
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
	return errors.Join(components(), databases(ctx), topics(ctx))
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
		return fmt.Errorf("componentes: %w", err)
	}
	say("componentes escritos en %s", target)
	return nil
}

func databases(ctx context.Context) error {
	dsn := os.Getenv("POSTGRES_DSN")
	if dsn == "" {
		return nil
	}
	keys, err := setup.Keys(os.Getenv("PASSWORDS_FILE"))
	if err != nil {
		return err
	}
	var c *pgx.Conn
	if err := await(ctx, "PostgreSQL", func() (err error) { c, err = pgx.Connect(ctx, dsn); return err }); err != nil {
		return err
	}
	defer func() { _ = c.Close(context.WithoutCancel(ctx)) }()
	if err := setup.CreateDatabases(ctx, c, keys); err != nil {
		return fmt.Errorf("PostgreSQL: %w", err)
	}
	say("bases de datos y roles listos")
	return nil
}

func topics(ctx context.Context) error {
	p := setup.Pulsar{URL: strings.TrimSuffix(os.Getenv("PULSAR_ADMIN"), "/"), Role: os.Getenv("PULSAR_ROLE")}
	if p.URL == "" {
		return nil
	}
	if path := os.Getenv("PULSAR_TOKEN_FILE"); path != "" {
		text, err := os.ReadFile(path) //nolint:gosec // the operator names the file
		if err != nil {
			return err
		}
		p.Token = strings.TrimSpace(string(text))
	}
	if err := await(ctx, "Pulsar", func() error { return p.Healthy(ctx) }); err != nil {
		return err
	}
	if err := p.CreateTopics(ctx); err != nil {
		return err
	}
	say("tópicos y suscripciones listos")
	return nil
}

// await tries until it succeeds or ctx ends, and says every ten seconds what is missing.
func await(ctx context.Context, what string, try func() error) error {
	for nth := 0; ; nth++ {
		err := try()
		if err == nil {
			return nil
		}
		if nth%10 == 0 {
			say("espero a %s: %v", what, err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s no respondió a tiempo: %w", what, err)
		case <-time.After(time.Second):
		}
	}
}
