package contracts

import "time"

// EstadoOrden is the state of an order.
type EstadoOrden string

// The states of an order. The last two are final.
const (
	EstadoOrdenCreada     EstadoOrden = "CREADA"
	EstadoOrdenCancelada  EstadoOrden = "CANCELADA"
	EstadoOrdenDespachada EstadoOrden = "DESPACHADA"
)

// Orden is the order of a purchase in the JSON of ordenes and of the bff.
type Orden struct {
	ID                string      `json:"id"`
	DatosComandoOrden             // the purchase
	Estado            EstadoOrden `json:"estado"`
	CreadaEn          time.Time   `json:"creada_en"`
	ActualizadaEn     time.Time   `json:"actualizada_en"`
}
