package saga_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"entregas/contracts"
	"entregas/internal/pubsubtest"
	"entregas/services/gestor-compra/compras"
	"entregas/services/gestor-compra/postgrestest"
	"entregas/services/gestor-compra/saga"
	"entregas/workflows/compra"
)

var (
	insufficient = &compras.Reply{Tipo: contracts.InventarioInsuficiente, Faltantes: []contracts.Faltante{{IDProducto: "1", Solicitada: 2}}}
	refused      = &compras.Reply{Tipo: contracts.OrdenRechazada, Motivo: "Tiene demasiadas órdenes abiertas."}
	despachada   = &compras.Reply{Tipo: contracts.OrdenDespachada, IDOrden: "o1"}
)

// Ask returns the outcome of a step, which depends on the state of the purchase, the reply, and a requested cancellation.
func TestAsk(t *testing.T) {
	e := newScene(t, patient)
	for _, c := range []struct {
		name      string
		command   contracts.MessageType
		estado    contracts.Estado
		marked    bool
		replies   *compras.Reply // nil means that the participant accepts
		result    compra.Result
		questions int // how often the step sent its command
		remains   contracts.Estado
	}{
		{"stock: enough", contracts.ValidarInventario, contracts.EstadoRecibida, false, nil, compra.Accepted, 1, contracts.EstadoIniciada},
		{"stock: not enough", contracts.ValidarInventario, contracts.EstadoRecibida, false, insufficient, compra.Refused, 1, contracts.EstadoIniciada},
		{"stock: cancelled before it began", contracts.ValidarInventario, contracts.EstadoRecibida, true, nil, compra.Cancelled, 0, contracts.EstadoRecibida},
		{"stock: it is past that", contracts.ValidarInventario, contracts.EstadoConfirmada, false, nil, compra.Finished, 0, contracts.EstadoConfirmada},
		{"stock: cancelled at once", contracts.ValidarInventario, contracts.EstadoCancelada, false, nil, compra.Finished, 0, contracts.EstadoCancelada},
		{"stock: being undone", contracts.ValidarInventario, contracts.EstadoCompensando, true, nil, compra.Finished, 0, contracts.EstadoCompensando},
		{"reservation: done", contracts.ReservarProducto, contracts.EstadoIniciada, false, nil, compra.Accepted, 1, contracts.EstadoProductosValidos},
		{"reservation: refused", contracts.ReservarProducto, contracts.EstadoIniciada, false, &compras.Reply{Tipo: contracts.ReservaRechazada}, compra.Refused, 1, contracts.EstadoProductosValidos},
		{"reservation: cancelled before", contracts.ReservarProducto, contracts.EstadoIniciada, true, nil, compra.Cancelled, 0, contracts.EstadoIniciada},
		{"order: created", contracts.CrearOrden, contracts.EstadoProductosValidos, false, nil, compra.Accepted, 1, contracts.EstadoConfirmada},
		{"order: created after an approval", contracts.CrearOrden, contracts.EstadoPorAprobar, false, nil, compra.Accepted, 1, contracts.EstadoConfirmada},
		{"order: refused", contracts.CrearOrden, contracts.EstadoProductosValidos, false, refused, compra.Refused, 1, contracts.EstadoProductosReservados},
		{"order: cancelled before", contracts.CrearOrden, contracts.EstadoProductosValidos, true, nil, compra.Cancelled, 0, contracts.EstadoProductosValidos},
		{"order: approved, then cancelled", contracts.CrearOrden, contracts.EstadoPorAprobar, true, nil, compra.Cancelled, 0, contracts.EstadoPorAprobar},
		{"dispatch", contracts.DespacharReserva, contracts.EstadoConfirmada, false, nil, compra.Accepted, 1, contracts.EstadoDespachada},
		{"dispatch: cancelled meanwhile", contracts.DespacharReserva, contracts.EstadoCompensando, false, nil, compra.Finished, 0, contracts.EstadoCompensando},
		{"cancellation", contracts.CancelarOrden, contracts.EstadoConfirmada, false, nil, compra.Accepted, 1, contracts.EstadoConfirmada},
		{"cancellation: it has left", contracts.CancelarOrden, contracts.EstadoConfirmada, false, despachada, compra.Refused, 1, contracts.EstadoConfirmada},
		{"cancellation: dispatched before", contracts.CancelarOrden, contracts.EstadoDespachada, false, nil, compra.Finished, 0, contracts.EstadoDespachada},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := e.Compra(t, c.estado)
			if c.marked {
				e.Do(t, `update compra set cancelacion_pedida = 'ya no' where id = $1`, s.ID)
			}
			if e.respond = willingly; c.replies != nil {
				e.respond = always(c.replies)
			}
			earlier := len(e.questions())
			d, err := e.Ask(t.Context(), question(s, c.command))
			if err != nil || d.Result != c.result || d.Asked != (c.questions > 0) {
				t.Fatalf("%+v: %v", d, err)
			}
			if questions := e.questions()[earlier:]; len(questions) != c.questions || len(questions) > 0 && questions[0] != c.command {
				t.Errorf("asked %v", questions)
			}
			if remains := e.Estado(t, s.ID); remains != c.remains {
				t.Errorf("its state is %s", remains)
			}
			if d.Result == compra.Refused && (d.Reply != c.replies.Tipo || d.Motivo == "" || !slices.Equal(d.Faltantes, c.replies.Faltantes)) {
				t.Errorf("told %+v", d)
			}
			if d.Result == compra.Cancelled && d.Motivo != "ya no" {
				t.Errorf("it does not say why it was cancelled: %+v", d)
			}
			e.NoGaps(t, s.ID)
		})
	}
}

// A purchase passes the three steps up to its confirmation. Each state is published once, in order, and the admission is
// notified at the end.
func TestSimpleCompra(t *testing.T) {
	e := newScene(t, patient)
	s := e.Compra(t, contracts.EstadoRecibida)
	for _, command := range []contracts.MessageType{contracts.ValidarInventario, contracts.ReservarProducto, contracts.CrearOrden} {
		for range 2 { // an activity may run again after its end
			if d, err := e.Ask(t.Context(), question(s, command)); err != nil || d.Result != compra.Accepted || !d.Asked {
				t.Fatalf("%s: %+v %v", command, d, err)
			}
		}
	}
	told := []contracts.Estado{contracts.EstadoIniciada, contracts.EstadoProductosValidos, contracts.EstadoProductosReservados, contracts.EstadoConfirmada}
	if seen := e.witness.Forget(); !slices.Equal(seen.Broadcasts, told) || seen.Wakeups != 1 || len(e.questions()) != 3 {
		t.Errorf("told %+v, asked %v", seen, e.questions())
	}
	c, err := e.Load(t.Context(), s.ID)
	if err != nil || c.IDOrden != "o1" || len(c.Historia) != 5 {
		t.Fatalf("%+v: %v", c, err)
	}
	for _, h := range c.Historia[1:] {
		if h.Tipo == "" || h.Detalle == "" {
			t.Errorf("the history does not tell it: %+v", h)
		}
	}
}

// Each command has the data that its participant needs, and the id of the purchase as key.
func TestWhatIsAsked(t *testing.T) {
	e := newScene(t, patient)
	s := e.Compra(t, contracts.EstadoProductosValidos)
	address := contracts.Direccion{Destinatario: "Ana", Calle: "Calle 1", Ciudad: "Cali", Telefono: "5550100"}
	e.Do(t, `update compra set domicilio = true, direccion = $2 where id = $1`, s.ID, address)
	s.Domicilio = true // as the workflow has it: without the address
	if _, err := e.Ask(t.Context(), question(s, contracts.CrearOrden)); err != nil {
		t.Fatal(err)
	}
	m := pubsubtest.Published(t, &e.Broker, contracts.ComandosOrden)[0]
	want := contracts.DatosComandoOrden{IDCompra: s.ID, Codigo: m.Data.Codigo, IDUsuario: "ana", Productos: s.Productos, Domicilio: true, Direccion: address}
	if m.Type != contracts.CrearOrden || m.ServiceName != "gestor-compra" || fmt.Sprint(m.Data) != fmt.Sprint(want) {
		t.Errorf("%+v", m)
	}
	if key := e.Metadata(string(contracts.ComandosOrden))[0]["partitionKey"]; key != s.ID {
		t.Errorf("the key is %q", key)
	}
}

// The question about the stock says when the purchase was accepted. The order gets the amounts that were replied, and the code of the
// purchase. No rollback has them: two rollbacks of one purchase must be the same command.
func TestAmountsGoOnToTheOrder(t *testing.T) {
	e := newScene(t, patient)
	s := postgrestest.NewSolicitud()
	accepted, _, err := e.Accept(t.Context(), s, postgrestest.OpenLimit)
	if err != nil {
		t.Fatal(err)
	}
	price := contracts.Importes{Moneda: "COP", Total: 19, Precios: []contracts.PrecioFijado{{IDProducto: "1", Precio: 7}, {IDProducto: "2", Precio: 5}}}
	e.respond = func(command contracts.MessageType, attempt int) *compras.Reply {
		r := willingly(command, attempt)
		if command == contracts.ValidarInventario {
			r.Importes = price
		}
		return r
	}
	for _, command := range []contracts.MessageType{contracts.ValidarInventario, contracts.ReservarProducto, contracts.CrearOrden} {
		if d, err := e.Ask(t.Context(), question(s, command)); err != nil || d.Result != compra.Accepted {
			t.Fatalf("%s: %+v, %v", command, d, err)
		}
	}
	if _, err := e.Ask(t.Context(), compra.Anulacion.Question(s)); err != nil {
		t.Fatal(err)
	}
	if asked := pubsubtest.Published(t, &e.Broker, contracts.ComandosInventario)[0].Data; asked.AceptadaEn != accepted.CreadaEn.UnixMilli() || asked.AceptadaEn == 0 {
		t.Errorf("asked for the prices of %d, and the purchase was accepted at %s", asked.AceptadaEn, accepted.CreadaEn)
	}
	orders := pubsubtest.Published(t, &e.Broker, contracts.ComandosOrden)
	if got := orders[0].Data.Importes(); orders[0].Type != contracts.CrearOrden || !reflect.DeepEqual(got, price) {
		t.Errorf("the order is of %+v", got)
	}
	if got := orders[0].Data.Codigo; got == "" || got != accepted.Codigo || orders[1].Data.Codigo != "" {
		t.Errorf("the order is of %q and the rollback of %q, want %q and none", got, orders[1].Data.Codigo, accepted.Codigo)
	}
	if got := orders[1].Data.Importes(); orders[1].Type != contracts.CancelarOrden || !got.None() {
		t.Errorf("the rollback is of %+v", got)
	}
	c, err := e.Load(t.Context(), s.ID)
	c.IDOrden = "" // the order of this scene has no UUID
	if err != nil || !reflect.DeepEqual(c.Importes, price) || !reflect.DeepEqual(c.Event().Compra().Importes, price) || c.Event().Validate() != nil {
		t.Errorf("%+v: %v, %v", c, err, c.Event().Validate())
	}
}

// A restarted activity that finds the reply returns it and sends no command. Without a reply it sends the command again, and
// changes the state no second time (docs/adr/a-step-asks-and-waits.md).
func TestStepThatStartsOver(t *testing.T) {
	e := newScene(t, patient)
	s := e.Compra(t, contracts.EstadoIniciada)
	e.respond = nil
	p := question(s, contracts.ReservarProducto)
	e.startAndStop(t, p, 1)
	e.startAndStop(t, p, 2)
	if step, err := e.LoadStep(t.Context(), s.ID, p.Command); err != nil || step.Abandoned || step.Reply != nil {
		t.Fatalf("%+v: %v", step, err)
	}
	if recorded, _, err := e.RecordReply(t.Context(), s.ID, p.Command, compras.Reply{Tipo: contracts.ProductosReservados}); err != nil || recorded != compras.First {
		t.Fatal(recorded, err)
	}
	d, err := e.Ask(t.Context(), p)
	if seen := e.witness.Forget(); err != nil || d.Result != compra.Accepted || len(e.questions()) != 2 || len(seen.Broadcasts) != 1 {
		t.Fatalf("%+v %v; asked %v and told %+v", d, err, e.questions(), seen)
	}
}

// startAndStop runs a step until it has sent its command for the attempt-th time, and then stops the worker. The step must
// return an error at once.
func (e *scene) startAndStop(t *testing.T, p compra.Question, attempt int) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	end := make(chan error, 1)
	go func() { _, err := e.Ask(ctx, p); end <- err }()
	until(t, "ask", func() bool { return len(e.questions()) == attempt })
	stop()
	if err := <-end; !errors.Is(err, context.Canceled) {
		t.Fatalf("a worker that stops returns %v", err)
	}
}

// Patience counts from the first send of the command (docs/adr/steps-outwait-outages.md). A reply that comes after the
// patience has run out is stored and has no effect.
func TestPatienceRunsOut(t *testing.T) {
	e := newScene(t, saga.Settings{Patience: time.Hour, AskAgainAfter: time.Hour, ReviewRound: time.Millisecond})
	s := e.Compra(t, contracts.EstadoIniciada)
	p := question(s, contracts.ReservarProducto)
	e.respond = nil
	for attempt := 1; attempt <= 2; attempt++ { // 40 minutes, a restart that sends the command again, and 40 more minutes
		e.startAndStop(t, p, attempt)
		e.Do(t, `update paso set preguntada_en = preguntada_en - interval '40 minutes' where id_compra = $1`, s.ID)
	}
	for range 2 {
		d, err := e.Ask(t.Context(), p)
		if err != nil || d.Result != compra.NoReply || !d.Asked || len(e.questions()) != 2 {
			t.Fatalf("%+v %v after asking %v", d, err, e.questions())
		}
	}
	if recorded, _, err := e.RecordReply(t.Context(), s.ID, p.Command, compras.Reply{Tipo: contracts.ProductosReservados}); err != nil || recorded != compras.Late {
		t.Fatal(recorded, err)
	}
	if d, err := e.Ask(t.Context(), p); err != nil || d.Result != compra.NoReply || e.Estado(t, s.ID) != contracts.EstadoProductosValidos {
		t.Fatalf("the late reply had an effect: %+v %v", d, err)
	}
}

// A step sends its command again, with the same key, until a reply comes.
func TestAsksAgain(t *testing.T) {
	e := newScene(t, saga.Settings{Patience: time.Hour, AskAgainAfter: time.Millisecond, ReviewRound: time.Hour})
	s := e.Compra(t, contracts.EstadoIniciada)
	e.respond = func(c contracts.MessageType, attempt int) *compras.Reply {
		if attempt < 4 {
			return nil
		}
		return willingly(c, attempt)
	}
	d, err := e.Ask(t.Context(), question(s, contracts.ReservarProducto))
	if err != nil || d.Result != compra.Accepted || len(e.questions()) != 4 {
		t.Fatalf("%+v %v after asking %v", d, err, e.questions())
	}
}

// A step after CONFIRMADA ends only with a reply. It sends its command again, no matter how long ago it began.
func TestTramitesDoNotLosePatience(t *testing.T) {
	for _, command := range []contracts.MessageType{contracts.DespacharReserva, contracts.CancelarOrden} {
		t.Run(string(command), func(t *testing.T) {
			e := newScene(t, saga.Settings{Patience: 20 * time.Millisecond, AskAgainAfter: time.Hour, ReviewRound: time.Millisecond})
			s := e.Compra(t, contracts.EstadoConfirmada)
			for attempt := 1; attempt <= 3; attempt++ {
				if e.respond = nil; attempt == 3 {
					e.respond = willingly
				}
				d, err := e.Ask(t.Context(), question(s, command))
				want := map[bool]compra.Result{true: compra.Accepted, false: compra.NoReply}[attempt == 3]
				if err != nil || d.Result != want || len(e.questions()) != attempt {
					t.Fatalf("attempt %d: %+v %v after asking %v", attempt, d, err, e.questions())
				}
				e.Do(t, `update paso set preguntada_en = preguntada_en - interval '1 hour' where id_compra = $1`, s.ID)
			}
		})
	}
}

// A cancellation that is requested while the order is created wins over CONFIRMADA. The order must then be cancelled
// (docs/adr/who-owns-a-fact-decides.md).
func TestCancelarWhileTheOrdenIsCreated(t *testing.T) {
	e := newScene(t, patient)
	s := e.Compra(t, contracts.EstadoProductosValidos)
	e.respond = func(c contracts.MessageType, attempt int) *compras.Reply {
		if _, _, err := e.Cancelar(context.Background(), s.ID, "ya no"); err != nil {
			t.Error(err)
		}
		return willingly(c, attempt)
	}
	for range 2 {
		d, err := e.Ask(t.Context(), question(s, contracts.CrearOrden))
		if err != nil || d.Result != compra.Cancelled || !d.Asked || d.Motivo != "ya no" || e.Estado(t, s.ID) != contracts.EstadoProductosReservados {
			t.Fatalf("%+v %v, and its state is %s", d, err, e.Estado(t, s.ID))
		}
	}
}

// A step waits while the broker is down, and then goes on.
func TestBrokerComesBack(t *testing.T) {
	e := newScene(t, patient)
	s := e.Compra(t, contracts.EstadoRecibida)
	e.Fail(errors.New("the broker does not answer"))
	end := make(chan error, 1)
	go func() {
		d, err := e.Ask(t.Context(), question(s, contracts.ValidarInventario))
		if err == nil && d.Result != compra.Accepted {
			err = fmt.Errorf("%+v", d)
		}
		end <- err
	}()
	until(t, "pose", func() bool { return e.Estado(t, s.ID) == contracts.EstadoIniciada })
	e.Fail(nil)
	if err := <-end; err != nil {
		t.Fatal(err)
	}
}

// Trouble with the database is an error, after which the engine runs the activity again. It is never an outcome.
func TestNoOutcomeWithoutTheDatabase(t *testing.T) {
	e := newScene(t, patient)
	s := e.Compra(t, contracts.EstadoRecibida)
	e.respond = func(contracts.MessageType, int) *compras.Reply { e.Pool.Close(); return nil }
	if d, err := e.Ask(t.Context(), question(s, contracts.ValidarInventario)); err == nil || d.Result != "" {
		t.Fatalf("%+v %v", d, err)
	}
}
