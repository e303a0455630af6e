package common

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql/handler/transport"
	"github.com/coder/websocket"
	"golang.org/x/time/rate"

	"entregas/bff/identity"
	"entregas/bff/memory"
	"entregas/bff/streams"
	"entregas/internal/errs"
)

// socket is a websocket between a client and gqlgen. gqlgen gets only messages that graphql-transport-ws allows, within the
// socket's limits. The client gets only messages of operations that are still open. gqlgen itself checks none of this, and has no
// hooks for such checks (docs/adr/bounded-clients.md).
type socket struct {
	conn       *websocket.Conn
	heartbeat  time.Duration
	messages   *rate.Limiter
	initTimer  *time.Timer
	detachStop func() bool

	mu      sync.Mutex
	begun   bool // connection_init came
	ended   bool
	active  map[string]*operation
	pong    *time.Timer
	expires *time.Timer
	done    chan struct{} // closed when ended

	reading *memory.Lease // of the operation that gqlgen reads now
}

// hold keeps the lease of an operation until the operation begins. NextReader gives back the lease of a refused operation.
func (k *socket) hold(lease *memory.Lease) { k.reading = lease }

// operation is an operation that the client began by subscribe.
type operation struct {
	completed bool          // the client has ended it, and gets no further messages of it
	done      chan struct{} // closed when gqlgen has ended it
}

var _ interface {
	transport.WebsocketConn
	transport.WebsocketReadDeadliner
} = &socket{}

// newSocket returns the socket of conn. The socket ends if connection_init does not come in time, and when the program stops.
func newSocket(conn *websocket.Conn, s Sockets) *socket {
	k := &socket{
		conn: conn, heartbeat: s.Heartbeat, messages: rate.NewLimiter(messagesPerSecond, 2*messagesPerSecond), active: map[string]*operation{}, done: make(chan struct{}),
	}
	k.mu.Lock() // the program may be stopping already: end must wait until the socket is complete
	defer k.mu.Unlock()
	k.initTimer = time.AfterFunc(s.InitTimeout, func() { k.end(closeInitTimeout, "Connection initialisation timeout") })
	k.detachStop = context.AfterFunc(s.Stop, func() { k.end(websocket.StatusGoingAway, "Going away") })
	return k
}

// watch ends the socket when the token or the session of the caller in ctx ends.
func (k *socket) watch(ctx context.Context) {
	forbid := func() { k.end(closeForbidden, "Forbidden") }
	person := identity.Of(ctx)
	k.mu.Lock()
	defer k.mu.Unlock()
	if !person.Until.IsZero() {
		k.expires = time.AfterFunc(time.Until(person.Until), forbid)
	}
	if !person.Revocable() {
		return
	}
	go func() {
		ticker := time.NewTicker(k.heartbeat)
		defer ticker.Stop()
		for {
			select {
			case <-k.done:
				return
			case <-ticker.C:
				if errs.Of(identity.StillValid(ctx)) == errs.NoIdentity {
					forbid()
				}
			}
		}
	}()
}

// end closes the socket with code and reason. Only the first call has an effect.
func (k *socket) end(code websocket.StatusCode, reason string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.ended {
		return
	}
	k.ended = true
	close(k.done)
	k.initTimer.Stop()
	k.detachStop()
	for _, timer := range []*time.Timer{k.pong, k.expires} {
		if timer != nil {
			timer.Stop()
		}
	}
	go func() { _ = k.conn.Close(code, reason) }() // Close waits some seconds for the client
}

// Close implements transport.WebsocketConn.
func (k *socket) Close() error {
	k.end(websocket.StatusNormalClosure, "")
	return nil
}

// WriteClose implements transport.WebsocketConn.
func (k *socket) WriteClose(code int, reason string) error {
	k.end(websocket.StatusCode(code), reason)
	return nil
}

// Subprotocol implements transport.WebsocketConn. Accept closes the socket of a client with another subprotocol.
func (k *socket) Subprotocol() string { return subprotocol }

// SetReadDeadline implements transport.WebsocketReadDeadliner. gqlgen sets the deadline of the next pong. If the client sends no
// pong, the socket is closed.
func (k *socket) SetReadDeadline(t time.Time) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.pong != nil {
		k.pong.Stop()
		k.pong = nil
	}
	if !t.IsZero() && !k.ended {
		k.pong = time.AfterFunc(time.Until(t), func() { k.end(websocket.StatusPolicyViolation, "No pong") })
	}
	return nil
}

// NextReader implements transport.WebsocketConn. It returns the next message that gqlgen must answer.
func (k *socket) NextReader() (int, io.Reader, error) {
	k.reading.Close() // gqlgen has read the previous operation
	k.reading = nil
	for {
		kind, data, err := k.conn.Read(context.Background())
		var m fromClient
		switch {
		case err != nil: // the connection is gone
			k.end(websocket.StatusNormalClosure, "")
		case !k.messages.Allow():
			k.end(websocket.StatusPolicyViolation, "Too many messages")
		case kind != websocket.MessageText || json.Unmarshal(data, &m) != nil:
			k.end(closeInvalidMessage, "Invalid message")
		case k.take(m):
			return int(kind), bytes.NewReader(data), nil
		}
		select {
		case <-k.done:
			return 0, nil, transport.ErrWebsocketClosed
		default:
		}
	}
}

// WriteJSON implements transport.WebsocketConn. It drops a message of an operation that has ended, because gqlgen may still send
// such messages.
func (k *socket) WriteJSON(v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	var m struct{ ID, Type string }
	if err := json.Unmarshal(data, &m); err != nil {
		return err
	}
	if m.ID != "" && !k.awaited(m.ID, m.Type) {
		return nil
	}
	return k.send(data)
}

// awaited reports whether the client waits for a message of this kind of the operation id. A complete or an error ends the operation.
func (k *socket) awaited(id, kind string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	op := k.active[id]
	if op == nil {
		return false
	}
	if kind == "complete" || kind == "error" {
		delete(k.active, id)
		close(op.done)
	}
	return !op.completed
}

// write sends a message of the bff's own.
func (k *socket) write(message map[string]any) {
	if data, err := json.Marshal(message); err == nil {
		_ = k.send(data) // after an error the next read fails too
	}
}

// send sends a message. It fails where the client does not read it within streams.Take.
func (k *socket) send(data []byte) error {
	ctx, cancel := context.WithTimeout(context.Background(), streams.Take)
	defer cancel()
	return k.conn.Write(ctx, websocket.MessageText, data)
}
