package pulsar

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/apache/pulsar-client-go/pulsar"

	"entregas/contracts"
	"entregas/internal/errs"
	"entregas/internal/pubsub"
)

func fullName(topic string) string { return "persistent://public/default/" + topic }

// queue is a queue with dead letters: those of one topic, or the discarded ones of all topics.
type queue struct {
	topic string // "" for the discarded ones
}

// allQueues returns the queues, that of the discarded letters last.
func allQueues() []queue {
	var all []queue
	for _, topic := range contracts.Names() {
		all = append(all, queue{topic})
	}
	return append(all, queue{})
}

func (q queue) discarded() bool { return q.topic == "" }

// name returns the topic that holds the letters.
func (q queue) name() string {
	if q.discarded() {
		return contracts.MensajesDescartados
	}
	return q.topic + "-dlq"
}

// most returns how many letters one look reads. Nobody empties the queue of the discarded ones, and their newest come last.
func (q queue) most() int64 {
	if q.discarded() {
		return maxDiscarded
	}
	return maxPerTopic
}

// walk calls visit for each dead letter until visit returns false. Dead letters that visit does not acknowledge stay. The
// caller holds turn.
func (d *DeadLetters) walk(ctx context.Context, visit func(pulsar.Consumer, letter) (more bool, err error)) error {
	for _, q := range allQueues() {
		if more, err := d.walkQueue(ctx, q, visit); err != nil || !more {
			return err
		}
	}
	return nil
}

func (d *DeadLetters) walkQueue(ctx context.Context, q queue, visit func(pulsar.Consumer, letter) (bool, error)) (bool, error) {
	found, err := d.howMany(ctx, q)
	if err != nil || found == 0 {
		return err == nil, err
	}
	consumer, err := d.client.Subscribe(pulsar.ConsumerOptions{
		Topic: fullName(q.name()), SubscriptionName: deadLetterSubscription, Type: pulsar.Shared,
		SubscriptionInitialPosition: pulsar.SubscriptionPositionEarliest, ReceiverQueueSize: maxPerTopic, EnableBatchIndexAcknowledgment: true, AckWithResponse: true,
	})
	if err != nil {
		return false, fmt.Errorf("letters of %s: %w", q.name(), errs.Transient(err))
	}
	defer consumer.Close()
	entries, at := int64(0), place{-1, -1}
	for range q.most() {
		deadline, cancel := context.WithTimeout(ctx, noMoreAfter)
		message, err := consumer.Receive(deadline)
		cancel()
		if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
			return true, nil
		}
		if err != nil {
			return false, err
		}
		item := d.letter(q.topic, message)
		if q.discarded() {
			item = d.discarded(message)
		}
		if more, err := visit(consumer, item); err != nil || !more {
			return false, err
		}
		if p := placeOf(message); p != at {
			entries, at = entries+1, p
		}
		if id := message.ID(); entries >= found && (id.BatchSize() <= 1 || id.BatchIdx() >= id.BatchSize()-1) {
			return true, nil
		}
	}
	return true, nil
}

// howMany returns the number of entries of q with letters. The broker counts entries, and an entry may have several letters.
func (d *DeadLetters) howMany(ctx context.Context, q queue) (int64, error) {
	list, err := d.broker.Queues(ctx, q.name())
	if err != nil {
		return 0, errs.Transient(err)
	}
	for _, c := range list {
		if c.Subscription == deadLetterSubscription {
			return c.Pending, nil
		}
	}
	return 0, nil
}

// letter is a dead letter with the message and payload that Devolver needs.
type letter struct {
	contracts.MensajeMuerto
	message pulsar.Message
	payload []byte // the original bytes; nil when they were cut
	traza   string // the traceparent of the original
}

// letter describes the dead letter message of topic, decoded or not.
func (d *DeadLetters) letter(topic string, message pulsar.Message) letter {
	r, p := d.codecs.read(topic, message.Payload()), message.Properties()
	attempts, _ := strconv.Atoi(p[pubsub.PropertyTries]) // 0 when another program made the dead letter
	l := letter{message: message, payload: message.Payload(), traza: r.traza, MensajeMuerto: contracts.MensajeMuerto{
		ID: position(message.ID()), Tema: topic, En: message.PublishTime().UTC(), Intentos: attempts,
		Motivo: pubsub.Words(p[pubsub.PropertyReason], pubsub.MaxReason), Origen: pubsub.Words(p[pubsub.PropertyOrigin], maxName),
		SHA256: pubsub.Words(p[pubsub.PropertySum], maxName), Comienzo: pubsub.Words(p[pubsub.PropertyBeginning], 2*pubsub.MaxReason),
		Position: pubsub.Words(p[pubsub.PropertyPosition], maxName), Registro: r.json,
	}}
	l.IDRegistro, l.Tipo, l.IDCompra = pubsub.Words(r.id, maxName), pubsub.Words(r.kind, maxName), pubsub.Words(r.idCompra, contracts.MaxIdentifier)
	l.Bytes, _ = strconv.ParseInt(p[pubsub.PropertyBytes], 10, 64)
	raw, isRaw := p[pubsub.PropertyRaw]
	switch {
	case isRaw:
		l.payload, l.Registro = decodeRaw(raw), nil
	case l.Bytes > 0:
		l.payload, l.Registro = nil, nil
	case r.fault != "": // another program made the dead letter, without our properties
		l.Bytes = int64(len(message.Payload()))
		if l.Motivo == "" {
			l.Motivo = r.fault
		}
	}
	return l
}

// discarded describes a message of contracts.MensajesDescartados.
func (d *DeadLetters) discarded(message pulsar.Message) letter {
	p := message.Properties()
	topic := p[pubsub.PropertyTopic]
	l := d.letter(topic, message)
	if !slices.Contains(contracts.Names(), topic) { // another program made it
		l.Tema, l.payload = pubsub.Words(topic, maxName), nil
	}
	l.DescartadoEn = new(message.PublishTime().UTC())
	l.DescartadoPor, l.MotivoDescarte = pubsub.Words(p[pubsub.PropertyDiscardedBy], contracts.MaxIdentifier), pubsub.Words(p[pubsub.PropertyDiscardReason], contracts.MaxMotivo)
	if at, err := time.Parse(time.RFC3339, p[pubsub.PropertySetAsideAt]); err == nil {
		l.En = at.UTC()
	}
	return l
}
