package pulsar

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/apache/pulsar-client-go/pulsar"

	"entregas/contracts"
	"entregas/internal/errs"
	"entregas/internal/pubsub"
)

// deadLetterSubscription is the subscription that keeps each dead letter until an operator puts it back. The set-up creates it
// with the topics.
const deadLetterSubscription = "operador"

const (
	maxPerTopic = 500 // dead letters that one look reads from a topic
	// noMoreAfter is how long a look waits for a further dead letter of a topic. When none comes, another consumer holds the
	// remaining ones.
	noMoreAfter = 2 * time.Second
	maxShown    = 64 << 10  // bytes of a record that the list shows
	maxList     = 448 << 10 // bytes of the list as JSON: half the limit of the bff for an answer, as GraphQL escapes records once more
)

// DeadLetters reads, puts back and makes dead letters.
type DeadLetters struct {
	client  pulsar.Client
	broker  *Broker
	codecs  codecs
	turn    sync.Mutex // the broker would divide the messages between two looks at once
	waiting waiting
}

// operationTimeout bounds an operation of the Pulsar client.
const operationTimeout = 5 * time.Second

// connectionTimeout bounds the set-up of a connection of the Pulsar client.
const connectionTimeout = 3 * time.Second

// NewDeadLetters returns a DeadLetters for the broker at address (pulsar://…), which need not be up yet. token may be "".
// broker is the administrative interface of the same broker.
func NewDeadLetters(address, token string, broker *Broker) (*DeadLetters, error) {
	options := pulsar.ClientOptions{URL: address, OperationTimeout: operationTimeout, ConnectionTimeout: connectionTimeout}
	if token = strings.TrimSpace(token); token != "" {
		options.Authentication = pulsar.NewAuthenticationToken(token)
	}
	client, err := pulsar.NewClient(options)
	if err != nil {
		return nil, fmt.Errorf("client of Pulsar: %w", err)
	}
	parsed, err := newCodecs()
	if err != nil {
		client.Close()
		return nil, err
	}
	return &DeadLetters{client: client, broker: broker, codecs: parsed}, nil
}

// Close ends the connection.
func (d *DeadLetters) Close() { d.client.Close() }

// List returns the dead letters of all topics and the messages that wait for an operator on their topic, oldest first. If a
// message cannot be decoded, the list has only its position. The list has at most maxList bytes: List leaves out the newest
// messages that do not fit. The bytes that are left go to the records of the listed messages, oldest first. A topic that cannot be
// read is logged and left out. If no topic can be read, List returns an error.
func (d *DeadLetters) List(ctx context.Context) ([]contracts.MensajeMuerto, error) {
	list, err := d.letters(ctx)
	if err != nil {
		return nil, err
	}
	waiting, err := d.Waiting(ctx)
	if err != nil {
		slog.WarnContext(ctx, "the list of dead letters is incomplete: the waiting messages could not be read", "error", err)
	}
	for _, w := range waiting {
		list = append(list, w.letter())
	}
	slices.SortFunc(list, func(a, b contracts.MensajeMuerto) int { return a.En.Compare(b.En) })
	whole := len(list)
	if list = fit(list); len(list) < whole {
		slog.WarnContext(ctx, "the list of dead letters is incomplete: not all fit", "found", whole, "listed", len(list))
	}
	return list, nil
}

// fit returns as many of the first letters as fit into maxList bytes, with as many of their records as still fit.
func fit(list []contracts.MensajeMuerto) []contracts.MensajeMuerto {
	room := maxList
	for i, item := range list {
		item.Bytes, item.Registro = max(item.Bytes, int64(len(item.Registro))), nil
		text, err := json.Marshal(item)
		if room -= len(text) + len(`,"registro":,`); err != nil || room < 0 {
			list = list[:i]
			break
		}
	}
	for i := range list {
		n := len(list[i].Registro)
		if n > maxShown || n > room {
			list[i].Bytes, list[i].Registro = max(list[i].Bytes, int64(n)), nil
			continue
		}
		room -= n
	}
	return list
}

// letters returns the dead letters of the topics that can be read, or an error if no topic can be read.
func (d *DeadLetters) letters(ctx context.Context) ([]contracts.MensajeMuerto, error) {
	d.turn.Lock()
	defer d.turn.Unlock()
	list, failed := []contracts.MensajeMuerto{}, []error{}
	for _, topic := range contracts.Names() {
		_, err := d.walkTopic(ctx, topic, func(_ pulsar.Consumer, item letter) (bool, error) {
			list = append(list, item.MensajeMuerto)
			return true, nil
		})
		if err != nil {
			failed = append(failed, err)
		}
	}
	err := errors.Join(failed...)
	if len(failed) == len(contracts.Names()) {
		return nil, err
	}
	if err != nil {
		slog.WarnContext(ctx, "the list of dead letters is incomplete", "error", err)
	}
	return list, nil
}

// aPlace matches a position: ledger, entry, and the index in an entry of several messages.
var aPlace = regexp.MustCompile(`^\d+:\d+(:\d+)?$`)

// Reponer publishes a dead letter on its original topic, byte for byte, and acknowledges it when the broker has stored it
// there. After a crash between these two steps the message is on both topics; its reader is idempotent. id is the position of
// the dead letter, or the id of its record if no other dead letter has that id; producers choose the ids of records. Errors:
// NotFound; Conflict when several have the id, or when the original was too large to be kept.
func (d *DeadLetters) Reponer(ctx context.Context, id string) (contracts.MensajeMuerto, error) {
	d.turn.Lock()
	defer d.turn.Unlock()
	one, named, err := d.putBack(ctx, id)
	if err == nil && one == nil && len(named) == 1 {
		one, _, err = d.putBack(ctx, named[0])
	}
	switch {
	case err != nil:
		return contracts.MensajeMuerto{}, err
	case one != nil:
		return *one, nil
	case len(named) > 1:
		return contracts.MensajeMuerto{}, errs.New(errs.Conflict, "%d mensajes muertos tienen el registro %s: diga cuál por su lugar, como %s.", len(named), id, named[0])
	}
	return contracts.MensajeMuerto{}, errs.New(errs.NotFound, "No hay un mensaje muerto %s.", id)
}

// putBack publishes the dead letter at position id on its original topic and returns it, or nil when there is none. named has
// the positions of the dead letters whose record has that id; it is empty when id has the form of a position.
func (d *DeadLetters) putBack(ctx context.Context, id string) (one *contracts.MensajeMuerto, named []string, err error) {
	err = d.walk(ctx, func(consumer pulsar.Consumer, item letter) (bool, error) {
		if item.ID != id {
			if item.IDRegistro == id && !aPlace.MatchString(id) {
				named = append(named, item.ID)
			}
			return true, nil
		}
		if item.payload == nil {
			return false, errs.New(errs.Conflict, "El mensaje muerto %s se guardó recortado: no se puede devolver a su tema.", id)
		}
		if err := d.publish(ctx, item.Tema, item.IDCompra, item.payload, nil); err != nil {
			return false, err
		}
		one = &item.MensajeMuerto
		return false, consumer.Ack(item.message)
	})
	return one, named, err
}

// publish publishes the bytes of a record on a topic, with the schema of the topic.
func (d *DeadLetters) publish(ctx context.Context, topic, key string, payload []byte, properties map[string]string) error {
	schema, err := contracts.AvroSchema(topic)
	if err != nil {
		return err
	}
	producer, err := d.client.CreateProducer(pulsar.ProducerOptions{
		Topic: fullName(topic), Schema: pulsar.NewAvroSchema(schema, nil), DisableBatching: len(payload) > maxShown,
	})
	if err != nil {
		return fmt.Errorf("publish on %s: %w", topic, errs.Transient(err))
	}
	defer producer.Close()
	if _, err := producer.Send(ctx, &pulsar.ProducerMessage{Payload: payload, Key: key, Properties: properties}); err != nil {
		return fmt.Errorf("publish on %s: %w", topic, errs.Transient(err))
	}
	return nil
}

func fullName(topic string) string { return "persistent://public/default/" + topic }

// walk calls visit for each dead letter until visit returns false. Dead letters that visit does not acknowledge stay. The
// caller holds turn.
func (d *DeadLetters) walk(ctx context.Context, visit func(pulsar.Consumer, letter) (more bool, err error)) error {
	for _, topic := range contracts.Names() {
		if more, err := d.walkTopic(ctx, topic, visit); err != nil || !more {
			return err
		}
	}
	return nil
}

func (d *DeadLetters) walkTopic(ctx context.Context, topic string, visit func(pulsar.Consumer, letter) (bool, error)) (bool, error) {
	found, err := d.howMany(ctx, topic)
	if err != nil || found == 0 {
		return err == nil, err
	}
	consumer, err := d.client.Subscribe(pulsar.ConsumerOptions{
		Topic: fullName(topic + "-dlq"), SubscriptionName: deadLetterSubscription, Type: pulsar.Shared,
		SubscriptionInitialPosition: pulsar.SubscriptionPositionEarliest, ReceiverQueueSize: maxPerTopic, EnableBatchIndexAcknowledgment: true, AckWithResponse: true,
	})
	if err != nil {
		return false, fmt.Errorf("dead letters of %s: %w", topic, errs.Transient(err))
	}
	defer consumer.Close()
	for range min(found, maxPerTopic) {
		deadline, cancel := context.WithTimeout(ctx, noMoreAfter)
		message, err := consumer.Receive(deadline)
		cancel()
		if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
			return true, nil
		}
		if err != nil {
			return false, err
		}
		if more, err := visit(consumer, d.letter(topic, message)); err != nil || !more {
			return false, err
		}
	}
	return true, nil
}

// howMany returns the number of dead letters of topic.
func (d *DeadLetters) howMany(ctx context.Context, topic string) (int64, error) {
	list, err := d.broker.Queues(ctx, topic+"-dlq")
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

// letter is a dead letter with the message and payload that Reponer needs.
type letter struct {
	contracts.MensajeMuerto
	message pulsar.Message
	payload []byte // the original bytes; nil when they were cut
}

// letter describes the dead letter message of topic, decoded or not.
func (d *DeadLetters) letter(topic string, message pulsar.Message) letter {
	r, p := d.codecs.read(topic, message.Payload()), message.Properties()
	attempts, _ := strconv.Atoi(p[pubsub.PropertyTries]) // 0 when another program made the dead letter
	l := letter{message: message, payload: message.Payload(), MensajeMuerto: contracts.MensajeMuerto{
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
