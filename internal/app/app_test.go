package app_test

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/mux"

	"entregas/internal/actor"
	"entregas/internal/app"
	"entregas/internal/logging"
	"entregas/internal/rest"
)

func ask(routes http.Handler, method, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	routes.ServeHTTP(w, httptest.NewRequest(method, path, http.NoBody))
	return w
}

// /healthz answers 200 when a dependency is missing; /readyz names that dependency (docs/adr/health-does-not-feed-back.md).
func TestHealth(t *testing.T) {
	status := http.StatusNoContent
	sidecar := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1.0/healthz/outbound" {
			t.Errorf("the path is %s", r.URL.Path)
		}
		w.WriteHeader(status)
	}))
	defer sidecar.Close()
	address, _ := url.Parse(sidecar.URL)
	var noDatabase error
	for _, c := range []struct {
		name     string
		sidecar  int
		database error
		ready    int
		says     string
	}{
		{"all there", http.StatusNoContent, nil, http.StatusOK, ""},
		{"no database", http.StatusNoContent, errors.New("clave: secreta"), http.StatusServiceUnavailable, "the database does not answer"},
		{"the sidecar is not ready", http.StatusInternalServerError, nil, http.StatusServiceUnavailable, "sidecar"},
	} {
		status, noDatabase = c.sidecar, c.database
		routes := app.Config{DaprHTTP: address.Port()}.Routes(map[string]app.Check{
			"the database": func(context.Context) error { return noDatabase },
		})
		if w := ask(routes, "GET", "/healthz"); w.Code != http.StatusOK {
			t.Errorf("%s: /healthz %d", c.name, w.Code)
		}
		w := ask(routes, "GET", "/readyz")
		if w.Code != c.ready || !strings.Contains(w.Body.String(), c.says) || strings.Contains(w.Body.String(), "secreta") {
			t.Errorf("%s: /readyz %d %s", c.name, w.Code, w.Body)
		}
	}
}

func TestRoutes(t *testing.T) {
	routes := app.Config{}.Routes(nil)
	routes.HandleFunc("/productos/{id}", func(w http.ResponseWriter, r *http.Request) {
		rest.Write(w, http.StatusOK, []string{mux.Vars(r)["id"], logging.Trace(r.Context())})
	}).Methods(http.MethodGet)
	routes.HandleFunc("/productos/{id}", func(http.ResponseWriter, *http.Request) {}).Methods(http.MethodPost)
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, "/productos/a%2Fb%20%C3%B1", http.NoBody)
	r.Header.Set("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	routes.ServeHTTP(w, r)
	if got := strings.TrimSpace(w.Body.String()); got != `["a/b ñ","00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"]` {
		t.Errorf("%s", got)
	}
	for path, c := range map[string]struct {
		method string
		status int
		admits string
	}{"/nada": {"GET", http.StatusNotFound, ""}, "/productos/1": {"DELETE", http.StatusMethodNotAllowed, "GET, POST"}} {
		w := ask(routes, c.method, path)
		var p rest.Problem
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != c.status || !strings.Contains(p.Detail, path) {
			t.Errorf("%s %s: %d %s", c.method, path, w.Code, w.Body)
		}
		if w.Header().Get("Allow") != c.admits {
			t.Errorf("%s %s: Allow %q", c.method, path, w.Header().Get("Allow"))
		}
	}
}

// A program serves only its own sidecar, which sends the token. Health checks and open paths need no token.
func TestOnlyTheSidecar(t *testing.T) {
	ok := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }
	for _, c := range []struct {
		name, token, says, path string
		status                  int
	}{
		{"the sidecar", "secreto", "secreto", "/compras", http.StatusOK},
		{"nobody", "secreto", "", "/compras", http.StatusUnauthorized},
		{"another", "secreto", "secreta", "/compras", http.StatusUnauthorized},
		{"nobody, health", "secreto", "", "/healthz", http.StatusOK},
		{"nobody, what is open", "secreto", "", "/metrics", http.StatusOK},
		{"nobody where no token is set", "", "", "/compras", http.StatusOK},
	} {
		routes := app.Config{AppToken: c.token}.Routes(nil, "/metrics")
		routes.HandleFunc("/compras", ok)
		routes.HandleFunc("/metrics", ok)
		r := httptest.NewRequest(http.MethodGet, c.path, http.NoBody)
		r.Header.Set("dapr-api-token", c.says)
		w := httptest.NewRecorder()
		routes.ServeHTTP(w, r)
		if w.Code != c.status {
			t.Errorf("%s: %d %s", c.name, w.Code, w.Body)
		}
	}
}

// A handler gets the person of the request from the headers, and a request with wrong ones does not reach it (docs/adr/who-did-it.md). A program whose
// paths are open to everybody does not believe the headers.
func TestTheSidecarNamesThePerson(t *testing.T) {
	for _, c := range []struct {
		routes  *mux.Router
		subject string
		status  int
		want    string
	}{
		{app.Config{}.Routes(nil), "oti", http.StatusOK, "oti"},
		{app.Config{}.Routes(nil), "", http.StatusBadRequest, "unreached"},
		{app.Config{}.PublicRoutes(nil), "oti", http.StatusOK, ""},
	} {
		got := "unreached"
		c.routes.HandleFunc("/compras", func(_ http.ResponseWriter, r *http.Request) { got = actor.Of(r.Context()).Sujeto })
		r := httptest.NewRequest(http.MethodGet, "/compras", http.NoBody)
		r.Header.Set("Entregas-Sujeto", c.subject)
		r.Header.Set("Entregas-Rol", "operador")
		w := httptest.NewRecorder()
		if c.routes.ServeHTTP(w, r); w.Code != c.status || got != c.want {
			t.Errorf("%q: %d, %q", c.subject, w.Code, got)
		}
	}
}

// A stop waits for requests in progress, for at most StopDeadline.
func TestStopFinishesWhatIsUnderWay(t *testing.T) {
	for name, c := range map[string]struct {
		deadline time.Duration
		ends     bool
	}{"in time": {5 * time.Second, true}, "not in time": {50 * time.Millisecond, false}} {
		t.Run(name, func(t *testing.T) {
			cfg := app.Config{Address: "127.0.0.1", Port: freePort(t), StopDeadline: c.deadline}
			started, proceed := make(chan struct{}), make(chan struct{})
			routes := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				close(started)
				select {
				case <-proceed:
				case <-r.Context().Done():
				}
			})
			ctx, stop := context.WithCancel(context.Background())
			end := make(chan error, 1)
			go func() { end <- cfg.ServeRoutes(ctx, routes) }()
			answered := make(chan error, 1)
			go func() { answered <- call("http://" + net.JoinHostPort("127.0.0.1", strconv.Itoa(cfg.Port))) }()
			<-started
			stop()
			time.Sleep(20 * time.Millisecond)
			if c.ends {
				close(proceed)
			}
			if err := <-answered; (err == nil) != c.ends {
				t.Errorf("the request in progress: %v", err)
			}
			if err := <-end; (err == nil) != c.ends {
				t.Errorf("the stop: %v", err)
			}
		})
	}
}

func TestPortTaken(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	cfg := app.Config{Address: "127.0.0.1", Port: listener.Addr().(*net.TCPAddr).Port}
	if err := cfg.ServeRoutes(context.Background(), http.NotFoundHandler()); err == nil {
		t.Error("it serves on a port that is taken")
	}
}

func TestRepeat(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	times := 0
	app.Repeat(ctx, time.Millisecond, "contar", func(context.Context) error {
		if times++; times == 5 {
			stop()
		}
		return errors.New("not finished") // a failed call does not end Repeat
	})
	if times != 5 {
		t.Errorf("it ran %d times", times)
	}
}

func freePort(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().(*net.TCPAddr).Port
}

// call sends a request to address until the server accepts it.
func call(address string) error {
	for attempt := 0; ; attempt++ {
		r, err := http.Get(address) //nolint:gosec // a server of this test
		if err == nil {
			return r.Body.Close()
		}
		var connectErr *net.OpError
		if !errors.As(err, &connectErr) || connectErr.Op != "dial" || attempt > 100 {
			return err
		}
		time.Sleep(10 * time.Millisecond)
	}
}
