// Package preparar makes what the services expect to find: roles and databases in PostgreSQL, topics and subscriptions in
// Pulsar. It changes nothing where they are as they should be. `make up`, docker compose and Kubernetes all use it.
package preparar

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Bases are the databases with the role that owns each; Lectores may connect to one and get no more than its owner grants.
var (
	Bases    = map[string]string{"productos": "admin_productos", "gestor_compra": "gestor_compra", "ordenes": "ordenes", "dapr": "dapr", "bff": "bff"}
	Lectores = map[string]string{"consolidador": "productos"}
)

// Roles are those that log in with a password, the administrator first.
var Roles = []string{"postgres", "admin_productos", "gestor_compra", "ordenes", "dapr", "bff", "consolidador"}

// Claves reads the passwords by role from a pgpass file (host:port:database:role:password). No file is no passwords.
func Claves(ruta string) (map[string]string, error) {
	texto, err := os.ReadFile(ruta)
	if err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	m := map[string]string{}
	for linea := range strings.Lines(string(texto)) {
		if c := strings.Split(strings.TrimSpace(linea), ":"); len(c) == 5 {
			m[c[3]] = c[4]
		}
	}
	return m, nil
}

// CrearBases makes roles and databases on c, an administrator's connection.
func CrearBases(ctx context.Context, c *pgx.Conn, claves map[string]string) error {
	var version int
	if err := c.QueryRow(ctx, "select current_setting('server_version_num')::int").Scan(&version); err != nil {
		return err
	}
	if version < 150000 {
		return fmt.Errorf("PostgreSQL debe ser 15 o posterior (es %d)", version/10000)
	}
	for base, rol := range Bases {
		if err := crearBase(ctx, c, base, rol, claves[rol]); err != nil {
			return fmt.Errorf("base %s: %w", base, err)
		}
	}
	for rol, base := range Lectores {
		if err := crearRol(ctx, c, rol, claves[rol]); err != nil {
			return fmt.Errorf("rol %s: %w", rol, err)
		}
		if err := ejecutar(ctx, c, "grant connect on database "+base+" to "+rol, "alter role "+rol+" set default_transaction_read_only = on"); err != nil {
			return fmt.Errorf("rol %s: %w", rol, err)
		}
	}
	return nil
}

func crearRol(ctx context.Context, c *pgx.Conn, rol, clave string) error {
	if clave == "" || strings.ContainsAny(clave, `'\`) {
		return fmt.Errorf("falta su clave, o tiene comillas o barras")
	}
	var hay bool
	if err := c.QueryRow(ctx, "select exists (select from pg_roles where rolname = $1)", rol).Scan(&hay); err != nil {
		return err
	}
	if !hay {
		return ejecutar(ctx, c, "create role "+rol+" login password '"+clave+"'")
	}
	return ejecutar(ctx, c, "alter role "+rol+" login password '"+clave+"'") // an own server may know an older one
}

func crearBase(ctx context.Context, c *pgx.Conn, base, rol, clave string) error {
	if err := crearRol(ctx, c, rol, clave); err != nil {
		return err
	}
	var hay bool
	if err := c.QueryRow(ctx, "select exists (select from pg_database where datname = $1)", base).Scan(&hay); err != nil || hay {
		return err
	}
	_ = ejecutar(ctx, c, "grant "+rol+" to current_user") // an administrator who is no superuser needs it to give the database away
	return ejecutar(ctx, c, "create database "+base+" owner "+rol+" encoding 'UTF8' template template0", "revoke all on database "+base+" from public")
}

// ejecutar runs statements whose names are constants of this program, each by itself.
func ejecutar(ctx context.Context, c *pgx.Conn, sentencias ...string) error {
	for _, s := range sentencias {
		if _, err := c.Exec(ctx, s); err != nil {
			return err
		}
	}
	return nil
}
