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
	ID                string      `json:"id"`
	DatosComandoOrden             // what it was made for
	Estado            EstadoOrden `json:"estado"`
	CreadaEn          time.Time   `json:"creada_en"`
	ActualizadaEn     time.Time   `json:"actualizada_en"`
}
