package pulsar

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/apache/pulsar-client-go/pulsar"

	"entregas/contracts"
	"entregas/internal/errs"
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
