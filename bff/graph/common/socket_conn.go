package common

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql/handler/transport"
	"github.com/coder/websocket"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"golang.org/x/time/rate"

	"entregas/bff/identity"
	"entregas/bff/memory"
	"entregas/bff/streams"
	"entregas/internal/errs"
)

// socket is one websocket, between the client and the library: what the client sends reaches the library only as
// graphql-transport-ws has it and within the socket's bounds, and what the library sends reaches the client only while it is
// waited for.
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

	reading *memory.Lease // of the operation that the library reads now
}

// hold keeps the lease of an operation until it is dispatched. NextReader gives back that of one which was refused.
func (k *socket) hold(lease *memory.Lease) { k.reading = lease }

// operation is one that the client subscribed to.
type operation struct {
	completed bool // by the client: it is told nothing more
	done      chan struct{}
}

var _ interface {
	transport.WebsocketConn
	transport.WebsocketReadDeadliner
} = &socket{}

func newSocket(conn *websocket.Conn, s Sockets) *socket {
	k := &socket{
		conn: conn, heartbeat: s.Heartbeat, messages: rate.NewLimiter(messagesPerSecond, 2*messagesPerSecond), active: map[string]*operation{}, done: make(chan struct{}),
	}
	k.mu.Lock() // the program may be stopping already: then the socket ends when it is whole
	defer k.mu.Unlock()
	k.initTimer = time.AfterFunc(s.InitTimeout, func() { k.end(closeInitTimeout, "Connection initialisation timeout") })
	k.detachStop = context.AfterFunc(s.Stop, func() { k.end(websocket.StatusGoingAway, "Going away") })
	return k
}

// watch ends the socket when the token or session of the caller in ctx ends.
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

// end closes the socket, once: what comes later says nothing.
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
	go func() { _ = k.conn.Close(code, reason) }() // it waits for the client's answer, some seconds
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

// Subprotocol implements transport.WebsocketConn. The socket of a client that speaks another is being closed.
func (k *socket) Subprotocol() string { return subprotocol }

// SetReadDeadline implements transport.WebsocketReadDeadliner, for the client's pongs: one that sends none is gone.
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

// fromClient is a message of the client.
type fromClient struct {
	ID      string          `json:"id"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload"`
}

// NextReader implements transport.WebsocketConn: the next message that is the library's to answer.
func (k *socket) NextReader() (int, io.Reader, error) {
	k.reading.Close() // the library reads one operation after another
	k.reading = nil
	for {
		kind, data, err := k.conn.Read(context.Background())
		var m fromClient
		switch {
		case err != nil: // whatever it was, there is nobody left to be told
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

// take looks at a message, and tells whether the library has to.
func (k *socket) take(m fromClient) bool {
	switch m.Type {
	case "ping":
		k.write(map[string]any{"type": "pong", "payload": m.Payload})
		return false
	case "connection_init":
		return k.begin(m)
	case "pong", "subscribe", "complete":
	default:
		k.end(closeInvalidMessage, "Invalid message type")
		return false
	}
	k.mu.Lock()
	begun := k.begun
	k.mu.Unlock()
	switch {
	case m.Type == "pong":
		return begun
	case !begun:
		k.end(closeUnauthorized, "Unauthorized")
		return false
	case m.ID == "" || len(m.ID) > maxOperationID:
		k.end(closeInvalidMessage, "Invalid message: id")
		return false
	case m.Type == "complete":
		return k.complete(m.ID)
	default:
		return k.subscribe(m)
	}
}

// maxOperationID bounds an operation's id, in bytes: it is repeated with each message, and in a closing frame.
const maxOperationID = 64

func (k *socket) begin(m fromClient) bool {
	var payload map[string]any
	if len(m.Payload) > 0 && json.Unmarshal(m.Payload, &payload) != nil {
		k.end(closeInvalidMessage, "Invalid message: payload")
		return false
	}
	k.mu.Lock()
	again := k.begun
	k.begun = true
	k.mu.Unlock()
	if again {
		k.end(closeSecondInit, "Too many initialisation requests")
		return false
	}
	return k.initTimer.Stop() // else it has run out at this moment
}

func (k *socket) complete(id string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	op := k.active[id]
	if op == nil || op.completed {
		return false // it ended by itself, at the same time
	}
	op.completed = true
	return true
}

func (k *socket) subscribe(m fromClient) bool {
	var asked struct {
		Query         *string        `json:"query"`
		OperationName string         `json:"operationName"`
		Variables     map[string]any `json:"variables"`
		Extensions    map[string]any `json:"extensions"`
	}
	if json.Unmarshal(m.Payload, &asked) != nil || asked.Query == nil {
		k.end(closeInvalidMessage, "Invalid message: payload")
		return false
	}
	k.mu.Lock()
	before := k.active[m.ID]
	k.mu.Unlock()
	if before != nil && before.completed { // the client is done with it, and the library nearly
		select {
		case <-before.done:
		case <-k.done:
		case <-time.After(streams.Take):
		}
	}
	k.mu.Lock()
	_, taken := k.active[m.ID]
	full := len(k.active) >= maxSubscriptions
	if !taken && !full {
		k.active[m.ID] = &operation{done: make(chan struct{})}
	}
	k.mu.Unlock()
	switch {
	case taken:
		k.end(closeDuplicate, "Subscriber for "+m.ID+" already exists")
		return false
	case full:
		k.write(map[string]any{"id": m.ID, "type": "error", "payload": gqlerror.List{{
			Message:    fmt.Sprintf("Tiene %d operaciones abiertas en este websocket, que es lo más que puede tener a la vez.", maxSubscriptions),
			Extensions: map[string]any{"code": string(errs.TooMany)},
		}}})
		return false
	}
	return true
}

// WriteJSON implements transport.WebsocketConn: what the library says of an operation ends with the operation, also where the
// library goes on.
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

func (k *socket) write(message map[string]any) {
	if data, err := json.Marshal(message); err == nil {
		_ = k.send(data) // the next read says that the client is gone
	}
}

// send writes a message. A client that takes nothing for streams.Take is cut off.
func (k *socket) send(data []byte) error {
	ctx, cancel := context.WithTimeout(context.Background(), streams.Take)
	defer cancel()
	return k.conn.Write(ctx, websocket.MessageText, data)
}
