// Package comun is what the GraphQL interfaces share: how much they read, and what they say of an error.
package comun

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

	"entregas/services/bff/memory"
	"entregas/services/internal/errores"
	"entregas/services/internal/rest"
)

// Preparar makes servidor say of an error what a person may see: extensions.code is one of package errores, extensions.errores
// are the fields that are wrong. It refuses operations that are too large, before the limit of cost walks through them, and
// gives up answers that are, or for which pool has no room. The schema is told only with introspection.
func Preparar(servidor *handler.Server, pool *memory.Pool, introspection bool) {
	variables := &strictVariables{}
	servidor.SetErrorPresenter(func(ctx context.Context, err error) *gqlerror.Error { return presentar(ctx, variables.schema, err) })
	servidor.SetParserTokenLimit(maxSimbolos)
	servidor.Use(medida{pool: pool, introspection: introspection})
	servidor.Use(extension.FixedComplexityLimit(maxCosto))
	if introspection {
		servidor.Use(extension.Introspection{})
	}
	servidor.Use(variables)
	servidor.Use(secondHand{})
	servidor.Use(socketOperations{}) // the last: see there
	servidor.SetRecoverFunc(func(_ context.Context, p any) error {
		return fmt.Errorf("panic: %v\n%s", p, debug.Stack())
	})
}

// presentar says of an error what a person may see, as the REST interface does.
func presentar(ctx context.Context, schema *ast.Schema, err error) *gqlerror.Error {
	if cut(ctx) {
		return nil
	}
	var deGraphQL *gqlerror.Error
	if errors.As(err, &deGraphQL) && deGraphQL.Err == nil {
		return inSpanish(ctx, schema, deGraphQL) // the query itself is wrong
	}
	p := rest.ProblemaDe(err)
	if p.Status >= http.StatusInternalServerError && errores.De(err) != errores.Ocupado {
		slog.ErrorContext(ctx, "petición fallida", "ruta", "graphql", "error", err)
	}
	mensaje := p.Detail
	for i, campo := range p.Errores {
		p.Errores[i].Campo = argumento(campo.Campo)
		mensaje += " " + p.Errores[i].Campo + ": " + campo.Detalle + "."
	}
	return &gqlerror.Error{Err: err, Message: mensaje, Path: graphql.GetPath(ctx), Extensions: extensiones(err, p)}
}

func extensiones(err error, p rest.Problema) map[string]any {
	e := map[string]any{"code": string(errores.De(err))}
	if len(p.Errores) > 0 {
		e["errores"] = p.Errores
	}
	if p.See != "" {
		e["ver"] = p.See
	}
	return e
}

// argumento is the name here of a field of the core.
func argumento(campo string) string {
	return strings.Replace(campo, "id_usuario", "idUsuario", 1)
}
