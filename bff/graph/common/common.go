// Package common has what both GraphQL interfaces share: limits, errors, websockets and memory.
package common

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/extension"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"entregas/bff/memory"
	"entregas/internal/errs"
	"entregas/internal/rest"
)

// Prepare adds to server the presentation of errors and the limits of operations:
//   - An error has the texts of REST; extensions.code is a code of package errs, extensions.errores lists the wrong fields.
//   - An operation that is too large is refused before the limit of cost walks through it.
//   - An answer that is too large, or for which pool has no memory, is given up.
//   - Queries about the schema are answered only with introspection.
func Prepare(server *handler.Server, pool *memory.Pool, introspection bool) {
	server.AroundOperations(traceStreamed)
	variables := &strictVariables{}
	server.SetErrorPresenter(func(ctx context.Context, err error) *gqlerror.Error { return presentError(ctx, variables.schema, err) })
	server.SetParserTokenLimit(maxTokens)
	server.Use(measurement{pool: pool, introspection: introspection})
	server.Use(extension.FixedComplexityLimit(maxCost))
	if introspection {
		server.Use(extension.Introspection{})
	}
	server.Use(variables)
	server.Use(secondHand{})
	server.Use(socketOperations{}) // must be the last: see its comment
	server.SetRecoverFunc(func(_ context.Context, p any) error {
		return fmt.Errorf("panic: %v\n%s", p, debug.Stack())
	})
}

// presentError returns the error that a client sees for err, with the texts of REST.
func presentError(ctx context.Context, schema *ast.Schema, err error) *gqlerror.Error {
	if cut(ctx) {
		return nil
	}
	var graphQLErr *gqlerror.Error
	var number *strconv.NumError // of the default of a variable that is no int64
	if errors.As(err, &graphQLErr) && (graphQLErr.Err == nil || errors.As(graphQLErr.Err, &number)) {
		return inSpanish(ctx, schema, graphQLErr) // an error of the query itself
	}
	p := rest.ProblemOf(err)
	clientLeft := errors.Is(ctx.Err(), context.Canceled)
	if p.Status >= http.StatusInternalServerError && !clientLeft && errs.Of(err) != errs.Busy {
		slog.ErrorContext(ctx, "request failed", "route", "graphql", "error", err)
	}
	message := p.Detail
	for i, field := range p.Errores {
		p.Errores[i].Field = argument(field.Field)
		message += " " + p.Errores[i].Field + ": " + field.Detalle + "."
	}
	return &gqlerror.Error{Err: err, Message: message, Path: graphql.GetPath(ctx), Extensions: extensions(err, p)}
}

// extensions returns the extensions of the error that a client sees.
func extensions(err error, p rest.Problem) map[string]any {
	e := map[string]any{"code": string(errs.Of(err))}
	if len(p.Errores) > 0 {
		e["errores"] = p.Errores
	}
	if p.See != "" {
		e["ver"] = p.See
	}
	return e
}

// argument returns the name that a field of the core has in GraphQL.
func argument(field string) string {
	switch field {
	case "id_producto":
		return "idProducto"
	case "cambiada_desde":
		return "cambiadaDesde"
	case "estado":
		return "estados"
	}
	return strings.Replace(field, "id_usuario", "idUsuario", 1)
}
