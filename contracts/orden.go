package contracts

import "time"

// EstadoOrden is where an order stands.
type EstadoOrden string

// An order's states. The last two are final.
const (
	EstadoOrdenCreada     EstadoOrden = "CREADA"
	EstadoOrdenCancelada  EstadoOrden = "CANCELADA"
	EstadoOrdenDespachada EstadoOrden = "DESPACHADA"
)

// Orden is the order of a purchase, as ordenes and the bff tell it.
type Orden struct {
	ID            string      `json:"id"`
	IDCompra      string      `json:"id_compra"`
	IDUsuario     string      `json:"id_usuario"`
	Productos     []Linea     `json:"productos"`
	Domicilio     bool        `json:"domicilio"`
	Estado        EstadoOrden `json:"estado"`
	CreadaEn      time.Time   `json:"creada_en"`
	ActualizadaEn time.Time   `json:"actualizada_en"`
}
