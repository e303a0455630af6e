package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	runtimev1pb "github.com/dapr/dapr/pkg/proto/runtime/v1"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"

	"entregas/bff/identity"
	"entregas/bff/issuer"
	"entregas/contracts"
)

// The memory that compose.yaml and the cluster give the bff.
const (
	memoryLimit = 128 << 20
	goMemLimit  = "96MiB"
)

// The program as it runs, in the memory that it is given, takes 200 hostile requests a second: it answers or refuses each of
// them, stays under its limit, and serves the others right after. Where this machine lets us, a cgroup holds it to the limit.
func TestHostileRequestsStayWithinTheMemoryLimit(t *testing.T) {
	p := startProgram(t)
	p.occupy(t)
	const rate, lasting = 200, 4 * time.Second
	attacks := hostile(t)
	answered := map[string]int{}
	var mu sync.Mutex
	var all sync.WaitGroup
	tick := time.NewTicker(time.Second / rate)
	defer tick.Stop()
	for i := range int(lasting.Seconds()) * rate {
		<-tick.C
		all.Go(func() {
			a := attacks[i%len(attacks)]
			status, n := a.send(t, p, i)
			mu.Lock()
			defer mu.Unlock()
			answered[fmt.Sprint(a.name, ": ", status)]++
			if n > 1<<20+100_000 {
				t.Errorf("%s: an answer of %d bytes", a.name, n)
			}
		})
	}
	all.Wait()
	peak := p.peak(t)
	t.Logf("peak %d kB of %d; %v", peak>>10, memoryLimit>>10, answered)
	if peak >= memoryLimit {
		t.Errorf("the program took %d kB", peak>>10)
	}
	usual := attack{name: "usual", method: http.MethodGet, path: "/api/productos"}
	for limit := time.Now().Add(5 * time.Second); ; {
		status, _ := usual.send(t, p, 0)
		if status == http.StatusOK {
			return
		}
		if time.Now().After(limit) {
			t.Fatalf("afterwards a usual request gets %d", status)
		}
	}
}

// gqlgen makes the items of a list at once, by default all of them: then a goroutine, its stack and its fields are there for each
// before any is charged. No service's answer shows this, so the test reads what gqlgen.yml made.
func TestTheItemsOfAListAreMadeAFewAtOnce(t *testing.T) {
	for _, file := range []string{"graph/public/exec.gen.go", "graph/v1/exec.gen.go"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		lists := regexp.MustCompile(`MarshalSliceConcurrently\(ctx, len\(v\), (\d+),`).FindAllSubmatch(text, -1)
		if len(lists) == 0 {
			t.Errorf("%s has no lists", file)
		}
		for _, list := range lists {
			if limit := string(list[1]); limit != "8" {
				t.Errorf("%s: %s items of a list at once", file, limit)
			}
		}
	}
}

// The numbers of streams, and of connections with unfinished headers, that stay open during the flood of requests.
const (
	openStreams     = 400
	openConnections = 450
)

// occupy opens openStreams streams and openConnections connections, and keeps them open until the test ends.
func (p program) occupy(t *testing.T) {
	t.Helper()
	host := strings.TrimPrefix(p.address, "http://")
	open := func(text string) {
		c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", host)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		if _, err := io.WriteString(c, text); err != nil {
			t.Fatal(err)
		}
	}
	for i := range openConnections {
		open(fmt.Sprintf("GET / HTTP/1.1\r\nX-Forwarded-For: 10.1.%d.%d\r\nX-A: %s", i/250, i%250, strings.Repeat("a", 15_000)))
	}
	for i := range openStreams {
		user := fmt.Sprint("u", i%askers)
		open(fmt.Sprintf("GET /api/compras/%s/eventos HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 10.2.%d.%d\r\nAuthorization: Bearer %s\r\n\r\n",
			anasCompra, i/250, i%250, p.token(t, user, identity.Operador)))
	}
}

type attack struct {
	name, method, path, body string
	known                    bool
	headers                  []string
}

// askers is the number of subjects, and of addresses, that send the requests. One client alone may hold a quarter of the memory.
const askers = 32

func hostile(t *testing.T) []attack {
	query := func(q string) string {
		body, err := json.Marshal(map[string]string{"query": q})
		if err != nil {
			t.Fatal(err)
		}
		return string(body)
	}
	isJSON := []string{"Content-Type", "application/json"}
	return []attack{
		{"introspection", http.MethodPost, "/graphql", query("{__schema{types{fields{type{ofType{" + aliases(900, "name") + "}}}}}}"), false, isJSON},
		{"a list with aliases", http.MethodPost, "/graphql", query("{misCompras(limite:9){compras{" + aliases(900, "idUsuario") + "}}}"), true, isJSON},
		{"the lines of a list", http.MethodPost, "/graphql", query("{misCompras(limite:50){compras{a:productos{idProducto cantidad} b:productos{idProducto cantidad}}}}"), true, isJSON},
		{"a long page", http.MethodGet, "/api/usuarios/USER/compras?limite=100", "", true, isJSON},
		{"a body of empty lists", http.MethodPost, "/graphql", `{"query":"{productos{id}}","variables":{"a":[` + strings.Repeat("[],", 43_000) + `[]]}}`, true, isJSON},
		{"lines of a purchase", http.MethodPost, "/api/compras", `{"productos":[` + strings.Repeat("{},", 43_000) + `{}]}`, true, append([]string{"Idempotency-Key", "k"}, isJSON...)},
		{"too long a body", http.MethodPost, "/api/compras", strings.Repeat(" ", 1<<20), true, isJSON},
		{"other documents", http.MethodPost, "/graphql", query("{" + aliases(20, "productos{"+aliases(45, "nombre")+"}") + "}"), false, isJSON},
		{"the earlier system", http.MethodPost, "/v1", query(`{` + aliases(20, `compras(idUsuario:"ana"){`+aliases(40, "estado")+"}") + "}"), false, isJSON},
		{"headers", http.MethodGet, "/api/productos", "", false, []string{"X-A", strings.Repeat("a", 12_000)}},
	}
}

// send sends the attack as the client with the number asker.
func (a attack) send(t *testing.T, p program, asker int) (status, length int) {
	user := fmt.Sprint("u", asker%askers)
	r, err := http.NewRequestWithContext(t.Context(), a.method, p.address+strings.Replace(a.path, "USER", user, 1), strings.NewReader(a.body))
	if err != nil {
		t.Error(err)
		return 0, 0
	}
	r.Header.Set("X-Forwarded-For", fmt.Sprint("10.0.0.", asker%askers))
	if a.known {
		r.Header.Set("Authorization", "Bearer "+p.token(t, user, identity.Cliente))
	}
	for i := 0; i < len(a.headers); i += 2 {
		r.Header.Set(a.headers[i], a.headers[i+1])
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, 0 // a body that nobody reads to its end may cost the connection
	}
	defer func() { _ = answer.Body.Close() }()
	n, _ := io.Copy(io.Discard, answer.Body)
	return answer.StatusCode, int(n)
}

// program is the bff in a process of its own, on a sidecar that stands in for the real one.
type program struct {
	address   string
	process   *os.Process
	issuerURL *issuer.Issuer
}

func startProgram(t *testing.T) program {
	t.Helper()
	binary, key := filepath.Join(t.TempDir(), "bff"), filepath.Join(t.TempDir(), "key")
	if text, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if err := os.WriteFile(key, []byte(testKey), 0o600); err != nil {
		t.Fatal(err)
	}
	grpcPort, httpPort := standIn(t)
	port := freePort(t)
	p := program{address: "http://127.0.0.1:" + port}
	issuerURL := p.address + "/desarrollo"
	cmd := exec.Command(binary) // #nosec G204 -- built here
	cmd.Env = append(os.Environ(), "MODE=development", "OIDC_ISSUER="+issuerURL, "OIDC_DEVELOPMENT_KEY_FILE="+key, "APP_PORT="+port,
		"DAPR_GRPC_PORT="+grpcPort, "DAPR_HTTP_PORT="+httpPort, "GOMEMLIMIT="+goMemLimit, "ADDRESS_RATE=0", "SUBJECT_RATE=0", "PROXIES=1", "LOG_LEVEL=ERROR")
	cmd.Stdout, cmd.Stderr = t.Output(), t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.process = cmd.Process
	limit(t, cmd.Process.Pid)
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	var err error
	if p.issuerURL, err = issuer.New(issuerURL, key, "", nil, nil); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		r, err := http.Get(p.address + "/healthz") //nolint:noctx // bounded by the loop
		if err == nil {
			_ = r.Body.Close()
			return p
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

func (p program) token(t *testing.T, user string, roles ...string) string {
	t.Helper()
	token, err := p.issuerURL.Token(user, roles, time.Hour, issuer.Audience)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// peak returns the most memory that the process ever held, in bytes. It fails the test where the process is gone.
func (p program) peak(t *testing.T) int64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.process.Pid))
	if os.IsNotExist(err) && !isLinux() {
		t.Skip("there is no /proc here")
	}
	_, rest, found := strings.Cut(string(text), "VmHWM:")
	if err != nil || !found {
		t.Fatalf("the program is gone: it took more memory than it may have (%v)", err)
	}
	kb, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return kb << 10
}

func isLinux() bool { _, err := os.Stat("/proc/self/status"); return err == nil }

// limit bounds the process to memoryLimit by a cgroup, where the machine permits one.
func limit(t *testing.T, pid int) {
	t.Helper()
	for _, c := range []struct{ parent, file string }{{"/sys/fs/cgroup", "memory.max"}, {"/sys/fs/cgroup/memory", "memory.limit_in_bytes"}} {
		dir := filepath.Join(c.parent, fmt.Sprintf("entregas-test-%d", pid))
		if os.Mkdir(dir, 0o700) != nil {
			continue
		}
		t.Cleanup(func() { // once the process has left it
			for range 50 {
				if os.Remove(dir) == nil {
					return
				}
				time.Sleep(20 * time.Millisecond)
			}
		})
		if _, err := os.Stat(filepath.Join(dir, c.file)); err != nil {
			continue // no cgroup, or one that does not count memory
		}
		err := os.WriteFile(filepath.Join(dir, c.file), []byte(strconv.Itoa(memoryLimit)), 0o600)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, "cgroup.procs"), []byte(strconv.Itoa(pid)), 0o600)
		}
		if err == nil {
			t.Logf("held by %s", dir)
			return
		}
	}
	t.Log("no cgroup may be made here: the peak is read alone")
}

// standIn answers as a sidecar does: an empty store, and services with long lists.
func standIn(t *testing.T) (grpcPort, httpPort string) {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	runtimev1pb.RegisterDaprServer(server, emptyStore{})
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)

	one := contracts.Compra{SolicitudCompra: contracts.SolicitudCompra{ID: anasCompra, IDUsuario: "ana"}, Estado: contracts.EstadoConfirmada, Historia: []contracts.HechoContado{{Numero: 1, Paso: "RECIBIDA"}}}
	for i := range contracts.MaxLineas {
		one.Productos = append(one.Productos, contracts.Linea{IDProducto: fmt.Sprintf("%064d", i), Cantidad: 1})
	}
	many := make([]contracts.Compra, 100)
	for i := range many {
		many[i] = one
	}
	page := func(n int) []byte {
		text, _ := json.Marshal(contracts.PaginaDeCompras{Compras: many[:n]})
		return text
	}
	long, half, few := page(100), page(50), page(9)
	single, _ := json.Marshal(one)
	services := http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch {
		case strings.HasSuffix(r.URL.Path, "/productos"):
			_, _ = io.WriteString(w, `[{"id":"1","nombre":"Café","cantidad":5}]`)
		case strings.HasSuffix(r.URL.Path, anasCompra):
			_, _ = w.Write(single)
		case strings.Contains(r.URL.RawQuery, "limite=9"):
			_, _ = w.Write(few)
		case strings.Contains(r.URL.RawQuery, "limite=50"):
			_, _ = w.Write(half)
		case r.Method == http.MethodGet:
			_, _ = w.Write(long)
		default:
			w.WriteHeader(http.StatusInternalServerError)
		}
	})}
	web, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = services.Serve(web) }()
	t.Cleanup(func() { _ = services.Close() })
	return portOf(listener), portOf(web)
}

func portOf(l net.Listener) string { return strconv.Itoa(l.Addr().(*net.TCPAddr).Port) }

func freePort(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return portOf(l)
}

// emptyStore keeps nothing.
type emptyStore struct {
	runtimev1pb.UnimplementedDaprServer
}

func (emptyStore) GetState(context.Context, *runtimev1pb.GetStateRequest) (*runtimev1pb.GetStateResponse, error) {
	return &runtimev1pb.GetStateResponse{}, nil
}

func (emptyStore) GetBulkState(context.Context, *runtimev1pb.GetBulkStateRequest) (*runtimev1pb.GetBulkStateResponse, error) {
	return &runtimev1pb.GetBulkStateResponse{}, nil
}

func (emptyStore) SaveState(context.Context, *runtimev1pb.SaveStateRequest) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, nil
}
