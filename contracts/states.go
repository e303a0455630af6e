package contracts

// Estado is where a purchase stands.
type Estado string

// The states, in the order in which a purchase meets them. CONFIRMADA is what the saga works for; it can still be
// cancelled or dispatched.
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

// Estados are all of them.
var Estados = []Estado{
	EstadoRecibida, EstadoIniciada, EstadoProductosValidos, EstadoProductosReservados, EstadoPorAprobar, EstadoConfirmada,
	EstadoDespachada, EstadoCompensando, EstadoRechazada, EstadoCancelada, EstadoFallida,
}

// AtRest tells that the saga has nothing more to do by itself: the purchase is confirmed or at its end.
func (e Estado) AtRest() bool {
	switch e {
	case EstadoConfirmada, EstadoDespachada, EstadoRechazada, EstadoCancelada, EstadoFallida:
		return true
	default:
		return false
	}
}
