package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	. "entregas/tests/testkit"
)

// listener is a listening socket of a process of the instance.
type listener struct {
	program, purpose string // purpose is the option or setting that names its port
	address, port    string // in the hexadecimal form of the kernel
}

func (l listener) role() string { return l.program + " " + l.purpose }

func (l listener) String() string { return fmt.Sprintf("%s on %s:%s", l.role(), l.address, l.port) }

// everywhere has the roles that may listen on every address of the machine, with the reason for each.
var everywhere = map[string]string{
	"placement --healthz-port": "Dapr 1.18.1 reads --healthz-listen-address and does not use it; it says ready or not, and nothing else",
	"scheduler --healthz-port": "the same",
}

// refuses has a check for each role that takes commands or returns data that is not public. The check returns nil when the role
// refuses a client without credentials.
var refuses = map[string]func(ctx context.Context, address string) error{
	"process-compose -p":           wantsStatus(http.StatusUnauthorized, "POST /process/start/nobody", "GET /processes", "GET /"),
	"daprd --dapr-http-port":       wantsStatus(http.StatusUnauthorized, "GET /v1.0/metadata", "POST /v1.0/invoke/gestor-compra/method/compras", "GET /v1.0/state/estado/x"),
	"daprd --dapr-grpc-port":       grpcUnauthenticated,
	"postgres --port":              postgresRefuses,
	"bff APP_PORT":                 wantsStatus(http.StatusUnauthorized, "GET /api/compras", "POST /mensajes/eventos-compra"),
	"gestor-compra APP_PORT":       wantsStatus(http.StatusUnauthorized, "GET /compras", "POST /compras"),
	"admin-productos APP_PORT":     wantsStatus(http.StatusUnauthorized, "GET /productos", "POST /productos/1/reposicion"),
	"consolidador APP_PORT":        wantsStatus(http.StatusUnauthorized, "POST /mensajes/comandos-inventario"),
	"ordenes APP_PORT":             wantsStatus(http.StatusUnauthorized, "GET /ordenes/1", "POST /ordenes/1/despacho"),
	"monitor APP_PORT":             wantsStatus(http.StatusUnauthorized, "GET /mensajes-muertos", "POST /mensajes-muertos/1/devolucion"),
	"avisos APP_PORT":              wantsStatus(http.StatusUnauthorized, "GET /direcciones", "GET /entregas", "POST /mensajes/eventos-compra"),
	"scheduler --etcd-client-port": secretLoopback,
}

// open has the roles that answer every user of the machine, with the actions that are open to such a user. SECURITY.md lists them too.
// A page in a browser cannot do these actions: it speaks neither gRPC without TLS nor the protocols of Pulsar and raft.
var open = map[string]string{
	"daprd --dapr-internal-grpc-port":  "calls each service as another sidecar does: without certificates Dapr asks for nothing here",
	"daprd --metrics-port":             "numbers, to read",
	"placement --port":                 "joins as a host of actors",
	"placement --metrics-port":         "numbers, to read",
	"placement --initial-cluster":      "raft of a single member",
	"scheduler --port":                 "reads and changes reminders",
	"scheduler --metrics-port":         "numbers, to read",
	"scheduler --etcd-initial-cluster": "raft of a single member; its requests need headers that a page may not set",
	"java brokerServicePort":           "publishes and reads messages",
	"java webServicePort":              "administers the broker; so does a page by requests whose answer it cannot read",
	"java --bookkeeper-port":           "reads and writes the broker's storage",
	"bff METRICS_PORT":                 "numbers, to read",
	"local mail-catcher":               "takes mails in the place of a mail server, and shows none by this port",
	"java allowEphemeralPorts":         "reads and writes the broker's storage",
}

// No process of the instance listens to the network, and none takes commands from a client without credentials. The tables above list
// the exceptions, each with a reason.
func TestNothingListensOnTheNetwork(t *testing.T) {
	s := Open(t)
	if _, err := os.Stat("/proc/self/net/tcp"); err != nil || s.Env.Instance == "" {
		t.Skip("not an instance on this machine")
	}
	ctx, release := context.WithTimeout(t.Context(), Deadline)
	defer release()
	seen := map[string]bool{}
	for _, l := range listeners(filepath.Join(s.Env.Root, ".local", s.Env.Instance)) {
		seen[l.program] = true
		if !loopback(l.address) && everywhere[l.role()] == "" {
			t.Errorf("%s: it listens to the network", l)
			continue
		}
		check, reason := refuses[l.role()], open[l.role()]+everywhere[l.role()]
		switch {
		case check == nil && reason == "":
			t.Errorf("%s: no table says why it listens", l)
		case check != nil:
			if err := check(ctx, dotted(l)); err != nil {
				t.Errorf("%s: %v", l, err)
			}
		}
	}
	for _, program := range []string{"process-compose", "java", "placement", "scheduler", "daprd", "bff", "gestor-compra", "monitor"} {
		if !seen[program] {
			t.Errorf("%s does not listen; these do: %v", program, slices.Sorted(maps.Keys(seen)))
		}
	}
}

// Only the owner can read the data, the logs and the secrets of an instance.
func TestNobodyElseReadsTheFolders(t *testing.T) {
	s := Open(t)
	instance := filepath.Join(s.Env.Root, ".local", s.Env.Instance)
	if s.Env.Instance == "" {
		t.Skip("not an instance on this machine")
	}
	for _, name := range []string{"logs", "run", "data/pulsar", "data/scheduler", "data/postgres", "pgpass", "issuer-secret", "loopback", "token-app", "token-dapr", "token-supervisor"} {
		i, err := os.Stat(filepath.Join(instance, name))
		if err != nil {
			t.Error(err)
		} else if i.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: %v", name, i.Mode())
		}
	}
}

// listeners returns the listening sockets of every process whose environment names the instance.
func listeners(instance string) (all []listener) {
	environments, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, path := range environments {
		environment, err := os.ReadFile(path)
		if err != nil || !slices.Contains(strings.Split(string(environment), "\x00"), "ENTREGAS_INSTANCE="+instance) {
			continue
		}
		pid := strings.Split(path, "/")[2]
		exe, err := os.Readlink("/proc/" + pid + "/exe")
		if err != nil {
			continue
		}
		program := filepath.Base(strings.TrimSuffix(exe, " (deleted)"))
		for _, where := range listensAt(pid) {
			l := listener{program: program}
			l.address, l.port, _ = strings.Cut(where, ":")
			port, _ := strconv.ParseUint(l.port, 16, 16)
			l.purpose = purpose(pid, strings.Split(string(environment), "\x00"), strconv.FormatUint(port, 10))
			if l.purpose == "APP_PORT" { // a service in another language has the program of the language
				l.program = service(strings.Split(string(environment), "\x00"), program)
			}
			all = append(all, l)
		}
	}
	return all
}

// service returns the app-id of the service to which an environment belongs, or otherwise.
func service(environment []string, otherwise string) string {
	for _, e := range environment {
		if name, found := strings.CutPrefix(e, "ENTREGAS_SERVICE="); found {
			return strings.TrimRight(name, "-23456789")
		}
	}
	return otherwise
}

// purpose returns the option or the setting that makes the process listen on the port.
func purpose(pid string, environment []string, port string) string {
	text, _ := os.ReadFile("/proc/" + pid + "/cmdline")
	arguments := strings.Split(strings.TrimSuffix(string(text), "\x00"), "\x00")
	for i, a := range arguments {
		option, value, joined := strings.Cut(a, "=")
		if !joined && i > 0 && a == port {
			return arguments[i-1]
		}
		if joined && (value == port || strings.HasSuffix(value, ":"+port)) && !strings.Contains(option, "broadcast") {
			return option
		}
		if i > 0 && arguments[i-1] == "--config" {
			conf, _ := os.ReadFile(a)
			for line := range strings.Lines(string(conf)) {
				if name, value, _ := strings.Cut(strings.TrimSpace(line), "="); value == port {
					return name
				}
			}
		}
	}
	for _, setting := range []string{"APP_PORT", "METRICS_PORT"} {
		if slices.Contains(environment, setting+"="+port) {
			return setting
		}
	}
	if slices.Contains(arguments, "mail-catcher") {
		return "mail-catcher"
	}
	if slices.Contains(arguments, "--bookkeeper-port") { // the bookie of a standalone Pulsar does not always use the port of this option
		return "allowEphemeralPorts"
	}
	return "(" + strings.Join(arguments[max(0, len(arguments)-4):], " ") + ")"
}

// loopback reports whether an address in the form of the kernel is 127.0.0.0/8, ::1 or an IPv4-mapped 127.0.0.0/8.
func loopback(address string) bool {
	return len(address) == 8 && strings.HasSuffix(address, "7F") || address == "00000000000000000000000001000000" ||
		strings.HasPrefix(address, "0000000000000000FFFF0000") && strings.HasSuffix(address, "7F")
}

// dotted returns the address of l as host:port.
func dotted(l listener) string {
	port, _ := strconv.ParseUint(l.port, 16, 16)
	host := "127.0.0.1"
	if tail := l.address[max(0, len(l.address)-8):]; strings.HasSuffix(tail, "7F") {
		n, _ := strconv.ParseUint(tail, 16, 32)
		host = fmt.Sprintf("%d.%d.%d.%d", n&255, n>>8&255, n>>16&255, n>>24)
	}
	return fmt.Sprintf("%s:%d", host, port)
}

// anybody is a client without credentials that follows no redirect.
var anybody = &http.Client{Timeout: 10 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// wantsStatus returns a check that sends requests as a page in a browser can: without a token, and with a content type that needs no
// preflight. Each response must have the status.
func wantsStatus(status int, requests ...string) func(context.Context, string) error {
	return func(ctx context.Context, address string) error {
		var bad []error
		for _, what := range requests {
			method, path, _ := strings.Cut(what, " ")
			request, err := http.NewRequestWithContext(ctx, method, "http://"+address+path, strings.NewReader("{}"))
			if err != nil {
				return err
			}
			request.Header.Set("Content-Type", "text/plain")
			request.Header.Set("Origin", "http://evil.example")
			answer, err := anybody.Do(request)
			if err != nil {
				return err
			}
			_ = answer.Body.Close()
			if answer.StatusCode != status {
				bad = append(bad, fmt.Errorf("%s without credentials: %d", what, answer.StatusCode))
			}
		}
		return errors.Join(bad...)
	}
}

// grpcUnauthenticated checks that the gRPC interface of the sidecar refuses a call without its token.
func grpcUnauthenticated(ctx context.Context, address string) error {
	var plain http.Protocols
	plain.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: &plain}
	defer transport.CloseIdleConnections()
	var bad []error
	for _, method := range []string{"/dapr.proto.runtime.v1.Dapr/GetMetadata", "/dapr.proto.runtime.v1.Dapr/PublishEvent", "/TaskHubSidecarService/GetInstance"} {
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+method, bytes.NewReader(make([]byte, 5)))
		if err != nil {
			return err
		}
		request.Header.Set("Content-Type", "application/grpc")
		request.Header.Set("TE", "trailers")
		answer, err := (&http.Client{Transport: transport, Timeout: 10 * time.Second}).Do(request)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, answer.Body)
		_ = answer.Body.Close()
		if status := answer.Trailer.Get("Grpc-Status") + answer.Header.Get("Grpc-Status"); status != "16" { // UNAUTHENTICATED
			bad = append(bad, fmt.Errorf("%s without a token: gRPC status %q %w", method, status, err))
		}
	}
	return errors.Join(bad...)
}

// postgresRefuses checks that no role connects without a password.
func postgresRefuses(ctx context.Context, address string) error {
	for _, user := range []string{"postgres", "dapr", "gestor_compra"} {
		c, err := pgx.Connect(ctx, "postgres://"+user+"@"+address+"/postgres?sslmode=disable")
		if err == nil {
			_ = c.Close(ctx)
			return fmt.Errorf("%s connects without a password", user)
		}
	}
	return nil
}

// secretLoopback checks that the address is hard to guess for a page in a browser: etcd answers every request.
func secretLoopback(_ context.Context, address string) error {
	if strings.HasPrefix(address, "127.0.0.1:") {
		return errors.New("it listens on 127.0.0.1, where every page finds it")
	}
	return nil
}

// listensAt returns where a process listens: address:port in the hexadecimal form of the kernel.
func listensAt(pid string) (where []string) {
	own := map[string]bool{}
	descriptors, _ := filepath.Glob("/proc/" + pid + "/fd/*")
	for _, d := range descriptors {
		if what, err := os.Readlink(d); err == nil {
			own[strings.TrimSuffix(strings.TrimPrefix(what, "socket:["), "]")] = true
		}
	}
	for _, table := range []string{"tcp", "tcp6"} {
		text, _ := os.ReadFile("/proc/" + pid + "/net/" + table)
		for line := range strings.Lines(string(text)) {
			if c := strings.Fields(line); len(c) > 9 && c[3] == "0A" && own[c[9]] {
				where = append(where, c[1])
			}
		}
	}
	return where
}
