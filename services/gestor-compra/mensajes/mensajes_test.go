package mensajes_test

import (
	"strings"
	"testing"
	"time"

	"github.com/gorilla/mux"

	"entregas/contracts"
	"entregas/services/gestor-compra/compras"
	"entregas/services/gestor-compra/mensajes"
	"entregas/services/gestor-compra/postgrestest"
	"entregas/services/gestor-compra/recepcion"
	"entregas/services/internal/pubsub"
	"entregas/services/internal/pubsubtest"
	"entregas/workflows/compra"
)

// puerta is where messages come in, with all that is behind it.
type puerta struct {
	postgrestest.Almacen
	pubsubtest.Broker
	rutas *mux.Router
}

func nuevaPuerta(t *testing.T) *puerta {
	t.Helper()
	p := &puerta{Almacen: postgrestest.Nuevo(t), rutas: mux.NewRouter()}
	testigo := &postgrestest.Testigo{}
	receptor := pubsub.NuevoReceptor(p.rutas, pubsub.NuevoPublicador(&p.Broker, "gestor-compra"), &pubsubtest.Intentos{})
	mensajes.Recibir(receptor, recepcion.Nueva(p, testigo, testigo, recepcion.Options{MaxOpen: 100, Admit: testigo.Avisar, Reconcile: testigo.Reconcile}), p)
	return p
}

// entregar delivers a message. What it fails to be is a dead letter whose reason has motivo in it; "" is none.
func entregar[D any](t *testing.T, p *puerta, tema contracts.Tema[D], tipo contracts.Tipo, datos D, motivo string) {
	t.Helper()
	muertos := string(tema.MensajesMuertos())
	antes := len(p.Metadatos(muertos))
	m := contracts.NuevoMensaje("prueba", tipo, "", datos)
	if estado := pubsubtest.Entregar(t, p.rutas, tema, m); estado != "SUCCESS" {
		t.Fatalf("responde %s", estado)
	}
	nuevos := p.Metadatos(muertos)[antes:]
	if (len(nuevos) == 1) != (motivo != "") || motivo != "" && !strings.Contains(nuevos[0]["motivo"], motivo) {
		t.Fatalf("mensajes muertos %v, se esperaba %q", nuevos, motivo)
	}
}

func TestComandos(t *testing.T) {
	p := nuevaPuerta(t)
	type datos = contracts.DatosComandoGestorCompra
	for _, c := range []struct {
		nombre string
		estado contracts.Estado // "": there is no purchase yet
		tipo   contracts.Tipo
		cambio func(d *datos)
		motivo string           // of the dead letter
		queda  contracts.Estado // "": there still is none
		pasos  int
	}{
		{"a purchase", "", contracts.CrearCompra, nil, "", contracts.EstadoRecibida, 1},
		{"a purchase that is there", contracts.EstadoConfirmada, contracts.CrearCompra, nil, "", contracts.EstadoConfirmada, 1},
		{"a purchase that is there as another", contracts.EstadoConfirmada, contracts.CrearCompra, func(d *datos) { d.IDUsuario = "eva" }, "otro contenido", contracts.EstadoConfirmada, 1},
		{"without lines", "", contracts.CrearCompra, func(d *datos) { d.Productos = nil }, "productos", "", 0},
		{"none of a product", "", contracts.CrearCompra, func(d *datos) { d.Productos[1].Cantidad = 0 }, "productos[1].cantidad", "", 0},
		{"a product twice", "", contracts.CrearCompra, func(d *datos) { d.Productos[1].IDProducto = "1" }, "productos[1].id_producto", "", 0},
		{"without a customer", "", contracts.CrearCompra, func(d *datos) { d.IDUsuario = "" }, "id_usuario", "", 0},
		{"without an id", "", contracts.CrearCompra, func(d *datos) { d.IDCompra = "compra" }, "id: debe ser", "", 0},

		{"a cancellation", contracts.EstadoRecibida, contracts.CancelarCompra, nil, "", contracts.EstadoCancelada, 2},
		{"a cancellation that was done", contracts.EstadoCancelada, contracts.CancelarCompra, nil, "", contracts.EstadoCancelada, 1},
		{"a cancellation before the purchase", "", contracts.CancelarCompra, nil, "", "", 0},
		{"a cancellation too late", contracts.EstadoDespachada, contracts.CancelarCompra, nil, "ya no se puede cancelar", contracts.EstadoDespachada, 1},
		{"another's cancellation", contracts.EstadoRecibida, contracts.CancelarCompra, func(d *datos) { d.IDUsuario = "eva" }, "no es de quien la cancela", contracts.EstadoRecibida, 1},
		{"nobody's cancellation", "", contracts.CancelarCompra, func(d *datos) { d.IDUsuario = "" }, "id_usuario", "", 0},
		{"a cancellation of no purchase", "", contracts.CancelarCompra, func(d *datos) { d.IDCompra = "x" }, "id: debe ser", "", 0},

		{"a type that nobody knows", contracts.EstadoRecibida, "RegalarCompra", nil, "RegalarCompra", contracts.EstadoRecibida, 1},
	} {
		t.Run(c.nombre, func(t *testing.T) {
			s := postgrestest.Solicitud()
			if c.estado != "" {
				s = p.Compra(t, c.estado)
			}
			d := datos{IDCompra: s.ID, IDUsuario: s.IDUsuario, Productos: s.Productos, Motivo: "ya no"}
			if c.cambio != nil {
				c.cambio(&d)
			}
			for range 2 { // the broker delivers at least once
				entregar(t, p, contracts.ComandosGestorCompra, c.tipo, d, c.motivo)
			}
			hay := postgrestest.Uno[int](t, p.Almacen, `select count(*) from compra where id = $1`, s.ID)
			if (hay == 1) != (c.queda != "") {
				t.Fatalf("hay %d compras", hay)
			}
			if hay == 1 {
				if vista, err := p.Leer(t.Context(), s.ID); err != nil || vista.Estado != c.queda || len(vista.Historia) != c.pasos {
					t.Errorf("quedó %+v: %v", vista, err)
				}
			}
		})
	}
}

// Every reply that a command may have is recorded, once; any other is a dead letter.
func TestRespuestas(t *testing.T) {
	p := nuevaPuerta(t)
	respuestas := []contracts.Tipo{
		contracts.InventarioValidado, contracts.InventarioInsuficiente, contracts.ValidacionCancelada, contracts.ProductosReservados,
		contracts.ReservaRechazada, contracts.ReservaLiberada, contracts.ReservaDespachada, contracts.OrdenCreada, contracts.OrdenRechazada,
		contracts.OrdenCancelada, contracts.OrdenDespachada,
	}
	valen := map[contracts.Tipo][]contracts.Tipo{
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
	for comando, buenas := range valen {
		for _, tipo := range respuestas {
			if comando == "" && tipo == contracts.OrdenDespachada {
				continue // what a person did: TestLoQueNadiePregunto
			}
			s, motivo := p.Compra(t, contracts.EstadoIniciada), "no responde a"
			p.plantear(t, s.ID, comando)
			for _, buena := range buenas {
				if buena == tipo {
					motivo = ""
				}
			}
			for range 2 {
				responder(t, p, tipo, s.ID, comando, motivo)
			}
			paso, err := p.LeerPaso(t.Context(), s.ID, comando)
			if err != nil || (paso.Respuesta != nil) != (motivo == "") || paso.Respuesta != nil && paso.Respuesta.Tipo != tipo {
				t.Errorf("%s a %q: quedó %+v %v", tipo, comando, paso, err)
			}
		}
	}
}

func (p *puerta) plantear(t *testing.T, id string, comando contracts.Tipo) {
	t.Helper()
	k := compras.Cambio{IDCompra: id}
	if _, err := p.Plantear(t.Context(), k, comando, []contracts.Estado{contracts.EstadoIniciada}, true); err != nil {
		t.Fatal(err)
	}
}

const unaOrden = "01938f5e-7c1a-7000-8000-00000000000a"

// responder delivers a reply on the topic of its type, with the fields that it must have.
func responder(t *testing.T, p *puerta, tipo contracts.Tipo, id string, comando contracts.Tipo, motivo string) {
	t.Helper()
	responderCon(t, p, tipo, id, comando, nil, motivo)
}

// campos are the fields of replies, of whatever topic.
type campos struct {
	idCompra, respondeA, motivo, orden string
	faltantes                          []contracts.Faltante
}

// responderCon is responder for a reply whose fields cambiar changes.
func responderCon(t *testing.T, p *puerta, tipo contracts.Tipo, id string, comando contracts.Tipo, cambiar func(*campos), motivo string) {
	t.Helper()
	c := campos{idCompra: id, respondeA: string(comando), motivo: "porque sí"}
	switch tipo {
	case contracts.OrdenCreada, contracts.OrdenCancelada, contracts.OrdenDespachada:
		c.orden = unaOrden
	case contracts.InventarioInsuficiente, contracts.ReservaRechazada:
		c.faltantes = []contracts.Faltante{{IDProducto: "1", Solicitada: 2}}
	}
	if cambiar != nil {
		cambiar(&c)
	}
	switch {
	case strings.HasPrefix(string(tipo), "Orden"):
		entregar(t, p, contracts.EventosOrden, tipo, contracts.DatosEventoOrden{IDCompra: c.idCompra, RespondeA: c.respondeA, IDOrden: c.orden, Motivo: c.motivo}, motivo)
	case strings.HasPrefix(string(tipo), "Inventario"), tipo == contracts.ValidacionCancelada:
		entregar(t, p, contracts.EventosInventario, tipo, contracts.DatosEventoInventario{IDCompra: c.idCompra, RespondeA: c.respondeA, Faltantes: c.faltantes}, motivo)
	default:
		entregar(t, p, contracts.EventosProductos, tipo, contracts.DatosEventoProductos{IDCompra: c.idCompra, RespondeA: c.respondeA, Faltantes: c.faltantes, Motivo: c.motivo}, motivo)
	}
}

// What a reply tells is kept, for the step that waits for it.
func TestQueDiceUnaRespuesta(t *testing.T) {
	p := nuevaPuerta(t)
	for _, c := range []struct {
		comando, tipo     contracts.Tipo
		faltantes, motivo bool
		orden             string
	}{
		{contracts.ValidarInventario, contracts.InventarioInsuficiente, true, false, ""},
		{contracts.ReservarProducto, contracts.ReservaRechazada, true, true, ""},
		{contracts.CrearOrden, contracts.OrdenCreada, false, true, unaOrden},
	} {
		s := p.Compra(t, contracts.EstadoIniciada)
		p.plantear(t, s.ID, c.comando)
		responder(t, p, c.tipo, s.ID, c.comando, "")
		paso, err := p.LeerPaso(t.Context(), s.ID, c.comando)
		if err != nil || paso.Respuesta == nil {
			t.Fatalf("%s: %+v %v", c.tipo, paso, err)
		}
		if r := *paso.Respuesta; (len(r.Faltantes) == 1) != c.faltantes || (r.Motivo == "porque sí") != c.motivo || r.IDOrden != c.orden {
			t.Errorf("%s: quedó %+v", c.tipo, r)
		}
	}
}

func TestLoQueNadiePregunto(t *testing.T) {
	p := nuevaPuerta(t)
	s := p.Compra(t, contracts.EstadoIniciada)
	responder(t, p, contracts.OrdenCreada, s.ID, contracts.CrearOrden, "nadie preguntó CrearOrden")
	responder(t, p, contracts.OrdenCreada, postgrestest.Solicitud().ID, contracts.CrearOrden, "nadie preguntó CrearOrden")

	// An order that a person has sent off answers nothing, and is no dead letter: unless nobody knows its purchase.
	for range 2 {
		responder(t, p, contracts.OrdenDespachada, s.ID, "", "")
	}
	if n := postgrestest.Uno[int](t, p.Almacen, `select count(*) from tramite where id_compra = $1 and tipo = 'despacho'`, s.ID); n != 1 {
		t.Errorf("hay %d despachos", n)
	}
	responder(t, p, contracts.OrdenDespachada, postgrestest.Solicitud().ID, "", "nadie conoce la compra")
}

// ordenes tells each dispatch twice (docs/adr/told-twice.md): after the purchase is DESPACHADA it is no dead letter, and
// nothing is to be done.
func TestADispatchToldAgainChangesNothing(t *testing.T) {
	p := nuevaPuerta(t)
	s := p.Compra(t, contracts.EstadoDespachada)
	responder(t, p, contracts.OrdenDespachada, s.ID, "", "")
	if err := p.TerminarTramite(t.Context(), compra.Tramite{IDCompra: s.ID, Tipo: compra.TramiteDespacho, Hecho: true}); err != nil {
		t.Fatal(err)
	}
	before := postgrestest.Uno[string](t, p.Almacen, `select t::text || c::text from tramite t join compra c on c.id = t.id_compra where c.id = $1`, s.ID)
	responder(t, p, contracts.OrdenDespachada, s.ID, "", "")
	after := postgrestest.Uno[string](t, p.Almacen, `select t::text || c::text from tramite t join compra c on c.id = t.id_compra where c.id = $1`, s.ID)
	if tramites, err := p.TomarTramites(t.Context(), time.Hour, 10); err != nil || len(tramites) != 0 || before != after {
		t.Errorf("%v, %v: %s, was %s", tramites, err, after, before)
	}
}

// A late or another reply is kept beside the one that counts, and is no dead letter.
func TestRespuestasSinEfecto(t *testing.T) {
	p := nuevaPuerta(t)
	s := p.Compra(t, contracts.EstadoIniciada)
	p.plantear(t, s.ID, contracts.CrearOrden)
	if _, err := p.Abandonar(t.Context(), s.ID, contracts.CrearOrden); err != nil {
		t.Fatal(err)
	}
	responder(t, p, contracts.OrdenCreada, s.ID, contracts.CrearOrden, "")
	p.plantear(t, s.ID, contracts.ReservarProducto)
	responder(t, p, contracts.ProductosReservados, s.ID, contracts.ReservarProducto, "")
	responder(t, p, contracts.ReservaRechazada, s.ID, contracts.ReservarProducto, "")
	if n := postgrestest.Uno[int](t, p.Almacen, `select sum(jsonb_array_length(tardias)) from paso where id_compra = $1`, s.ID); n != 2 {
		t.Errorf("guardó %d", n)
	}
}

// docs/adr/trouble-is-not-a-bad-message.md: without its database it can do nothing, and loses nothing.
func TestSinBaseTodoVuelve(t *testing.T) {
	p := nuevaPuerta(t)
	s := postgrestest.Solicitud()
	p.Pool.Close()
	for range 2 * pubsub.MaxIntentos {
		m := contracts.NuevoMensaje("prueba", contracts.CrearCompra, "", contracts.DatosComandoGestorCompra{IDCompra: s.ID, IDUsuario: s.IDUsuario, Productos: s.Productos})
		if estado := pubsubtest.Entregar(t, p.rutas, contracts.ComandosGestorCompra, m); estado != "RETRY" {
			t.Fatal(estado)
		}
		r := contracts.NuevoMensaje("prueba", contracts.OrdenCreada, "", contracts.DatosEventoOrden{IDCompra: s.ID, RespondeA: string(contracts.CrearOrden), IDOrden: unaOrden})
		if estado := pubsubtest.Entregar(t, p.rutas, contracts.EventosOrden, r); estado != "RETRY" {
			t.Fatal(estado)
		}
	}
	if muertos := p.Metadatos(string(contracts.ComandosGestorCompra.MensajesMuertos())); len(muertos) != 0 {
		t.Fatalf("mensajes muertos: %v", muertos)
	}
}
