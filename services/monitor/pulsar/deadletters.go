package pulsar

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/apache/pulsar-client-go/pulsar"

	"entregas/contracts"
	"entregas/internal/actor"
	"entregas/internal/errs"
	"entregas/internal/pubsub"
)

// deadLetterSubscription is the subscription that keeps each dead letter until an operator returns or discards it. The set-up creates it
// with the topics.
const deadLetterSubscription = "operador"

const (
	maxPerTopic  = 500   // dead letters that one look reads from a topic
	maxDiscarded = 5_000 // discarded letters that one look reads
	// noMoreAfter is how long a look waits for a further dead letter of a topic. When none comes, another consumer holds the
	// remaining ones.
	noMoreAfter = 2 * time.Second
	maxShown    = 64 << 10  // bytes of a record that the list shows
	maxList     = 448 << 10 // bytes of the list as JSON: half the limit of the bff for an answer, as GraphQL escapes records once more
)

// DeadLetters reads, returns, discards and makes dead letters.
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

// List returns the messages that f selects, oldest first: dead letters and messages that wait for an operator on their topic. With
// f.Descartados it returns the discarded dead letters, newest first. If a message cannot be decoded, the list has only its position.
// The list has at most maxList bytes: List leaves out the last messages that do not fit. The bytes that are left go to the records
// of the listed messages. A topic that cannot be read is logged and left out. If no topic can be read, List returns an error.
func (d *DeadLetters) List(ctx context.Context, f contracts.MensajesMuertosFilter) ([]contracts.MensajeMuerto, error) {
	list, err := d.letters(ctx, f)
	if err != nil {
		return nil, err
	}
	if !f.Descartados {
		waiting, err := d.Waiting(ctx)
		if err != nil {
			slog.WarnContext(ctx, "the list of dead letters is incomplete: the waiting messages could not be read", "error", err)
		}
		for _, w := range waiting {
			list = append(list, w.letter())
		}
	}
	list = slices.DeleteFunc(list, func(m contracts.MensajeMuerto) bool { return !f.Selects(m) })
	slices.SortFunc(list, func(a, b contracts.MensajeMuerto) int {
		if f.Descartados {
			return b.DescartadoEn.Compare(*a.DescartadoEn)
		}
		return a.En.Compare(b.En)
	})
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

// letters returns the messages of the queues that f needs and that can be read, or an error if none can be read.
func (d *DeadLetters) letters(ctx context.Context, f contracts.MensajesMuertosFilter) ([]contracts.MensajeMuerto, error) {
	d.turn.Lock()
	defer d.turn.Unlock()
	list, failed := []contracts.MensajeMuerto{}, []error{}
	queues := slices.DeleteFunc(allQueues(), func(q queue) bool {
		return q.discarded() != f.Descartados || f.Tema != "" && q.topic != f.Tema && !q.discarded()
	})
	for _, q := range queues {
		_, err := d.walkQueue(ctx, q, func(_ pulsar.Consumer, item letter) (bool, error) {
			list = append(list, item.MensajeMuerto)
			return true, nil
		})
		if err != nil {
			failed = append(failed, err)
		}
	}
	err := errors.Join(failed...)
	if len(failed) == len(queues) && err != nil {
		return nil, err
	}
	if err != nil {
		slog.WarnContext(ctx, "the list of dead letters is incomplete", "error", err)
	}
	return list, nil
}

// Load returns the dead letter, discarded letter or waiting message id, with its record where that has at most maxList bytes. Errors as
// for Devolver.
func (d *DeadLetters) Load(ctx context.Context, id string) (contracts.MensajeMuerto, error) {
	d.turn.Lock()
	defer d.turn.Unlock()
	one, err := d.on(ctx, id, func(pulsar.Consumer, letter) error { return nil })
	if errs.Of(err) == errs.NotFound && contracts.IsPlace(id) {
		var entry []Awaiting
		if entry, err = d.find(ctx, id); err == nil {
			i := slices.IndexFunc(entry, func(a Awaiting) bool { return position(a.message.ID()) == id })
			one = entry[i].letter()
		} else if errs.Of(err) == errs.NotFound {
			err = notFound(id)
		}
	}
	if len(one.Registro) > maxList {
		one.Bytes, one.Registro = max(one.Bytes, int64(len(one.Registro))), nil
	}
	return one, err
}

// Devolver publishes a dead letter on its original topic, byte for byte, and acknowledges it when the broker has stored it
// there. After a crash between these two steps the message is on both topics; its reader is idempotent. id is the position of
// the dead letter, or the id of its record if no other dead letter has that id; producers choose the ids of records. Errors:
// NotFound; Conflict when several have the id, or when the original was too large to be kept.
func (d *DeadLetters) Devolver(ctx context.Context, id string) (contracts.MensajeMuerto, error) {
	d.turn.Lock()
	defer d.turn.Unlock()
	out := d.newOutlet()
	defer out.Close()
	return d.on(ctx, id, func(consumer pulsar.Consumer, item letter) error { return putBack(ctx, out, consumer, item) })
}

// putBack publishes item on its topic through out and acknowledges it.
func putBack(ctx context.Context, out *outlet, consumer pulsar.Consumer, item letter) error {
	if item.payload == nil {
		return errs.New(errs.Conflict, "El mensaje muerto %s se guardó recortado: no se puede devolver a su tema.", item.ID)
	}
	if err := out.publish(ctx, item.Tema, item.IDCompra, item.payload, nil); err != nil {
		return err
	}
	return consumer.Ack(item.message)
}

// enoughTime is how long DevolverMany goes on to return further dead letters. It is less than the bff waits for monitor, so that an
// operator learns what became of each.
const enoughTime = 10 * time.Second

// DevolverMany returns the dead letters at the positions ids to their topics, as Devolver does, in one look at the queues. It returns
// a result for each id, in the order of ids. A letter that fails does not hold up the others.
func (d *DeadLetters) DevolverMany(ctx context.Context, ids []string) ([]contracts.ResultadoDeDevolucion, error) {
	d.turn.Lock()
	defer d.turn.Unlock()
	out, end := d.newOutlet(), time.Now().Add(enoughTime)
	defer out.Close()
	results := make([]contracts.ResultadoDeDevolucion, len(ids))
	left := map[string]*contracts.ResultadoDeDevolucion{}
	for i, id := range ids {
		results[i] = contracts.ResultadoDeDevolucion{ID: id}
		left[id] = &results[i]
	}
	var failures []error
	for _, q := range allQueues() {
		if len(left) == 0 {
			break
		}
		_, err := d.walkQueue(ctx, q, func(consumer pulsar.Consumer, item letter) (bool, error) {
			r := left[item.ID]
			if r == nil {
				return true, nil
			}
			if time.Now().After(end) {
				return false, nil
			}
			delete(left, item.ID)
			r.Tema, r.Tipo = item.Tema, item.Tipo
			if err := putBack(ctx, out, consumer, item); err != nil {
				slog.WarnContext(ctx, "a dead letter was not returned", "place", item.ID, "topic", item.Tema, "error", err)
				r.Detalle = inWords(err)
			} else {
				r.Devuelto = true
			}
			return len(left) > 0, nil
		})
		failures = append(failures, err)
	}
	incomplete := errors.Join(failures...)
	if incomplete != nil && len(left) == len(ids) {
		return nil, errs.Transient(incomplete)
	}
	for id, r := range left {
		switch {
		case incomplete != nil:
			r.Detalle = "No se pudo buscar en todas las colas. Intente de nuevo."
		case time.Now().After(end):
			r.Detalle = "No alcanzó el tiempo: sigue donde estaba. Intente de nuevo."
		default:
			r.Detalle = notFound(id).Error()
		}
	}
	return results, nil
}

// Descartar moves a dead letter to contracts.MensajesDescartados, with its properties, the reason motivo and the person of ctx. It
// acknowledges the dead letter when the broker has stored the copy, so no record is lost (docs/adr/discarded-is-kept.md). Devolver
// returns a discarded letter to its original topic. Errors as for Devolver; Conflict also when the letter is discarded already.
func (d *DeadLetters) Descartar(ctx context.Context, id, motivo string) (contracts.MensajeMuerto, error) {
	d.turn.Lock()
	defer d.turn.Unlock()
	out, who := d.newOutlet(), actor.Of(ctx)
	defer out.Close()
	one, err := d.on(ctx, id, func(consumer pulsar.Consumer, item letter) error {
		if item.DescartadoEn != nil {
			return errs.New(errs.Conflict, "El mensaje %s ya está descartado.", id)
		}
		if err := d.keepDiscarded(); err != nil {
			return err
		}
		properties := maps.Clone(item.message.Properties())
		if properties == nil {
			properties = map[string]string{}
		}
		properties[pubsub.PropertyTopic], properties[pubsub.PropertySetAsideAt] = item.Tema, contracts.FormatInstant(item.En)
		properties[pubsub.PropertyDiscardReason] = pubsub.Words(motivo, contracts.MaxMotivo)
		properties[pubsub.PropertyDiscardedBy], properties[pubsub.PropertyDiscardedRole] = who.Sujeto, who.Rol
		if err := out.publish(ctx, contracts.MensajesDescartados, "", item.message.Payload(), properties); err != nil {
			return err
		}
		return consumer.Ack(item.message)
	})
	if err == nil {
		one.DescartadoEn, one.DescartadoPor, one.MotivoDescarte = new(time.Now().UTC()), who.Sujeto, motivo
	}
	return one, err
}

// keepDiscarded makes sure that the topic of the discarded letters has its subscription. Without one, the broker would delete them
// after its retention.
func (d *DeadLetters) keepDiscarded() error {
	consumer, err := d.client.Subscribe(pulsar.ConsumerOptions{
		Topic: fullName(contracts.MensajesDescartados), SubscriptionName: deadLetterSubscription, Type: pulsar.Shared,
		SubscriptionInitialPosition: pulsar.SubscriptionPositionEarliest, EnableZeroQueueConsumer: true,
	})
	if err != nil {
		return fmt.Errorf("subscription of %s: %w", contracts.MensajesDescartados, errs.Transient(err))
	}
	consumer.Close()
	return nil
}

// on calls do once for the letter id and returns the letter. id is a position, or the id of a record that no other letter has. Errors:
// NotFound, Conflict when several have the id, and those of do. The caller holds turn.
func (d *DeadLetters) on(ctx context.Context, id string, do func(pulsar.Consumer, letter) error) (contracts.MensajeMuerto, error) {
	one, named, err := d.at(ctx, id, do)
	if err == nil && one == nil && len(named) == 1 {
		one, _, err = d.at(ctx, named[0], do)
	}
	switch {
	case err != nil:
		return contracts.MensajeMuerto{}, err
	case one != nil:
		return *one, nil
	case len(named) > 1:
		return contracts.MensajeMuerto{}, errs.New(errs.Conflict, "%d mensajes muertos tienen el registro %s: diga cuál por su lugar, como %s.", len(named), id, named[0])
	}
	return contracts.MensajeMuerto{}, notFound(id)
}

// inWords returns what err says to a person.
func inWords(err error) string {
	if own := (*errs.Error)(nil); errors.As(err, &own) {
		return own.Message
	}
	return errs.NotResponding
}

func notFound(id string) error { return errs.New(errs.NotFound, "No hay un mensaje muerto %s.", id) }

// at calls do for the letter at position id and returns the letter, or nil when there is none. named has the positions of the letters
// whose record has that id; it is empty when id has the form of a position.
func (d *DeadLetters) at(ctx context.Context, id string, do func(pulsar.Consumer, letter) error) (one *contracts.MensajeMuerto, named []string, err error) {
	err = d.walk(ctx, func(consumer pulsar.Consumer, item letter) (bool, error) {
		if item.ID != id {
			if item.IDRegistro == id && !contracts.IsPlace(id) {
				named = append(named, item.ID)
			}
			return true, nil
		}
		one = &item.MensajeMuerto
		return false, do(consumer, item)
	})
	return one, named, err
}

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
