// Package setup creates what the services need before they start: roles and databases in PostgreSQL, topics, subscriptions and
// schemas in Pulsar. It does not change existing ones. `make up`, docker compose and Kubernetes use it.
package setup

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// A Role logs in to one database, with a password. In a list of roles, the first role of a database owns it. A further role of the
// same database may connect to it and read, and gets only what the owner grants.
type Role struct{ Name, Database string }

var (
	// likeAddress matches the start of an address of PostgreSQL.
	likeAddress = regexp.MustCompile(`(?i)postgres(ql)?://`)
	// inAddress matches the address in a line, with its role and its database as groups. deploy/services.sh reads the same ones.
	inAddress = regexp.MustCompile(`postgres://([a-z_][a-z0-9_]*)@[^@/\s]+/([a-z_][a-z0-9_]*)(?:[?"'\s]|$)`)
)

// RolesOf returns the roles in the addresses postgres://role@host/database of the texts, in their order. It fails at a line with
// an address that does not match wholly.
func RolesOf(texts ...string) ([]Role, error) {
	var roles []Role
	for line := range strings.Lines(strings.Join(texts, "\n")) {
		found := inAddress.FindAllStringSubmatch(line, -1)
		if len(found) != len(likeAddress.FindAllString(line, -1)) {
			return nil, fmt.Errorf("not postgres://role@host/database, with names of a-z, 0-9 and _: %s", strings.TrimSpace(line))
		}
		for _, m := range found {
			if r := (Role{Name: m[1], Database: m[2]}); !slices.Contains(roles, r) {
				roles = append(roles, r)
			}
		}
	}
	return roles, nil
}

// inPgpass matches a line of a pgpass file that has a database and a role, with these two as groups.
var inPgpass = regexp.MustCompile(`^[^:]*:[^:]*:([a-z_][a-z0-9_]*):([a-z_][a-z0-9_]*):`)

// RolesIn returns the roles in the lines of a pgpass file, in their order. It leaves out the administrator, postgres. It fails at
// a role whose line does not name its database.
func RolesIn(path string) ([]Role, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var roles []Role
	for line := range strings.Lines(string(text)) {
		m := inPgpass.FindStringSubmatch(line)
		switch {
		case m != nil && m[2] == Observer: // CreateObserver creates it
		case m != nil:
			roles = append(roles, Role{Name: m[2], Database: m[1]})
		case !strings.Contains(line, ":postgres:"):
			role := strings.Split(line+":::::", ":")[3]
			return nil, fmt.Errorf("%s: the line of role %q does not name its database: deploy/services.sh roles lists both", path, role)
		}
	}
	return roles, nil
}

// Observer is the role that reads PostgreSQL's statistics, and no table. It has no database of its own.
const Observer = "observer"

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

// CreateDatabases creates the missing roles and databases. c is a connection of the administrator. keys has the password of each role.
func CreateDatabases(ctx context.Context, c *pgx.Conn, roles []Role, keys map[string]string) error {
	var version int
	if err := c.QueryRow(ctx, "select current_setting('server_version_num')::int").Scan(&version); err != nil {
		return err
	}
	if version < 150000 {
		return fmt.Errorf("PostgreSQL must be 15 or later (it is %d)", version/10000)
	}
	owned := map[string]bool{}
	for _, r := range roles {
		if !owned[r.Database] {
			owned[r.Database] = true
			if err := createDatabase(ctx, c, r.Database, r.Name, keys[r.Name]); err != nil {
				return fmt.Errorf("database %s: %w", r.Database, err)
			}
			continue
		}
		if err := createRole(ctx, c, r.Name, keys[r.Name]); err != nil {
			return fmt.Errorf("role %s: %w", r.Name, err)
		}
		if err := execute(ctx, c, "grant connect on database "+r.Database+" to "+r.Name, "alter role "+r.Name+" set default_transaction_read_only = on"); err != nil {
			return fmt.Errorf("role %s: %w", r.Name, err)
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
	_ = execute(ctx, c, "grant "+role+" to current_user") // without this grant, an administrator who is no superuser cannot make role the owner
	return execute(ctx, c, "create database "+database+" owner "+role+" encoding 'UTF8' template template0", "revoke all on database "+database+" from public")
}

// execute runs the statements one by one. RolesOf and RolesIn take only names of small letters.
func execute(ctx context.Context, c *pgx.Conn, statements ...string) error {
	for _, s := range statements {
		if _, err := c.Exec(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// CreateObserver creates the role Observer, and the view of the statistics of statements where the server has
// loaded its library. c is a connection of the administrator to the database postgres.
func CreateObserver(ctx context.Context, c *pgx.Conn, key string) error {
	if err := createRole(ctx, c, Observer, key); err != nil {
		return err
	}
	if err := execute(ctx, c, "grant pg_monitor to "+Observer, "alter role "+Observer+" set default_transaction_read_only = on", "alter role "+Observer+" connection limit 5"); err != nil {
		return err
	}
	var libraries string
	if err := c.QueryRow(ctx, "select current_setting('shared_preload_libraries')").Scan(&libraries); err != nil {
		return err
	}
	if !strings.Contains(libraries, "pg_stat_statements") {
		return nil
	}
	return execute(ctx, c, "create extension if not exists pg_stat_statements")
}
