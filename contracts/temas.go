package contracts

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

// Nombres lists every topic, without the ones for dead letters.
func Nombres() []string {
	return []string{
		string(ComandosGestorCompra), string(ComandosInventario), string(EventosInventario), string(ComandosProducto),
		string(EventosProductos), string(ComandosOrden), string(EventosOrden), string(EventosCompra),
	}
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
