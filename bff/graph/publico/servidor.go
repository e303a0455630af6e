package publico

import (
	"context"
	"net/http"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/extension"
	"github.com/99designs/gqlgen/graphql/handler/lru"
	"github.com/99designs/gqlgen/graphql/handler/transport"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"entregas/contracts"
	"entregas/services/bff/acceso"
	"entregas/services/bff/compras"
	"entregas/services/bff/graph/comun"
	"entregas/services/bff/identidad"
)

// What one operation may ask for: how deep, and how much. A list counts as often as it may be long.
const (
	maxHondura  = 8
	maxCosto    = 10_000
	costoDeSaga = 50 // what the saga of a purchase asked: a call of its own for each
)

// Nuevo serves the schema: by POST, with subscriptions as server-sent events, and by websocket (graphql-transport-ws).
func Nuevo(p acceso.Puerta, enVivo EnVivo, introspeccion bool) http.Handler {
	c := Config{Resolvers: raiz{puerta: p, enVivo: enVivo}}
	c.Complexity.Query.Compras = func(hijos int, _ []contracts.Estado, _ *string, _ *bool, limite *int, _ *string) int {
		return costoDeLista(hijos, limite)
	}
	c.Complexity.Query.MisCompras = func(hijos int, _ *string, _ []contracts.Estado, limite *int, _ *string) int {
		return costoDeLista(hijos, limite)
	}
	c.Complexity.Compra.Mensajes = func(hijos int) int { return costoDeSaga + hijos }
	servidor := handler.New(NewExecutableSchema(c))
	servidor.AddTransport(transport.SSE{})
	servidor.AddTransport(transport.Websocket{KeepAlivePingInterval: 15 * time.Second})
	servidor.AddTransport(transport.POST{})
	servidor.SetQueryCache(lru.New[*ast.QueryDocument](500))
	servidor.Use(extension.FixedComplexityLimit(maxCosto))
	servidor.Use(hondura{})
	if introspeccion {
		servidor.Use(extension.Introspection{})
	}
	comun.Preparar(servidor)
	return comun.ConLimite(servidor)
}

func costoDeLista(hijos int, limite *int) int {
	return 1 + hijos*max(1, min(o(limite, compras.PaginaNormal), compras.MaxPagina))
}

func propio(ctx context.Context) string { return identidad.De(ctx).Usuario }

// hondura refuses an operation that goes too deep.
type hondura struct{}

// ExtensionName implements graphql.HandlerExtension.
func (hondura) ExtensionName() string { return "Hondura" }

// Validate implements graphql.HandlerExtension.
func (hondura) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationContext implements graphql.OperationContextMutator.
func (hondura) MutateOperationContext(_ context.Context, op *graphql.OperationContext) *gqlerror.Error {
	if h := honduraDe(op.Operation.SelectionSet, 0); h > maxHondura {
		err := gqlerror.Errorf("La operación tiene %d niveles y puede tener a lo sumo %d.", h, maxHondura)
		err.Extensions = map[string]any{"code": "demasiado"}
		return err
	}
	return nil
}

// honduraDe counts the levels. The validation has refused fragments that contain themselves. What introspection asks is not counted:
// its depth is bounded by the schema.
func honduraDe(campos ast.SelectionSet, hasta int) int {
	mas := hasta
	for _, s := range campos {
		h := hasta
		switch campo := s.(type) {
		case *ast.Field:
			if len(campo.Name) > 2 && campo.Name[:2] == "__" {
				continue
			}
			h = honduraDe(campo.SelectionSet, hasta+1)
		case *ast.InlineFragment:
			h = honduraDe(campo.SelectionSet, hasta)
		case *ast.FragmentSpread:
			if campo.Definition != nil {
				h = honduraDe(campo.Definition.SelectionSet, hasta)
			}
		}
		mas = max(mas, h)
	}
	return mas
}
