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

// How many arbitrary requests are made up; HOSTILE_CASES and HOSTILE_SEED say otherwise.
const (
	hostileCases = 600
	hostileSeed  = 13
	hostileTimes = 5  // each is sent so often in a row: what counts failures in a row would open
	hostileAtOne = 2  // are sent at once: more would mix good calls in between
	hostileNames = 64 // subjects that they come from: the rate of one would refuse most of them
)

// Whatever one subject sends (paths, queries, headers, bodies; to REST, GraphQL, /v1, streams, sessions, documents), another who
// reads meanwhile is answered first-hand, and the sender is never told that the trouble is ours. A machine that is out of processor
// time may miss the second that a call has: what fails once must be right when it is asked again at once.
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

// attack sends n requests, and tells how many were answered with each status.
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

// isOurs says that an answer tells of trouble that is not the sender's. 501 and 505 are the server's own, for a transfer coding and a
// version of HTTP that it does not know.
func isOurs(status int, body string) bool {
	return status >= http.StatusInternalServerError && status != http.StatusNotImplemented && status != http.StatusHTTPVersionNotSupported ||
		strings.Contains(body, `"code":"interno"`) || strings.Contains(body, `"code":"no-disponible"`)
}

// send writes one request and reads the answer; of a stream only its beginning. Status 0: it did not wait.
func send(ctx context.Context, baseURL string, c hostileCase) (status int, body string, err error) {
	u, err := url.Parse(baseURL)
	if err != nil {
		return 0, "", err
	}
	dialer := net.Dialer{}
	if runtime.GOOS == "linux" && net.ParseIP(u.Hostname()).IsLoopback() { // an address of its own: it has a rate too
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
		return 0, "", nil // closed in the middle of what it refused
	case err != nil:
		return 0, "", err
	}
	defer func() { _ = response.Body.Close() }()
	if strings.HasPrefix(response.Header.Get("Content-Type"), "text/event-stream") || response.StatusCode == http.StatusSwitchingProtocols {
		_ = conn.SetDeadline(time.Now().Add(50 * time.Millisecond))
	}
	text, _ := io.ReadAll(io.LimitReader(response.Body, 64<<10)) // cut, it is a stream
	return response.StatusCode, string(text), nil
}

func isReset(err error) bool {
	var n *net.OpError
	return errors.As(err, &n) && !n.Timeout()
}

// victim reads all that a customer, and an operator, can.
type victim struct {
	bff, operator *client.Client
	plain         *client.Client // of the paths without /api
	browser       *http.Client   // with a session
	baseURL       string
	name, id      string
	again         int // how often it asked again
}

func newVictim(t *testing.T, s *System) *victim {
	t.Helper()
	v := &victim{name: Usuario(t), baseURL: s.Env.BFF, plain: client.Direct(s.Env.BFF)}
	v.bff, v.operator, v.browser = as(t, s, v.name, "cliente"), as(t, s, v.name+"-op", "operador"), signIn(t, s, v.name)
	v.id = s.Comprar(t, contracts.SolicitudCompra{IDUsuario: v.name, Productos: []contracts.Linea{Linea("llama", 1)}})
	s.Wait(t, v.id, contracts.EstadoRechazada)
	return v
}

// readWhile reads everything again and again, and tells how often.
func (v *victim) readWhile(ctx context.Context, t *testing.T) (times int) {
	for ; ctx.Err() == nil; times++ {
		what, err := v.readAll(context.WithoutCancel(ctx))
		if err != nil {
			t.Errorf("read %d of another subject: %s: %v", times, what, err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(200 * time.Millisecond): // its own rate
		}
	}
	return times
}

// readAll reads everything once, and what fails once more.
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

// stream reads the changes of a purchase that can change no more.
func (v *victim) stream(ctx context.Context) error {
	events := 0
	err := v.bff.Events(ctx, "/compras/"+v.id+"/eventos", "", func(client.Event) error { events++; return nil })
	if err == nil && events < 3 {
		err = fmt.Errorf("%d events", events)
	}
	return err
}

// ask asks with the session's cookie, and requires that the answer says something and tells of no error. A query makes it GraphQL.
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

// csrf is what a write with the session's cookie must say.
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

// firstHand requires an answer of the service that owns the data.
func firstHand(r client.Response, err error) error {
	if err == nil && (r.Status != http.StatusOK || r.Headers.Get("Age") != "") {
		err = fmt.Errorf("%w, Age %q", r.Problem(), r.Headers.Get("Age"))
	}
	return err
}
