// Package identity identifies the caller: by a token of the OIDC issuer, or by a session of the pages.
package identity

import (
	"context"
	"slices"
	"time"

	"entregas/internal/errs"
)

// The roles.
const (
	Cliente  = "cliente"
	Operador = "operador"
)

// Person is a caller. The zero Person is an unknown one.
type Person struct {
	Usuario string    `json:"usuario"` // the token's subject
	Roles   []string  `json:"roles"`
	Until   time.Time `json:"-"` // when the token or the session ends that says so

	still func(context.Context) error // whether the session still is; nil for a token, which lasts as long as it says
}

// Revocable tells that the caller's session may end before Until.
func (p Person) Revocable() bool { return p.still != nil }

// StillValid tells whether the credentials of the caller in ctx still hold: a token's until it expires; a session's until somebody
// ends it, in any replica, or changes its roles. Streams call it long after their request. Errors: NoIdentity; Unavailable when nobody
// can say now.
func StillValid(ctx context.Context) error {
	p := Of(ctx)
	if !p.Until.IsZero() && time.Now().After(p.Until) {
		return errs.New(errs.NoIdentity, "El token o la sesión venció.")
	}
	if p.still == nil {
		return nil
	}
	return p.still(ctx)
}

// Known tells that it is somebody.
func (p Person) Known() bool { return p.Usuario != "" }

// Is tells that the person has the role.
func (p Person) Is(role string) bool { return p.Known() && slices.Contains(p.Roles, role) }

type key struct{}

// With gives a context in which p asks.
func With(ctx context.Context, p Person) context.Context { return context.WithValue(ctx, key{}, p) }

// Of returns the caller in ctx.
func Of(ctx context.Context) Person {
	p, _ := ctx.Value(key{}).(Person)
	return p
}
