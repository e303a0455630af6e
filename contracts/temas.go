package contracts

import "slices"

// Tema is a topic and, as its type parameter, what its messages carry.
type Tema[D any] string

// The topics: persistent://public/default/<name>.
const (
	ComandosGestorCompra Tema[DatosComandoGestorCompra] = "comandos-gestor-compra"
	ComandosInventario   Tema[DatosComandoInventario]   = "comandos-inventario"
	EventosInventario    Tema[DatosEventoInventario]    = "eventos-inventario"
	ComandosProducto     Tema[DatosComandoProducto]     = "comandos-producto"
	EventosProductos     Tema[DatosEventoProductos]     = "eventos-productos"
	ComandosOrden        Tema[DatosComandoOrden]        = "comandos-orden"
	EventosOrden         Tema[DatosEventoOrden]         = "eventos-orden"
	EventosCompra        Tema[DatosEventoCompra]        = "eventos-compra"
)

// MensajesMuertos is the topic for messages of t that cannot be handled: same schema, the reason in the properties.
func (t Tema[D]) MensajesMuertos() Tema[D] { return t + sufijoMuertos }

// Topic is one topic: what is on it, who sends it and who reads it. The schemas and subscriptions in components/, asyncapi.yaml
// and the broker's topics and subscriptions follow from Topics.
type Topic struct {
	Name      string
	Sender    string // an app-id
	Reader    string // an app-id, and the name of its subscription
	Component string // the Dapr component through which Reader receives; "pubsub" when empty
	Messages  []Tipo
	About     string // what the topic is for, in Spanish: asyncapi.yaml tells it
}

// Topics are all topics, without those for dead letters.
var Topics = []Topic{
	{
		Name: string(ComandosGestorCompra), Sender: "bff", Reader: "gestor-compra", About: "Comprar y cancelar, sin esperar a gestor-compra.",
		Messages: []Tipo{CrearCompra, CancelarCompra},
	},
	{
		Name: string(ComandosInventario), Sender: "gestor-compra", Reader: "consolidador", About: "Si hay de todo lo que una compra pide.",
		Messages: []Tipo{ValidarInventario, CancelarValidacionInventario},
	},
	{
		Name: string(EventosInventario), Sender: "consolidador", Reader: "gestor-compra", About: "Lo que consolidador responde.",
		Messages: []Tipo{InventarioValidado, InventarioInsuficiente, ValidacionCancelada},
	},
	{
		Name: string(ComandosProducto), Sender: "gestor-compra", Reader: "admin-productos", Component: "pubsub-productos",
		About:    "Reservar para una compra, soltar lo reservado, despacharlo.",
		Messages: []Tipo{ReservarProducto, LiberarReserva, DespacharReserva},
	},
	{
		Name: string(EventosProductos), Sender: "admin-productos", Reader: "gestor-compra", About: "Lo que admin-productos responde.",
		Messages: []Tipo{ProductosReservados, ReservaRechazada, ReservaLiberada, ReservaDespachada},
	},
	{
		Name: string(ComandosOrden), Sender: "gestor-compra", Reader: "ordenes", About: "Crear y cancelar la orden de una compra.",
		Messages: []Tipo{CrearOrden, CancelarOrden},
	},
	{
		Name: string(EventosOrden), Sender: "ordenes", Reader: "gestor-compra", About: "Lo que ordenes responde, y lo que una persona hizo allí (OrdenDespachada).",
		Messages: []Tipo{OrdenCreada, OrdenRechazada, OrdenCancelada, OrdenDespachada},
	},
	{
		Name: string(EventosCompra), Sender: "gestor-compra", Reader: "bff", About: "Cada cambio de una compra, con la compra entera y su historia.",
		Messages: []Tipo{CompraActualizada},
	},
}

// Nombres lists every topic, without the ones for dead letters.
func Nombres() []string {
	names := make([]string, len(Topics))
	for i, t := range Topics {
		names[i] = t.Name
	}
	return names
}

// TopicOf returns the topic that carries messages of type t; a zero Topic where none does.
func TopicOf(t Tipo) Topic {
	for _, topic := range Topics {
		if slices.Contains(topic.Messages, t) {
			return topic
		}
	}
	return Topic{}
}

// Tipo says which message of its topic one is. Commands are infinitives, events past participles.
type Tipo string

// The messages, by topic.
const (
	CrearCompra    Tipo = "CrearCompra"
	CancelarCompra Tipo = "CancelarCompra"

	ValidarInventario            Tipo = "ValidarInventario"
	CancelarValidacionInventario Tipo = "CancelarValidacionInventario"
	InventarioValidado           Tipo = "InventarioValidado"
	InventarioInsuficiente       Tipo = "InventarioInsuficiente"
	ValidacionCancelada          Tipo = "ValidacionCancelada"

	ReservarProducto    Tipo = "ReservarProducto"
	LiberarReserva      Tipo = "LiberarReserva"
	DespacharReserva    Tipo = "DespacharReserva"
	ProductosReservados Tipo = "ProductosReservados"
	ReservaRechazada    Tipo = "ReservaRechazada"
	ReservaLiberada     Tipo = "ReservaLiberada"
	ReservaDespachada   Tipo = "ReservaDespachada"

	CrearOrden      Tipo = "CrearOrden"
	CancelarOrden   Tipo = "CancelarOrden"
	OrdenCreada     Tipo = "OrdenCreada"
	OrdenRechazada  Tipo = "OrdenRechazada"
	OrdenCancelada  Tipo = "OrdenCancelada"
	OrdenDespachada Tipo = "OrdenDespachada"

	CompraActualizada Tipo = "CompraActualizada"
)
