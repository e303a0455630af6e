// Package actor carries the person behind an operation through the context of a program and the headers of a service invocation
// (docs/adr/who-did-it.md). The bff knows the person. The owner of what is changed stores the person in the transaction of the change.
package actor

import (
	"context"
	"net/http"
	"net/url"

	"entregas/contracts"
)

// Actor is a person and the role in which the person acts. The zero Actor is the system itself, or a person that nobody named.
type Actor = contracts.Actor

type key struct{}

// With returns a context in which a acts.
func With(ctx context.Context, a Actor) context.Context { return context.WithValue(ctx, key{}, a) }

// Of returns the person who acts in ctx, or the zero Actor.
func Of(ctx context.Context) Actor {
	a, _ := ctx.Value(key{}).(Actor)
	return a
}

// The headers of a service invocation. A subject may have any character, so it is escaped as a segment of a path.
const (
	subjectHeader = "Entregas-Sujeto"
	roleHeader    = "Entregas-Rol"
)

// SetHeaders writes the person who acts in ctx into the headers of a service invocation. It writes nothing where nobody acts.
func SetHeaders(ctx context.Context, h http.Header) {
	if a := Of(ctx); a != (Actor{}) {
		h.Set(subjectHeader, url.PathEscape(a.Sujeto))
		h.Set(roleHeader, a.Rol)
	}
}

// FromHeaders returns the person that the headers of a service invocation name, or the zero Actor where they name none. The error is a
// *contracts.ValidationError about a header that SetHeaders does not write.
func FromHeaders(h http.Header) (Actor, error) {
	subject, err := url.PathUnescape(h.Get(subjectHeader))
	if err != nil {
		return Actor{}, contracts.BadField(subjectHeader, "no se pudo leer")
	}
	a := Actor{Sujeto: subject, Rol: h.Get(roleHeader)}
	var v contracts.Validator
	v.Person(subjectHeader, roleHeader, a)
	if err := v.Error(); err != nil {
		return Actor{}, err
	}
	return a, nil
}
