package common

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"entregas/bff/streams"
	"entregas/internal/errs"
)

// fromClient is a message of the client.
type fromClient struct {
	ID      string          `json:"id"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload"`
}

// take checks a message of the client, and reports whether gqlgen must answer it.
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

// maxOperationID bounds the id of an operation, in bytes. Each message of the operation repeats it, and so does a closing frame.
const maxOperationID = 64

// begin takes connection_init, and reports whether gqlgen must answer it.
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
	return k.initTimer.Stop() // false where the time ran out just now
}

// complete takes the message complete of the client for the operation id, and reports whether gqlgen must end the operation.
func (k *socket) complete(id string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	op := k.active[id]
	if op == nil || op.completed {
		return false // the operation ended by itself at the same time
	}
	op.completed = true
	return true
}

// subscribe takes the message subscribe of the client, and reports whether gqlgen must begin the operation.
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
	if before != nil && before.completed { // the client ended the operation, and gqlgen will end it soon
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
