package deployment

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	_ "google.golang.org/grpc/encoding/gzip" // the collector compresses what it sends

	"entregas/tests/traces"
)

// The collector of a cluster keeps every trace with an error, a compensation or more than 5 s, and about a tenth of the others: also of
// the purchases that were refused before anything was done, which have a cause and no compensation.
func TestWhichTracesAClusterKeeps(t *testing.T) {
	addresses := freeAddresses(t, 4)
	store, err := traces.Listen(t.Context(), addresses[0])
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	runCollector(t, addresses)

	const each = 50
	kinds := map[string]*trace.Span{ // with what makes the span of this kind special
		"plain":       {},
		"refused":     {Attributes: []*common.KeyValue{words("entregas.causa", "InventarioInsuficiente"), yesNo("entregas.compensacion", false)}},
		"failed":      {Status: &trace.Status{Code: trace.Status_STATUS_CODE_ERROR}},
		"compensated": {Attributes: []*common.KeyValue{yesNo("entregas.compensacion", true)}},
		"slow":        {EndTimeUnixNano: uint64(6 * time.Second)}, // after its begin
	}
	names := []string{"plain", "refused", "failed", "compensated", "slow"}
	id := func(kind, n int) []byte { // of fixed traces, so that the choice of the sampler is the same in each run
		b := make([]byte, 16)
		binary.BigEndian.PutUint64(b, 0x9e3779b97f4a7c15*uint64(kind*each+n+1))     // #nosec G115 -- small
		binary.BigEndian.PutUint64(b[8:], 0xbf58476d1ce4e5b9*uint64(kind*each+n+1)) // #nosec G115 -- small
		return b
	}
	conn, err := grpc.NewClient(addresses[1], grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	begin := uint64(time.Now().Add(-10 * time.Second).UnixNano()) // #nosec G115 -- after 1970
	var spans []*trace.Span
	for k, name := range names {
		for n := range each {
			special := kinds[name]
			parent := &trace.Span{TraceId: id(k, n), SpanId: id(k, n)[:8], Name: "Compra", StartTimeUnixNano: begin, EndTimeUnixNano: begin + uint64(time.Millisecond)}
			child := &trace.Span{TraceId: id(k, n), SpanId: id(k, n)[8:], ParentSpanId: id(k, n)[:8], Name: name, StartTimeUnixNano: begin,
				EndTimeUnixNano: begin + max(special.EndTimeUnixNano, uint64(time.Millisecond)), Attributes: special.Attributes, Status: special.Status}
			spans = append(spans, parent, child)
		}
	}
	send(t, conn, spans)

	kept := func() map[string]int {
		m := map[string]int{}
		for k, name := range names {
			for n := range each {
				switch got := len(store.Trace(hex.EncodeToString(id(k, n)))); got {
				case 0:
				case 2:
					m[name]++
				default:
					m["in part"]++
				}
			}
		}
		return m
	}
	var m map[string]int
	for until := time.Now().Add(time.Minute); time.Now().Before(until); time.Sleep(200 * time.Millisecond) {
		if m = kept(); m["failed"] == each && m["compensated"] == each && m["slow"] == each && m["plain"] > 0 && m["refused"] > 0 {
			break
		}
	}
	time.Sleep(time.Second) // what is kept against the rules comes with the others
	m = kept()
	for _, name := range []string{"failed", "compensated", "slow"} {
		if m[name] != each {
			t.Errorf("of %d %s traces %d were kept", each, name, m[name])
		}
	}
	for _, name := range []string{"plain", "refused"} {
		if m[name] == 0 || m[name] > each*3/10 {
			t.Errorf("of %d %s traces %d were kept, want about a tenth", each, name, m[name])
		}
	}
	if m["in part"] > 0 {
		t.Errorf("%d traces were kept in part", m["in part"])
	}
}

// runCollector runs the collector with the configuration of a cluster, but for the time that it waits for the rest of a trace.
// addresses has the store of traces, and where the collector takes spans, tells its health and shows its metrics.
func runCollector(t *testing.T, addresses []string) {
	t.Helper()
	folder := t.TempDir()
	binary := filepath.Join(folder, "collector")
	if output, err := runIn([]string{"CGO_ENABLED=0", "GOFLAGS=-trimpath -tags=remove_all_sd"}, "", "-C", filepath.Join(root, "tools", "observe", "collector"), "build", "-o", binary, "."); err != nil {
		t.Fatal(err, output)
	}
	hasty := filepath.Join(folder, "hasty.yaml")
	if err := os.WriteFile(hasty, []byte("processors: {tail_sampling: {decision_wait: 2s}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, binary, "--config="+path(t, "collector", "collector.yaml"), "--config="+path(t, "collector", "cluster.yaml"), "--config="+hasty)
	host, port, _ := net.SplitHostPort(addresses[3])
	cmd.Env = append(os.Environ(), "TRACES_ADDRESS="+addresses[0], "OTLP_ADDRESS="+addresses[1], "HEALTH_ADDRESS="+addresses[2], "METRICS_HOST="+host, "METRICS_PORT="+port)
	log, err := os.Create(filepath.Join(folder, "log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait()
		_ = log.Close()
		if said, err := os.ReadFile(log.Name()); t.Failed() && err == nil {
			t.Logf("the collector: %s", said)
		}
	})
}

// send sends spans as one program, and waits until the collector takes them.
func send(t *testing.T, conn *grpc.ClientConn, spans []*trace.Span) {
	t.Helper()
	request := &collector.ExportTraceServiceRequest{ResourceSpans: []*trace.ResourceSpans{{ScopeSpans: []*trace.ScopeSpans{{Spans: spans}}}}}
	for until := time.Now().Add(time.Minute); ; time.Sleep(200 * time.Millisecond) {
		_, err := collector.NewTraceServiceClient(conn).Export(t.Context(), request)
		if err == nil {
			return
		}
		if time.Now().After(until) {
			t.Fatal(err)
		}
	}
}

func freeAddresses(t *testing.T, n int) (all []string) {
	t.Helper()
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = l.Close() }()
		all = append(all, l.Addr().String())
	}
	return all
}

func words(key, v string) *common.KeyValue {
	return &common.KeyValue{Key: key, Value: &common.AnyValue{Value: &common.AnyValue_StringValue{StringValue: v}}}
}

func yesNo(key string, v bool) *common.KeyValue {
	return &common.KeyValue{Key: key, Value: &common.AnyValue{Value: &common.AnyValue_BoolValue{BoolValue: v}}}
}
