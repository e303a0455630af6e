package contracts

import "slices"

// Tema is a topic and, as its type parameter, what its messages carry.
type TopicName[D any] string

// The topics: persistent://public/default/<name>.
const (
	ComandosGestorCompra TopicName[DatosComandoGestorCompra] = "comandos-gestor-compra"
	ComandosInventario   TopicName[DatosComandoInventario]   = "comandos-inventario"
	EventosInventario    TopicName[DatosEventoInventario]    = "eventos-inventario"
	ComandosProducto     TopicName[DatosComandoProducto]     = "comandos-producto"
	EventosProductos     TopicName[DatosEventoProductos]     = "eventos-productos"
	ComandosOrden        TopicName[DatosComandoOrden]        = "comandos-orden"
	EventosOrden         TopicName[DatosEventoOrden]         = "eventos-orden"
	EventosCompra        TopicName[DatosEventoCompra]        = "eventos-compra"
)

// MensajesMuertos is the topic for messages of t that cannot be handled: same schema, the reason in the properties.
func (t TopicName[D]) MensajesMuertos() TopicName[D] { return t + deadLetterSuffix }

// Topic is one topic: what is on it, who sends it and who reads it. The schemas and subscriptions in components/, asyncapi.yaml
// and the broker's topics and subscriptions follow from Topics.
type Topic struct {
	Name      string
	Sender    string // an app-id
	Reader    string // an app-id, and the name of its subscription
	Component string // the Dapr component through which Reader receives; "pubsub" when empty
	Messages  []MessageType
	About     string // what the topic is for, in Spanish: asyncapi.yaml tells it
}

// Topics are all topics, without those for dead letters.
var Topics = []Topic{
	{
		Name: string(ComandosGestorCompra), Sender: "bff", Reader: "gestor-compra", About: "Comprar y cancelar, sin esperar a gestor-compra.",
		Messages: []MessageType{CrearCompra, CancelarCompra},
	},
	{
		Name: string(ComandosInventario), Sender: "gestor-compra", Reader: "consolidador", About: "Si hay de todo lo que una compra pide.",
		Messages: []MessageType{ValidarInventario, CancelarValidacionInventario},
	},
	{
		Name: string(EventosInventario), Sender: "consolidador", Reader: "gestor-compra", About: "Lo que consolidador responde.",
		Messages: []MessageType{InventarioValidado, InventarioInsuficiente, ValidacionCancelada},
	},
	{
		Name: string(ComandosProducto), Sender: "gestor-compra", Reader: "admin-productos", Component: "pubsub-productos",
		About:    "Reservar para una compra, soltar lo reservado, despacharlo.",
		Messages: []MessageType{ReservarProducto, LiberarReserva, DespacharReserva},
	},
	{
		Name: string(EventosProductos), Sender: "admin-productos", Reader: "gestor-compra", About: "Lo que admin-productos responde.",
		Messages: []MessageType{ProductosReservados, ReservaRechazada, ReservaLiberada, ReservaDespachada},
	},
	{
		Name: string(ComandosOrden), Sender: "gestor-compra", Reader: "ordenes", About: "Crear y cancelar la orden de una compra.",
		Messages: []MessageType{CrearOrden, CancelarOrden},
	},
	{
		Name: string(EventosOrden), Sender: "ordenes", Reader: "gestor-compra", About: "Lo que ordenes responde, y lo que una persona hizo allí (OrdenDespachada).",
		Messages: []MessageType{OrdenCreada, OrdenRechazada, OrdenCancelada, OrdenDespachada},
	},
	{
		Name: string(EventosCompra), Sender: "gestor-compra", Reader: "bff", About: "Cada cambio de una compra, con la compra entera y su historia.",
		Messages: []MessageType{CompraActualizada},
	},
}

// Names lists every topic, without the ones for dead letters.
func Names() []string {
	names := make([]string, len(Topics))
	for i, t := range Topics {
		names[i] = t.Name
	}
	return names
}

// TopicOf returns the topic that carries messages of type t; a zero Topic where none does.
func TopicOf(t MessageType) Topic {
	for _, topic := range Topics {
		if slices.Contains(topic.Messages, t) {
			return topic
		}
	}
	return Topic{}
}

// Tipo says which message of its topic one is. Commands are infinitives, events past participles.
type MessageType string

// The messages, by topic.
const (
	CrearCompra    MessageType = "CrearCompra"
	CancelarCompra MessageType = "CancelarCompra"

	ValidarInventario            MessageType = "ValidarInventario"
	CancelarValidacionInventario MessageType = "CancelarValidacionInventario"
	InventarioValidado           MessageType = "InventarioValidado"
	InventarioInsuficiente       MessageType = "InventarioInsuficiente"
	ValidacionCancelada          MessageType = "ValidacionCancelada"

	ReservarProducto    MessageType = "ReservarProducto"
	LiberarReserva      MessageType = "LiberarReserva"
	DespacharReserva    MessageType = "DespacharReserva"
	ProductosReservados MessageType = "ProductosReservados"
	ReservaRechazada    MessageType = "ReservaRechazada"
	ReservaLiberada     MessageType = "ReservaLiberada"
	ReservaDespachada   MessageType = "ReservaDespachada"

	CrearOrden      MessageType = "CrearOrden"
	CancelarOrden   MessageType = "CancelarOrden"
	OrdenCreada     MessageType = "OrdenCreada"
	OrdenRechazada  MessageType = "OrdenRechazada"
	OrdenCancelada  MessageType = "OrdenCancelada"
	OrdenDespachada MessageType = "OrdenDespachada"

	CompraActualizada MessageType = "CompraActualizada"
)
