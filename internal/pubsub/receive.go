package pubsub

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync"

	"github.com/gorilla/mux"

	"entregas/contracts"
	"entregas/internal/errs"
	"entregas/internal/failpoint"
	"entregas/internal/logging"
)

// MaxAttempts is how often a message is tried that fails for a reason which is not trouble of the infrastructure.
//
//settings:wait
const MaxAttempts = 10

// Intentos counts the failed tries of a record, over restarts and replicas.
type Intentos interface {
	// Count adds one to the tries of the record and returns how many there were.
	Count(ctx context.Context, record string) (int, error)
}

// Receiver receives messages that Dapr delivers by HTTP.
type Receiver struct {
	routes    *mux.Router
	publisher *Publisher
	attempts  Intentos
	large     sync.Mutex // held by the one large delivery that is being read
}

// NewReceiver adds its routes to routes, as components/subscriptions names them: POST /messages/{topic}.
func NewReceiver(routes *mux.Router, p *Publisher, i Intentos) *Receiver {
	return &Receiver{routes: routes, publisher: p, attempts: i}
}

// Receive calls handle for each message of topic, with a context whose log lines name the purchase. What it returns decides:
//
//	nil                              the message is acked
//	errs.Unavailable             trouble: redelivered for ever
//	BadMessage, Invalid            the message is bad: a dead letter with the reason, then acked
//	any other, and a panic           redelivered; bad after MaxAttempts
func Receive[D any](r *Receiver, topic contracts.TopicName[D], handle func(ctx context.Context, m contracts.Message[D]) error) {
	ReceiveAt(r, "/mensajes/"+string(topic), topic, handle)
}

// ReceiveAt is Receive at a route of its own, for a second subscription of the same topic.
func ReceiveAt[D any](r *Receiver, path string, topic contracts.TopicName[D], handle func(ctx context.Context, m contracts.Message[D]) error) {
	r.routes.HandleFunc(path, func(w http.ResponseWriter, request *http.Request) {
		status, ctx := "SUCCESS", request.Context()
		d, end, err := readDelivery(request.Body, &r.large)
		defer end()
		if err == nil {
			m, unreadable := decode[D](&d)
			ctx = logging.WithCompra(logging.WithTrace(ctx, m.Traceparent), contracts.Cut(m.IDCompra(), contracts.MaxIdentifier))
			err = receiveOne(ctx, r, topic, m, d, unreadable, handle)
		}
		if err != nil {
			slog.WarnContext(ctx, "mensaje devuelto al broker", "tema", topic, "error", Words(err.Error(), MaxReason))
			status = "RETRY"
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]string{"status": status}) // unread, it is redelivered
	}).Methods(http.MethodPost)
}

// decode reads the message of a delivery. An error is one that no handler may see; what can be read of it comes with it.
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

// receiveOne has m handled, unless it is unreadable, and does what Receive says. An error is a message to be redelivered.
func receiveOne[D any](ctx context.Context, r *Receiver, topic contracts.TopicName[D], m contracts.Message[D], d delivery, unreadable error, handle func(context.Context, contracts.Message[D]) error) error {
	err := unreadable
	if err == nil {
		err = m.CheckEnvelope()
	}
	if err == nil {
		err = withoutPanic(func() error { return handle(ctx, m) })
	}
	if err == nil {
		failpoint.Point(failpoint.Handled, string(m.Type))
		return nil
	}
	switch errs.Of(err) {
	case errs.Unavailable:
		return err
	case errs.BadMessage, errs.Invalid:
		return deadLetter(ctx, r, topic, m, d, err, 1)
	}
	record, err2 := m.Encode()
	if err2 != nil {
		return fmt.Errorf("%w (y no se pudo contar: %w)", err, err2)
	}
	attempts, countErr := r.attempts.Count(ctx, string(topic)+"/"+Sum(record)) // its id may be anything, also another's
	if countErr != nil {
		return fmt.Errorf("%w (y no se pudo contar: %w)", err, countErr)
	}
	if attempts < MaxAttempts {
		return fmt.Errorf("intento %d de %d: %w", attempts, MaxAttempts, err)
	}
	return deadLetter(ctx, r, topic, m, d, err, attempts)
}

// deadLetter makes m a dead letter. Only when the broker has it is the original acked.
func deadLetter[D any](ctx context.Context, r *Receiver, topic contracts.TopicName[D], m contracts.Message[D], d delivery, cause error, attempts int) error {
	if err := setAside(ctx, r.publisher, topic, m, d, cause, attempts); err != nil {
		return fmt.Errorf("apartar el mensaje (%w): %w", cause, err)
	}
	slog.WarnContext(ctx, "mensaje muerto", "tema", topic, "registro", Words(m.ID, contracts.MaxIdentifier), "tipo", Words(string(m.Type), contracts.MaxIdentifier),
		"motivo", Words(cause.Error(), MaxReason), "intentos", attempts)
	return nil
}

func withoutPanic(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return f()
}
