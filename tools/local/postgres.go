package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// bases are the databases with the role that owns each; lectores may connect to one and get no more than its owner grants.
var (
	bases    = map[string]string{"productos": "admin_productos", "gestor_compra": "gestor_compra", "ordenes": "ordenes", "dapr": "dapr"}
	lectores = map[string]string{"consolidador": "productos"}
)

// claves reads the passwords of the administrator and the roles, made once at random and kept in the instance's pgpass,
// which every DSN names (passfile=) instead of carrying a secret.
func (in *Instancia) claves() (map[string]string, error) {
	ruta, m := in.ruta("pgpass"), map[string]string{}
	texto, err := os.ReadFile(ruta)
	if err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	for linea := range strings.Lines(string(texto)) {
		if c := strings.Split(strings.TrimSpace(linea), ":"); len(c) == 5 {
			m[c[3]] = c[4]
		}
	}
	nuevas := ""
	for _, rol := range []string{"postgres", "admin_productos", "gestor_compra", "ordenes", "dapr", "consolidador"} {
		if m[rol] == "" {
			m[rol] = rand.Text()
			nuevas += "*:*:*:" + rol + ":" + m[rol] + "\n"
		}
	}
	if nuevas == "" {
		return m, nil
	}
	return m, os.WriteFile(ruta, append(texto, nuevas...), 0o600)
}

// dsn is the administrator's address of a database, with the password.
func (in *Instancia) dsn(base string) (string, error) {
	if propio := in.dsnPropio(); propio != "" {
		u, err := url.Parse(propio)
		if err != nil || u.Host == "" {
			return "", fmt.Errorf("POSTGRES_DSN debe ser una dirección postgres://usuario:clave@servidor:puerto/base")
		}
		u.Path = "/" + base
		return u.String(), nil
	}
	claves, err := in.claves()
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("postgres://postgres:%s@127.0.0.1:%d/%s?sslmode=disable", claves["postgres"], in.puerto("POSTGRES"), base), nil
}

// sinPrivilegios is the command that runs a program as a user who is not root: PostgreSQL refuses to be root.
// Where the project is in a folder closed to others (a home of root, a mktemp) that user keeps the one
// capability of passing through it.
func (in *Instancia) sinPrivilegios() (orden []string, uid, gid int, err error) {
	if os.Geteuid() != 0 {
		return nil, -1, -1, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		if u, err = user.Lookup("nobody"); err != nil {
			return nil, 0, 0, fmt.Errorf("PostgreSQL no corre como root y no hay un usuario postgres ni nobody: ejecute como un usuario normal")
		}
	}
	uid, _ = strconv.Atoi(u.Uid)
	gid, _ = strconv.Atoi(u.Gid)
	orden = []string{"setpriv", "--reuid=" + u.Uid, "--regid=" + u.Gid, "--clear-groups"}
	for d := in.Raiz; d != "/"; d = filepath.Dir(d) {
		if i, err := os.Stat(d); err == nil && i.Mode().Perm()&0o001 == 0 {
			capacidad := "+dac_override"
			if puedeLeerTodo() {
				capacidad = "+dac_read_search"
			}
			// no_setuid_fixup: else access(2), with which PostgreSQL looks at its own programs, forgets the capability
			orden = append(orden, "--securebits=+no_setuid_fixup", "--inh-caps="+capacidad, "--ambient-caps="+capacidad)
			break
		}
	}
	return append(orden, "--"), uid, gid, nil
}

// puedeLeerTodo says whether this process may hand on CAP_DAC_READ_SEARCH, which containers often lack.
func puedeLeerTodo() bool {
	texto, _ := os.ReadFile("/proc/self/status")
	_, resto, _ := strings.Cut(string(texto), "CapBnd:")
	linea, _, _ := strings.Cut(resto, "\n")
	capacidades, _ := strconv.ParseUint(strings.TrimSpace(linea), 16, 64)
	return capacidades&(1<<2) != 0
}

// crearPostgres makes the data folder once.
func (in *Instancia) crearPostgres(claves map[string]string) error {
	datos := in.ruta("datos", "postgres")
	if in.dsnPropio() != "" || existe(filepath.Join(datos, "PG_VERSION")) {
		return nil
	}
	decir("creo los datos de PostgreSQL")
	orden, uid, gid, err := in.sinPrivilegios()
	if err != nil {
		return err
	}
	_ = os.RemoveAll(datos) // what an interrupted attempt left
	clave := in.ruta("datos", "clave")
	if err := os.MkdirAll(datos, 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(clave, []byte(claves["postgres"]), 0o600); err != nil {
		return err
	}
	defer os.Remove(clave)
	if uid >= 0 {
		for _, r := range []string{datos, clave} {
			if err := os.Chown(r, uid, gid); err != nil {
				return err
			}
		}
	}
	orden = append(orden, in.dirPostgres("bin", "initdb"), "-D", datos, "-U", "postgres", "--auth=scram-sha-256", "--pwfile="+clave,
		"--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
	cmd := exec.Command(orden[0], orden[1:]...)
	cmd.Dir = "/"
	if texto, err := cmd.CombinedOutput(); err != nil {
		_ = os.RemoveAll(datos)
		return fmt.Errorf("initdb falló: %w\n%s", err, texto)
	}
	return nil
}

// conectar opens a connection as the administrator.
func (in *Instancia) conectar(base string) (*pgx.Conn, error) {
	dsn, err := in.dsn(base)
	if err != nil {
		return nil, err
	}
	ctx, cancelar := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancelar()
	return pgx.Connect(ctx, dsn)
}

// crearBases makes roles and databases, and changes nothing where they are as they should be.
func (in *Instancia) crearBases() error {
	claves, err := in.claves()
	if err != nil {
		return err
	}
	c, err := in.conectar("postgres")
	if err != nil {
		return err
	}
	ctx := context.Background()
	defer c.Close(ctx)
	var version int
	if err := c.QueryRow(ctx, "select current_setting('server_version_num')::int").Scan(&version); err != nil {
		return err
	}
	if version < 150000 {
		return fmt.Errorf("PostgreSQL debe ser 15 o posterior (es %d)", version/10000)
	}
	for base, rol := range bases {
		if err := crearBase(ctx, c, base, rol, claves[rol]); err != nil {
			return fmt.Errorf("base %s: %w", base, err)
		}
	}
	for rol, base := range lectores {
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

// direccionPostgres is host:port as the services' DSNs must name it.
func (in *Instancia) direccionPostgres() string {
	if u, err := url.Parse(in.dsnPropio()); err == nil && u.Host != "" {
		if u.Port() == "" {
			return net.JoinHostPort(u.Hostname(), "5432")
		}
		return u.Host
	}
	return fmt.Sprintf("127.0.0.1:%d", in.puerto("POSTGRES"))
}
