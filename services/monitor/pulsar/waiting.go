package pulsar

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/apache/pulsar-client-go/pulsar"

	"entregas/contracts"
	"entregas/internal/errs"
	"entregas/internal/pubsub"
	"entregas/services/monitor/queues"
)

const (
	// tooOld is the age from which a look reads a pending message. Most messages are handled sooner.
	tooOld   = 5 * time.Second
	maxLook  = 200    // pending messages of a subscription after which a look starts no further entry
	maxEntry = 10_000 // messages of one entry that a look reads
	// aLook is how long one look at the pending messages may take.
	aLook = 3 * time.Second
	// forOperator is the age from which an operator may set aside a message that its reader can decode.
	forOperator = 30 * time.Second
	maxRaw      = 256 << 10 // the largest undecodable message that its dead letter keeps, in bytes
)

// Awaiting is a message that its reader has not acknowledged.
type Awaiting struct {
	Topic, Subscription string
	message             pulsar.Message
	record              record
}

// waiting has the number of undecodable messages that the last look found, by topic and subscription.
type waiting struct {
	mu    sync.Mutex
	found map[[2]string]int
}

// Undecodable calls f for each subscription with the number of messages that no sidecar can deliver to its programs, as of the
// last Watch. A subscription that Watch could not read is left out.
func (d *DeadLetters) Undecodable(f func(topic, subscription string, n int)) {
	d.waiting.mu.Lock()
	defer d.waiting.mu.Unlock()
	for k, n := range d.waiting.found {
		f(k[0], k[1], n)
	}
}

// Watch counts the undecodable messages of every queue, for Undecodable.
func (d *DeadLetters) Watch(ctx context.Context) error {
	found, failures := map[[2]string]int{}, []error{}
	err := d.look(ctx, func(c queues.Queue, faulty []Awaiting, err error) {
		if err == nil {
			found[[2]string{c.Topic, c.Subscription}] = len(faulty)
		}
		failures = append(failures, err)
	})
	d.waiting.mu.Lock()
	d.waiting.found = found
	d.waiting.mu.Unlock()
	return errors.Join(append(failures, err)...)
}

// Waiting returns the messages that no sidecar can deliver to its program. The broker redelivers each of them until an operator
// sets it aside.
func (d *DeadLetters) Waiting(ctx context.Context) ([]Awaiting, error) {
	var all []Awaiting
	var failures []error
	err := d.look(ctx, func(_ queues.Queue, faulty []Awaiting, err error) {
		all, failures = append(all, faulty...), append(failures, err)
	})
	return all, errors.Join(append(failures, err)...)
}

// look calls see for each durable subscription of each topic, with its undecodable messages or the error of reading it.
func (d *DeadLetters) look(ctx context.Context, see func(c queues.Queue, faulty []Awaiting, err error)) error {
	all, err := queues.Load(ctx, d.broker)
	for _, topic := range contracts.Names() {
		for _, c := range all[topic] {
			if !c.Durable {
				continue
			}
			var faulty []Awaiting
			var err error
			if c.Age(time.Now()) > tooOld {
				err = d.pending(ctx, c, func(a Awaiting) bool {
					if a.record.fault != "" {
						faulty = append(faulty, a)
					}
					return true
				})
			}
			see(c, faulty, err)
		}
	}
	return err
}

// pending calls see for the messages that the subscription of c has not acknowledged and that are older than tooOld, oldest
// first, until see returns false. It reads with a reader of its own and takes nothing from the subscription. After maxLook
// messages it ends between two entries. Within an entry it ends only after aLook or maxEntry: then see has got only the first
// messages of that entry.
func (d *DeadLetters) pending(ctx context.Context, c queues.Queue, see func(Awaiting) bool) error {
	ctx, release := context.WithTimeout(ctx, aLook)
	defer release()
	done, err := d.broker.acknowledged(ctx, c.Topic, c.Subscription)
	if err != nil {
		return err
	}
	reader, err := d.client.CreateReader(pulsar.ReaderOptions{
		Topic: fullName(c.Topic), StartMessageID: pulsar.NewMessageID(done.until.ledger, max(0, done.until.entry), -1, -1), StartMessageIDInclusive: true,
		ReceiverQueueSize: 16,
	})
	if err != nil {
		return fmt.Errorf("read %s: %w", c.Topic, errs.Transient(err))
	}
	defer reader.Close()
	seen, inEntry, at := 0, 0, place{-1, -1}
	for inEntry < maxEntry && reader.HasNext() {
		message, err := reader.Next(ctx)
		if errors.Is(err, context.DeadlineExceeded) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", c.Topic, err)
		}
		p := placeOf(message)
		if done.has(p) {
			continue
		}
		if p != at {
			if seen >= maxLook || time.Since(message.PublishTime()) < tooOld {
				return nil // later entries are younger
			}
			at, inEntry = p, 0
		}
		seen++
		inEntry++
		if !see(Awaiting{Topic: c.Topic, Subscription: c.Subscription, message: message, record: d.codecs.message(c.Topic, message)}) {
			return nil
		}
	}
	return nil
}

// letter returns a waiting message in the form of a dead letter.
func (a Awaiting) letter() contracts.MensajeMuerto {
	return contracts.MensajeMuerto{
		ID: position(a.message.ID()), Position: position(a.message.ID()), Tema: a.Topic, Origen: a.Subscription, Motivo: a.record.fault,
		IDRegistro: pubsub.Words(a.record.id, maxName), Tipo: pubsub.Words(a.record.kind, maxName),
		IDCompra: pubsub.Words(a.record.idCompra, contracts.MaxIdentifier),
		En:       a.message.PublishTime().UTC(), Pendiente: true, Bytes: int64(len(a.message.Payload())), Registro: a.record.json,
	}
}

// SetAside makes a dead letter of the message at position id and acknowledges it for its subscription, which goes on without
// it. The broker acknowledges an entry as a whole, so the other messages of the entry are published on the topic again.
// Errors: NotFound; Conflict when the reader may still handle the message, or when a look could not read the whole entry.
func (d *DeadLetters) SetAside(ctx context.Context, id string) (contracts.MensajeMuerto, error) {
	d.turn.Lock()
	defer d.turn.Unlock()
	entry, err := d.find(ctx, id)
	if err != nil {
		return contracts.MensajeMuerto{}, err
	}
	if size := max(1, int(entry[0].message.ID().BatchSize())); len(entry) != size {
		return contracts.MensajeMuerto{}, errs.New(errs.Conflict,
			"El mensaje %s llegó junto con otros: se leyeron %d de %d, y apartarlo perdería los demás. Inténtelo otra vez.", id, len(entry), size)
	}
	named := slices.IndexFunc(entry, func(a Awaiting) bool { return position(a.message.ID()) == id })
	if a := entry[named]; a.record.fault == "" && time.Since(a.message.PublishTime()) < forOperator {
		return contracts.MensajeMuerto{}, errs.New(errs.Conflict, "El mensaje %s se puede leer y es reciente: %s todavía lo puede atender.", id, a.Subscription)
	}
	out := d.newOutlet()
	defer out.Close()
	for i, a := range entry {
		if i == named || a.record.fault != "" {
			err = d.setAside(ctx, out, a)
		} else {
			err = out.publish(ctx, a.Topic, contracts.Cut(a.record.idCompra, contracts.MaxIdentifier), a.message.Payload(), nil)
		}
		if err != nil {
			return contracts.MensajeMuerto{}, err
		}
	}
	return entry[named].letter(), d.acknowledge(entry[0])
}

// find returns the messages of the entry with the waiting message at position id, as many as one look reads. Errors: NotFound;
// Unavailable when the message was not found and a subscription could not be read.
func (d *DeadLetters) find(ctx context.Context, id string) ([]Awaiting, error) {
	all, err := queues.Load(ctx, d.broker)
	failures := []error{err}
	for _, topic := range contracts.Names() {
		for _, c := range all[topic] {
			if !c.Durable || c.Pending == 0 {
				continue
			}
			var entry []Awaiting
			found := false
			err := d.pending(ctx, c, func(a Awaiting) bool {
				if len(entry) > 0 && placeOf(entry[0].message) != placeOf(a.message) {
					if found {
						return false
					}
					entry = nil
				}
				entry, found = append(entry, a), found || position(a.message.ID()) == id
				return true
			})
			if err == nil && found {
				return entry, nil
			}
			failures = append(failures, err)
		}
	}
	if err := errors.Join(failures...); err != nil {
		return nil, errs.Transient(err)
	}
	return nil, errs.New(errs.NotFound, "Ningún mensaje espera en la posición %s.", id)
}

// setAside publishes a message on the dead letter topic of its topic: as it is when it can be decoded, else as an empty record
// with the original bytes in a property.
func (d *DeadLetters) setAside(ctx context.Context, out *outlet, a Awaiting) error {
	reason := a.record.fault
	if reason == "" {
		reason = "un operador lo apartó"
	}
	payload := a.message.Payload()
	properties := map[string]string{
		pubsub.PropertyReason: reason, pubsub.PropertyOrigin: "monitor", pubsub.PropertyTries: strconv.Itoa(int(a.message.RedeliveryCount())),
		pubsub.PropertyPosition: position(a.message.ID()),
	}
	if a.record.json == nil {
		sum := sha256.Sum256(payload)
		properties[pubsub.PropertyBytes], properties[pubsub.PropertySum] = strconv.Itoa(len(payload)), hex.EncodeToString(sum[:])
		properties[pubsub.PropertyBeginning] = pubsub.Words(string(payload), maxName)
		if len(payload) <= maxRaw {
			properties[pubsub.PropertyRaw] = base64.StdEncoding.EncodeToString(payload)
		}
		var err error
		if payload, err = d.codecs.empty(a.Topic); err != nil {
			return err
		}
	}
	return out.publish(ctx, a.Topic+"-dlq", "", payload, properties)
}

func decodeRaw(text string) []byte {
	payload, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil
	}
	return payload
}

// acknowledge acknowledges the entry of a message for its shared subscription. Its consumer requests no messages, so it takes
// none from other consumers; the broker accepts an acknowledgement of any position.
func (d *DeadLetters) acknowledge(a Awaiting) error {
	consumer, err := d.client.Subscribe(pulsar.ConsumerOptions{
		Topic: fullName(a.Topic), SubscriptionName: a.Subscription, Type: pulsar.Shared, EnableZeroQueueConsumer: true, AckWithResponse: true,
	})
	if err != nil {
		return fmt.Errorf("acknowledge on %s: %w", a.Topic, errs.Transient(err))
	}
	defer consumer.Close()
	if err := consumer.AckID(pulsar.NewMessageID(a.message.ID().LedgerID(), a.message.ID().EntryID(), -1, -1)); err != nil {
		return fmt.Errorf("acknowledge on %s: %w", a.Topic, errs.Transient(err))
	}
	return nil
}
