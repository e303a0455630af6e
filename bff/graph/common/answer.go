package common

import (
	"context"
	"net/http"
	"sync/atomic"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler/extension"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"entregas/bff/memory"
	"entregas/internal/errs"
	"entregas/internal/rest"
)

// The weight of an answer in the heap. gqlgen builds the whole answer as a tree before it writes a byte.
const (
	fieldWeight = 160      // bytes of a field, besides its text
	copies      = 4        // of the text: in the tree, in the growing buffer, as JSON, and on its way out
	textWeight  = 40       // bytes for each byte of the query, while it is parsed and validated
	payEvery    = 32 << 10 // bytes after which an answer is charged again
)

// answer bounds the answer of one operation while it is made.
type answer struct {
	lease    *memory.Lease // nil for a mutation: a change that was made is never refused for want of memory
	most     int64         // bytes of text; 0 is no bound
	length   atomic.Int64
	unpaid   atomic.Int64
	refused  atomic.Pointer[error] // why the answer was given up
	mutation bool
}

type answerKey struct{}

// leaseExtension is the key of the lease of an operation on a websocket, among the extensions of gqlgen's statistics.
const leaseExtension = "lease"

// answerOf returns the answer of the operation of ctx, nil where it has none.
func answerOf(ctx context.Context) *answer {
	a, _ := ctx.Value(answerKey{}).(*answer)
	return a
}

// cut reports whether the bff gave up the answer of the operation in ctx. The caller then leaves out further errors.
func cut(ctx context.Context) bool {
	a := answerOf(ctx)
	return a != nil && a.refused.Load() != nil
}

// InterceptOperation implements graphql.OperationInterceptor. It reserves memory for the answer that the operation is expected to
// have, and refuses the operation if there is no memory. A subscription answers one purchase at a time, and holds no memory
// between two purchases.
func (measurement) InterceptOperation(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
	op := graphql.GetOperationContext(ctx)
	lease := memory.From(ctx)
	if l, is := op.Stats.GetExtension(leaseExtension).(*memory.Lease); is { // on a websocket: the lease of the operation
		lease = l
		ctx, next = memory.With(ctx, lease), untilItEnds(lease, next)
	}
	if op.Operation.Operation == ast.Subscription {
		lease.Release()
		return next(memory.With(ctx, nil))
	}
	a := &answer{lease: lease, most: lease.MaxAnswer()}
	if stats := extension.GetComplexityStats(ctx); stats != nil {
		expected := int64(stats.Complexity) * fieldWeight
		if err := lease.Reserve(ctx, expected); err != nil {
			lease.Close()
			return graphql.OneShot(refuse(ctx, err))
		}
		a.unpaid.Store(-expected)
	}
	if op.Operation.Operation == ast.Mutation {
		a.lease, a.mutation = nil, true
	}
	return next(context.WithValue(ctx, answerKey{}, a))
}

// untilItEnds closes lease when the operation has ended. If the client cancels the operation, the operation still holds memory
// until it ends.
func untilItEnds(lease *memory.Lease, next graphql.OperationHandler) graphql.OperationHandler {
	closeUnless := func(goesOn *bool) { // deferred: a resolver may panic
		if !*goesOn {
			lease.Close()
		}
	}
	return func(ctx context.Context) graphql.ResponseHandler {
		goesOn := false
		defer closeUnless(&goesOn)
		responses := next(ctx)
		goesOn = true
		return func(ctx context.Context) *graphql.Response {
			goesOn := false
			defer closeUnless(&goesOn)
			r := responses(ctx)
			goesOn = r != nil
			return r
		}
	}
}

// InterceptField implements graphql.FieldInterceptor. It gives the answer up where it is too large, or there is no more memory.
func (measurement) InterceptField(ctx context.Context, next graphql.Resolver) (any, error) {
	a := answerOf(ctx)
	if a == nil {
		return next(ctx)
	}
	if err := a.refused.Load(); err != nil {
		return nil, *err
	}
	v, err := next(ctx)
	if err != nil && a.lease != nil && errs.Of(err) == errs.Busy { // no memory for what the field reads
		a.refused.CompareAndSwap(nil, &err)
		return nil, err
	}
	length := int64(len(graphql.GetFieldContext(ctx).Field.Alias) + len(`"":,`))
	switch v := v.(type) {
	case string:
		length += int64(len(v) + len(`""`))
	case *string:
		if v != nil {
			length += int64(len(*v) + len(`""`))
		}
	default:
		length += 8 // a number, an object or a list
	}
	if full := a.add(length); full != nil {
		a.refused.CompareAndSwap(nil, &full)
		return nil, full
	}
	return v, err
}

// add charges length bytes of text. Errors: TooLarge; those of Take.
func (a *answer) add(length int64) error {
	if total := a.length.Add(length); a.most > 0 && total > a.most {
		if a.mutation {
			return errs.New(errs.TooLarge, "Lo pedido se hizo, pero su respuesta tendría más de %d bytes. Léalo pidiendo menos campos.", a.most)
		}
		return memory.TooLarge(a.most)
	}
	if due := a.unpaid.Add(fieldWeight + copies*length); due > payEvery {
		return a.lease.Take(a.unpaid.Swap(0))
	}
	return nil
}

// InterceptRootField implements graphql.RootFieldInterceptor. It lets go of the tree of an answer that was given up: gqlgen would still
// write it as JSON, which takes as much again.
func (measurement) InterceptRootField(ctx context.Context, next graphql.RootResolver) graphql.Marshaler {
	tree := next(ctx)
	if cut(ctx) {
		return graphql.Null
	}
	return tree
}

// InterceptResponse implements graphql.ResponseInterceptor. It replaces an answer that was given up by its error.
func (measurement) InterceptResponse(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	r := next(ctx)
	if a := answerOf(ctx); a != nil && r != nil {
		if err := a.refused.Load(); err != nil {
			return refuse(ctx, *err)
		}
	}
	return r
}

// refuse returns an answer with err only. Where err asks for a wait, a POST also gets the status and the Retry-After of REST.
func refuse(ctx context.Context, err error) *graphql.Response {
	p := rest.ProblemOf(err)
	if s, is := ctx.Value(statusKey{}).(*statusWriter); is && p.Wait > 0 {
		s.status = p.Status
		rest.SetHeaders(s.Header(), p)
	}
	return &graphql.Response{Errors: gqlerror.List{{Message: p.Detail, Extensions: extensions(err, p)}}}
}

type statusKey struct{}

// statusWriter lets an operation set the status of its answer: gqlgen always answers 200.
type statusWriter struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements http.ResponseWriter.
func (s *statusWriter) WriteHeader(status int) {
	if s.status != 0 {
		status = s.status
	}
	s.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (s *statusWriter) Write(b []byte) (int, error) {
	if s.status != 0 {
		s.ResponseWriter.WriteHeader(s.status)
		s.status = 0
	}
	return s.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the writer within.
func (s *statusWriter) Unwrap() http.ResponseWriter { return s.ResponseWriter }
