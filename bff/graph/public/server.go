package public

import (
	"context"
	"net/http"
	"time"

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

// The cost of a field is the number of fields that its answer is expected to have. The fields of a list count once for each item
// that the list may have, or usually has. Package common has the limit.
const (
	sagaCost = 50 // of the messages of a saga, which take a call for each purchase
	textCost = 20 // of a record, whose text may be long
	lineas   = 5  // usual number of products of a purchase
	facts    = 10 // usual number of entries of a history or a list of queues
	rows     = 50 // usual number of rows of a table
)

// New returns the handler of the schema. It answers by POST, by server-sent events, and by websocket (graphql-transport-ws).
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

// costs sets the cost of fields that have a list or a long text.
func costs(c *ComplexityRoot) {
	c.Query.Compras = func(children int, _ *string, _ []contracts.Estado, _, _ *string, _ *bool, _, _, _, _ *string, _ *bool, limit *int, _ *string) int {
		return listCost(children, limit)
	}
	c.Query.MisCompras = func(children int, _ *string, _ []contracts.Estado, limit *int, _ *string) int {
		return listCost(children, limit)
	}
	c.Query.Ordenes = func(children int, _ *contracts.EstadoOrden, _ *bool, _ *string, limit *int, _ *string) int {
		return listCost(children, limit)
	}
	c.Query.PorAprobar = func(children int, limit *int, _ *string) int { return listCost(children, limit) }
	c.Query.Productos = func(children int, _ *string) int { return 1 + rows*children }
	c.Query.Precios = func(children int, _ string, limit *int, _ *string) int { return listCost(children, limit) }
	c.Query.Entregas = func(children int, _, _ *string, _ *contracts.CanalDeEntrega, _ *contracts.EstadoEntrega, limit *int, _ *string) int {
		return listCost(children, limit)
	}
	c.Query.Direcciones = func(children int) int { return 1 + contracts.MaxDirecciones*children }
	c.Query.Balance = func(children int, _ *string, _ *bool, _ *string) int { return 1 + rows*children }
	c.Query.Movimientos = func(children int, _ string, _ *string, limit *int, _ *string) int { return listCost(children, limit) }
	c.Query.MensajesMuertos = func(children int, _, _, _ *string, _, _ *time.Time, _ *bool) int { return 1 + rows*children }
	c.Mutation.DevolverMensajes = func(children int, ids []string) int { return 1 + len(ids)*children }
	c.Mutation.DespacharOrdenes = c.Mutation.DevolverMensajes
	c.Mutation.DecidirCompras = func(children int, list []contracts.Decision) int { return 1 + len(list)*children }
	c.Colas.Muestras = func(children int) int { return 1 + rows*children }
	c.Importacion.Efectos = c.Colas.Muestras
	c.Query.Zonas = c.Colas.Muestras
	c.Colas.Ahora = func(children int) int { return 1 + facts*children }
	c.MuestraDeColas.Pendientes = c.Colas.Ahora
	c.Compra.Historia = c.Colas.Ahora
	c.Compra.Productos = func(children int) int { return 1 + lineas*children }
	c.Compra.Faltantes = c.Compra.Productos
	c.Compra.Precios = c.Compra.Productos
	c.Orden.Productos = func(children int) int { return 1 + contracts.MaxLineas*children }
	c.Orden.Precios = c.Orden.Productos
	c.Compra.Mensajes = func(children int) int { return sagaCost + children }
	c.MensajeMuerto.Registro = func(int) int { return textCost }
}

// listCost returns the cost of a page of limit items, each with children fields.
func listCost(children int, limit *int) int {
	return 1 + children*max(1, min(optional.Or(limit, compras.DefaultPage), compras.MaxPage))
}

func own(ctx context.Context) string { return identity.Of(ctx).Usuario }
