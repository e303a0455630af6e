package compras

import (
	"time"

	"entregas/contracts"
)

// Decision is the decision about a purchase that waits for approval, its reason, and the person who made it.
type Decision struct {
	Decision string
	Motivo   string
	By       contracts.Actor // zero where the time decided
}

// IsSame reports whether d and other are the same decision for the same reason, whoever made them.
func (d Decision) IsSame(other Decision) bool {
	return d.Decision == other.Decision && d.Motivo == other.Motivo
}

// AprobacionDenied is the type of the entries in the history about a purchase that an operator did not approve.
const AprobacionDenied contracts.MessageType = "AprobacionNegada"

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

// Waiting returns since when c waits for approval, and when its wait ends: after approval, or once another purchase has lacked its
// units for wanted, whichever is first.
func Waiting(c contracts.Compra, approval, wanted time.Duration) contracts.CompraPorAprobar {
	w := contracts.CompraPorAprobar{Compra: c, Desde: c.ActualizadaEn, VenceEn: c.ActualizadaEn.Add(approval)}
	for _, h := range c.Historia {
		switch h.Paso {
		case string(contracts.EstadoPorAprobar):
			w.Desde, w.VenceEn = h.En, h.En.Add(approval)
		case StepWanted:
			if early := h.En.Add(wanted); early.Before(w.VenceEn) {
				w.VenceEn = early
			}
		}
	}
	return w
}
