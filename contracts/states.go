package contracts

// Estado is the state of a purchase.
type Estado string

// The states, in the order in which a purchase enters them. A purchase in CONFIRMADA can still be cancelled or dispatched.
const (
	EstadoRecibida            Estado = "RECIBIDA"
	EstadoIniciada            Estado = "INICIADA"
	EstadoProductosValidos    Estado = "PRODUCTOS_VALIDOS"
	EstadoProductosReservados Estado = "PRODUCTOS_RESERVADOS"
	EstadoPorAprobar          Estado = "POR_APROBAR"
	EstadoConfirmada          Estado = "CONFIRMADA"
	EstadoDespachada          Estado = "DESPACHADA"
	EstadoCompensando         Estado = "COMPENSANDO"
	EstadoRechazada           Estado = "RECHAZADA"
	EstadoCancelada           Estado = "CANCELADA"
	EstadoFallida             Estado = "FALLIDA"
)

// Estados are all states.
var Estados = []Estado{
	EstadoRecibida, EstadoIniciada, EstadoProductosValidos, EstadoProductosReservados, EstadoPorAprobar, EstadoConfirmada,
	EstadoDespachada, EstadoCompensando, EstadoRechazada, EstadoCancelada, EstadoFallida,
}

// AtRest reports whether the saga has ended: the purchase is confirmed or in a final state.
func (e Estado) AtRest() bool {
	switch e {
	case EstadoConfirmada, EstadoDespachada, EstadoRechazada, EstadoCancelada, EstadoFallida:
		return true
	default:
		return false
	}
}
