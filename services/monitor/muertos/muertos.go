// Package muertos is what monitor knows of dead letters: messages that a service said it will never handle.
package muertos

import (
	"encoding/json"
	"time"
)

// Mensaje is a dead letter.
type Mensaje struct {
	ID       string          `json:"id"`
	Tema     string          `json:"tema"` // where it came from, and where it is put back
	Tipo     string          `json:"tipo"`
	IDCompra string          `json:"id_compra"`
	Motivo   string          `json:"motivo"`
	Origen   string          `json:"origen"` // the service that could not handle it
	Intentos int             `json:"intentos"`
	En       time.Time       `json:"en"` // when it was set aside
	Registro json.RawMessage `json:"registro"`
}
