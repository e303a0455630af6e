package pulsar

import (
	"context"
	"fmt"

	"github.com/apache/pulsar-client-go/pulsar"

	"entregas/contracts"
	"entregas/internal/errs"
)

// outlet publishes records. It keeps its producers until Close.
type outlet struct {
	client pulsar.Client
	open   map[outletKey]pulsar.Producer
}

type outletKey struct {
	topic string
	large bool // the payload does not fit into a batch
}

func (d *DeadLetters) newOutlet() *outlet {
	return &outlet{client: d.client, open: map[outletKey]pulsar.Producer{}}
}

// Close closes the producers.
func (o *outlet) Close() {
	for _, p := range o.open {
		p.Close()
	}
}

// publish publishes the bytes of a record on a topic, with the schema of the topic if it has one.
func (o *outlet) publish(ctx context.Context, topic, key string, payload []byte, properties map[string]string) error {
	producer, err := o.producer(outletKey{topic, len(payload) > maxShown})
	if err == nil {
		_, err = producer.Send(ctx, &pulsar.ProducerMessage{Payload: payload, Key: key, Properties: properties})
	}
	if err != nil {
		return fmt.Errorf("publish on %s: %w", topic, errs.Transient(err))
	}
	return nil
}

// producer returns the producer of k. A message has its schema version only in a batch, so batching stays on where the payload allows it.
func (o *outlet) producer(k outletKey) (pulsar.Producer, error) {
	if p := o.open[k]; p != nil {
		return p, nil
	}
	options := pulsar.ProducerOptions{Topic: fullName(k.topic), DisableBatching: k.large}
	if k.topic != contracts.MensajesDescartados {
		schema, err := contracts.AvroSchema(k.topic)
		if err != nil {
			return nil, err
		}
		options.Schema = pulsar.NewAvroSchema(schema, nil)
	}
	p, err := o.client.CreateProducer(options)
	if err == nil {
		o.open[k] = p
	}
	return p, err
}
