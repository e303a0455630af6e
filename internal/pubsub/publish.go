// Package pubsub publishes and receives the messages of contracts/ through Dapr pub/sub, as Avro records.
//
// A message that cannot be handled becomes a dead letter by docs/adr/trouble-is-not-a-bad-message.md. Why not the dead letter
// topics of Dapr or Pulsar: they count every failure alike, so a database that is down for a minute would make dead letters,
// and their dead letters have no reason.
package pubsub

import (
	"context"
	"errors"
	"fmt"

	dapr "github.com/dapr/go-sdk/client"

	"entregas/contracts"
	"entregas/internal/failpoint"
	"entregas/internal/logging"
	"entregas/internal/telemetry"
)

// Component is the name of the Dapr pub/sub component.
const Component = "pubsub"

// metadataKey is the metadata of a publication that becomes the key of the message, not a property.
const metadataKey = "partitionKey"

// ErrNotEncoded says that data does not fit the schema of its topic. Nothing was published.
var ErrNotEncoded = errors.New("encode")

// Publisher publishes messages of one service.
type Publisher struct {
	service string
	sidecar client
}

// client is the part of the Dapr client that Publisher uses.
type client interface {
	PublishEvent(ctx context.Context, pubsubName, topicName string, data interface{}, opts ...dapr.PublishEventOption) error
}

// NewPublisher returns a Publisher that publishes through sidecar. service is the source of its messages.
func NewPublisher(sidecar client, service string) *Publisher {
	return &Publisher{service: service, sidecar: sidecar}
}

// Publish publishes data on topic as a message of type kind, and returns when the broker has stored it. Messages with the same
// key keep their order.
func Publish[D any](ctx context.Context, p *Publisher, topic contracts.TopicName[D], kind contracts.MessageType, key string, data D) error {
	m := contracts.NewMessage(p.service, kind, "", data)
	ctx, span := telemetry.Publication(ctx, string(topic), string(kind), m.IDCompra())
	defer span.End()
	m.Traceparent = logging.Trace(ctx)
	failpoint.Point(failpoint.BeforePublish, string(kind))
	err := p.send(ctx, string(topic), m.Encode, map[string]string{metadataKey: key})
	telemetry.Fail(span, err)
	if err == nil {
		failpoint.Point(failpoint.Published, string(kind))
	}
	return err
}

func (p *Publisher) send(ctx context.Context, topic string, encode func() ([]byte, error), metadata map[string]string) error {
	text, err := encode()
	if err != nil {
		return fmt.Errorf("%w for %s: %w", ErrNotEncoded, topic, err)
	}
	metadata["rawPayload"] = "true" // no CloudEvent around the record
	if traceparent := logging.Trace(ctx); traceparent != "" {
		metadata["traceparent"] = traceparent // else the sidecar of a reader takes the span of ours, which may be lost
	}
	err = p.sidecar.PublishEvent(ctx, Component, topic, text,
		dapr.PublishEventWithContentType("application/json"), dapr.PublishEventWithMetadata(metadata))
	if err != nil {
		return fmt.Errorf("publish on %s: %w", topic, err)
	}
	return nil
}
