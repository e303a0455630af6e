package pubsub_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/gorilla/mux"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"entregas/contracts"
	"entregas/internal/errs"
	"entregas/internal/logging"
	"entregas/internal/pubsub"
	"entregas/internal/pubsubtest"
)

type data = contracts.DatosComandoProducto

const topic = contracts.ComandosProducto

var oneMessage = contracts.NewMessage("test", contracts.ReservarProducto, "", data{IDCompra: "c", Productos: []contracts.Linea{{IDProducto: "1", Cantidad: 2}}})

// program is a program with one handler.
type program struct {
	routes   *mux.Router
	broker   pubsubtest.Broker
	attempts pubsubtest.Attempts
}

func newProgram(handle func(ctx context.Context, m contracts.Message[data]) error) *program {
	p := &program{routes: mux.NewRouter()}
	publisher := pubsub.NewPublisher(&p.broker, "test")
	pubsub.Receive(pubsub.NewReceiver(p.routes, publisher, &p.attempts), topic, handle)
	return p
}

func (p *program) deadLetters(t *testing.T) int {
	return len(pubsubtest.Published(t, &p.broker, topic.DeadLetters()))
}

// The error of a handler decides about its message: docs/adr/trouble-is-not-a-bad-message.md.
func TestWhatAHandlerReturnsDecides(t *testing.T) {
	cases := []struct {
		name        string
		returns     error
		deliveries  int // how often the broker delivers the message
		answer      string
		deadLetters int
		attempts    string
	}{
		{"handled", nil, 1, "SUCCESS", 0, ""},
		{"makes no sense", errs.New(errs.BadMessage, "no lo conozco"), 1, "SUCCESS", 1, "1"},
		{"invalid data", &contracts.ValidationError{Errores: []contracts.InvalidField{{Field: "cantidad", Detalle: "es 0"}}}, 1, "SUCCESS", 1, "1"},
		{"infrastructure, for ever", context.DeadlineExceeded, 50, "RETRY", 0, ""},
		{"the broker is down, for ever", fmt.Errorf("publish: %w", status.Error(codes.Unavailable, "no broker")), 50, "RETRY", 0, ""},
		{"unexpected, the ninth time", errors.New("what is this?"), 9, "RETRY", 0, ""},
		{"unexpected, the tenth time", errors.New("what is this?"), 10, "SUCCESS", 1, "10"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p := newProgram(func(context.Context, contracts.Message[data]) error { return c.returns })
			var answer string
			for range c.deliveries {
				answer = pubsubtest.Deliver(t, p.routes, topic, oneMessage)
			}
			if answer != c.answer || p.deadLetters(t) != c.deadLetters {
				t.Fatalf("it answers %s and there are %d dead letters; want %s and %d", answer, p.deadLetters(t), c.answer, c.deadLetters)
			}
			if c.deadLetters == 0 {
				return
			}
			deadLetter := pubsubtest.Published(t, &p.broker, topic.DeadLetters())[0]
			if deadLetter.ID != oneMessage.ID || deadLetter.Data.Productos[0] != oneMessage.Data.Productos[0] {
				t.Errorf("the dead letter is another message: %+v", deadLetter)
			}
			if m := p.broker.Metadata(string(topic) + "-dlq")[0]; m["motivo"] != c.returns.Error() || m["intentos"] != c.attempts || m["origen"] != "test" {
				t.Errorf("the dead letter has %v", m)
			}
		})
	}
}

// The dead letters of a purchase have its id as their key, as its messages do. A record without a valid id has none.
func TestADeadLetterHasTheKey(t *testing.T) {
	const id = "01938f5e-7c1a-7000-8000-000000000001"
	for idCompra, key := range map[string]string{id: id, "c": "", "": "", strings.Repeat("x", 100): ""} {
		p := newProgram(refuse)
		m := oneMessage
		m.Data.IDCompra = idCompra
		pubsubtest.Deliver(t, p.routes, topic, m)
		if got := p.broker.Metadata(string(topic) + "-dlq")[0]["partitionKey"]; got != key {
			t.Errorf("%q: the key is %q", idCompra, got)
		}
	}
}

func TestPanicCountsAsTheUnexpected(t *testing.T) {
	p := newProgram(func(context.Context, contracts.Message[data]) error { panic("index out of range") })
	for attempt := 1; attempt <= pubsub.MaxAttempts; attempt++ {
		answer := pubsubtest.Deliver(t, p.routes, topic, oneMessage)
		if (answer == "SUCCESS") != (attempt == pubsub.MaxAttempts) {
			t.Fatalf("attempt %d: %s", attempt, answer)
		}
	}
	if p.deadLetters(t) != 1 {
		t.Fatal("it is no dead letter")
	}
}

func TestAttemptsAreOfEachRecord(t *testing.T) {
	p := newProgram(func(context.Context, contracts.Message[data]) error { return errors.New("unexpected") })
	for n := range 2 * pubsub.MaxAttempts {
		other := oneMessage
		other.ID = fmt.Sprint("record ", n)
		if answer := pubsubtest.Deliver(t, p.routes, topic, other); answer != "RETRY" {
			t.Fatal("the attempts of different records count together")
		}
	}
}

func TestUnreadableIsADeadLetter(t *testing.T) {
	for name, record := range map[string]string{
		"not JSON":         `{`,
		"not its topic's":  `{"id":"1","type":"X","sorpresa":1}`,
		"nothing in it":    `{}`,
		"an empty payload": ``,
	} {
		t.Run(name, func(t *testing.T) {
			p := newProgram(func(context.Context, contracts.Message[data]) error { t.Error("it reached the handler"); return nil })
			answer := pubsubtest.DeliverText(t, p.routes, "/mensajes/"+string(topic), []byte(record))
			if answer != "SUCCESS" || len(p.broker.Metadata(string(topic)+"-dlq")) != 1 {
				t.Fatalf("it answers %s, dead letters: %v", answer, p.broker.Metadata(string(topic)+"-dlq"))
			}
		})
	}
}

// Failure prevented: a message is acknowledged although its dead letter could not be published, and is lost.
func TestWithNowhereToSetItAsideItIsNotLost(t *testing.T) {
	p := newProgram(func(context.Context, contracts.Message[data]) error {
		return errs.New(errs.BadMessage, "malo")
	})
	p.broker.Fail(errors.New("the broker does not answer"))
	if answer := pubsubtest.Deliver(t, p.routes, topic, oneMessage); answer != "RETRY" {
		t.Fatalf("it answers %s", answer)
	}
	p.broker.Fail(nil)
	if answer := pubsubtest.Deliver(t, p.routes, topic, oneMessage); answer != "SUCCESS" || p.deadLetters(t) != 1 {
		t.Fatalf("it answers %s, with %d dead letters", answer, p.deadLetters(t))
	}
}

func TestWhatCannotBeCountedIsRetried(t *testing.T) {
	p := newProgram(func(context.Context, contracts.Message[data]) error { return errors.New("unexpected") })
	p.attempts.Fail(errors.New("the database does not answer"))
	for range 3 * pubsub.MaxAttempts {
		if answer := pubsubtest.Deliver(t, p.routes, topic, oneMessage); answer != "RETRY" {
			t.Fatalf("it answers %s", answer)
		}
	}
}

// The log lines about a message have id_compra: the lines of the handler, and the lines about a redelivery or a dead letter.
func TestLogNamesTheCompra(t *testing.T) {
	for name, returns := range map[string]error{"handled": nil, "given back": context.DeadlineExceeded, "set aside": errs.New(errs.BadMessage, "malo")} {
		t.Run(name, func(t *testing.T) {
			var output strings.Builder
			earlier := slog.Default()
			slog.SetDefault(logging.New(&output, "test", "INFO"))
			t.Cleanup(func() { slog.SetDefault(earlier) })
			p := newProgram(func(ctx context.Context, _ contracts.Message[data]) error {
				slog.InfoContext(ctx, "received")
				return returns
			})
			pubsubtest.Deliver(t, p.routes, topic, oneMessage)
			for line := range strings.Lines(output.String()) {
				if !strings.Contains(line, `"id_compra":"c"`) {
					t.Error(line)
				}
			}
		})
	}
}

func TestTraceGoesWithTheMessage(t *testing.T) {
	const trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	var broker pubsubtest.Broker
	publisher := pubsub.NewPublisher(&broker, "test")
	p := newProgram(func(ctx context.Context, m contracts.Message[data]) error {
		return pubsub.Publish(ctx, publisher, contracts.EventosProductos, contracts.ProductosReservados, m.Data.IDCompra, contracts.DatosEventoProductos{})
	})
	forward := oneMessage
	forward.Traceparent = trace
	pubsubtest.Deliver(t, p.routes, topic, forward)
	back := pubsubtest.Published(t, &broker, contracts.EventosProductos)
	if len(back) != 1 || back[0].Traceparent != trace || back[0].ServiceName != "test" {
		t.Fatalf("published %+v", back)
	}
	if m := broker.Metadata(string(contracts.EventosProductos)); m[0]["partitionKey"] != "c" {
		t.Errorf("no ordering key: %v", m)
	}
	if logging.Trace(context.Background()) != "" {
		t.Error("a trace from nowhere")
	}
}
