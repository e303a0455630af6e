// Package common is what the GraphQL interfaces share: how much they read, and what they say of an error.
package common

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
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

// Prepare makes server say of an error what a person may see: extensions.code is one of package errs, extensions.errs
// are the fields that are wrong. It refuses operations that are too large, before the limit of cost walks through them, and
// gives up answers that are, or for which pool has no room. The schema is told only with introspection.
func Prepare(server *handler.Server, pool *memory.Pool, introspection bool) {
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
	server.Use(socketOperations{}) // the last: see there
	server.SetRecoverFunc(func(_ context.Context, p any) error {
		return fmt.Errorf("panic: %v\n%s", p, debug.Stack())
	})
}

// presentError says of an error what a person may see, as the REST interface does.
func presentError(ctx context.Context, schema *ast.Schema, err error) *gqlerror.Error {
	if cut(ctx) {
		return nil
	}
	var graphQLErr *gqlerror.Error
	if errors.As(err, &graphQLErr) && graphQLErr.Err == nil {
		return inSpanish(ctx, schema, graphQLErr) // the query itself is wrong
	}
	p := rest.ProblemOf(err)
	if p.Status >= http.StatusInternalServerError && errs.Of(err) != errs.Busy {
		slog.ErrorContext(ctx, "petición fallida", "ruta", "graphql", "error", err)
	}
	message := p.Detail
	for i, field := range p.Errores {
		p.Errores[i].Field = argument(field.Field)
		message += " " + p.Errores[i].Field + ": " + field.Detalle + "."
	}
	return &gqlerror.Error{Err: err, Message: message, Path: graphql.GetPath(ctx), Extensions: extensions(err, p)}
}

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

// argument is the name here of a field of the core.
func argument(field string) string {
	return strings.Replace(field, "id_usuario", "idUsuario", 1)
}
