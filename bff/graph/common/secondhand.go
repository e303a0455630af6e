package common

import (
	"context"
	"sync"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"entregas/bff/compras"
)

// secondHandField is one entry of extensions.segundaMano: a field that does not come from its owner, and how many seconds old it
// is. REST says the same by the header Age.
type secondHandField struct {
	Path    ast.Path `json:"path"`
	Seconds int      `json:"segundos"`
}

// secondHand collects the fields of one response that are second-hand.
type secondHand struct{}

var _ interface {
	graphql.HandlerExtension
	graphql.ResponseInterceptor
} = secondHand{}

type secondHandKey struct{}

type collected struct {
	mu     sync.Mutex // fields are resolved at once
	fields []secondHandField
}

// ExtensionName implements graphql.HandlerExtension.
func (secondHand) ExtensionName() string { return "SecondHand" }

// Validate implements graphql.HandlerExtension.
func (secondHand) Validate(graphql.ExecutableSchema) error { return nil }

// InterceptResponse implements graphql.ResponseInterceptor.
func (secondHand) InterceptResponse(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	c := &collected{}
	response := next(context.WithValue(ctx, secondHandKey{}, c))
	if response == nil || len(c.fields) == 0 {
		return response
	}
	if response.Extensions == nil {
		response.Extensions = map[string]any{}
	}
	response.Extensions["segundaMano"] = c.fields
	return response
}

// SecondHand says of the field that is being resolved how old it is. It says nothing of one that comes from its owner.
func SecondHand(ctx context.Context, age compras.Age) {
	c, is := ctx.Value(secondHandKey{}).(*collected)
	if !is || !age.SecondHand {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fields = append(c.fields, secondHandField{graphql.GetPath(ctx), age.Seconds})
}
