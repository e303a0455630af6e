// Package identidad identifies the caller: by a token of the OIDC issuer, or by a session of the pages.
package identidad

import (
	"context"
	"slices"
	"time"

	"entregas/services/internal/errores"
)

// The roles.
const (
	Cliente  = "cliente"
	Operador = "operador"
)

// Persona is a caller. The zero Persona is an unknown one.
type Persona struct {
	Usuario string    `json:"usuario"` // the token's subject
	Roles   []string  `json:"roles"`
	Hasta   time.Time `json:"-"` // when the token or the session ends that says so

	still func(context.Context) error // whether the session still is; nil for a token, which lasts as long as it says
}

// Revocable tells that the caller's session may end before Hasta.
func (p Persona) Revocable() bool { return p.still != nil }

// StillValid tells whether the credentials of the caller in ctx still hold: a token's until it expires; a session's until somebody
// ends it, in any replica, or changes its roles. Streams call it long after their request. Errors: SinIdentidad; NoDisponible when nobody
// can say now.
func StillValid(ctx context.Context) error {
	p := De(ctx)
	if !p.Hasta.IsZero() && time.Now().After(p.Hasta) {
		return errores.Nuevo(errores.SinIdentidad, "El token o la sesión venció.")
	}
	if p.still == nil {
		return nil
	}
	return p.still(ctx)
}

// Conocida tells that it is somebody.
func (p Persona) Conocida() bool { return p.Usuario != "" }

// Es tells that the person has the role.
func (p Persona) Es(rol string) bool { return p.Conocida() && slices.Contains(p.Roles, rol) }

type clave struct{}

// Con gives a context in which p asks.
func Con(ctx context.Context, p Persona) context.Context { return context.WithValue(ctx, clave{}, p) }

// De returns the caller in ctx.
func De(ctx context.Context) Persona {
	p, _ := ctx.Value(clave{}).(Persona)
	return p
}
