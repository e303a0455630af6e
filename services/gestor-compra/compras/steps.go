package compras

import (
	"errors"
	"time"

	"entregas/contracts"
)

// Step is a command of the saga and its reply.
type Step struct {
	PreguntadaEn time.Time // when the command was first sent
	Abandoned    bool      // the saga does not wait for the reply any more
	Reply        *Reply    // nil until the reply has come
}

// Reply is a participant's reply to a command.
type Reply struct {
	Tipo      contracts.MessageType
	Motivo    string               `json:"motivo,omitempty"`
	Faltantes []contracts.Faltante `json:"faltantes,omitempty"`
	IDOrden   string               `json:"id_orden,omitempty"`
	contracts.Importes
}

// ErrNobodyAsked says that a command has no participant.
var ErrNobodyAsked = errors.New("no participant takes the command")

// Posed is the result of Pose: the purchase after it, and the step of the command.
type Posed struct {
	Compra            contracts.Compra
	Moved             bool // the purchase changed its state
	CancelacionAsked  bool
	CancelacionMotivo string
	Step              *Step // nil when the command was never posed
}

// Recorded is the effect of a reply that was stored.
type Recorded string

// The values of Recorded.
const (
	First    Recorded = "first" // the reply that counts
	Repeated Recorded = "repeated"
	Late     Recorded = "late" // stored without effect
	Unknown  Recorded = "unknown"
)
