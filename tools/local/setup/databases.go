// Package setup makes what the services expect to find: roles and databases in PostgreSQL, topics and subscriptions in
// Pulsar. It changes nothing where they are as they should be. `make up`, docker compose and Kubernetes all use it.
package setup

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Databases are the databases with the role that owns each; Readers may connect to one and get no more than its owner grants.
var (
	Databases = map[string]string{"productos": "admin_productos", "gestor_compra": "gestor_compra", "ordenes": "ordenes", "dapr": "dapr", "bff": "bff"}
	Readers   = map[string]string{"consolidador": "productos"}
)

// Roles are those that log in with a password, the administrator first.
var Roles = []string{"postgres", "admin_productos", "gestor_compra", "ordenes", "dapr", "bff", "consolidador"}

// Keys reads the passwords by role from a pgpass file (host:port:database:role:password). No file is no passwords.
func Keys(path string) (map[string]string, error) {
	text, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	m := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if c := strings.Split(strings.TrimSpace(line), ":"); len(c) == 5 {
			m[c[3]] = c[4]
		}
	}
	return m, nil
}

// CreateDatabases makes roles and databases on c, an administrator's connection.
func CreateDatabases(ctx context.Context, c *pgx.Conn, keys map[string]string) error {
	var version int
	if err := c.QueryRow(ctx, "select current_setting('server_version_num')::int").Scan(&version); err != nil {
		return err
	}
	if version < 150000 {
		return fmt.Errorf("PostgreSQL debe ser 15 o posterior (es %d)", version/10000)
	}
	for database, role := range Databases {
		if err := createDatabase(ctx, c, database, role, keys[role]); err != nil {
			return fmt.Errorf("base %s: %w", database, err)
		}
	}
	for role, database := range Readers {
		if err := createRole(ctx, c, role, keys[role]); err != nil {
			return fmt.Errorf("rol %s: %w", role, err)
		}
		if err := execute(ctx, c, "grant connect on database "+database+" to "+role, "alter role "+role+" set default_transaction_read_only = on"); err != nil {
			return fmt.Errorf("rol %s: %w", role, err)
		}
	}
	return nil
}

func createRole(ctx context.Context, c *pgx.Conn, role, key string) error {
	if key == "" || strings.ContainsAny(key, `'\`) {
		return fmt.Errorf("falta su clave, o tiene comillas o barras")
	}
	var found bool
	if err := c.QueryRow(ctx, "select exists (select from pg_roles where rolname = $1)", role).Scan(&found); err != nil {
		return err
	}
	if !found {
		return execute(ctx, c, "create role "+role+" login password '"+key+"'")
	}
	return execute(ctx, c, "alter role "+role+" login password '"+key+"'") // an own server may know an older one
}

func createDatabase(ctx context.Context, c *pgx.Conn, database, role, key string) error {
	if err := createRole(ctx, c, role, key); err != nil {
		return err
	}
	var found bool
	if err := c.QueryRow(ctx, "select exists (select from pg_database where datname = $1)", database).Scan(&found); err != nil || found {
		return err
	}
	_ = execute(ctx, c, "grant "+role+" to current_user") // an administrator who is no superuser needs it to give the database away
	return execute(ctx, c, "create database "+database+" owner "+role+" encoding 'UTF8' template template0", "revoke all on database "+database+" from public")
}

// execute runs statements whose names are constants of this program, each by itself.
func execute(ctx context.Context, c *pgx.Conn, statements ...string) error {
	for _, s := range statements {
		if _, err := c.Exec(ctx, s); err != nil {
			return err
		}
	}
	return nil
}
