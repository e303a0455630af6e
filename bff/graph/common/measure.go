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

// The limits of one operation. A fragment counts as often as it is spread.
const (
	maxQuery  = 32 << 10 // bytes of text
	maxTokens = 3_000    // tokens; the validation compares each field with the others
	maxFields = 2_000
	maxDepth  = 8
	// maxCalls bounds the fields of the root. Each calls a service, and all calls run at once.
	maxCalls = 20
	// maxCost bounds the number of fields that an answer is expected to have. The fields of a list count once for each item that
	// the list may have, or usually has.
	maxCost = 10_000
)

// measurement refuses an operation that is too large before other code walks through it. It counts each field of the root as
// a request of the caller. gqlgen has limits of tokens and of cost, and none of fields, depth or memory.
type measurement struct {
	pool          *memory.Pool
	introspection bool
}

var _ interface {
	graphql.HandlerExtension
	graphql.OperationInterceptor
	graphql.FieldInterceptor
	graphql.RootFieldInterceptor
	graphql.ResponseInterceptor
	graphql.OperationParameterMutator
	graphql.OperationContextMutator
} = measurement{}

// ExtensionName implements graphql.HandlerExtension.
func (measurement) ExtensionName() string { return "Measurement" }

// Validate implements graphql.HandlerExtension.
func (measurement) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationParameters implements graphql.OperationParameterMutator. It counts an operation on a websocket before the document
// is parsed, since parsing costs as much where the document is refused. A request by POST was counted by package edge.
func (m measurement) MutateOperationParameters(ctx context.Context, p *graphql.RawParams) *gqlerror.Error {
	if len(p.Query) > maxQuery {
		return failure(errs.TooLarge, "La consulta puede tener a lo sumo %d bytes.", maxQuery)
	}
	lease := memory.From(ctx)
	if viaOf(ctx) == perSocket {
		if !edge.Charge(ctx, 1) {
			return failure(errs.TooMany, "%s", edge.TooMany.Message)
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
		// Idempotency-Key, deadline and CSRF token hold for a POST only.
		return failure(errs.Invalid, "Una mutación va por POST con Accept: application/json; por aquí van suscripciones y consultas.")
	}
	if err := checkLiterals(op.Doc); err != nil {
		return gqlerror.Wrap(err)
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
	if !edge.Charge(ctx, t.calls-1) { // the request itself was counted as one
		return failure(errs.TooMany, "%s", edge.TooMany.Message)
	}
	return nil
}

// failure returns the error of a refused operation. It adds the code, because on a websocket no other function does.
func failure(code errs.Code, format string, args ...any) *gqlerror.Error {
	err := gqlerror.Wrap(errs.New(code, format, args...))
	err.Extensions = map[string]any{"code": string(code)}
	return err
}

// size is the size of a set of fields, with the fields of its fragments.
type size struct {
	fields, depth, calls int
	introspects          bool // has fields about the schema
}

// meter keeps the size of each fragment that it measured, so that it measures each fragment once. Fragments that spread a
// fragment twice double the number of fields with each level.
type meter map[*ast.FragmentDefinition]size

// of returns the size of fields. The validation has refused fragments that contain themselves before. The depth of introspection
// does not count, since the schema bounds it.
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
		t.fields = min(t.fields+of.fields, maxFields+1) // no more, so that the sum cannot overflow
		t.calls = min(t.calls+of.calls, maxFields+1)
	}
	return t
}
