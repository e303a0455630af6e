package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/apache/pulsar-client-go/pulsar"
	"github.com/apache/pulsar-client-go/pulsar/log"
	"github.com/hamba/avro/v2"

	"entregas/contracts"
)

// Broker is a client of Pulsar that knows the .avsc files and nothing of Dapr. It keeps everything that it has received.
type Broker struct {
	client           pulsar.Client
	admin, namespace string

	mu        sync.Mutex
	producers map[string]pulsar.Producer
	received  []*Record
	arrived   chan struct{} // closed and renewed with each record
}

// Record is a message that the kit received.
type Record struct {
	Topic      string
	Key        string
	Properties map[string]string
	At         time.Time
	Payload    []byte
	Envelope   map[string]any // nil where the bytes are no record of the topic
}

// Text returns a text of the envelope.
func (r *Record) Text(name string) string { text, _ := r.Envelope[name].(string); return text }

// Data returns the data.
func (r *Record) Data() map[string]any { d, _ := r.Envelope["data"].(map[string]any); return d }

// Of returns a text of the data.
func (r *Record) Of(name string) string { text, _ := r.Data()[name].(string); return text }

func openBroker(address, admin, namespace string) (*Broker, error) {
	client, err := pulsar.NewClient(pulsar.ClientOptions{URL: address, OperationTimeout: 15 * time.Second, Logger: log.NewLoggerWithSlog(slog.New(slog.DiscardHandler))})
	if err != nil {
		return nil, fmt.Errorf("open Pulsar: %w", err)
	}
	return &Broker{client: client, admin: admin, namespace: namespace, producers: map[string]pulsar.Producer{}, arrived: make(chan struct{})}, nil
}

func (b *Broker) topic(name string) string { return "persistent://" + b.namespace + "/" + name }

// Close closes the connection.
func (b *Broker) Close() { b.client.Close() }

// schemaOf returns the committed schema of a topic or of its topic for dead letters.
func schemaOf(topic string) (avro.Schema, error) {
	text, err := contracts.AvroSchema(topic)
	if err != nil {
		return nil, err
	}
	return avro.ParseBytesWithCache([]byte(text), "", &avro.SchemaCache{}) // two topics have different types named Linea
}

// Listen keeps each message that arrives on a topic from now on, until the broker is closed.
func (b *Broker) Listen(topic string) error {
	schema, err := schemaOf(topic)
	if err != nil {
		return err
	}
	reader, err := b.client.CreateReader(pulsar.ReaderOptions{Topic: b.topic(topic), StartMessageID: pulsar.LatestMessageID()})
	if err != nil {
		return fmt.Errorf("read %s: %w", topic, err)
	}
	if _, err := reader.GetLastMessageID(); err != nil { // the reader is at its place
		return fmt.Errorf("read %s: %w", topic, err)
	}
	go func() {
		for {
			m, err := reader.Next(context.Background())
			if err != nil {
				return
			}
			r := &Record{Topic: topic, Key: m.Key(), Properties: m.Properties(), At: time.Now(), Payload: m.Payload()}
			if avro.Unmarshal(schema, m.Payload(), &r.Envelope) != nil {
				r.Envelope = nil
			}
			b.mu.Lock()
			b.received = append(b.received, r)
			close(b.arrived)
			b.arrived = make(chan struct{})
			b.mu.Unlock()
		}
	}()
	return nil
}

// Find returns the records for which match returns true, in the order of their arrival.
func (b *Broker) Find(match func(*Record) bool) []*Record {
	b.mu.Lock()
	all := b.received[:len(b.received):len(b.received)]
	b.mu.Unlock()
	var found []*Record
	for _, r := range all {
		if match(r) {
			found = append(found, r)
		}
	}
	return found
}

// Wait waits until at least n records match and returns all that do. After the wait it returns those that there are.
func (b *Broker) Wait(ctx context.Context, n int, within time.Duration, match func(*Record) bool) []*Record {
	limit := time.NewTimer(within)
	defer limit.Stop()
	for {
		b.mu.Lock()
		arrived := b.arrived
		b.mu.Unlock()
		found := b.Find(match)
		if len(found) >= n {
			return found
		}
		select {
		case <-arrived:
			time.Sleep(time.Duration(b.count()) * time.Microsecond) // many records arrive together: one look for all of them
		case <-limit.C:
			return found
		case <-ctx.Done():
			return found
		}
	}
}

func (b *Broker) count() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.received)
}

// Producer returns the kit's producer on a topic, with the committed schema.
func (b *Broker) Producer(topic string) (pulsar.Producer, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if p := b.producers[topic]; p != nil {
		return p, nil
	}
	text, err := contracts.AvroSchema(topic)
	if err != nil {
		return nil, err
	}
	p, err := b.NewProducer(topic, pulsar.NewAvroSchema(text, nil))
	if err == nil {
		b.producers[topic] = p
	}
	return p, err
}

// NewProducer returns a producer with any schema. It returns an error when the broker refuses the schema.
func (b *Broker) NewProducer(topic string, schema pulsar.Schema) (pulsar.Producer, error) {
	return b.client.CreateProducer(pulsar.ProducerOptions{Topic: b.topic(topic), Schema: schema, SendTimeout: -1}) // a send ends with its context, not before
}

// Send publishes bytes on a topic.
func (b *Broker) Send(ctx context.Context, topic, key string, payload []byte) error {
	p, err := b.Producer(topic)
	if err != nil {
		return err
	}
	_, err = p.Send(ctx, &pulsar.ProducerMessage{Payload: payload, Key: key})
	return err
}

// SendAll publishes records on a topic and returns when the broker has stored all of them.
func (b *Broker) SendAll(ctx context.Context, topic string, keys []string, payloads [][]byte) error {
	p, err := b.Producer(topic)
	if err != nil {
		return err
	}
	var group sync.WaitGroup
	var mu sync.Mutex
	var failed error
	for i, payload := range payloads {
		group.Add(1)
		p.SendAsync(ctx, &pulsar.ProducerMessage{Payload: payload, Key: keys[i]}, func(_ pulsar.MessageID, _ *pulsar.ProducerMessage, err error) {
			mu.Lock()
			if err != nil {
				failed = err
			}
			mu.Unlock()
			group.Done()
		})
	}
	group.Wait()
	return failed
}

// Admin sends a request to the broker's administration and returns its answer.
func (b *Broker) Admin(ctx context.Context, method, path, body string) (int, string, error) {
	request, err := http.NewRequestWithContext(ctx, method, b.admin+"/admin/v2"+path, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return response.StatusCode, string(text), err
}

// fit returns value in the form in which the Avro library encodes it under schema: each missing field is empty, and each number has the
// type of its field.
func fit(schema avro.Schema, value any) any {
	switch s := schema.(type) {
	case *avro.RecordSchema:
		from, _ := value.(map[string]any)
		to := make(map[string]any, len(s.Fields()))
		for _, f := range s.Fields() {
			to[f.Name()] = fit(f.Type(), from[f.Name()])
		}
		return to
	case *avro.ArraySchema:
		from, _ := value.([]any)
		to := make([]any, len(from))
		for i := range from {
			to[i] = fit(s.Items(), from[i])
		}
		return to
	case *avro.RefSchema:
		return fit(s.Schema(), value)
	}
	switch schema.Type() {
	case avro.Boolean:
		b, _ := value.(bool)
		return b
	case avro.Int:
		return int(number(value))
	case avro.Long:
		return number(value)
	default:
		text, _ := value.(string)
		return text
	}
}

func number(value any) int64 {
	switch n := value.(type) {
	case int:
		return int64(n)
	case int64:
		return n
	case uint64:
		return int64(n)
	case float64:
		return int64(n)
	}
	return 0
}

// encode returns the bytes of a record on the wire.
func encode(schema avro.Schema, envelope map[string]any) ([]byte, error) {
	return avro.Marshal(schema, fit(schema, envelope))
}
