// Command preparar makes roles, databases, topics and subscriptions on servers that run somewhere else, and ends: the job
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

	"entregas/tools/local/preparar"
)

// Version is the commit that the program was built from.
var Version = "desarrollo"

func main() {
	ctx, soltar := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer soltar()
	decir("preparar %s", Version)
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
	decir("todo listo")
}

func decir(formato string, args ...any) {
	fmt.Printf("%s "+formato+"\n", append([]any{time.Now().UTC().Format(time.RFC3339)}, args...)...)
}

func run(ctx context.Context) error {
	espera, err := time.ParseDuration(cmp.Or(os.Getenv("WAIT_TIMEOUT"), "5m"))
	if err != nil {
		return fmt.Errorf("WAIT_TIMEOUT: %w", err)
	}
	ctx, soltar := context.WithTimeout(ctx, espera)
	defer soltar()
	return errors.Join(componentes(), bases(ctx), topicos(ctx))
}

func componentes() error {
	destino := os.Getenv("COMPONENTS_DIR")
	if destino == "" {
		return nil
	}
	var pares []string
	for _, c := range strings.Fields(os.Getenv("REPLACE_ADDRESSES")) {
		viejo, nuevo, _ := strings.Cut(c, "=")
		pares = append(pares, viejo, nuevo)
	}
	cambiar := strings.NewReplacer(pares...).Replace
	if err := preparar.CopiarComponentes(os.Getenv("COMPONENTS_SOURCE"), destino, cambiar, os.Getenv("SIDECAR_ADDRESS")); err != nil {
		return fmt.Errorf("componentes: %w", err)
	}
	decir("componentes escritos en %s", destino)
	return nil
}

func bases(ctx context.Context) error {
	dsn := os.Getenv("POSTGRES_DSN")
	if dsn == "" {
		return nil
	}
	claves, err := preparar.Claves(os.Getenv("PASSWORDS_FILE"))
	if err != nil {
		return err
	}
	var c *pgx.Conn
	if err := esperar(ctx, "PostgreSQL", func() (err error) { c, err = pgx.Connect(ctx, dsn); return err }); err != nil {
		return err
	}
	defer func() { _ = c.Close(context.WithoutCancel(ctx)) }()
	if err := preparar.CrearBases(ctx, c, claves); err != nil {
		return fmt.Errorf("PostgreSQL: %w", err)
	}
	decir("bases de datos y roles listos")
	return nil
}

func topicos(ctx context.Context) error {
	p := preparar.Pulsar{URL: strings.TrimSuffix(os.Getenv("PULSAR_ADMIN"), "/"), Rol: os.Getenv("PULSAR_ROLE")}
	if p.URL == "" {
		return nil
	}
	if ruta := os.Getenv("PULSAR_TOKEN_FILE"); ruta != "" {
		texto, err := os.ReadFile(ruta) //nolint:gosec // the operator names the file
		if err != nil {
			return err
		}
		p.Token = strings.TrimSpace(string(texto))
	}
	if err := esperar(ctx, "Pulsar", func() error { return p.Sano(ctx) }); err != nil {
		return err
	}
	if err := p.CrearTopicos(ctx); err != nil {
		return err
	}
	decir("tópicos y suscripciones listos")
	return nil
}

// esperar tries until it succeeds or ctx ends, and says every ten seconds what is missing.
func esperar(ctx context.Context, que string, intento func() error) error {
	for vez := 0; ; vez++ {
		err := intento()
		if err == nil {
			return nil
		}
		if vez%10 == 0 {
			decir("espero a %s: %v", que, err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s no respondió a tiempo: %w", que, err)
		case <-time.After(time.Second):
		}
	}
}
