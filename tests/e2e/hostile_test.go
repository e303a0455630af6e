package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"entregas/contracts"
	"entregas/tests/client"
	. "entregas/tests/testkit"
)

// The numbers of the hostile requests. HOSTILE_CASES and HOSTILE_SEED override the first two.
const (
	hostileCases = 600
	hostileSeed  = 13
	hostileTimes = 5  // how often each request is sent in a row: enough to open a breaker that counts failures in a row
	hostileAtOne = 2  // requests at the same time: with more, good requests would come between the repeats of a request
	hostileNames = 64 // the subjects of the requests: the rate limit of one subject would refuse most of them
)

// Subjects send random paths, queries, headers and bodies to REST, GraphQL, /v1, streams, sessions and documents. No response may
// blame the server, and another subject that reads meanwhile gets current data. On a busy machine a call may miss its deadline of a
// second: a read that fails must succeed when it is repeated.
func TestHostileRequests(t *testing.T) {
	s := Open(t)
	victim := newVictim(t, s)
	ctx, stop := context.WithCancel(t.Context())
	reads := make(chan int)
	go func() { reads <- victim.readWhile(ctx, t) }()
	statuses := attack(t, s, fromEnvironment(t, "HOSTILE_CASES", hostileCases), uint64(fromEnvironment(t, "HOSTILE_SEED", hostileSeed)))
	stop()
	n := <-reads
	if n < 3 {
		t.Errorf("another subject read only %d times", n)
	}
	t.Logf("answers by status (0: the sender left): %v; another subject read everything %d times meanwhile, and asked %d times again", statuses, n, victim.again)
}

// fromEnvironment returns the number in variable name, or otherwise.
func fromEnvironment(t *testing.T, name string, otherwise int) int {
	n, err := strconv.Atoi(os.Getenv(name))
	if os.Getenv(name) != "" && err != nil {
		t.Fatal(err)
	}
	if err != nil {
		return otherwise
	}
	return n
}

// attack sends n hostile requests and returns how many responses had each status.
func attack(t *testing.T, s *System, n int, seed uint64) map[int]int {
	t.Helper()
	tokens := map[string]string{}
	var names []string
	for i := range hostileNames {
		name, role := fmt.Sprintf("%s-%d", Usuario(t), i), "cliente"
		if i%8 == 0 {
			role = "operador"
		}
		token, err := s.Env.Token(name, role)
		if err != nil {
			t.Fatal(err)
		}
		names, tokens[name] = append(names, name), token
	}
	var mu sync.Mutex
	statuses := map[int]int{}
	numbers := make(chan int)
	var senders sync.WaitGroup
	for range hostileAtOne {
		senders.Go(func() {
			for i := range numbers {
				name := names[i%len(names)]
				c := newForger(seed, i, name, tokens[name]).request()
				ours, answer := 0, ""
				for range hostileTimes {
					status, body, err := send(t.Context(), s.Env.BFF, c)
					if err != nil || isOurs(status, body) {
						ours++
						answer = fmt.Sprintf("%d %.300q, %v", status, body, err)
					}
					mu.Lock()
					statuses[status]++
					mu.Unlock()
				}
				if ours > 1 {
					t.Errorf("case %d of seed %d is answered %s (%d of %d times): %.400q", i, seed, answer, ours, hostileTimes, c.text)
				}
			}
		})
	}
	for i := range n {
		numbers <- i
	}
	close(numbers)
	senders.Wait()
	return statuses
}

// isOurs reports whether a response blames the server. 501 and 505 do not count: they are the right responses to a transfer coding and
// an HTTP version that the server does not know.
func isOurs(status int, body string) bool {
	return status >= http.StatusInternalServerError && status != http.StatusNotImplemented && status != http.StatusHTTPVersionNotSupported ||
		strings.Contains(body, `"code":"interno"`) || strings.Contains(body, `"code":"no-disponible"`)
}

// send writes one request and reads the response, or the beginning of a stream. Status 0 means that there was no response to read.
func send(ctx context.Context, baseURL string, c hostileCase) (status int, body string, err error) {
	u, err := url.Parse(baseURL)
	if err != nil {
		return 0, "", err
	}
	dialer := net.Dialer{}
	if runtime.GOOS == "linux" && net.ParseIP(u.Hostname()).IsLoopback() { // an address of its own: the bff limits the rate of each address
		dialer.LocalAddr = &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}
	}
	conn, err := dialer.DialContext(ctx, "tcp", u.Host)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(Deadline))
	_, writeErr := io.WriteString(conn, c.text)
	if c.leaves {
		return 0, "", nil
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	switch {
	case err != nil && writeErr != nil, errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), isReset(err):
		return 0, "", nil // the server closed the connection while it refused the request
	case err != nil:
		return 0, "", err
	}
	defer func() { _ = response.Body.Close() }()
	if strings.HasPrefix(response.Header.Get("Content-Type"), "text/event-stream") || response.StatusCode == http.StatusSwitchingProtocols {
		_ = conn.SetDeadline(time.Now().Add(50 * time.Millisecond))
	}
	text, _ := io.ReadAll(io.LimitReader(response.Body, 64<<10)) // an error means that the stream broke off
	return response.StatusCode, string(text), nil
}

// isReset reports whether the server reset the connection.
func isReset(err error) bool {
	var n *net.OpError
	return errors.As(err, &n) && !n.Timeout()
}

// victim is a customer and an operator who read everything that they can while the attack runs.
type victim struct {
	bff, operator *client.Client
	plain         *client.Client // for the paths without /api
	browser       *http.Client   // has a session
	baseURL       string
	name, id      string
	again         int // the number of repeated reads
}

func newVictim(t *testing.T, s *System) *victim {
	t.Helper()
	v := &victim{name: Usuario(t), baseURL: s.Env.BFF, plain: client.Direct(s.Env.BFF)}
	v.bff, v.operator, v.browser = as(t, s, v.name, "cliente"), as(t, s, v.name+"-op", "operador"), signIn(t, s, v.name)
	v.id = s.Comprar(t, contracts.SolicitudCompra{IDUsuario: v.name, Productos: []contracts.Linea{Linea("llama", 1)}})
	s.Wait(t, v.id, contracts.EstadoRechazada)
	return v
}

// readWhile calls readAll until ctx ends, and returns how often.
func (v *victim) readWhile(ctx context.Context, t *testing.T) (times int) {
	for ; ctx.Err() == nil; times++ {
		what, err := v.readAll(context.WithoutCancel(ctx))
		if err != nil {
			t.Errorf("read %d of another subject: %s: %v", times, what, err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(200 * time.Millisecond): // for its own rate limit
		}
	}
	return times
}

// readAll reads everything once, and repeats a read that fails.
func (v *victim) readAll(ctx context.Context) (what string, err error) {
	rest := func(c *client.Client, path string) func() error {
		return func() error { return firstHand(c.Request(ctx, http.MethodGet, path, nil)) }
	}
	reads := map[string]func() error{
		"session":  func() error { return v.ask(ctx, "/sesion", "", v.name) },
		"own list": func() error { return v.ask(ctx, "/api/usuarios/"+v.name+"/compras", "", v.id) },
		"GraphQL": func() error {
			return v.ask(ctx, "/graphql", `{misCompras(limite:1){compras{id}} productos{id} compra(id:"`+v.id+`"){id estado}}`, v.id)
		},
		"/v1":    func() error { return v.ask(ctx, "/v1", `{compras(idUsuario:"`+v.name+`"){idUsuario estado}}`, v.name) },
		"stream": func() error { return v.stream(ctx) },
	}
	for _, path := range []string{"/usuarios/" + v.name + "/compras?limite=1", "/compras/" + v.id, "/productos", "/productos/1"} {
		reads[path] = rest(v.bff, path)
	}
	for _, path := range []string{"/compras?limite=1", "/operacion/resumen", "/operacion/balance", "/compras/" + v.id + "/mensajes"} {
		reads["operator "+path] = rest(v.operator, path)
	}
	for _, path := range []string{"/docs", "/docs/openapi.yaml", "/readyz", "/"} {
		reads[path] = rest(v.plain, path)
	}
	for what, read := range reads {
		if err := read(); err != nil {
			v.again++
			if again := read(); again != nil {
				return what, errors.Join(err, again)
			}
		}
	}
	return "", nil
}

// stream reads the events of a purchase that cannot change any more.
func (v *victim) stream(ctx context.Context) error {
	events := 0
	err := v.bff.Events(ctx, "/compras/"+v.id+"/eventos", "", func(client.Event) error { events++; return nil })
	if err == nil && events < 3 {
		err = fmt.Errorf("%d events", events)
	}
	return err
}

// ask sends a request with the cookie of the session. It returns an error unless the response contains says and has no errors. With a
// query it is a request of GraphQL.
func (v *victim) ask(ctx context.Context, path, query, says string) error {
	method, body := http.MethodGet, ""
	if query != "" {
		text, err := json.Marshal(map[string]string{"query": query})
		if err != nil {
			return err
		}
		method, body = http.MethodPost, string(text)
	}
	r, err := http.NewRequestWithContext(ctx, method, v.baseURL+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	if query != "" {
		token, err := v.csrf(ctx)
		if err != nil {
			return err
		}
		r.Header.Set("X-CSRF-Token", token)
	}
	response, err := v.browser.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil || !strings.Contains(string(text), says) || strings.Contains(string(text), `"errors"`) {
		return fmt.Errorf("%d %.300s, %w", response.StatusCode, text, errors.Join(err, errors.New("not what was asked for")))
	}
	return firstHand(client.Response{Status: response.StatusCode, Headers: response.Header, Body: text}, nil)
}

var csrfField = regexp.MustCompile(`"csrf":"([^"]+)"`)

// csrf returns the token that a write with the cookie of the session needs.
func (v *victim) csrf(ctx context.Context) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, v.baseURL+"/sesion", http.NoBody)
	if err != nil {
		return "", err
	}
	response, err := v.browser.Do(r)
	if err != nil {
		return "", err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if field := csrfField.FindSubmatch(text); field != nil {
		return string(field[1]), err
	}
	return "", errors.Join(err, fmt.Errorf("/sesion: %d %.200s", response.StatusCode, text))
}

// firstHand returns an error unless the response has status 200 and no Age: then the data comes from the service that owns it, not
// from a copy.
func firstHand(r client.Response, err error) error {
	if err == nil && (r.Status != http.StatusOK || r.Headers.Get("Age") != "") {
		err = fmt.Errorf("%w, Age %q", r.Problem(), r.Headers.Get("Age"))
	}
	return err
}
