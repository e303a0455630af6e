package app_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"syscall"
	"testing"
	"time"

	"entregas/internal/app"
)

// A program that stops says so on /readyz before it closes its listener, so that a balancer sends new requests elsewhere. Requests
// that still arrive are served, and no connection is closed between two requests.
func TestAStopIsAnnounced(t *testing.T) {
	cfg := app.Config{Address: "127.0.0.1", Port: freePort(t), StopDeadline: 5 * time.Second}
	listener, err := cfg.Listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	baseURL := "http://" + net.JoinHostPort("127.0.0.1", strconv.Itoa(cfg.Port))
	streamsEnded := make(chan struct{})
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- cfg.Serve(ctx, listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/stream" { // the handler answers at once, and ends only when OnStop is called
				_ = http.NewResponseController(w).Flush()
				<-streamsEnded
			}
		}), app.Drain{Notice: time.Second, OnStop: func() { close(streamsEnded) }})
	}()
	if err := call(baseURL); err != nil {
		t.Fatal(err)
	}
	stream := get(t, baseURL+"/stream")
	defer func() { _ = stream.Body.Close() }()
	stop()
	said := false
	for !said { // until /readyz answers 503 the server keeps the connection open
		select {
		case <-streamsEnded:
			t.Fatal("/readyz does not say that it stops")
		default:
		}
		r := get(t, baseURL+"/readyz")
		_ = r.Body.Close()
		said = r.StatusCode == http.StatusServiceUnavailable
	}
	select {
	case <-streamsEnded:
		t.Error("the streams end before the balancer can know")
	default:
	}
	r := get(t, baseURL)
	_ = r.Body.Close()
	if r.StatusCode != http.StatusOK || !r.Close {
		t.Errorf("during the notice: status %d, connection closed: %v", r.StatusCode, r.Close)
	}
	if _, err := io.ReadAll(stream.Body); err != nil {
		t.Errorf("the stream: %v", err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if _, err := http.Get(baseURL); !errors.Is(err, syscall.ECONNREFUSED) { //nolint:gosec,bodyclose // nothing listens
		t.Errorf("after the stop: %v", err)
	}
}

func get(t *testing.T, url string) *http.Response {
	t.Helper()
	r, err := http.Get(url) //nolint:gosec // a server of this test
	if err != nil {
		t.Fatal(err)
	}
	if r.ContentLength >= 0 {
		_, _ = io.Copy(io.Discard, r.Body) // the client keeps a connection only after the body is read
	}
	t.Cleanup(func() { _ = r.Body.Close() })
	return r
}
