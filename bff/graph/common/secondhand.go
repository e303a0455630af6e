package common

import (
	"context"
	"sync"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"entregas/bff/compras"
)

// secondHandField is an entry of extensions.segundaMano: a field whose value comes from the read model, and its age in seconds. REST
// has the header Age for that.
type secondHandField struct {
	Path    ast.Path `json:"path"`
	Seconds int      `json:"segundos"`
}

// secondHand collects the second-hand fields of a response.
type secondHand struct{}

var _ interface {
	graphql.HandlerExtension
	graphql.ResponseInterceptor
} = secondHand{}

type secondHandKey struct{}

type collected struct {
	mu     sync.Mutex // fields are resolved concurrently
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

// SecondHand records age for the field that ctx resolves. It records nothing for a value that comes from its owner.
func SecondHand(ctx context.Context, age compras.Age) {
	c, is := ctx.Value(secondHandKey{}).(*collected)
	if !is || !age.SecondHand {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fields = append(c.fields, secondHandField{graphql.GetPath(ctx), age.Seconds})
}
