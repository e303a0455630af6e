package compras

// Decision is what was decided about a purchase that awaits approval.
type Decision struct {
	Decision string
	Motivo   string
}

// The decisions. NoDecision: nothing yet.
const (
	NoDecision = ""
	Aprobada   = "aprobada"
	Refused    = "rechazada"
	Cancelled  = "cancelada"
	Expired    = "expirada"
)

// StepWanted is the history entry of a purchase that awaits approval, once another was refused for want of the units that it holds.
const StepWanted = "Demanda"
