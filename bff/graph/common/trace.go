package common

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"go.opentelemetry.io/otel/trace"

	"entregas/internal/telemetry"
)

// traceStreamed begins a trace for a mutation that comes by a stream. A stream has no span, so a purchase made in it would have no trace.
func traceStreamed(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
	operation := graphql.GetOperationContext(ctx).Operation
	if operation == nil || operation.Operation != ast.Mutation || trace.SpanContextFromContext(ctx).IsValid() {
		return next(ctx)
	}
	ctx, span := telemetry.Work(ctx, "graphql mutation", trace.SpanKindServer, nil)
	respond := next(ctx)
	return func(ctx context.Context) *graphql.Response {
		defer span.End()
		return respond(ctx)
	}
}
