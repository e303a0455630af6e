package publico

import (
	"context"
	"net/http"
	"time"

	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/extension"
	"github.com/99designs/gqlgen/graphql/handler/lru"
	"github.com/99designs/gqlgen/graphql/handler/transport"
	"github.com/vektah/gqlparser/v2/ast"

	"entregas/contracts"
	"entregas/services/bff/acceso"
	"entregas/services/bff/compras"
	"entregas/services/bff/graph/comun"
	"entregas/services/bff/identidad"
)

// What one operation may ask for. A list counts as often as it may be long. How large it may be is the same for every schema:
// package comun.
const (
	maxCosto    = 10_000
	costoDeSaga = 50 // what the saga of a purchase asked: a call of its own for each
)

// Nuevo serves the schema: by POST, with subscriptions as server-sent events, and by websocket (graphql-transport-ws).
func Nuevo(p acceso.Puerta, enVivo EnVivo, introspeccion bool, sockets comun.Sockets) http.Handler {
	c := Config{Resolvers: raiz{puerta: p, enVivo: enVivo}}
	c.Complexity.Query.Compras = func(hijos int, _ []contracts.Estado, _ *string, _ *bool, limite *int, _ *string) int {
		return costoDeLista(hijos, limite)
	}
	c.Complexity.Query.MisCompras = func(hijos int, _ *string, _ []contracts.Estado, limite *int, _ *string) int {
		return costoDeLista(hijos, limite)
	}
	c.Complexity.Compra.Mensajes = func(hijos int) int { return costoDeSaga + hijos }
	servidor := handler.New(NewExecutableSchema(c))
	servidor.AddTransport(transport.SSE{KeepAlivePingInterval: latido})
	servidor.AddTransport(sockets.Transport())
	servidor.AddTransport(transport.POST{})
	servidor.SetQueryCache(lru.New[*ast.QueryDocument](100))
	comun.Preparar(servidor)
	servidor.Use(extension.FixedComplexityLimit(maxCosto))
	if introspeccion {
		servidor.Use(extension.Introspection{})
	}
	return comun.ConLimite(servidor)
}

// latido is how often a stream that has nothing to tell says that it is alive, so that no proxy cuts it off.
const latido = 15 * time.Second

func costoDeLista(hijos int, limite *int) int {
	return 1 + hijos*max(1, min(o(limite, compras.PaginaNormal), compras.MaxPagina))
}

func propio(ctx context.Context) string { return identidad.De(ctx).Usuario }
