package common_test

import (
	"context"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/coder/websocket"

	"entregas/bff/graph/common"
	v1 "entregas/bff/graph/v1"
	"entregas/bff/identity"
)

// open opens a socket at a new server where no caller is identified, and returns the code by which it is closed.
func open(t *testing.T, s common.Sockets, messages ...string) <-chan websocket.StatusCode {
	t.Helper()
	server := handler.New(v1.NewExecutableSchema(v1.Config{}))
	server.AddTransport(s.Transport())
	listener := httptest.NewServer(common.WithLimit(server))
	t.Cleanup(listener.Close)
	c, _, err := websocket.Dial(t.Context(), listener.URL, &websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}}) //nolint:bodyclose // it has none
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.CloseNow() })
	for _, m := range messages {
		if err := c.Write(t.Context(), websocket.MessageText, []byte(m)); err != nil {
			t.Fatal(err)
		}
	}
	closed := make(chan websocket.StatusCode, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		var err error
		for err == nil {
			_, _, err = c.Read(ctx)
		}
		closed <- websocket.CloseStatus(err)
	}()
	return closed
}

// A socket is closed where its client sends no connection_init.
func TestASocketWithoutAGreetingIsClosed(t *testing.T) {
	if code := <-open(t, common.Sockets{Stop: t.Context(), InitTimeout: 50 * time.Millisecond}); code != 4408 {
		t.Errorf("%d", code)
	}
}

// A stop of the program closes its sockets, so that their clients connect to another replica at once.
func TestAStopClosesTheSockets(t *testing.T) {
	stop, cancel := context.WithCancel(t.Context())
	closed := open(t, common.Sockets{Stop: stop})
	cancel()
	if code := <-closed; code != websocket.StatusGoingAway {
		t.Errorf("%d", code)
	}
}

// A socket is closed where its client sends no pong.
func TestASocketWithoutPongsIsClosed(t *testing.T) {
	s := common.Sockets{Stop: t.Context(), Heartbeat: 20 * time.Millisecond, Identify: func(ctx context.Context, _ string) (context.Context, error) {
		return identity.With(ctx, identity.Person{Usuario: "ana", Roles: []string{identity.Cliente}}), nil
	}}
	if code := <-open(t, s, `{"type":"connection_init","payload":{"token":"x"}}`); code != websocket.StatusPolicyViolation {
		t.Errorf("%d", code)
	}
}
