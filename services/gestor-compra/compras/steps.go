package compras

import (
	"errors"
	"time"

	"entregas/contracts"
)

// Step is a question of the saga and, once it came, its reply.
type Step struct {
	PreguntadaEn time.Time
	Abandoned    bool
	Reply        *Reply
}

// Reply is a participant's reply to a command.
type Reply struct {
	Tipo      contracts.MessageType
	Motivo    string               `json:"motivo,omitempty"`
	Faltantes []contracts.Faltante `json:"faltantes,omitempty"`
	IDOrden   string               `json:"id_orden,omitempty"`
}

// ErrNobodyAsked says that a command is not one of the saga's.
var ErrNobodyAsked = errors.New("nobody takes the command")

// Posed is what came of a question.
type Posed struct {
	Compra            contracts.Compra
	Moved             bool
	CancelacionAsked  bool
	CancelacionMotivo string
	Step              *Step // nil: it was not asked, now or before
}

// Recorded is what happened to a reply.
type Recorded string

// What may happen to a reply.
const (
	First    Recorded = "first" // it is the reply
	Repeated Recorded = "repeated"
	Late     Recorded = "late" // kept, and without effect
	Unknown  Recorded = "unknown"
)
