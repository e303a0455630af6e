// Package setup creates what the services need before they start: roles and databases in PostgreSQL, topics, subscriptions and
// schemas in Pulsar. What exists it leaves as it is. `make up`, docker compose and Kubernetes use it.
package setup

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Databases has the owner of each database. Readers has the database to which a further role may connect; such a role gets
// only what the owner grants.
var (
	Databases = map[string]string{"productos": "admin_productos", "gestor_compra": "gestor_compra", "ordenes": "ordenes", "dapr": "dapr", "bff": "bff"}
	Readers   = map[string]string{"consolidador": "productos"}
)

// Roles lists the roles that log in with a password, the administrator first.
var Roles = []string{"postgres", "admin_productos", "gestor_compra", "ordenes", "dapr", "bff", "consolidador"}

// Keys returns the passwords by role from a pgpass file (host:port:database:role:password). Without a file, it returns none.
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

// CreateDatabases creates the roles and databases that are missing. c is an administrator's connection; keys has the password of
// each role.
func CreateDatabases(ctx context.Context, c *pgx.Conn, keys map[string]string) error {
	var version int
	if err := c.QueryRow(ctx, "select current_setting('server_version_num')::int").Scan(&version); err != nil {
		return err
	}
	if version < 150000 {
		return fmt.Errorf("PostgreSQL must be 15 or later (it is %d)", version/10000)
	}
	for database, role := range Databases {
		if err := createDatabase(ctx, c, database, role, keys[role]); err != nil {
			return fmt.Errorf("database %s: %w", database, err)
		}
	}
	for role, database := range Readers {
		if err := createRole(ctx, c, role, keys[role]); err != nil {
			return fmt.Errorf("role %s: %w", role, err)
		}
		if err := execute(ctx, c, "grant connect on database "+database+" to "+role, "alter role "+role+" set default_transaction_read_only = on"); err != nil {
			return fmt.Errorf("role %s: %w", role, err)
		}
	}
	return nil
}

func createRole(ctx context.Context, c *pgx.Conn, role, key string) error {
	if key == "" || strings.ContainsAny(key, `'\`) {
		return fmt.Errorf("its password is missing, or contains a quote or a backslash")
	}
	var found bool
	if err := c.QueryRow(ctx, "select exists (select from pg_roles where rolname = $1)", role).Scan(&found); err != nil {
		return err
	}
	if !found {
		return execute(ctx, c, "create role "+role+" login password '"+key+"'")
	}
	return execute(ctx, c, "alter role "+role+" login password '"+key+"'") // the user's own server may have an older password
}

func createDatabase(ctx context.Context, c *pgx.Conn, database, role, key string) error {
	if err := createRole(ctx, c, role, key); err != nil {
		return err
	}
	var found bool
	if err := c.QueryRow(ctx, "select exists (select from pg_database where datname = $1)", database).Scan(&found); err != nil || found {
		return err
	}
	_ = execute(ctx, c, "grant "+role+" to current_user") // without it, an administrator who is no superuser cannot make role the owner
	return execute(ctx, c, "create database "+database+" owner "+role+" encoding 'UTF8' template template0", "revoke all on database "+database+" from public")
}

// execute runs the statements one by one. All names in them are constants of this program.
func execute(ctx context.Context, c *pgx.Conn, statements ...string) error {
	for _, s := range statements {
		if _, err := c.Exec(ctx, s); err != nil {
			return err
		}
	}
	return nil
}
