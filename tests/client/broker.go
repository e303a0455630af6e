package client

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/apache/pulsar-client-go/pulsar"
	"github.com/apache/pulsar-client-go/pulsar/log"
	"github.com/hamba/avro/v2"

	"entregas/contracts"
)

// Broker is a client of Pulsar that uses the schemas of contracts/avro and no Dapr, as a client in another language does.
type Broker struct {
	admin  string
	pulsar pulsar.Client
}

// OpenBroker connects to the broker of the system.
func OpenBroker(e Env) (*Broker, error) {
	quiet := log.NewLoggerWithSlog(slog.New(slog.DiscardHandler))
	p, err := pulsar.NewClient(pulsar.ClientOptions{URL: e.PulsarURL, OperationTimeout: 15 * time.Second, Logger: quiet})
	if err != nil {
		return nil, fmt.Errorf("open Pulsar: %w", err)
	}
	return &Broker{admin: e.PulsarAdmin, pulsar: p}, nil
}

// Close closes the connection.
func (b *Broker) Close() { b.pulsar.Close() }

// AvroSchema returns the committed schema of a topic.
func (b *Broker) AvroSchema(topic string) (avro.Schema, error) {
	text, err := contracts.AvroSchema(topic)
	if err != nil {
		return nil, err
	}
	return avro.ParseBytesWithCache([]byte(text), "", &avro.SchemaCache{}) // the records of two topics have different types named Linea
}

// Registered returns the newest schema that the registry of Pulsar holds for a topic.
func (b *Broker) Registered(ctx context.Context, topic string) (avro.Schema, error) {
	var r struct {
		Kind string `json:"type"`
		Text string `json:"data"`
	}
	if err := b.ask(ctx, "/admin/v2/schemas/public/default/"+topic+"/schema", &r); err != nil {
		return nil, err
	}
	if r.Kind != "AVRO" {
		return nil, fmt.Errorf("the registry has a schema of type %[2]s for topic %[1]s", topic, r.Kind)
	}
	return avro.ParseBytesWithCache([]byte(r.Text), "", &avro.SchemaCache{})
}

// Entered returns how many messages were published on a topic since the broker started.
func (b *Broker) Entered(ctx context.Context, topic string) (int64, error) {
	var r struct {
		N int64 `json:"msgInCounter"`
	}
	err := b.ask(ctx, "/admin/v2/persistent/public/default/"+topic+"/stats", &r)
	return r.N, err
}

func (b *Broker) ask(ctx context.Context, path string, v any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, b.admin+path, nil)
	if err != nil {
		return err
	}
	r, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	if r.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s %s", path, r.Status, text)
	}
	return json.Unmarshal(text, v)
}

// record is a contracts.Message in the form that the Avro library encodes.
type record[D any] struct {
	ID              string `avro:"id"`
	Time            int64  `avro:"time"`
	Ingestion       int64  `avro:"ingestion"`
	Specversion     string `avro:"specversion"`
	Type            string `avro:"type"`
	Datacontenttype string `avro:"datacontenttype"`
	ServiceName     string `avro:"service_name"`
	Traceparent     string `avro:"traceparent"`
	Data            D      `avro:"data"`
}

// Publish publishes m on topic.
func Publish[D any](ctx context.Context, b *Broker, topic contracts.TopicName[D], m contracts.Message[D]) error {
	text, err := contracts.AvroSchema(string(topic))
	if err != nil {
		return err
	}
	encoder, err := pulsar.NewAvroSchemaWithValidation(text, nil)
	if err != nil {
		return err
	}
	producer, err := b.Producer(string(topic), encoder)
	if err != nil {
		return err
	}
	defer producer.Close()
	_, err = producer.Send(ctx, &pulsar.ProducerMessage{Value: ofMessage(m)})
	return err
}

// Record returns the bytes of m on the wire.
func Record[D any](b *Broker, topic contracts.TopicName[D], m contracts.Message[D]) ([]byte, error) {
	schema, err := b.AvroSchema(string(topic))
	if err != nil {
		return nil, err
	}
	return avro.Marshal(schema, ofMessage(m))
}

func ofMessage[D any](m contracts.Message[D]) *record[D] {
	return &record[D]{m.ID, m.Time, m.Ingestion, m.Specversion, string(m.Type), m.Datacontenttype, m.ServiceName, m.Traceparent, m.Data}
}

// Producer returns a producer on topic. It returns an error when the broker refuses the schema.
func (b *Broker) Producer(topic string, schema pulsar.Schema) (pulsar.Producer, error) {
	return b.pulsar.CreateProducer(pulsar.ProducerOptions{Topic: "persistent://public/default/" + topic, Schema: schema})
}

// DeadLetter is a dead letter: the message, and the properties that the service added when it set the message aside.
type DeadLetter[D any] struct {
	Message    contracts.Message[D]
	Properties map[string]string
}

// DeadLetters calls visit with each dead letter of topic, the oldest first, until visit returns true or ctx ends.
// It passes over records that do not decode.
func DeadLetters[D any](ctx context.Context, b *Broker, topic contracts.TopicName[D], visit func(DeadLetter[D]) bool) error {
	schema, err := b.AvroSchema(string(topic))
	if err != nil {
		return err
	}
	reader, err := b.pulsar.CreateReader(pulsar.ReaderOptions{
		Topic: "persistent://public/default/" + string(topic.DeadLetters()), StartMessageID: pulsar.EarliestMessageID(),
	})
	if err != nil {
		return err
	}
	defer reader.Close()
	for {
		received, err := reader.Next(ctx)
		if err != nil {
			return err
		}
		var r record[D]
		if avro.Unmarshal(schema, received.Payload(), &r) != nil {
			continue // the record does not decode
		}
		m := contracts.Message[D]{ID: r.ID, Time: r.Time, Ingestion: r.Ingestion, Specversion: r.Specversion, Type: contracts.MessageType(r.Type),
			Datacontenttype: r.Datacontenttype, ServiceName: r.ServiceName, Traceparent: r.Traceparent, Data: r.Data}
		if visit(DeadLetter[D]{m, received.Properties()}) {
			return nil
		}
	}
}

// Payloads calls visit with the bytes of each message of topic that was published since an instant, the oldest first.
func (b *Broker) Payloads(ctx context.Context, topic string, since time.Time, visit func([]byte)) error {
	reader, err := b.pulsar.CreateReader(pulsar.ReaderOptions{Topic: "persistent://public/default/" + topic, StartMessageID: pulsar.EarliestMessageID()})
	if err != nil {
		return err
	}
	defer reader.Close()
	if err := reader.SeekByTime(since); err != nil {
		return err
	}
	for reader.HasNext() {
		m, err := reader.Next(ctx)
		if err != nil {
			return err
		}
		visit(m.Payload())
	}
	return nil
}

// MessagesIn returns how many messages the broker has taken since its start, in all topics that are loaded.
func MessagesIn(ctx context.Context, e Env) (float64, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, e.PulsarAdmin+"/metrics/", http.NoBody)
	if err != nil {
		return 0, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, fmt.Errorf("metrics of Pulsar: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	total, lines := 0.0, bufio.NewScanner(response.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if line := lines.Text(); strings.HasPrefix(line, "pulsar_in_messages_total{") {
			fields := strings.Fields(line[strings.LastIndexByte(line, '}')+1:])
			if n, err := strconv.ParseFloat(fields[0], 64); err == nil {
				total += n
			}
		}
	}
	return total, lines.Err()
}
