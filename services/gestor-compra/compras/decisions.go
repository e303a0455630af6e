package compras

// Decision is the decision about a purchase that waits for approval, and its reason.
type Decision struct {
	Decision string
	Motivo   string
}

// The decisions. NoDecision means that there is none yet.
const (
	NoDecision = ""
	Aprobada   = "aprobada"
	Refused    = "rechazada"
	Cancelled  = "cancelada"
	Expired    = "expirada"
)

// StepWanted is the entry in the history of a purchase that waits for approval, after another purchase was refused for want of
// the units that it holds.
const StepWanted = "Demanda"
