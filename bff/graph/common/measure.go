package common

import (
	"context"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"entregas/bff/edge"
	"entregas/bff/memory"
	"entregas/internal/errs"
)

// How large one operation may be, for every caller and at any cost. A fragment counts as often as it is spread.
const (
	maxQuery  = 32 << 10 // bytes of text: documents are kept for the next who sends them
	maxTokens = 3_000    // tokens: the validation compares fields with one another
	maxFields = 2_000
	maxDepth  = 8
	// maxCalls bounds the fields of the root: each calls a service, all at once, and a service that is called a thousand
	// times at once answers nobody.
	maxCalls = 20
	// maxCost bounds how many fields an answer is expected to have. A list counts as often as it may be long, or usually is.
	maxCost = 10_000
)

// measurement refuses an operation that is too large before anything walks through it, and counts what it calls among the
// requests of the caller.
type measurement struct {
	pool          *memory.Pool
	introspection bool
}

var _ interface {
	graphql.HandlerExtension
	graphql.OperationInterceptor
	graphql.FieldInterceptor
	graphql.ResponseInterceptor
	graphql.OperationParameterMutator
	graphql.OperationContextMutator
} = measurement{}

// ExtensionName implements graphql.HandlerExtension.
func (measurement) ExtensionName() string { return "Medida" }

// Validate implements graphql.HandlerExtension.
func (measurement) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationParameters implements graphql.OperationParameterMutator. An operation on a websocket is counted here, as a request
// is before it is read: parsing costs as much where the document is refused.
func (m measurement) MutateOperationParameters(ctx context.Context, p *graphql.RawParams) *gqlerror.Error {
	if len(p.Query) > maxQuery {
		return failure(errs.TooLarge, "La consulta puede tener a lo sumo %d bytes.", maxQuery)
	}
	lease := memory.From(ctx)
	if viaOf(ctx) == perSocket {
		if !edge.Charge(ctx, 1) {
			return failure(errs.TooMany, "%s", edge.TooMany.Mensaje)
		}
		lease = m.pool.Lease(edge.ClientName(ctx, ""))
		socketOf(ctx).hold(lease)
		graphql.GetOperationContext(ctx).Stats.SetExtension(leaseExtension, lease)
	}
	if err := lease.Take(int64(len(p.Query)) * textWeight); err != nil {
		return refuse(ctx, err).Errors[0]
	}
	return nil
}

// MutateOperationContext implements graphql.OperationContextMutator.
func (m measurement) MutateOperationContext(ctx context.Context, op *graphql.OperationContext) *gqlerror.Error {
	via := viaOf(ctx)
	if via != perRequest && op.Operation.Operation == ast.Mutation {
		// There it would pass by its Idempotency-Key, its time limit and the page's CSRF token.
		return failure(errs.Invalid, "Una mutación va por POST con Accept: application/json; por aquí van suscripciones y consultas.")
	}
	t := meter{}.of(op.Operation.SelectionSet)
	switch {
	case t.introspects && !m.introspection:
		return failure(errs.NoPermission, "Aquí no se cuenta el esquema: la introspección es solo para desarrollo. El esquema está en la documentación.")
	case t.fields > maxFields:
		return failure(errs.TooLarge, "La operación puede pedir a lo sumo %d campos.", maxFields)
	case t.depth > maxDepth:
		return failure(errs.TooLarge, "La operación tiene %d niveles y puede tener a lo sumo %d.", t.depth, maxDepth)
	case t.calls > maxCalls:
		return failure(errs.TooLarge, "La operación tiene %d campos en la raíz y puede tener a lo sumo %d.", t.calls, maxCalls)
	}
	if !edge.Charge(ctx, t.calls-1) { // what brought it was counted
		return failure(errs.TooMany, "%s", edge.TooMany.Mensaje)
	}
	return nil
}

func failure(code errs.Code, format string, args ...any) *gqlerror.Error {
	err := gqlerror.Wrap(errs.New(code, format, args...))
	err.Extensions = map[string]any{"code": string(code)} // on a websocket nothing else adds it
	return err
}

// size is how large a set of fields is with its fragments in it.
type size struct {
	fields, depth, calls int
	introspects          bool // asks for the schema
}

// meter knows what it measured: fragments that spread fragments twice double with each level, and are looked at once.
type meter map[*ast.FragmentDefinition]size

// de measures. The validation has refused fragments that contain themselves. How deep introspection goes is not counted: the
// schema bounds it.
func (m meter) of(fields ast.SelectionSet) (t size) {
	for _, s := range fields {
		var of size
		switch field := s.(type) {
		case *ast.Field:
			of = m.of(field.SelectionSet)
			of.fields++
			if of.calls = 1; strings.HasPrefix(field.Name, "__") {
				of.depth, of.calls = 0, 0
				of.introspects = field.Name != "__typename"
			} else {
				of.depth++
			}
		case *ast.InlineFragment:
			of = m.of(field.SelectionSet)
		case *ast.FragmentSpread:
			if field.Definition == nil {
				continue
			}
			var measured bool
			if of, measured = m[field.Definition]; !measured {
				of = m.of(field.Definition.SelectionSet)
				m[field.Definition] = of
			}
		}
		t.depth = max(t.depth, of.depth)
		t.introspects = t.introspects || of.introspects
		t.fields = min(t.fields+of.fields, maxFields+1) // enough to be too many
		t.calls = min(t.calls+of.calls, maxFields+1)
	}
	return t
}
