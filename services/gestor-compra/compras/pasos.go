package compras

import (
	"errors"
	"time"

	"entregas/contracts"
)

// Paso is a question of the saga and, once it came, its reply.
type Paso struct {
	PreguntadaEn time.Time
	Abandonada   bool
	Respuesta    *Respuesta
}

// Respuesta is a participant's reply to a command.
type Respuesta struct {
	Tipo      contracts.Tipo
	Motivo    string               `json:"motivo,omitempty"`
	Faltantes []contracts.Faltante `json:"faltantes,omitempty"`
	IDOrden   string               `json:"id_orden,omitempty"`
}

// ErrNobodyAsked says that a command is not one of the saga's.
var ErrNobodyAsked = errors.New("nobody takes the command")

// Planteada is what came of a question.
type Planteada struct {
	Compra              contracts.Compra
	Movida              bool
	CancelacionPedida   bool
	MotivoDeCancelacion string
	Paso                *Paso // nil: it was not asked, now or before
}

// Anotada is what happened to a reply.
type Anotada string

// What may happen to a reply.
const (
	Primera     Anotada = "primera" // it is the reply
	Repetida    Anotada = "repetida"
	Tardia      Anotada = "tardia" // kept, and without effect
	Desconocida Anotada = "desconocida"
)
