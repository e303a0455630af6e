package app_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"entregas/internal/app"
	"entregas/internal/rest"
)

// /readyz is open to every client. Many requests for it cause at most one call of the sidecar per second.
func TestReadinessIsShared(t *testing.T) {
	var asked atomic.Int32
	sidecar := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.WriteHeader(http.StatusNoContent)
	}))
	defer sidecar.Close()
	address, _ := url.Parse(sidecar.URL)
	routes := app.Config{DaprHTTP: address.Port()}.Routes(nil)
	begin := time.Now()
	var all sync.WaitGroup
	for range 300 {
		all.Go(func() {
			ctx, cancel := context.WithCancel(t.Context())
			r := httptest.NewRequest(http.MethodGet, "/readyz", http.NoBody).WithContext(ctx)
			cancel() // a client that closes its connection does not cancel the check for the other clients
			w := httptest.NewRecorder()
			if routes.ServeHTTP(w, r); w.Code != http.StatusOK {
				t.Errorf("/readyz: %d %s", w.Code, w.Body)
			}
		})
	}
	all.Wait()
	if n, most := asked.Load(), 1+int32(time.Since(begin)/time.Second); n > most {
		t.Errorf("300 questions asked the sidecar %d times, at most %d", n, most)
	}
	sidecar.Close()
	for begin := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		if ask(routes, http.MethodGet, "/readyz").Code == http.StatusServiceUnavailable {
			return
		}
		if time.Since(begin) > 10*time.Second {
			t.Fatal("nobody says that the sidecar is gone")
		}
	}
}

// A body has a time limit on every path. After a client has sent its whole body, it may wait for the answer without that
// limit.
func TestBodiesHaveTheirTime(t *testing.T) {
	cfg := app.Config{BodyTimeout: 200 * time.Millisecond}
	routes := cfg.Routes(nil)
	routes.Handle("/slow", rest.Route(func(w http.ResponseWriter, r *http.Request) error {
		if _, err := rest.ReadBody(w, r); err != nil {
			return err
		}
		select {
		case <-r.Context().Done():
			return errors.New("the handler's context ended with the time for the body")
		case <-time.After(3 * cfg.BodyTimeout):
		}
		return nil
	})).Methods(http.MethodPost)
	server := httptest.NewUnstartedServer(nil)
	server.Config = cfg.Server(routes)
	server.Start()
	t.Cleanup(server.Close)
	for name, c := range map[string]struct {
		text string
		code int
	}{
		"whole":                    {"POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n{", http.StatusOK},
		"whole, in chunks":         {"POST /slow HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n0\r\n\r\n", http.StatusOK},
		"unfinished":               {"POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{", http.StatusBadRequest},
		"unfinished, of no path":   {"POST /none HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{", http.StatusNotFound},
		"unfinished, of no method": {"PUT /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{", http.StatusMethodNotAllowed},
		"headers of 30 kB":         {"GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: " + strings.Repeat("a", 30_000) + "\r\n\r\n", http.StatusRequestHeaderFieldsTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", server.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			_, _ = io.WriteString(conn, c.text)
			_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
			in := bufio.NewReader(conn)
			response, err := http.ReadResponse(in, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = response.Body.Close() }()
			if response.StatusCode != c.code {
				t.Errorf("%d, want %d", response.StatusCode, c.code)
			}
			if c.code == http.StatusOK {
				return
			}
			if _, err := io.Copy(io.Discard, in); isTimeout(err) {
				t.Error("the connection stays open")
			}
		})
	}
}

func isTimeout(err error) bool {
	var n net.Error
	return errors.As(err, &n) && n.Timeout()
}

// deadlines records the first read deadline that is set for a body.
type deadlines struct {
	*httptest.ResponseRecorder
	first time.Time
}

func (d *deadlines) SetReadDeadline(t time.Time) error {
	if d.first.IsZero() {
		d.first = t
	}
	return nil
}

// Each body has its own deadline. Failure prevented: after a GET with a body, all later bodies have only half a second.
func TestEachBodyHasItsOwnTime(t *testing.T) {
	server := app.Config{}.Server(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
	allowed := func(method string) time.Duration {
		w := &deadlines{ResponseRecorder: httptest.NewRecorder()}
		server.Handler.ServeHTTP(w, httptest.NewRequest(method, "/", strings.NewReader("x")))
		return time.Until(w.first)
	}
	before := allowed(http.MethodPost)
	if short := allowed(http.MethodGet); short > time.Second {
		t.Errorf("a GET's body has %s", short)
	}
	if after := allowed(http.MethodPost); after < before-time.Second {
		t.Errorf("a body had %s before, and has %s after a GET", before, after)
	}
}
