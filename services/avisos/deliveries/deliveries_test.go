package deliveries_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel/codes"

	"entregas/contracts"
	"entregas/internal/databasetest"
	"entregas/internal/logging"
	"entregas/internal/telemetry"
	"entregas/internal/telemetrytest"
	"entregas/services/avisos/avisos"
	"entregas/services/avisos/deliveries"
	"entregas/services/avisos/postgres"
	"entregas/services/avisos/webhook"
)

// receiver answers each try to deliver an event with the next of its statuses, and the last one for ever.
type receiver struct {
	*httptest.Server
	release func()
	mu      sync.Mutex
	tries   map[string]int // by webhook-id
	traces  []string       // the traceparent of each try
	held    chan struct{}  // closed when the receiver may answer
}

func newReceiver(t *testing.T, statuses ...int) *receiver {
	r := holding(t, statuses...)
	r.release()
	return r
}

// holding returns a receiver that answers nothing before release, or the end of the test.
func holding(t *testing.T, statuses ...int) *receiver {
	r := &receiver{tries: map[string]int{}, held: make(chan struct{})}
	r.release = sync.OnceFunc(func() { close(r.held) })
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		r.mu.Lock()
		n := r.tries[request.Header.Get("webhook-id")]
		r.tries[request.Header.Get("webhook-id")]++
		r.traces = append(r.traces, request.Header.Get("traceparent"))
		r.mu.Unlock()
		<-r.held
		w.WriteHeader(statuses[min(n, len(statuses)-1)])
	}))
	t.Cleanup(func() { r.release(); r.Close() })
	return r
}

// office is a Deliverer that runs, on a database of its own.
type office struct {
	*postgres.Store
	*deliveries.Deliverer
	stop func()
}

// patience is how long a delivery waits for its answer. It is longer than any wait of the tests: no try ends by itself.
const patience = time.Minute

func newOffice(t *testing.T, plan ...time.Duration) office {
	t.Helper()
	store := postgres.New(databasetest.New(t, postgres.Migrations))
	d := deliveries.New(store, webhook.NewSender(webhook.Options{Timeout: patience, Loopback: true}),
		deliveries.Settings{Plan: plan, Every: 20 * time.Millisecond, Most: 2, Timeout: patience})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); d.Run(ctx) }()
	o := office{store, d, sync.OnceFunc(func() { cancel(); <-ended })}
	t.Cleanup(o.stop)
	return o
}

func (o office) direccion(t *testing.T, url string) string {
	t.Helper()
	d, err := o.CreateDireccion(t.Context(), contracts.NuevaDireccion{URL: url}, webhook.NewSecreto())
	if err != nil {
		t.Fatal(err)
	}
	return d.ID
}

func (o office) add(t *testing.T, direccion string) contracts.EntregaDeAviso {
	t.Helper()
	s, err := avisos.Prueba(uuid.NewString(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	e, err := o.Add(t.Context(), direccion, s)
	if err != nil {
		t.Fatal(err)
	}
	o.Wake()
	return e
}

// until waits until the delivery id has the state, and returns it.
func (o office) until(t *testing.T, id string, estado contracts.EstadoEntrega) contracts.EntregaDeAviso {
	t.Helper()
	for limit := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		list, err := o.Entregas(t.Context(), contracts.EntregasFilter{}, 100, "")
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range list {
			if e.ID == id && e.Estado == estado {
				return e
			}
			if e.ID == id && time.Now().After(limit) {
				t.Fatalf("%+v is not %s", e, estado)
			}
		}
	}
}

// A delivery is tried until it succeeds, or as often as the plan says. One that was given up can be sent again.
func TestADeliveryIsTriedAgain(t *testing.T) {
	const quick = 10 * time.Millisecond
	o := newOffice(t, quick, quick)
	recovers, broken := newReceiver(t, 500, 503, 204), newReceiver(t, 500, 500, 500, 200)
	one, other := o.add(t, o.direccion(t, recovers.URL)), o.add(t, o.direccion(t, broken.URL))
	if e := o.until(t, one.ID, contracts.EntregaHecha); e.Intentos != 3 || e.CodigoHTTP != 204 || e.Error != "" {
		t.Errorf("%+v", e)
	}
	if e := o.until(t, other.ID, contracts.EntregaMuerta); e.Intentos != 3 || e.CodigoHTTP != 500 || !strings.Contains(e.Error, "500") {
		t.Errorf("%+v", e)
	}
	if _, err := o.SendAgain(t.Context(), other.ID, false); err != nil {
		t.Fatal(err)
	}
	if e := o.until(t, other.ID, contracts.EntregaHecha); e.Intentos != 1 || e.Evento != other.Evento {
		t.Errorf("%+v", e)
	}
}

// Failure prevented: an address that answers after seconds holds up the deliveries to all others.
func TestASlowAddressHoldsNoOtherUp(t *testing.T) {
	o := newOffice(t, time.Hour)
	slow, quick := holding(t, 200), newReceiver(t, 200)
	lento, rapido := o.direccion(t, slow.URL), o.direccion(t, quick.URL)
	for range 10 {
		o.add(t, lento)
	}
	var last contracts.EntregaDeAviso
	for range 20 {
		last = o.add(t, rapido)
	}
	o.until(t, last.ID, contracts.EntregaHecha) // while the slow one has answered nothing
	slow.mu.Lock()
	defer slow.mu.Unlock()
	if len(slow.tries) > 2 {
		t.Errorf("%d tries of one address at once", len(slow.tries))
	}
}

// A stop interrupts a try, which does not count, and the next process makes the delivery at once.
func TestAStopGivesBack(t *testing.T) {
	o := newOffice(t, time.Hour)
	r := holding(t, 200)
	e := o.add(t, o.direccion(t, r.URL))
	for {
		r.mu.Lock()
		begun := len(r.tries) > 0
		r.mu.Unlock()
		if begun {
			break
		}
		time.Sleep(time.Millisecond)
	}
	started := time.Now()
	o.stop()
	if took := time.Since(started); took > patience/2 {
		t.Errorf("the stop took %s", took)
	}
	list, err := o.Entregas(t.Context(), contracts.EntregasFilter{}, 10, "")
	if err != nil || len(list) != 1 || list[0].ID != e.ID || list[0].Intentos != 0 || time.Until(*list[0].ProximoEn) > 0 {
		t.Errorf("%+v, %v", list, err)
	}
}

const (
	purchase = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	operator = "00-1af7651916cd43dd8448eb211c80319c-c7ad6b7169203331-01"
)

// Each try is a span in the trace of what it tells, and its receiver learns the span. The tries of a delivery that an operator sends again
// have a link to the operator's request.
func TestADeliveryIsInItsTrace(t *testing.T) {
	sent := telemetrytest.Record(t)
	o := newOffice(t, time.Millisecond)
	r := newReceiver(t, 500, 500, 204)
	o.direccion(t, r.URL)
	s := avisos.Suceso{Evento: "msg_1", Tipo: "compra.confirmada", IDCompra: uuid.NewString(), Estado: contracts.EstadoConfirmada, En: time.Now().Add(time.Second), Cuerpo: "{}"}
	if _, _, err := o.Record(logging.WithTrace(t.Context(), purchase), []avisos.Suceso{s}); err != nil {
		t.Fatal(err)
	}
	list, err := o.Entregas(t.Context(), contracts.EntregasFilter{}, 1, "")
	if err != nil || len(list) != 1 {
		t.Fatalf("%+v, %v", list, err)
	}
	o.until(t, list[0].ID, contracts.EntregaMuerta)
	if _, err := o.SendAgain(logging.WithTrace(t.Context(), operator), list[0].ID, false); err != nil {
		t.Fatal(err)
	}
	o.Wake()
	o.until(t, list[0].ID, contracts.EntregaHecha)
	o.stop()
	var told []string
	for _, one := range sent.Sent() {
		if one.Name() != "deliver webhook" {
			continue
		}
		n := len(told)
		told = append(told, telemetry.Format(one.SpanContext()))
		again := n == 2 && len(one.Links()) == 1 && one.Links()[0].SpanContext.TraceID().String() == telemetry.TraceID(operator)
		if telemetry.Format(one.Parent()) != purchase || (one.Status().Code == codes.Error) != (n < 2) || (n == 2) != again {
			t.Errorf("try %d: below %v, %v, links %v", n+1, one.Parent(), one.Status(), one.Links())
		}
	}
	if len(told) != 3 || !slices.Equal(told, r.traces) {
		t.Errorf("spans %v, the receiver got %v", told, r.traces)
	}
}

// Without tracing the receiver gets no traceparent: that of what is told stays inside.
func TestAReceiverLearnsNoTraceWithoutTracing(t *testing.T) {
	o := newOffice(t, time.Hour)
	r := newReceiver(t, 204)
	id := o.direccion(t, r.URL)
	s, err := avisos.Prueba(uuid.NewString(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for _, traceparent := range []string{purchase, ""} {
		s.Evento += "x"
		e, err := o.Add(logging.WithTrace(t.Context(), traceparent), id, s)
		if err != nil {
			t.Fatal(err)
		}
		o.Wake()
		o.until(t, e.ID, contracts.EntregaHecha)
	}
	if want := []string{"", ""}; !slices.Equal(r.traces, want) {
		t.Errorf("%q, want %q", r.traces, want)
	}
}
