// Package pubsubtest replaces the sidecar and the broker in tests of handlers. It keeps the published messages by topic, and
// delivers records in the form in which Dapr delivers them.
package pubsubtest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"unicode/utf8"

	runtimev1pb "github.com/dapr/dapr/pkg/proto/runtime/v1"
	dapr "github.com/dapr/go-sdk/client"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"entregas/contracts"
)

// Broker keeps the published messages. The zero value is ready.
type Broker struct {
	mu      sync.Mutex
	topics  map[string][]published
	failure error
}

type published struct {
	record   []byte
	metadata map[string]string
}

// Fail makes every later publish fail with err. With nil, publishing works again.
func (b *Broker) Fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failure = err
}

// PublishEvent implements the method of the Dapr client. Like the pub/sub component it accepts only a record without a
// CloudEvent around it.
func (b *Broker) PublishEvent(ctx context.Context, _, topic string, data any, options ...dapr.PublishEventOption) error {
	var request runtimev1pb.PublishEventRequest
	for _, o := range options {
		o(&request)
	}
	text, ok := data.([]byte)
	if !ok || request.GetMetadata()["rawPayload"] != "true" || request.GetDataContentType() != "application/json" {
		return fmt.Errorf("publish on %s: want a record in JSON with rawPayload", topic)
	}
	if err := fits(text, request.GetMetadata()); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if b.failure != nil {
		return b.failure
	}
	if b.topics == nil {
		b.topics = map[string][]published{}
	}
	b.topics[topic] = append(b.topics[topic], published{bytes.Clone(text), request.GetMetadata()})
	return nil
}

// maxCall is the limit of daprd for one gRPC call, in bytes.
const maxCall = 4 << 20

// fits returns the error of gRPC for a call that is too large or not UTF-8.
func fits(text []byte, metadata map[string]string) error {
	bytes := len(text)
	for name, value := range metadata {
		bytes += len(name) + len(value)
		if !utf8.ValidString(name) || !utf8.ValidString(value) {
			return status.Error(codes.Internal, "grpc: error while marshaling: string field contains invalid UTF-8")
		}
	}
	if bytes > maxCall {
		return status.Errorf(codes.ResourceExhausted, "grpc: received message larger than max (%d vs. %d)", bytes, maxCall)
	}
	return nil
}

// Published returns the messages of a topic, oldest first.
func Published[D any](t testing.TB, b *Broker, topic contracts.TopicName[D]) []contracts.Message[D] {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	var messages []contracts.Message[D]
	for _, p := range b.topics[string(topic)] {
		m, err := contracts.Decode[D](p.record)
		if err != nil {
			t.Fatalf("%s: %v", topic, err)
		}
		messages = append(messages, m)
	}
	return messages
}

// Metadata returns the metadata of each message of a topic, oldest first.
func (b *Broker) Metadata(topic string) []map[string]string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []map[string]string
	for _, p := range b.topics[topic] {
		all = append(all, p.metadata)
	}
	return all
}

// Deliver delivers m on topic to routes and returns the status in the answer: SUCCESS or RETRY.
func Deliver[D any](t testing.TB, routes http.Handler, topic contracts.TopicName[D], m contracts.Message[D]) string {
	t.Helper()
	text, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return DeliverText(t, routes, "/mensajes/"+string(topic), reordered(t, text))
}

// reordered returns a record with its fields in a random order, as the pub/sub component writes it.
func reordered(t testing.TB, record []byte) []byte {
	t.Helper()
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(record, &fields); err != nil {
		t.Fatal(err)
	}
	fresh := []byte{'{'}
	for name, value := range fields { // the order of a map is random
		fresh = fmt.Appendf(fresh, "%q:%s,", name, value)
	}
	fresh[len(fresh)-1] = '}'
	return fresh
}

// DeliverText delivers the bytes of a record at a route and returns the status in the answer.
func DeliverText(t testing.TB, routes http.Handler, path string, record []byte) string {
	t.Helper()
	body, err := json.Marshal(map[string]any{"data_base64": record})
	if err != nil {
		t.Fatal(err)
	}
	response := httptest.NewRecorder()
	routes.ServeHTTP(response, httptest.NewRequest(http.MethodPost, path, bytes.NewReader(body)))
	var answer struct {
		Status string `json:"status"`
	}
	if err := json.Unmarshal(response.Body.Bytes(), &answer); err != nil {
		t.Fatalf("answer %d %q: %v", response.Code, response.Body, err)
	}
	return answer.Status
}

// Attempts implements pubsub.Attempts in memory. The zero value is ready.
type Attempts struct {
	mu      sync.Mutex
	times   map[string]int
	failure error
}

// Fail makes every later Count fail with err.
func (i *Attempts) Fail(err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.failure = err
}

// Count implements pubsub.Attempts.
func (i *Attempts) Count(_ context.Context, record string) (int, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.failure != nil {
		return 0, i.failure
	}
	if i.times == nil {
		i.times = map[string]int{}
	}
	i.times[record]++
	return i.times[record], nil
}

// Records returns the names of the records whose attempts were counted.
func (i *Attempts) Records() []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return slices.Collect(maps.Keys(i.times))
}
