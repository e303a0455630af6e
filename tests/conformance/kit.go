package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"
)

// Kit judges one program.
type Kit struct {
	Profile
	*Broker
	Control  Control
	AppURL   string // the program's base address; empty at level A
	Sidecar  string // the base address of its daprd
	AppToken string // what its daprd sends to it
}

// How long the kit waits. The options of the command change patience, and recovery with it.
var (
	patience = 15 * time.Second // for a message that must come
	recovery = 4 * patience     // for what must come after an outage, or for many messages
)

const (
	quiet  = 500 * time.Millisecond // for a message that must not come
	outage = 4 * time.Second        // how long something is away
)

// source is the sender that the kit's messages name.
const source = "conformance"

// Command is a record to publish.
type Command struct {
	Topic    string
	Envelope map[string]any
	NoKey    bool
}

// Command returns a new record with a command of the program.
func (k *Kit) Command(kind string, data map[string]any) Command { return k.On(k.Commands, kind, data) }

// On returns a new record of a topic.
func (k *Kit) On(topic, kind string, data map[string]any) Command {
	now := time.Now().UnixMilli()
	return Command{Topic: topic, Envelope: map[string]any{
		"id": newID(), "time": now, "ingestion": now, "specversion": "1.0", "type": kind, "datacontenttype": "application/json",
		"service_name": source, "traceparent": "", "data": data,
	}}
}

// With returns c with another value in a field of the envelope.
func (c Command) With(field string, value any) Command {
	other := map[string]any{}
	for name, v := range c.Envelope {
		other[name] = v
	}
	other[field] = value
	c.Envelope = other
	return c
}

// Again returns c under a new record id and with the present time.
func (c Command) Again() Command {
	return c.With("id", newID()).With("time", time.Now().UnixMilli())
}

// ID returns the id of the record.
func (c Command) ID() string { id, _ := c.Envelope["id"].(string); return id }

// Purchase returns the id of the purchase.
func (c Command) Purchase() string {
	d, _ := c.Envelope["data"].(map[string]any)
	id, _ := d["id_compra"].(string)
	return id
}

// Kind returns the type of the message.
func (c Command) Kind() string { kind, _ := c.Envelope["type"].(string); return kind }

func (c Command) key() string {
	if c.NoKey {
		return ""
	}
	return c.Purchase()
}

// DoOf returns the command of the pair about a new purchase.
func (k *Kit) DoOf(id string) Command { return k.Command(k.Pair.Do, data(k.Pair.Sample, id)) }

// UndoOf returns the rollback of the pair: it carries the lines of the command, as that of gestor-compra does.
func (k *Kit) UndoOf(id string) Command {
	d := map[string]any{"id_compra": id}
	if lines, found := data(k.Pair.Sample, id)["productos"]; found {
		d["productos"] = lines
	}
	return k.Command(k.Pair.Undo, d)
}

// Run is one run of a case. A case calls its methods; Fatalf ends the case.
type Run struct {
	*Kit
	ctx   context.Context
	fails []string
	notes []string
}

type stop struct{}

// Errorf says what is wrong. The case goes on.
func (r *Run) Errorf(format string, args ...any) {
	if len(r.fails) < 5 {
		r.fails = append(r.fails, cut(fmt.Sprintf(format, args...), 400))
	}
}

// Fatalf says what is wrong and ends the case.
func (r *Run) Fatalf(format string, args ...any) { r.Errorf(format, args...); panic(stop{}) }

// Note adds a text to the line of the case in the table.
func (r *Run) Note(format string, args ...any) {
	r.notes = append(r.notes, fmt.Sprintf(format, args...))
}

func cut(text string, max int) string {
	if len(text) > max {
		return text[:max] + "…"
	}
	return text
}

// Publish publishes a record.
func (r *Run) Publish(c Command) {
	if err := r.Send(r.ctx, c.Topic, c.key(), r.bytes(c)); err != nil {
		r.Fatalf("publish on %s: %v", c.Topic, err)
	}
}

func (r *Run) bytes(c Command) []byte {
	schema, err := schemaOf(c.Topic)
	if err != nil {
		r.Fatalf("%v", err)
	}
	payload, err := encode(schema, c.Envelope)
	if err != nil {
		r.Fatalf("encode for %s: %v", c.Topic, err)
	}
	return payload
}

// PublishAll publishes records of one topic at the same time.
func (r *Run) PublishAll(all []Command) {
	keys, payloads := make([]string, len(all)), make([][]byte, len(all))
	for i, c := range all {
		keys[i], payloads[i] = c.key(), r.bytes(c)
	}
	if err := r.SendAll(r.ctx, all[0].Topic, keys, payloads); err != nil {
		r.Fatalf("publish on %s: %v", all[0].Topic, err)
	}
}

// repliesTo matches the replies to a command about a purchase.
func (k *Kit) repliesTo(id, command string) func(*Record) bool {
	return func(m *Record) bool {
		return m.Topic == k.Replies && m.Of("id_compra") == id && m.Of("responde_a") == command
	}
}

// RepliesTo waits for n replies to a command about a purchase and returns all.
func (r *Run) RepliesTo(n int, c Command, within time.Duration) []*Record {
	found := r.Wait(r.ctx, n, within, r.repliesTo(c.Purchase(), c.Kind()))
	if len(found) < n {
		r.Errorf("%s has %d of %d replies after %s%s", c.Kind(), len(found), n, within, r.whyNot(c))
	}
	return found
}

// whyNot tells of the dead letters of a command.
func (r *Run) whyNot(c Command) string {
	for _, m := range r.Find(r.deadLetterOf(c)) {
		return ": it is a dead letter: " + m.Properties["motivo"]
	}
	return ""
}

// Ask publishes a command and returns its newest reply. It ends the case when there is none.
func (r *Run) Ask(c Command) *Record {
	earlier := len(r.Find(r.repliesTo(c.Purchase(), c.Kind())))
	r.Publish(c)
	found := r.RepliesTo(earlier+1, c, patience)
	if len(found) <= earlier {
		panic(stop{})
	}
	return found[len(found)-1]
}

// Want publishes a command and requires the type of its reply.
func (r *Run) Want(c Command, kinds ...string) *Record {
	m := r.Ask(c)
	if !slices.Contains(kinds, m.Text("type")) {
		r.Errorf("the reply to %s is %s %v, want %s", c.Kind(), m.Text("type"), m.Data(), strings.Join(kinds, " or "))
	}
	return m
}

func (k *Kit) deadLetterOf(c Command) func(*Record) bool {
	return func(m *Record) bool { return m.Topic == c.Topic+"-dlq" && m.Text("id") == c.ID() }
}

// Dies publishes a record and requires that it becomes a dead letter whose reason contains says, and that it has no reply.
func (r *Run) Dies(c Command, says string) *Record {
	earlier := len(r.Find(r.repliesTo(c.Purchase(), c.Kind())))
	r.Publish(c)
	return r.Dead(c, says, earlier, patience)
}

// Dead is Dies for a record that is published already, and had a number of replies before.
func (r *Run) Dead(c Command, says string, earlier int, within time.Duration) *Record {
	found := r.Wait(r.ctx, 1, within, func(m *Record) bool { return r.deadLetterOf(c)(m) || r.isNewReply(m, c, earlier) })
	letters := r.Find(r.deadLetterOf(c))
	if len(letters) == 0 {
		if len(found) > 0 {
			r.Errorf("%s got a reply in place of a dead letter with %q: %s", c.Kind(), says, found[0].Text("type"))
		} else {
			r.Errorf("%s is no dead letter after %s; want one with %q", c.Kind(), within, says)
		}
		return nil
	}
	if reason := letters[0].Properties["motivo"]; !strings.Contains(reason, says) {
		r.Errorf("the reason of the dead letter is %q, want %q in it", reason, says)
	}
	if n := len(r.Find(r.repliesTo(c.Purchase(), c.Kind()))); n > earlier {
		r.Errorf("%s is a dead letter and got a reply", c.Kind())
	}
	return letters[0]
}

// isNewReply reports whether m is a reply to c beyond the earlier ones.
func (r *Run) isNewReply(m *Record, c Command, earlier int) bool {
	match := r.repliesTo(c.Purchase(), c.Kind())
	return match(m) && len(r.Find(match)) > earlier
}

// Same requires that two replies say the same. Those of a program that stores nothing need only be of the same type.
func (r *Run) Same(one, other *Record) {
	switch {
	case one.Text("type") != other.Text("type"):
		r.Errorf("the first reply is %s, the next one %s", one.Text("type"), other.Text("type"))
	case !r.Stateless && !reflect.DeepEqual(one.Data(), other.Data()):
		r.Errorf("one reply has %v, the next one %v", one.Data(), other.Data())
	}
}

// Act carries out an action of the profile. It ends the case when that fails.
func (r *Run) Act(action string) {
	if err := r.Control.Do(r.ctx, action); err != nil {
		r.Fatalf("%s: %v", action, err)
	}
}

// HTTP sends a request to the program or its sidecar and returns its answer.
func (r *Run) HTTP(method, address, token, body string) (int, string) {
	request, err := http.NewRequestWithContext(r.ctx, method, address, strings.NewReader(body))
	if err != nil {
		r.Fatalf("%v", err)
	}
	request.Header.Set("Content-Type", "application/json")
	if token != "" {
		request.Header.Set("dapr-api-token", token)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		r.Fatalf("%s %s: %v", method, address, err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		r.Fatalf("%s %s: %v", method, address, err)
	}
	return response.StatusCode, string(text)
}
