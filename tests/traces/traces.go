// Package traces receives the spans of programs and sidecars as a collector does, and tells what is wrong with a trace.
package traces

import (
	"context"
	"encoding/hex"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
)

// Span is a span as a store of traces has it.
type Span struct {
	ID, Parent string // Parent is empty for a root
	Name       string
	Service    string // the app-id
	Sidecar    bool   // the sidecar of the service sent it
	Kind       string
	Start, End time.Time
	Attributes map[string]string
	Links      []string // the ids of other traces
	Failed     bool
}

// Receiver is a collector that keeps spans in memory, the newest maxTraces traces.
type Receiver struct {
	collector.UnimplementedTraceServiceServer
	mu     sync.Mutex
	traces map[string][]Span
	order  []string
	seen   map[string]bool
	server *grpc.Server
}

const maxTraces = 20_000

// Listen returns a Receiver at address. The caller must close it.
func Listen(ctx context.Context, address string) (*Receiver, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	r := &Receiver{traces: map[string][]Span{}, seen: map[string]bool{}, server: grpc.NewServer(grpc.MaxRecvMsgSize(64 << 20))}
	collector.RegisterTraceServiceServer(r.server, r)
	go func() { _ = r.server.Serve(listener) }() // ends with Close
	return r, nil
}

// Close ends the Receiver.
func (r *Receiver) Close() { r.server.Stop() }

// Services returns the programs and sidecars that have sent something.
func (r *Receiver) Services() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Sorted(maps.Keys(r.seen))
}

// Trace returns the spans of a trace, the earliest first.
func (r *Receiver) Trace(id string) []Span {
	r.mu.Lock()
	defer r.mu.Unlock()
	spans := slices.Clone(r.traces[id])
	slices.SortStableFunc(spans, func(a, b Span) int { return a.Start.Compare(b.Start) })
	return spans
}

// Export implements collector.TraceServiceServer.
func (r *Receiver) Export(_ context.Context, request *collector.ExportTraceServiceRequest) (*collector.ExportTraceServiceResponse, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, resource := range request.GetResourceSpans() {
		service := attributes(resource.GetResource().GetAttributes())["service.name"]
		for _, scope := range resource.GetScopeSpans() {
			isSidecar := scope.GetScope().GetName() == "dapr-diagnostics" || scope.GetScope().GetName() == "durabletask"
			if isSidecar {
				r.seen[service+" (sidecar)"] = true
			} else {
				r.seen[service] = true
			}
			for _, s := range scope.GetSpans() {
				r.keep(hex.EncodeToString(s.GetTraceId()), spanOf(s, service, isSidecar))
			}
		}
	}
	return &collector.ExportTraceServiceResponse{}, nil
}

// keep adds a span to its trace, unless the trace has the same one.
func (r *Receiver) keep(id string, s Span) {
	if r.traces[id] == nil {
		r.order = append(r.order, id)
		if len(r.order) > maxTraces {
			delete(r.traces, r.order[0])
			r.order = r.order[1:]
		}
	}
	if !slices.ContainsFunc(r.traces[id], s.same) {
		r.traces[id] = append(r.traces[id], s)
	}
}

func (s Span) same(other Span) bool {
	return s.ID == other.ID && s.Name == other.Name && s.Start.Equal(other.Start) && s.End.Equal(other.End)
}

func spanOf(s *trace.Span, service string, isSidecar bool) Span {
	one := Span{
		ID: hex.EncodeToString(s.GetSpanId()), Parent: hex.EncodeToString(s.GetParentSpanId()), Name: s.GetName(), Service: service, Sidecar: isSidecar,
		Kind:  strings.ToLower(strings.TrimPrefix(s.GetKind().String(), "SPAN_KIND_")),
		Start: at(s.GetStartTimeUnixNano()), End: at(s.GetEndTimeUnixNano()),
		Attributes: attributes(s.GetAttributes()), Failed: s.GetStatus().GetCode() == trace.Status_STATUS_CODE_ERROR,
	}
	for _, l := range s.GetLinks() {
		one.Links = append(one.Links, hex.EncodeToString(l.GetTraceId()))
	}
	return one
}

func at(nanoseconds uint64) time.Time { return time.Unix(0, int64(nanoseconds)) } // #nosec G115 -- until the year 2262

func attributes(list []*common.KeyValue) map[string]string {
	m := make(map[string]string, len(list))
	for _, a := range list {
		switch v := a.GetValue().GetValue().(type) {
		case *common.AnyValue_StringValue:
			m[a.GetKey()] = v.StringValue
		case *common.AnyValue_IntValue:
			m[a.GetKey()] = fmt.Sprint(v.IntValue)
		case *common.AnyValue_BoolValue:
			m[a.GetKey()] = fmt.Sprint(v.BoolValue)
		}
	}
	return m
}

// Faults returns what is wrong with the form of a trace: not one root, a parent that is missing or belongs to a sidecar, an id that two
// spans have.
func Faults(spans []Span) (faults []string) {
	byID := map[string]Span{}
	roots := 0
	for _, s := range spans {
		if twin, twice := byID[s.ID]; twice {
			faults = append(faults, fmt.Sprintf("%q and %q have one id", twin.Name, s.Name))
		}
		byID[s.ID] = s
	}
	for _, s := range spans {
		parent, known := byID[s.Parent]
		switch {
		case s.Parent == "":
			roots++
		case !known:
			faults = append(faults, fmt.Sprintf("orphan: %s of %s, sidecar %t, at %s", s.Name, s.Service, s.Sidecar, s.Start.Format(time.TimeOnly)))
		case parent.Sidecar && !s.Sidecar:
			faults = append(faults, fmt.Sprintf("%s of %s is below a sidecar's %s", s.Name, s.Service, parent.Name))
		}
	}
	if roots != 1 {
		faults = append(faults, fmt.Sprintf("%d roots", roots))
	}
	return faults
}

// Missing returns the steps of which spans has none. A step is `service: name`.
func Missing(spans []Span, steps []string) (missing []string) {
	for _, step := range steps {
		service, name, _ := strings.Cut(step, ": ")
		if !slices.ContainsFunc(spans, func(s Span) bool { return s.Service == service && s.Name == name && !s.Sidecar }) {
			missing = append(missing, step)
		}
	}
	return missing
}

// Tree returns the spans as a text, each below its parent.
func Tree(spans []Span) string {
	children := map[string][]Span{}
	known := map[string]bool{}
	for _, s := range spans {
		known[s.ID] = true
	}
	for _, s := range spans {
		parent := s.Parent
		if !known[parent] {
			parent = ""
		}
		children[parent] = append(children[parent], s)
	}
	var out strings.Builder
	var draw func(parent string, depth int)
	draw = func(parent string, depth int) {
		for _, s := range children[parent] {
			service := s.Service
			if s.Sidecar {
				service += "'s sidecar"
			}
			fmt.Fprintf(&out, "%8.1f ms %7.1f ms  %s%s  [%s]", float64(s.Start.Sub(spans[0].Start).Microseconds())/1000, float64(s.End.Sub(s.Start).Microseconds())/1000, strings.Repeat("  ", depth), s.Name, service)
			for _, key := range []string{"entregas.mensaje", "entregas.estado", "entregas.causa", "entregas.resultado"} {
				if v := s.Attributes[key]; v != "" && !strings.Contains(s.Name, v) {
					fmt.Fprintf(&out, " %s=%s", strings.TrimPrefix(key, "entregas."), v)
				}
			}
			if s.Failed {
				out.WriteString(" FAILED")
			}
			for _, l := range s.Links {
				fmt.Fprintf(&out, " link→%s", l)
			}
			out.WriteByte('\n')
			draw(s.ID, depth+1)
		}
	}
	draw("", 0)
	return out.String()
}
