package telemetry

import (
	"context"
	"slices"
	"strings"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// maxHeld is how many finished spans may wait for the first span of their work. Further ones do not wait.
const maxHeld = 16384

// whole is a span processor that hands on the spans of one piece of work together, parents before their children. A piece of work is
// a span without a parent in this program, and all below it. So a program that is killed loses whole pieces of work, or children
// whose parents were sent, and leaves no orphan. The SDK alone sends a child before its parent, because the child ends first.
type whole struct {
	sdktrace.SpanProcessor
	counts *counts
	mu     sync.Mutex
	live   map[trace.SpanID]*work // the work of each span that has not ended
	held   int
}

type work struct {
	first trace.SpanID
	ended []sdktrace.ReadOnlySpan
	done  bool // the first span has ended
}

func newWhole(c *counts, next sdktrace.SpanProcessor) *whole {
	return &whole{SpanProcessor: next, counts: c, live: map[trace.SpanID]*work{}}
}

// OnStart implements sdktrace.SpanProcessor.
func (w *whole) OnStart(ctx context.Context, s sdktrace.ReadWriteSpan) {
	w.mu.Lock()
	id := s.SpanContext().SpanID()
	mine := w.live[s.Parent().SpanID()]
	if mine == nil || s.Parent().IsRemote() {
		mine = &work{first: id}
	}
	w.live[id] = mine
	w.mu.Unlock()
	w.SpanProcessor.OnStart(ctx, s)
}

// OnEnd implements sdktrace.SpanProcessor.
func (w *whole) OnEnd(s sdktrace.ReadOnlySpan) {
	s = withoutPersons(s)
	for _, s := range w.ready(s) {
		if w.counts.take() {
			w.SpanProcessor.OnEnd(s)
		}
	}
}

// ready returns the spans that can be handed on now that s has ended.
func (w *whole) ready(s sdktrace.ReadOnlySpan) []sdktrace.ReadOnlySpan {
	w.mu.Lock()
	defer w.mu.Unlock()
	id := s.SpanContext().SpanID()
	mine := w.live[id]
	delete(w.live, id)
	switch {
	case mine == nil || mine.done:
		return []sdktrace.ReadOnlySpan{s}
	case mine.first == id:
		mine.done = true
		w.held -= len(mine.ended)
		slices.SortStableFunc(mine.ended, func(a, b sdktrace.ReadOnlySpan) int { return a.StartTime().Compare(b.StartTime()) })
		return append([]sdktrace.ReadOnlySpan{s}, mine.ended...)
	case w.held >= maxHeld:
		return []sdktrace.ReadOnlySpan{s}
	}
	mine.ended = append(mine.ended, s)
	w.held++
	return nil
}

// personal has the attributes that instrumentation libraries add and that may tell of a person: an address in a path or a query, or a
// browser. The route (http.route) takes the place of the path.
var personal = map[attribute.Key]bool{
	"url.full": true, "url.path": true, "url.query": true, "http.url": true, "http.target": true,
	"client.address": true, "client.port": true, "network.peer.address": true, "network.peer.port": true,
	"user_agent.original": true, "enduser.id": true, "user.id": true,
}

// anonymous is a span without its personal attributes, and without the text of an error that a library recorded: a database quotes the
// value that it refuses. The status of our own spans has a code as its text.
type anonymous struct {
	sdktrace.ReadOnlySpan
	attributes []attribute.KeyValue
	events     []sdktrace.Event
	status     sdktrace.Status
}

// Attributes implements sdktrace.ReadOnlySpan.
func (a anonymous) Attributes() []attribute.KeyValue { return a.attributes }

// Events implements sdktrace.ReadOnlySpan.
func (a anonymous) Events() []sdktrace.Event { return a.events }

// Status implements sdktrace.ReadOnlySpan.
func (a anonymous) Status() sdktrace.Status { return a.status }

func withoutPersons(s sdktrace.ReadOnlySpan) sdktrace.ReadOnlySpan {
	isPersonal := func(kv attribute.KeyValue) bool {
		return personal[kv.Key] || strings.HasPrefix(string(kv.Key), "db.query.parameter")
	}
	isError := func(e sdktrace.Event) bool { return e.Name == semconv.ExceptionEventName }
	a := anonymous{s, slices.DeleteFunc(slices.Clone(s.Attributes()), isPersonal), slices.DeleteFunc(slices.Clone(s.Events()), isError), s.Status()}
	if len(a.events) < len(s.Events()) {
		a.status.Description = ""
	}
	return a
}
