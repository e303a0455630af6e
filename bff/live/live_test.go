package live_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"entregas/bff/compras"
	"entregas/bff/comprastest"
	"entregas/bff/dapr"
	"entregas/bff/identity"
	"entregas/bff/live"
	"entregas/contracts"
	"entregas/internal/errs"
	"entregas/internal/pubsub"
	"entregas/internal/pubsubtest"
)

// replica is one bff with its streams. Replicas share manager and store.
type replica struct {
	*httptest.Server
	core    *compras.Service
	wakeups *live.Wakeups
	stop    func()
	who     identity.Person // the caller
}

type system struct {
	manager *comprastest.Manager
	store   *comprastest.Store
	id      string
}

// newSystem has one purchase, RECIBIDA.
func newSystem(t *testing.T) system {
	t.Helper()
	s := system{manager: comprastest.NewManager(), store: &comprastest.Store{}}
	a, err := s.core().Create(t.Context(), contracts.SolicitudCompra{IDUsuario: "ana", Productos: []contracts.Linea{{IDProducto: "1", Cantidad: 1}}}, "")
	if err != nil {
		t.Fatal(err)
	}
	s.id = a.ID
	return s
}

func (s system) core() *compras.Service {
	return compras.New(s.manager, dapr.Commands{Publisher: pubsub.NewPublisher(&pubsubtest.Broker{}, "bff")}, s.store)
}

func (s system) replica(t *testing.T) *replica {
	t.Helper()
	stopping, stop := context.WithCancel(context.Background())
	r := &replica{core: s.core(), wakeups: live.NewWakeups(), stop: stop}
	feed := live.NewServer(stopping, ungated{r.core}, r.wakeups)
	routes := http.NewServeMux()
	routes.HandleFunc("/eventos/{id}", func(w http.ResponseWriter, p *http.Request) {
		feed.OneCompra(w, p.WithContext(identity.With(p.Context(), r.who)), p.PathValue("id"), p.Header.Get("Last-Event-ID"))
	})
	routes.HandleFunc("/stream", feed.All)
	r.Server = httptest.NewServer(routes)
	t.Cleanup(func() { stop(); r.Close() })
	return r
}

// ungated has the purchases without the Gate: it shows them whole.
type ungated struct{ *compras.Service }

func (ungated) Resolve(_ context.Context, name string) (string, error) {
	return contracts.CanonicalID(name), nil
}

func (ungated) Shown(_ context.Context, c contracts.Compra) contracts.Compra { return c }

// advance moves the purchase to a state and delivers the event as the broker does: one replica writes the event into the read
// model, and all replicas wake their streams.
func (s system) advance(t *testing.T, step contracts.Estado, writes *replica, all ...*replica) {
	t.Helper()
	c := s.manager.Advance(s.id, step)
	for _, r := range all {
		r.wakeups.Wake(c.ID, c.Numero())
		r.wakeups.Tell(c)
	}
	if err := writes.core.Register(t.Context(), c); err != nil {
		t.Fatal(err)
	}
}

// stream reads server-sent events.
type stream struct {
	t        *testing.T
	response *http.Response
	lineas   chan string
}

type happening struct {
	id, kind string
	compra   contracts.Compra
}

func open(t *testing.T, url, last string) *stream {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if last != "" {
		request.Header.Set("Last-Event-ID", last)
	}
	response, err := http.DefaultClient.Do(request) //nolint:bodyclose // by the clean-up below
	if err != nil {
		t.Fatal(err)
	}
	f := &stream{t: t, response: response, lineas: make(chan string, 100)}
	go func() {
		defer close(f.lineas)
		reader := bufio.NewScanner(response.Body)
		for reader.Scan() {
			f.lineas <- reader.Text()
		}
	}()
	t.Cleanup(func() { _ = response.Body.Close() })
	return f
}

// next waits for the next event; false is the end of the stream.
func (f *stream) next() (s happening, found bool) {
	f.t.Helper()
	limit := time.After(5 * time.Second)
	for {
		select {
		case <-limit:
			f.t.Fatal("nothing arrives")
		case linea, more := <-f.lineas:
			field, value, _ := strings.Cut(linea, ": ")
			switch {
			case !more:
				return s, false
			case field == "id":
				s.id = value
			case field == "event":
				s.kind = value
			case field == "data":
				if err := json.Unmarshal([]byte(value), &s.compra); err != nil {
					f.t.Fatal(err)
				}
			case linea == "" && s.compra.ID != "":
				return s, true
			}
		}
	}
}

func (f *stream) delay(id string, estado contracts.Estado) {
	f.t.Helper()
	if s, found := f.next(); !found || s.id != id || s.kind != "estado" || s.compra.Estado != estado {
		f.t.Fatalf("got %s %s %s (any: %v), want %s %s", s.id, s.kind, s.compra.Estado, found, id, estado)
	}
}

func (f *stream) ends() {
	f.t.Helper()
	if s, found := f.next(); found {
		f.t.Fatalf("goes on: %+v", s)
	}
}

func TestFollowToTheEnd(t *testing.T) {
	s := newSystem(t)
	one, other := s.replica(t), s.replica(t)
	f := open(t, other.URL+"/eventos/"+s.id, "")
	f.delay("1", contracts.EstadoRecibida)
	s.advance(t, contracts.EstadoIniciada, one, one, other) // another replica writes, after this one was woken
	f.delay("2", contracts.EstadoIniciada)
	s.advance(t, contracts.EstadoProductosValidos, one) // nothing wakes the stream: it reads the read model by itself
	f.delay("3", contracts.EstadoProductosValidos)
	s.advance(t, contracts.EstadoConfirmada, one, other)
	f.delay("4", contracts.EstadoConfirmada)
	s.advance(t, contracts.EstadoDespachada, one, other)
	f.delay("5", contracts.EstadoDespachada)
	f.ends()

	if f := open(t, other.URL+"/eventos/"+s.id, "5"); f.response.StatusCode != http.StatusNoContent {
		t.Errorf("when nothing more can change: got %d", f.response.StatusCode)
	}
}

// A client that connects again, to any replica, misses no change and gets none twice.
func TestResumeStream(t *testing.T) {
	s := newSystem(t)
	one := s.replica(t)
	f := open(t, one.URL+"/eventos/"+s.id, "")
	f.delay("1", contracts.EstadoRecibida)
	one.CloseClientConnections()
	s.advance(t, contracts.EstadoIniciada, one, one)
	s.advance(t, contracts.EstadoProductosValidos, one, one)
	f = open(t, one.URL+"/eventos/"+s.id, "1")
	f.delay("2", contracts.EstadoIniciada)
	one.stop()
	f.delay("3", contracts.EstadoProductosValidos)

	fresh := s.replica(t)
	s.advance(t, contracts.EstadoRechazada, fresh)
	f = open(t, fresh.URL+"/eventos/"+s.id, "3")
	f.delay("4", contracts.EstadoRechazada)
	f.ends()
}

// A stream with a Last-Event-ID beyond the newest change gets the changes from now on. A Last-Event-ID that is no number is
// refused.
func TestALastEventIDBeyondTheNewest(t *testing.T) {
	s := newSystem(t)
	one := s.replica(t)
	f := open(t, one.URL+"/eventos/"+s.id, "999")
	s.advance(t, contracts.EstadoIniciada, one, one)
	f.delay("2", contracts.EstadoIniciada)
	changes, err := live.NewServer(t.Context(), ungated{one.core}, one.wakeups).Changes(t.Context(), s.id, 999)
	if err != nil {
		t.Fatal(err)
	}
	s.advance(t, contracts.EstadoRechazada, one, one)
	f.delay("3", contracts.EstadoRechazada)
	f.ends()
	select {
	case c := <-changes:
		if c.Numero != 3 {
			t.Errorf("%+v", c)
		}
	case <-time.After(5 * time.Second):
		t.Error("nothing is told")
	}
	for _, bad := range []string{"x", "-5", "+5", "1.5", "99999999999999999999", "0x1"} {
		if f := open(t, one.URL+"/eventos/"+s.id, bad); f.response.StatusCode != http.StatusBadRequest {
			t.Errorf("%q: %d", bad, f.response.StatusCode)
		}
	}
	if _, err := live.NewServer(t.Context(), ungated{one.core}, one.wakeups).Changes(t.Context(), s.id, -2); errs.Of(err) != errs.Invalid {
		t.Errorf("-2: %v", err)
	}
}

func TestWithTheManagerDown(t *testing.T) {
	s := newSystem(t)
	one := s.replica(t)
	s.manager.GoDown()
	f := open(t, one.URL+"/eventos/"+s.id, "")
	f.delay("0", contracts.EstadoRecibida) // the owner has published no event yet
	s.advance(t, contracts.EstadoIniciada, one, one)
	f.delay("1", contracts.EstadoRecibida)
	f.delay("2", contracts.EstadoIniciada)
}

// A stop of the program does not wait for clients of streams.
func TestStop(t *testing.T) {
	s := newSystem(t)
	one := s.replica(t)
	f, all := open(t, one.URL+"/eventos/"+s.id, ""), open(t, one.URL+"/stream", "")
	f.delay("1", contracts.EstadoRecibida)
	one.stop()
	f.ends()
	all.ends()
}

func TestAll(t *testing.T) {
	s := newSystem(t)
	one := s.replica(t)
	f := open(t, one.URL+"/stream", "")
	s.advance(t, contracts.EstadoIniciada, one, one)
	if happening, found := f.next(); !found || happening.compra.Estado != contracts.EstadoIniciada || happening.kind != "" {
		t.Errorf("%+v", happening)
	}
}

func TestWhoDoesNotReadStopsNobody(t *testing.T) {
	s := newSystem(t)
	one := s.replica(t)
	open(t, one.URL+"/stream", "").response.Body.Close()
	tooBig := contracts.Compra{SolicitudCompra: contracts.SolicitudCompra{ID: s.id}, Motivo: strings.Repeat("x", 1<<16)}
	for range 2000 { // the loop would not end if Tell waited for the reader
		one.wakeups.Tell(tooBig)
	}
}

// A stream ends when its token or its session expires.
func TestStreamEndsWithTheToken(t *testing.T) {
	s := newSystem(t)
	one := s.replica(t)
	one.who = identity.Person{Usuario: "ana", Until: time.Now().Add(time.Second)}
	f := open(t, one.URL+"/eventos/"+s.id, "")
	f.delay("1", contracts.EstadoRecibida)
	f.ends()
}

// The streams of a subject are bounded, and one that ends makes room.
func TestManyStreamsOfOne(t *testing.T) {
	s := newSystem(t)
	feed := live.NewServer(t.Context(), ungated{s.core()}, live.NewWakeups())
	ctx, cancel := context.WithCancel(identity.With(t.Context(), identity.Person{Usuario: "ana"}))
	var err error
	n := 0
	for ; err == nil && n < 1000; n++ {
		_, err = feed.Changes(ctx, s.id, -1)
	}
	if errs.Of(err) != errs.TooMany || n != 201 {
		t.Errorf("stream %d: %v", n, err)
	}
	if _, err := feed.Changes(identity.With(t.Context(), identity.Person{Usuario: "eva"}), s.id, -1); err != nil {
		t.Errorf("another: %v", err)
	}
	cancel()
	for range 200 {
		if _, err = feed.Changes(identity.With(t.Context(), identity.Person{Usuario: "ana"}), s.id, -1); err == nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("after they were closed: %v", err)
}

// A program that stops ends its streams with a retry field.
func TestAStopTellsStreamsToComeBack(t *testing.T) {
	s := newSystem(t)
	one := s.replica(t)
	ofOne, ofAll := open(t, one.URL+"/eventos/"+s.id, ""), open(t, one.URL+"/stream", "")
	ofOne.delay("1", contracts.EstadoRecibida)
	<-ofAll.lineas
	one.stop()
	for name, f := range map[string]*stream{"one purchase": ofOne, "all": ofAll} {
		said := ""
		for linea := range f.lineas {
			said += linea + "\n"
		}
		if !strings.Contains(said, "retry: 500\n") {
			t.Errorf("%s: ended with %q", name, said)
		}
	}
}
