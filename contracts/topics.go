package contracts

import "slices"

// TopicName is the name of a topic. Its type parameter is the type of the messages' data.
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

// DeadLetters returns the topic for the messages of t that their reader cannot handle. It has the same schema; the properties have the reason.
func (t TopicName[D]) DeadLetters() TopicName[D] { return t + deadLetterSuffix }

// Topic is one topic with its messages, its sender and its reader. `make generate` writes the schemas and subscriptions in
// components/ and asyncapi.yaml from Topics. `make up` creates the topics and subscriptions in the broker.
type Topic struct {
	Name      string
	Sender    string   // an app-id
	Reader    string   // an app-id, and the name of its subscription
	Others    []string // the app-ids of further readers, each with a subscription of its own through "pubsub"
	Component string   // the Dapr component through which Reader receives; "pubsub" when empty
	Messages  []MessageType
	// Compared are the fields of data of a command whose reply is stored: where they are the same, the command is the same
	// (docs/adr/stored-replies.md). A field that is appended to the schema does not join them, else a copy would be another command for a reader
	// that knows the field.
	Compared []string
	About    string // the use of the topic, for asyncapi.yaml
}

// Topics are all topics, without the topics for dead letters.
var Topics = []Topic{
	{
		Name: string(ComandosGestorCompra), Sender: "bff", Reader: "gestor-compra", About: "Create and cancel purchases; the sender does not wait for gestor-compra.",
		Messages: []MessageType{CrearCompra, CancelarCompra},
	},
	{
		Name: string(ComandosInventario), Sender: "gestor-compra", Reader: "consolidador", About: "Check whether there is stock of each product of a purchase, and what it costs.",
		Messages: []MessageType{ValidarInventario, CancelarValidacionInventario},
	},
	{
		Name: string(EventosInventario), Sender: "consolidador", Reader: "gestor-compra", About: "The replies of consolidador.",
		Messages: []MessageType{InventarioValidado, InventarioInsuficiente, TotalExcedido, ValidacionCancelada},
	},
	{
		Name: string(ComandosProducto), Sender: "gestor-compra", Reader: "admin-productos", Component: "pubsub-productos",
		About:    "Reserve products for a purchase, release them, dispatch them.",
		Messages: []MessageType{ReservarProducto, LiberarReserva, DespacharReserva},
		Compared: []string{"id_compra", "productos"},
	},
	{
		Name: string(EventosProductos), Sender: "admin-productos", Reader: "gestor-compra", About: "The replies of admin-productos.",
		Messages: []MessageType{ProductosReservados, ReservaRechazada, ReservaLiberada, ReservaDespachada},
	},
	{
		Name: string(ComandosOrden), Sender: "gestor-compra", Reader: "ordenes", About: "Create and cancel the order of a purchase.",
		Messages: []MessageType{CrearOrden, CancelarOrden},
		Compared: []string{"id_compra", "id_usuario", "productos", "domicilio", "direccion", "tienda", "moneda", "total", "precios"}, // codigo is a name
	},
	{
		Name: string(EventosOrden), Sender: "ordenes", Reader: "gestor-compra", About: "The replies of ordenes, and the dispatch of an order by a person (OrdenDespachada).",
		Messages: []MessageType{OrdenCreada, OrdenRechazada, OrdenCancelada, OrdenDespachada},
	},
	{
		Name: string(EventosCompra), Sender: "gestor-compra", Reader: "bff", Others: []string{"avisos"}, About: "Each change of a purchase, with the whole purchase and its history.",
		Messages: []MessageType{CompraActualizada},
	},
}

// Readers returns the app-ids of all readers of t, Reader first.
func (t Topic) Readers() []string { return append([]string{t.Reader}, t.Others...) }

// Names returns the name of each of Topics.
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

// MessageType is the type of a message. The name of a command is an infinitive, the name of an event a past participle.
type MessageType string

// The messages, by topic.
const (
	CrearCompra    MessageType = "CrearCompra"
	CancelarCompra MessageType = "CancelarCompra"

	ValidarInventario            MessageType = "ValidarInventario"
	CancelarValidacionInventario MessageType = "CancelarValidacionInventario"
	InventarioValidado           MessageType = "InventarioValidado"
	InventarioInsuficiente       MessageType = "InventarioInsuficiente"
	TotalExcedido                MessageType = "TotalExcedido"
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
