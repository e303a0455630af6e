package compras

// Decision is what was decided about a purchase that awaits approval.
type Decision struct {
	Decision string
	Motivo   string
}

// The decisions. Ninguna: nothing yet.
const (
	Ninguna   = ""
	Aprobada  = "aprobada"
	Rechazada = "rechazada"
	Cancelada = "cancelada"
	Expirada  = "expirada"
)

// PasoWanted is the history entry of a purchase that awaits approval, once another was refused for want of the units that it holds.
const PasoWanted = "Demanda"
