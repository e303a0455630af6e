// Package identidad tells who asks: by a token of the OIDC issuer, or by a session of the pages.
package identidad

import (
	"context"
	"slices"
	"time"
)

// The roles.
const (
	Cliente  = "cliente"
	Operador = "operador"
)

// Persona is who asks. The zero Persona is nobody that we know.
type Persona struct {
	Usuario string    `json:"usuario"` // the token's subject
	Roles   []string  `json:"roles"`
	Hasta   time.Time `json:"-"` // when the token or the session ends that says so
}

// Conocida tells that it is somebody.
func (p Persona) Conocida() bool { return p.Usuario != "" }

// Es tells that the person has the role.
func (p Persona) Es(rol string) bool { return p.Conocida() && slices.Contains(p.Roles, rol) }

type clave struct{}

// Con gives a context in which p asks.
func Con(ctx context.Context, p Persona) context.Context { return context.WithValue(ctx, clave{}, p) }

// De is who asks in ctx.
func De(ctx context.Context) Persona {
	p, _ := ctx.Value(clave{}).(Persona)
	return p
}
