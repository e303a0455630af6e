package logging_test

import (
	"context"
	"strings"
	"testing"

	"entregas/internal/logging"
)

// Each line has id_compra and trace_id once, however many layers set them: a JSON reader drops one of two equal names, or
// rejects the line.
func TestEachLogLineSaysOnceWhatItIsAbout(t *testing.T) {
	var output strings.Builder
	log := logging.New(&output, "x", "INFO")
	ctx := logging.WithTrace(context.Background(), "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01") // the traceparent of the request
	ctx = logging.WithTrace(ctx, "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")                   // the traceparent of the message
	ctx = logging.WithTrace(ctx, "not a traceparent")
	ctx = logging.WithCompra(logging.WithCompra(ctx, "a"), "a")
	log.With("paso", 1).InfoContext(ctx, "algo")
	for says, times := range map[string]int{`"id_compra":"a"`: 1, `"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736"`: 1, `"trace_id"`: 1, `"service":"x"`: 1, `"paso":1`: 1} {
		if n := strings.Count(output.String(), says); n != times {
			t.Errorf("it has %d times %s: %s", n, says, &output)
		}
	}
	output.Reset()
	log.InfoContext(context.Background(), "algo")
	log.DebugContext(ctx, "menos")
	if text := output.String(); strings.Contains(text, "id_compra") || strings.Contains(text, "trace_id") || strings.Contains(text, "menos") {
		t.Error(text)
	}
}

// Only a W3C traceparent goes on to logs, messages and the sidecar. Any other text of a customer is ignored.
func TestOnlyAW3CTraceparentIsCarried(t *testing.T) {
	const good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	for name, c := range map[string]struct{ text, carried string }{
		"of version 00":                    {good, good},
		"not sampled":                      {good[:53] + "00", good[:53] + "00"},
		"of a later version":               {"01" + good[2:], good},
		"of a later version, with a field": {"01" + good[2:] + "-x\xff", good},
		"of version 00, with a field":      {good + "-x", ""},
		"of version ff":                    {"ff" + good[2:], ""},
		"three dashes and a broken byte":   {"a-b-c-\xff", ""},
		"30 kB":                            {"00-" + strings.Repeat("a", 30_000) + "-b-c", ""},
		"in capitals":                      {strings.ToUpper(good), ""},
		"with a line break":                {good + "\n", ""},
		"no trace id":                      {"00-" + strings.Repeat("0", 32) + good[35:], ""},
		"no parent id":                     {good[:36] + strings.Repeat("0", 16) + "-01", ""},
		"nothing":                          {"", ""},
	} {
		if got := logging.Trace(logging.WithTrace(context.Background(), c.text)); got != c.carried {
			t.Errorf("%s: %.80q", name, got)
		}
	}
}
