package pubsub

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"github.com/gorilla/mux"
	"go.opentelemetry.io/otel/trace"

	"entregas/contracts"
	"entregas/internal/errs"
	"entregas/internal/failpoint"
	"entregas/internal/logging"
	"entregas/internal/telemetry"
)

// MaxAttempts is how often the handler of a message is tried when it fails for another reason than trouble of the
// infrastructure.
//
//settings:wait
const MaxAttempts = contracts.MaxTries

// Attempts counts the failed attempts to handle a record, across restarts and replicas.
type Attempts interface {
	// Count adds one to the attempts of the record and returns their number.
	Count(ctx context.Context, record string) (int, error)
}

// Receiver receives the messages that Dapr delivers by HTTP.
type Receiver struct {
	routes    *mux.Router
	publisher *Publisher
	attempts  Attempts
	large     sync.Mutex // held while a large delivery is read
}

// NewReceiver returns a Receiver that adds its routes to routes, publishes dead letters through p, and counts in attempts.
func NewReceiver(routes *mux.Router, p *Publisher, attempts Attempts) *Receiver {
	return &Receiver{routes: routes, publisher: p, attempts: attempts}
}

// Receive calls handle for each message of topic, at the route POST /mensajes/{topic} that components/subscriptions names. The
// log lines of its context have the id of the purchase. The code of the error that handle returns decides:
//
//	nil                   the message is acknowledged
//	Unavailable           trouble of the infrastructure: redelivered without limit
//	BadMessage, Invalid   a dead letter with the reason, then acknowledged
//	any other, a panic    redelivered; a dead letter after MaxAttempts
func Receive[D any](r *Receiver, topic contracts.TopicName[D], handle func(ctx context.Context, m contracts.Message[D]) error) {
	ReceiveAt(r, "/mensajes/"+string(topic), topic, handle)
}

// ReceiveAt is Receive at the route POST path, for a second subscription of the same topic.
func ReceiveAt[D any](r *Receiver, path string, topic contracts.TopicName[D], handle func(ctx context.Context, m contracts.Message[D]) error) {
	r.routes.HandleFunc(path, func(w http.ResponseWriter, request *http.Request) {
		status, ctx := "SUCCESS", request.Context()
		start, outcome := time.Now(), telemetry.Retry
		d, end, err := readDelivery(request.Body, &r.large)
		defer end()
		if err == nil {
			m, unreadable := decode[D](&d)
			idCompra := contracts.Cut(m.IDCompra(), contracts.MaxIdentifier)
			var span trace.Span
			ctx, span = telemetry.Handling(ctx, m.Traceparent, string(topic), contracts.Cut(string(m.Type), contracts.MaxIdentifier), idCompra, contracts.Cut(m.ID, contracts.MaxIdentifier))
			defer span.End()
			ctx = logging.WithCompra(ctx, idCompra)
			outcome, err = receiveOne(ctx, r, topic, m, d, unreadable, handle)
			telemetry.Fail(span, err)
		}
		if err != nil {
			slog.WarnContext(ctx, "message given back to the broker", "topic", topic, "error", Words(err.Error(), MaxReason))
			status = "RETRY"
		}
		telemetry.Handled(ctx, string(topic), outcome, start)
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]string{"status": status}) // after an error the message is redelivered
	}).Methods(http.MethodPost)
}

// decode returns the message of a delivery. An error means that no handler may get the message, which then has the fields that
// could be read.
func decode[D any](d *delivery) (contracts.Message[D], error) {
	if d.cut() {
		return contracts.Beginning[D](d.record), tooLarge(d)
	}
	m, err := contracts.Decode[D](d.record)
	switch {
	case err != nil:
		return contracts.Beginning[D](d.record), err
	case d.bytes > contracts.MaxRecord:
		err = tooLarge(d)
	}
	d.read = true
	return m, err
}

func tooLarge(d *delivery) error {
	return fmt.Errorf("%w: tiene %d bytes; puede tener a lo sumo %d", contracts.ErrUnreadable, d.bytes, contracts.MaxRecord)
}

// receiveOne calls handle for m, unless unreadable is set, and makes a dead letter of m where Receive says so. It returns what
// became of m, and an error when m must be redelivered.
func receiveOne[D any](ctx context.Context, r *Receiver, topic contracts.TopicName[D], m contracts.Message[D], d delivery, unreadable error, handle func(context.Context, contracts.Message[D]) error) (outcome string, err error) {
	err = unreadable
	if err == nil {
		err = m.CheckEnvelope()
	}
	if err == nil {
		err = withoutPanic(func() error { return handle(ctx, m) })
	}
	if err == nil {
		failpoint.Point(failpoint.Handled, string(m.Type))
		return telemetry.Done, nil
	}
	switch errs.Of(err) {
	case errs.Unavailable:
		return telemetry.Retry, err
	case errs.BadMessage, errs.Invalid:
		return deadLetter(ctx, r, topic, m, d, err, 1)
	}
	record, err2 := m.Encode()
	if err2 != nil {
		return telemetry.Retry, fmt.Errorf("%w (and the attempt was not counted: %w)", err, err2)
	}
	attempts, countErr := r.attempts.Count(ctx, string(topic)+"/"+Sum(record)) // not by its id, which the producer chose
	if countErr != nil {
		return telemetry.Retry, fmt.Errorf("%w (and the attempt was not counted: %w)", err, countErr)
	}
	if attempts < MaxAttempts {
		return telemetry.Retry, fmt.Errorf("attempt %d of %d: %w", attempts, MaxAttempts, err)
	}
	return deadLetter(ctx, r, topic, m, d, err, attempts)
}

// deadLetter makes a dead letter of m. An error means that the broker has not stored it, so m must not be acknowledged.
func deadLetter[D any](ctx context.Context, r *Receiver, topic contracts.TopicName[D], m contracts.Message[D], d delivery, cause error, attempts int) (outcome string, err error) {
	if err := setAside(ctx, r.publisher, topic, m, d, cause, attempts); err != nil {
		return telemetry.Retry, fmt.Errorf("make a dead letter (%w): %w", cause, err)
	}
	trace.SpanFromContext(ctx).AddEvent("dead letter", trace.WithAttributes(telemetry.KeyResult.String(string(errs.Of(cause)))))
	slog.WarnContext(ctx, "dead letter", "topic", topic, "record", Words(m.ID, contracts.MaxIdentifier), "type", Words(string(m.Type), contracts.MaxIdentifier),
		"reason", Words(cause.Error(), MaxReason), "attempts", attempts)
	return telemetry.Dead, nil
}

func withoutPanic(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return f()
}
