package public

import (
	"context"
	"net/http"

	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/transport"

	"entregas/bff/access"
	"entregas/bff/compras"
	"entregas/bff/graph/common"
	"entregas/bff/identity"
	"entregas/bff/memory"
	"entregas/bff/optional"
	"entregas/bff/streams"
	"entregas/contracts"
)

// How many fields the answer to one field is expected to have: a list counts as often as it may be long, or usually is. How
// large an operation may be is the same for every schema: package common.
const (
	sagaCost = 50 // what the saga of a purchase asked: a call of its own for each
	textCost = 20 // a record: its text may be long
	lineas   = 5
	facts    = 10
	rows     = 50
)

// New serves the schema: by POST, with subscriptions as server-sent events, and by websocket (graphql-transport-ws).
func New(p access.Gate, feed Live, pool *memory.Pool, introspection bool, sockets common.Sockets) http.Handler {
	c := Config{Resolvers: root{gate: p, feed: feed}}
	costs(&c.Complexity)
	server := handler.New(NewExecutableSchema(c))
	server.AddTransport(transport.SSE{KeepAlivePingInterval: streams.Heartbeat})
	server.AddTransport(sockets.Transport())
	server.AddTransport(transport.POST{})
	server.SetQueryCache(common.NewCache())
	common.Prepare(server, pool, introspection)
	return common.WithLimit(server, sockets.Origins...)
}

func costs(c *ComplexityRoot) {
	c.Query.Compras = func(children int, _ []contracts.Estado, _ *string, _ *bool, limit *int, _ *string) int {
		return listCost(children, limit)
	}
	c.Query.MisCompras = func(children int, _ *string, _ []contracts.Estado, limit *int, _ *string) int {
		return listCost(children, limit)
	}
	c.Query.Productos = func(children int, _ *string) int { return 1 + rows*children }
	c.Query.Balance = func(children int) int { return 1 + rows*children }
	c.Query.MensajesMuertos = c.Query.Balance
	c.Colas.Muestras = c.Query.Balance
	c.Colas.Ahora = func(children int) int { return 1 + facts*children }
	c.MuestraDeColas.Pendientes = c.Colas.Ahora
	c.Compra.Historia = c.Colas.Ahora
	c.Compra.Productos = func(children int) int { return 1 + lineas*children }
	c.Compra.Faltantes = c.Compra.Productos
	c.Orden.Productos = func(children int) int { return 1 + contracts.MaxLineas*children }
	c.Compra.Mensajes = func(children int) int { return sagaCost + children }
	c.MensajeMuerto.Registro = func(int) int { return textCost }
}

func listCost(children int, limit *int) int {
	return 1 + children*max(1, min(optional.Or(limit, compras.DefaultPage), compras.MaxPage))
}

func own(ctx context.Context) string { return identity.Of(ctx).Usuario }
