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

	"entregas/tools/local/preparar"
)

// claves reads the passwords of the administrator and the roles, made once at random and kept in the instance's pgpass,
// which every DSN names (passfile=) instead of carrying a secret.
func (in *Instancia) claves() (map[string]string, error) {
	ruta := in.ruta("pgpass")
	m, err := preparar.Claves(ruta)
	if err != nil {
		return nil, err
	}
	texto, _ := os.ReadFile(ruta)
	nuevas := ""
	for _, rol := range preparar.Roles {
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
	return preparar.CrearBases(ctx, c, claves)
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
