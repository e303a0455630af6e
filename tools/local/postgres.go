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

	"entregas/tools/local/setup"
)

// keys returns the passwords by role, the administrator included. It creates each missing password at random and stores it in the
// instance's pgpass file. Programs find that file by PGPASSFILE, and the addresses in components/ name it (passfile=), so that no DSN contains a secret.
func (in *Instance) keys() (map[string]string, error) {
	path := in.path("pgpass")
	m, err := setup.Keys(path)
	if err != nil {
		return nil, err
	}
	roles, err := in.roles()
	if err != nil {
		return nil, err
	}
	text, _ := os.ReadFile(path)
	fresh := ""
	for _, role := range append([]setup.Role{{Name: "postgres", Database: "*"}, {Name: setup.Observer, Database: "postgres"}}, roles...) {
		if m[role.Name] == "" {
			m[role.Name] = rand.Text()
			fresh += "*:*:" + role.Database + ":" + role.Name + ":" + m[role.Name] + "\n"
		}
	}
	if fresh == "" {
		return m, nil
	}
	return m, os.WriteFile(path, append(text, fresh...), 0o600)
}

// dsn returns the administrator's address of a database. It contains the password.
func (in *Instance) dsn(database string) (string, error) {
	if own := in.ownDSN(); own != "" {
		u, err := url.Parse(own)
		if err != nil || u.Host == "" {
			return "", fmt.Errorf("POSTGRES_DSN must be an address: postgres://user:password@host:port/database")
		}
		u.Path = "/" + database
		return u.String(), nil
	}
	keys, err := in.keys()
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("postgres://postgres:%s@127.0.0.1:%d/%s?sslmode=disable", keys["postgres"], in.port("POSTGRES"), database), nil
}

// unprivileged returns the command that runs a program as a user who is not root, because PostgreSQL refuses to run as root.
// The command is empty, and uid and gid are -1, where this process is not root. If the project is in a folder that is closed
// to others (root's home, a mktemp), that user keeps the one capability that lets it pass.
func (in *Instance) unprivileged() (command []string, uid, gid int, err error) {
	if os.Geteuid() != 0 {
		return nil, -1, -1, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		if u, err = user.Lookup("nobody"); err != nil {
			return nil, 0, 0, fmt.Errorf("PostgreSQL does not run as root, and there is neither a user postgres nor a user nobody: run this as a normal user")
		}
	}
	uid, _ = strconv.Atoi(u.Uid)
	gid, _ = strconv.Atoi(u.Gid)
	command = []string{"setpriv", "--reuid=" + u.Uid, "--regid=" + u.Gid, "--clear-groups"}
	for d := in.Root; d != "/"; d = filepath.Dir(d) {
		if i, err := os.Stat(d); err == nil && i.Mode().Perm()&0o001 == 0 {
			capability := "+dac_override"
			if canReadAll() {
				capability = "+dac_read_search"
			}
			// no_setuid_fixup: without it, access(2) ignores the capability, and PostgreSQL checks its own programs by access(2).
			command = append(command, "--securebits=+no_setuid_fixup", "--inh-caps="+capability, "--ambient-caps="+capability)
			break
		}
	}
	return append(command, "--"), uid, gid, nil
}

// canReadAll reports whether this process can pass on CAP_DAC_READ_SEARCH. Containers often lack it.
func canReadAll() bool {
	text, _ := os.ReadFile("/proc/self/status")
	_, remainder, _ := strings.Cut(string(text), "CapBnd:")
	line, _, _ := strings.Cut(remainder, "\n")
	capabilities, _ := strconv.ParseUint(strings.TrimSpace(line), 16, 64)
	return capabilities&(1<<2) != 0
}

// createPostgres runs initdb if the data folder does not exist yet. It does nothing if POSTGRES_DSN names a server.
func (in *Instance) createPostgres(keys map[string]string) error {
	data := in.path("data", "postgres")
	if in.ownDSN() != "" || exists(filepath.Join(data, "PG_VERSION")) {
		return nil
	}
	say("creating the data folder of PostgreSQL")
	command, uid, gid, err := in.unprivileged()
	if err != nil {
		return err
	}
	_ = os.RemoveAll(data) // the rest of an interrupted attempt
	key := in.path("data", "password")
	if err := os.MkdirAll(data, 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(key, []byte(keys["postgres"]), 0o600); err != nil {
		return err
	}
	defer os.Remove(key)
	if uid >= 0 {
		for _, r := range []string{data, key} {
			if err := os.Chown(r, uid, gid); err != nil {
				return err
			}
		}
	}
	command = append(command, in.postgresDir("bin", "initdb"), "-D", data, "-U", "postgres", "--auth=scram-sha-256", "--pwfile="+key,
		"--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Dir = "/"
	if text, err := cmd.CombinedOutput(); err != nil {
		_ = os.RemoveAll(data)
		return fmt.Errorf("initdb failed: %w\n%s", err, text)
	}
	return nil
}

// connect opens a connection to a database as the administrator.
func (in *Instance) connect(database string) (*pgx.Conn, error) {
	dsn, err := in.dsn(database)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return pgx.Connect(ctx, dsn)
}

// createDatabases creates the roles and databases that are missing.
func (in *Instance) createDatabases() error {
	keys, err := in.keys()
	if err != nil {
		return err
	}
	roles, err := in.roles()
	if err != nil {
		return err
	}
	c, err := in.connect("postgres")
	if err != nil {
		return err
	}
	ctx := context.Background()
	defer c.Close(ctx)
	return setup.CreateDatabases(ctx, c, roles, keys)
}

// postgresAddress returns the host:port of the server for the services' DSNs.
func (in *Instance) postgresAddress() string {
	if u, err := url.Parse(in.ownDSN()); err == nil && u.Host != "" {
		if u.Port() == "" {
			return net.JoinHostPort(u.Hostname(), "5432")
		}
		return u.Host
	}
	return fmt.Sprintf("127.0.0.1:%d", in.port("POSTGRES"))
}

// sslMode returns the sslmode of POSTGRES_DSN, "disable" if it names none.
func (in *Instance) sslMode() string {
	if u, err := url.Parse(in.ownDSN()); err == nil && u.Query().Get("sslmode") != "" {
		return u.Query().Get("sslmode")
	}
	return "disable"
}
