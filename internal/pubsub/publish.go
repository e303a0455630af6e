// Package pubsub is the one way in which our programs publish and receive messages: Avro records of contracts/
// through Dapr pub/sub. Messages that cannot be handled follow docs/adr/trouble-is-not-a-bad-message.md.
package pubsub

import (
	"context"
	"errors"
	"fmt"

	dapr "github.com/dapr/go-sdk/client"

	"entregas/contracts"
	"entregas/internal/failpoint"
	"entregas/internal/logging"
)

// Component is the name of the Dapr pub/sub component.
const Component = "pubsub"

// ErrNotEncoded is in the chain of the error for data that is no record of its topic: nothing was sent.
var ErrNotEncoded = errors.New("codificar")

// Publisher publishes in the name of one service.
type Publisher struct {
	service string
	sidecar client
}

// cliente is the part of the Dapr client that is used here.
type client interface {
	PublishEvent(ctx context.Context, pubsubName, topicName string, data interface{}, opts ...dapr.PublishEventOption) error
}

// NewPublisher publishes through sidecar as service.
func NewPublisher(sidecar client, service string) *Publisher {
	return &Publisher{service: service, sidecar: sidecar}
}

// Publish puts data on topic as a kind and returns when the broker has it. key orders: messages with the same key
// keep their order.
func Publish[D any](ctx context.Context, p *Publisher, topic contracts.TopicName[D], kind contracts.MessageType, key string, data D) error {
	m := contracts.NewMessage(p.service, kind, logging.Trace(ctx), data)
	failpoint.Point(failpoint.BeforePublish, string(kind))
	err := p.send(ctx, string(topic), m.Encode, map[string]string{"partitionKey": key})
	if err == nil {
		failpoint.Point(failpoint.Published, string(kind))
	}
	return err
}

func (p *Publisher) send(ctx context.Context, topic string, encode func() ([]byte, error), metadata map[string]string) error {
	text, err := encode()
	if err != nil {
		return fmt.Errorf("%w para %s: %w", ErrNotEncoded, topic, err)
	}
	metadata["rawPayload"] = "true" // the record itself goes on the wire, not a CloudEvent around it
	err = p.sidecar.PublishEvent(ctx, Component, topic, text,
		dapr.PublishEventWithContentType("application/json"), dapr.PublishEventWithMetadata(metadata))
	if err != nil {
		return fmt.Errorf("publicar en %s: %w", topic, err)
	}
	return nil
}
