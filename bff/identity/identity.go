// Package identity identifies the caller of a request: by a token of the OIDC issuer, or by a session of the pages.
package identity

import (
	"context"
	"slices"
	"time"

	"entregas/contracts"
	"entregas/internal/actor"
	"entregas/internal/errs"
)

// The roles that a caller may have.
const (
	Cliente  = contracts.RolCliente
	Operador = contracts.RolOperador
)

// Person is a caller. The zero Person is a caller that was not identified.
type Person struct {
	Usuario string    `json:"usuario"` // the token's subject
	Roles   []string  `json:"roles"`
	Until   time.Time `json:"-"` // when the token or the session ends

	still func(context.Context) error // checks that the session still exists; nil for a token, which holds until Until
}

// Revocable reports whether the caller's session may end before Until. A token cannot be revoked.
func (p Person) Revocable() bool { return p.still != nil }

// StillValid checks that the credentials of the caller in ctx still hold. A token holds until it expires. A session holds until
// somebody ends it, in any replica, or changes its roles. Streams call StillValid long after their request began. Errors:
// NoIdentity; Unavailable when the state store does not answer.
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

// Known reports whether p was identified.
func (p Person) Known() bool { return p.Usuario != "" }

// Is reports whether p was identified and has role.
func (p Person) Is(role string) bool { return p.Known() && slices.Contains(p.Roles, role) }

type key struct{}

// With returns a context whose caller is p. What is done in it is done by p (package actor).
func With(ctx context.Context, p Person) context.Context {
	return actor.With(context.WithValue(ctx, key{}, p), p.actor())
}

// actor returns p in the higher of its roles. A person without a role may do nothing, and is nobody.
func (p Person) actor() actor.Actor {
	for _, rol := range []string{Operador, Cliente} {
		if p.Is(rol) {
			return actor.Actor{Sujeto: p.Usuario, Rol: rol}
		}
	}
	return actor.Actor{}
}

// Of returns the caller of ctx, or the zero Person if ctx has no caller.
func Of(ctx context.Context) Person {
	p, _ := ctx.Value(key{}).(Person)
	return p
}

// Require refuses a caller that has none of roles. Without roles it accepts any identified caller that has a role. Errors:
// NoIdentity; NoPermission.
func Require(ctx context.Context, roles ...string) error {
	p := Of(ctx)
	if !p.Known() {
		return errs.New(errs.NoIdentity, "Hace falta un token (Authorization: Bearer …) o entrar en /entrar.")
	}
	for _, role := range roles {
		if p.Is(role) {
			return nil
		}
	}
	if len(roles) == 0 && len(p.Roles) > 0 {
		return nil
	}
	return errs.New(errs.NoPermission, "Esto no lo puede hacer quien pregunta: hace falta otro rol.")
}
