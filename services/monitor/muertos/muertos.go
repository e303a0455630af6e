// Package muertos is what monitor knows of dead letters: messages that a service said it will never handle.
package muertos

import "entregas/contracts"

// Mensaje is a dead letter.
type Mensaje = contracts.MensajeMuerto
