package messages_test

import (
	"strings"
	"testing"
	"time"

	"github.com/gorilla/mux"

	"entregas/contracts"
	"entregas/internal/inbox"
	"entregas/internal/pubsub"
	"entregas/internal/pubsubtest"
	"entregas/services/gestor-compra/compras"
	"entregas/services/gestor-compra/intake"
	"entregas/services/gestor-compra/messages"
	"entregas/services/gestor-compra/postgrestest"
	"entregas/workflows/compra"
)

// gate is gestor-compra without its sidecar: the routes for messages, on a real database.
type gate struct {
	postgrestest.Store
	pubsubtest.Broker
	routes *mux.Router
}

func newGate(t *testing.T) *gate {
	t.Helper()
	p := &gate{Store: postgrestest.New(t), routes: mux.NewRouter()}
	witness := &postgrestest.Witness{}
	receiver := pubsub.NewReceiver(p.routes, pubsub.NewPublisher(&p.Broker, "gestor-compra"), &pubsubtest.Attempts{})
	messages.Receive(receiver, intake.New(p, witness, witness, intake.Options{MaxOpen: 100, Admit: witness.Notify, Reconcile: witness.Reconcile}), p)
	return p
}

// deliver delivers a message. It fails the test unless the message becomes a dead letter whose reason contains motivo; with ""
// the message must not become a dead letter.
func deliver[D any](t *testing.T, p *gate, topic contracts.TopicName[D], kind contracts.MessageType, data D, motivo string) {
	t.Helper()
	deadLetters := string(topic.DeadLetters())
	earlier := len(p.Metadata(deadLetters))
	m := contracts.NewMessage("test", kind, "", data)
	if estado := pubsubtest.Deliver(t, p.routes, topic, m); estado != "SUCCESS" {
		t.Fatalf("it answers %s", estado)
	}
	fresh := p.Metadata(deadLetters)[earlier:]
	if (len(fresh) == 1) != (motivo != "") || motivo != "" && !strings.Contains(fresh[0]["motivo"], motivo) {
		t.Fatalf("dead letters %v, want %q", fresh, motivo)
	}
}

func TestCommands(t *testing.T) {
	p := newGate(t)
	type data = contracts.DatosComandoGestorCompra
	for _, c := range []struct {
		name    string
		estado  contracts.Estado // "" means that the purchase does not exist yet
		kind    contracts.MessageType
		change  func(d *data)
		motivo  string           // the reason of the dead letter; "" means no dead letter
		remains contracts.Estado // "" means that the purchase still does not exist
		steps   int
	}{
		{"a purchase", "", contracts.CrearCompra, nil, "", contracts.EstadoRecibida, 1},
		{"a purchase that is there", contracts.EstadoConfirmada, contracts.CrearCompra, nil, "", contracts.EstadoConfirmada, 1},
		{"a purchase that is there as another", contracts.EstadoConfirmada, contracts.CrearCompra, func(d *data) { d.IDUsuario = "eva" }, "otro contenido", contracts.EstadoConfirmada, 1},
		{"without lines", "", contracts.CrearCompra, func(d *data) { d.Productos = nil }, "productos", "", 0},
		{"none of a product", "", contracts.CrearCompra, func(d *data) { d.Productos[1].Cantidad = 0 }, "productos[1].cantidad", "", 0},
		{"a product twice", "", contracts.CrearCompra, func(d *data) { d.Productos[1].IDProducto = "1" }, "productos[1].id_producto", "", 0},
		{"without a customer", "", contracts.CrearCompra, func(d *data) { d.IDUsuario = "" }, "id_usuario", "", 0},
		{"without an id", "", contracts.CrearCompra, func(d *data) { d.IDCompra = "compra" }, "id: debe ser", "", 0},

		{"a customer without a role", "", contracts.CrearCompra, func(d *data) { d.Rol = "" }, "rol", "", 0},
		{"nobody's role", "", contracts.CrearCompra, func(d *data) { d.Sujeto = "" }, "sujeto", "", 0},
		{"a person with a line break", contracts.EstadoRecibida, contracts.CancelarCompra, func(d *data) { d.Sujeto = "a\nb" }, "sujeto", contracts.EstadoRecibida, 1},
		{"a sender that names nobody", "", contracts.CrearCompra, func(d *data) { d.Sujeto, d.Rol = "", "" }, "", contracts.EstadoRecibida, 1},

		{"a cancellation", contracts.EstadoRecibida, contracts.CancelarCompra, nil, "", contracts.EstadoCancelada, 2},
		{"a cancellation that was done", contracts.EstadoCancelada, contracts.CancelarCompra, nil, "", contracts.EstadoCancelada, 1},
		{"a cancellation before the purchase", "", contracts.CancelarCompra, nil, "", "", 0},
		{"a cancellation too late", contracts.EstadoDespachada, contracts.CancelarCompra, nil, "ya no se puede cancelar", contracts.EstadoDespachada, 1},
		{"another's cancellation", contracts.EstadoRecibida, contracts.CancelarCompra, func(d *data) { d.IDUsuario = "eva" }, "no es de quien la cancela", contracts.EstadoRecibida, 1},
		{"nobody's cancellation", "", contracts.CancelarCompra, func(d *data) { d.IDUsuario = "" }, "id_usuario", "", 0},
		{"a cancellation of no purchase", "", contracts.CancelarCompra, func(d *data) { d.IDCompra = "x" }, "id: debe ser", "", 0},

		{"a type that nobody knows", contracts.EstadoRecibida, "RegalarCompra", nil, "RegalarCompra", contracts.EstadoRecibida, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := postgrestest.NewSolicitud()
			if c.estado != "" {
				s = p.Compra(t, c.estado)
			}
			d := data{IDCompra: s.ID, IDUsuario: s.IDUsuario, Productos: s.Productos, Motivo: "ya no", Sujeto: "oti", Rol: contracts.RolOperador}
			if c.change != nil {
				c.change(&d)
			}
			for range 2 { // the broker delivers at least once
				deliver(t, p, contracts.ComandosGestorCompra, c.kind, d, c.motivo)
			}
			count := postgrestest.One[int](t, p.Store, `select count(*) from compra where id = $1`, s.ID)
			if (count == 1) != (c.remains != "") {
				t.Fatalf("there are %d purchases", count)
			}
			if count == 1 {
				if view, err := p.Load(t.Context(), s.ID); err != nil || view.Estado != c.remains || len(view.Historia) != c.steps {
					t.Errorf("stored is %+v: %v", view, err)
				} else if by := view.Historia[c.steps-1].Sujeto; c.steps == 2 && by != "oti" {
					t.Errorf("the cancellation is of %q", by)
				}
			}
		})
	}
}

// Every reply that the contract allows for a command is recorded once. Any other reply is a dead letter.
func TestReplies(t *testing.T) {
	p := newGate(t)
	replies := []contracts.MessageType{
		contracts.InventarioValidado, contracts.InventarioInsuficiente, contracts.ValidacionCancelada, contracts.ProductosReservados,
		contracts.ReservaRechazada, contracts.ReservaLiberada, contracts.ReservaDespachada, contracts.OrdenCreada, contracts.OrdenRechazada,
		contracts.OrdenCancelada, contracts.OrdenDespachada,
	}
	valid := map[contracts.MessageType][]contracts.MessageType{
		contracts.ValidarInventario:            {contracts.InventarioValidado, contracts.InventarioInsuficiente},
		contracts.CancelarValidacionInventario: {contracts.ValidacionCancelada},
		contracts.ReservarProducto:             {contracts.ProductosReservados, contracts.ReservaRechazada},
		contracts.LiberarReserva:               {contracts.ReservaLiberada, contracts.ReservaDespachada},
		contracts.DespacharReserva:             {contracts.ReservaDespachada, contracts.ReservaRechazada},
		contracts.CrearOrden:                   {contracts.OrdenCreada, contracts.OrdenRechazada},
		contracts.CancelarOrden:                {contracts.OrdenCancelada, contracts.OrdenDespachada},
		"":                                     nil,
		"RegalarOrden":                         nil,
	}
	for command, goodOnes := range valid {
		for _, kind := range replies {
			if command == "" && kind == contracts.OrdenDespachada {
				continue // a dispatch by a person answers no command: see TestWhatNobodyAsked
			}
			s, motivo := p.Compra(t, contracts.EstadoIniciada), "no responde a"
			p.pose(t, s.ID, command)
			for _, good := range goodOnes {
				if good == kind {
					motivo = ""
				}
			}
			for range 2 {
				respond(t, p, kind, s.ID, command, motivo)
			}
			step, err := p.LoadStep(t.Context(), s.ID, command)
			if err != nil || (step.Reply != nil) != (motivo == "") || step.Reply != nil && step.Reply.Tipo != kind {
				t.Errorf("%s to %q: stored is %+v %v", kind, command, step, err)
			}
		}
	}
}

func (p *gate) pose(t *testing.T, id string, command contracts.MessageType) {
	t.Helper()
	k := compras.Change{IDCompra: id}
	if _, err := p.Pose(t.Context(), k, command, []contracts.Estado{contracts.EstadoIniciada}, true); err != nil {
		t.Fatal(err)
	}
}

const oneOrden = "01938f5e-7c1a-7000-8000-00000000000a"

// respond delivers a reply on the topic of its type, with all the fields that the type requires.
func respond(t *testing.T, p *gate, kind contracts.MessageType, id string, command contracts.MessageType, motivo string) {
	t.Helper()
	respondWith(t, p, kind, id, command, nil, motivo)
}

// fields has the fields that the replies of all topics have.
type fields struct {
	idCompra, repliesTo, motivo, orden string
	faltantes                          []contracts.Faltante
	contracts.Importes
}

// respondWith is respond for a reply that mutate has changed.
func respondWith(t *testing.T, p *gate, kind contracts.MessageType, id string, command contracts.MessageType, mutate func(*fields), motivo string) {
	t.Helper()
	c := fields{idCompra: id, repliesTo: string(command), motivo: "porque sí"}
	switch kind {
	case contracts.OrdenCreada, contracts.OrdenCancelada, contracts.OrdenDespachada:
		c.orden = oneOrden
	case contracts.InventarioInsuficiente, contracts.ReservaRechazada:
		c.faltantes = []contracts.Faltante{{IDProducto: "1", Solicitada: 2}}
	}
	if mutate != nil {
		mutate(&c)
	}
	switch {
	case strings.HasPrefix(string(kind), "Orden"):
		deliver(t, p, contracts.EventosOrden, kind, contracts.DatosEventoOrden{IDCompra: c.idCompra, RespondeA: c.repliesTo, IDOrden: c.orden, Motivo: c.motivo}, motivo)
	case contracts.TopicOf(kind).Name == string(contracts.EventosInventario):
		deliver(t, p, contracts.EventosInventario, kind, contracts.DatosEventoInventario{
			IDCompra: c.idCompra, RespondeA: c.repliesTo, Faltantes: c.faltantes, Moneda: c.Moneda, Total: c.Total, Precios: c.Precios,
		}, motivo)
	default:
		deliver(t, p, contracts.EventosProductos, kind, contracts.DatosEventoProductos{IDCompra: c.idCompra, RespondeA: c.repliesTo, Faltantes: c.faltantes, Motivo: c.motivo}, motivo)
	}
}

// The data of a reply are stored for the step that waits for the reply.
func TestWhatAReplySays(t *testing.T) {
	p := newGate(t)
	for _, c := range []struct {
		command, kind     contracts.MessageType
		faltantes, motivo bool
		orden             string
	}{
		{contracts.ValidarInventario, contracts.InventarioInsuficiente, true, false, ""},
		{contracts.ReservarProducto, contracts.ReservaRechazada, true, true, ""},
		{contracts.CrearOrden, contracts.OrdenCreada, false, true, oneOrden},
	} {
		s := p.Compra(t, contracts.EstadoIniciada)
		p.pose(t, s.ID, c.command)
		respond(t, p, c.kind, s.ID, c.command, "")
		step, err := p.LoadStep(t.Context(), s.ID, c.command)
		if err != nil || step.Reply == nil {
			t.Fatalf("%s: %+v %v", c.kind, step, err)
		}
		if r := *step.Reply; (len(r.Faltantes) == 1) != c.faltantes || (r.Motivo == "porque sí") != c.motivo || r.IDOrden != c.orden {
			t.Errorf("%s: stored is %+v", c.kind, r)
		}
	}
}

func TestWhatNobodyAsked(t *testing.T) {
	p := newGate(t)
	s := p.Compra(t, contracts.EstadoIniciada)
	respond(t, p, contracts.OrdenCreada, s.ID, contracts.CrearOrden, "nadie preguntó CrearOrden")
	respond(t, p, contracts.OrdenCreada, postgrestest.NewSolicitud().ID, contracts.CrearOrden, "nadie preguntó CrearOrden")

	// The event of a dispatch by a person answers no command. It is a dead letter only when its purchase is unknown.
	for range 2 {
		respond(t, p, contracts.OrdenDespachada, s.ID, "", "")
	}
	if n := postgrestest.One[int](t, p.Store, `select count(*) from tramite where id_compra = $1 and tipo = 'despacho'`, s.ID); n != 1 {
		t.Errorf("there are %d dispatches", n)
	}
	respond(t, p, contracts.OrdenDespachada, postgrestest.NewSolicitud().ID, "", "nadie conoce la compra")
}

// ordenes publishes each dispatch twice (docs/adr/told-twice.md). When the purchase is already DESPACHADA, the second event
// changes nothing and is no dead letter.
func TestADispatchToldAgainChangesNothing(t *testing.T) {
	p := newGate(t)
	s := p.Compra(t, contracts.EstadoDespachada)
	respond(t, p, contracts.OrdenDespachada, s.ID, "", "")
	if err := p.FinishTramite(t.Context(), compra.Tramite{IDCompra: s.ID, Tipo: compra.TramiteDespacho, Done: true}); err != nil {
		t.Fatal(err)
	}
	before := postgrestest.One[string](t, p.Store, `select t::text || c::text from tramite t join compra c on c.id = t.id_compra where c.id = $1`, s.ID)
	respond(t, p, contracts.OrdenDespachada, s.ID, "", "")
	after := postgrestest.One[string](t, p.Store, `select t::text || c::text from tramite t join compra c on c.id = t.id_compra where c.id = $1`, s.ID)
	if tramites, err := p.TakeTramites(t.Context(), time.Hour, 10); err != nil || len(tramites) != 0 || before != after {
		t.Errorf("%v, %v: %s, was %s", tramites, err, after, before)
	}
}

// A late reply, or a reply after the first one, is stored beside the first. It has no effect and is no dead letter.
func TestRepliesWithoutEffect(t *testing.T) {
	p := newGate(t)
	s := p.Compra(t, contracts.EstadoIniciada)
	p.pose(t, s.ID, contracts.CrearOrden)
	if _, err := p.Abandon(t.Context(), s.ID, contracts.CrearOrden); err != nil {
		t.Fatal(err)
	}
	respond(t, p, contracts.OrdenCreada, s.ID, contracts.CrearOrden, "")
	p.pose(t, s.ID, contracts.ReservarProducto)
	respond(t, p, contracts.ProductosReservados, s.ID, contracts.ReservarProducto, "")
	respond(t, p, contracts.ReservaRechazada, s.ID, contracts.ReservarProducto, "")
	if n := postgrestest.One[int](t, p.Store, `select sum(jsonb_array_length(tardias)) from paso where id_compra = $1`, s.ID); n != 2 {
		t.Errorf("stored %d", n)
	}
}

// Without its database gestor-compra answers every message with RETRY, so no message is lost
// (docs/adr/trouble-is-not-a-bad-message.md).
func TestWithoutTheDatabaseEverythingComesBack(t *testing.T) {
	p := newGate(t)
	s := postgrestest.NewSolicitud()
	p.Pool.Close()
	for range 2 * pubsub.MaxAttempts {
		m := contracts.NewMessage("test", contracts.CrearCompra, "", contracts.DatosComandoGestorCompra{IDCompra: s.ID, IDUsuario: s.IDUsuario, Productos: s.Productos})
		if estado := pubsubtest.Deliver(t, p.routes, contracts.ComandosGestorCompra, m); estado != "RETRY" {
			t.Fatal(estado)
		}
		r := contracts.NewMessage("test", contracts.OrdenCreada, "", contracts.DatosEventoOrden{IDCompra: s.ID, RespondeA: string(contracts.CrearOrden), IDOrden: oneOrden})
		if estado := pubsubtest.Deliver(t, p.routes, contracts.EventosOrden, r); estado != "RETRY" {
			t.Fatal(estado)
		}
	}
	if deadLetters := p.Metadata(string(contracts.ComandosGestorCompra.DeadLetters())); len(deadLetters) != 0 {
		t.Fatalf("dead letters: %v", deadLetters)
	}
}

// Failure prevented: a purchase whose cancellation had come first was bought after all, when an operator put its dead letter back weeks later.
func TestAnOldPurchaseIsRefused(t *testing.T) {
	p := newGate(t)
	s := postgrestest.NewSolicitud()
	for _, age := range []time.Duration{inbox.Retention + time.Minute, inbox.Retention - time.Minute} {
		want := 0 // dead letters
		if age > inbox.Retention {
			want = 1
		}
		m := contracts.NewMessage("test", contracts.CrearCompra, "", contracts.DatosComandoGestorCompra{IDCompra: s.ID, IDUsuario: s.IDUsuario, Productos: s.Productos})
		m.Time = time.Now().Add(-age).UnixMilli()
		earlier := len(p.Metadata(string(contracts.ComandosGestorCompra.DeadLetters())))
		if estado := pubsubtest.Deliver(t, p.routes, contracts.ComandosGestorCompra, m); estado != "SUCCESS" {
			t.Fatal(estado)
		}
		dead := p.Metadata(string(contracts.ComandosGestorCompra.DeadLetters()))[earlier:]
		if len(dead) != want || len(dead) == 1 && !strings.Contains(dead[0]["motivo"], "ya no se sabe") {
			t.Errorf("after %s: dead letters %v", age, dead)
		}
		if n := postgrestest.One[int](t, p.Store, `select count(*) from compra where id = $1`, s.ID); n != 1-want {
			t.Errorf("after %s there are %d purchases", age, n)
		}
	}
}
