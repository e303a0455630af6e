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

// StepWanted is an entry in the history of a purchase that waits for approval. It says that another purchase was refused
// because this purchase holds the units.
const StepWanted = "Demanda"
