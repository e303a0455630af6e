package publico

import (
	"context"
	"net/http"

	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/transport"

	"entregas/contracts"
	"entregas/services/bff/acceso"
	"entregas/services/bff/compras"
	"entregas/services/bff/graph/comun"
	"entregas/services/bff/identidad"
	"entregas/services/bff/memory"
	"entregas/services/bff/optional"
	"entregas/services/bff/streams"
)

// How many fields the answer to one field is expected to have: a list counts as often as it may be long, or usually is. How
// large an operation may be is the same for every schema: package comun.
const (
	costoDeSaga  = 50 // what the saga of a purchase asked: a call of its own for each
	costoDeTexto = 20 // a record: its text may be long
	lineas       = 5
	hechos       = 10
	filas        = 50
)

// Nuevo serves the schema: by POST, with subscriptions as server-sent events, and by websocket (graphql-transport-ws).
func Nuevo(p acceso.Puerta, enVivo EnVivo, pool *memory.Pool, introspeccion bool, sockets comun.Sockets) http.Handler {
	c := Config{Resolvers: raiz{puerta: p, enVivo: enVivo}}
	costos(&c.Complexity)
	servidor := handler.New(NewExecutableSchema(c))
	servidor.AddTransport(transport.SSE{KeepAlivePingInterval: streams.Heartbeat})
	servidor.AddTransport(sockets.Transport())
	servidor.AddTransport(transport.POST{})
	servidor.SetQueryCache(comun.NewCache())
	comun.Preparar(servidor, pool, introspeccion)
	return comun.ConLimite(servidor, sockets.Origins...)
}

func costos(c *ComplexityRoot) {
	c.Query.Compras = func(hijos int, _ []contracts.Estado, _ *string, _ *bool, limite *int, _ *string) int {
		return costoDeLista(hijos, limite)
	}
	c.Query.MisCompras = func(hijos int, _ *string, _ []contracts.Estado, limite *int, _ *string) int {
		return costoDeLista(hijos, limite)
	}
	c.Query.Productos = func(hijos int, _ *string) int { return 1 + filas*hijos }
	c.Query.Balance = func(hijos int) int { return 1 + filas*hijos }
	c.Query.MensajesMuertos = c.Query.Balance
	c.Colas.Muestras = c.Query.Balance
	c.Colas.Ahora = func(hijos int) int { return 1 + hechos*hijos }
	c.MuestraDeColas.Pendientes = c.Colas.Ahora
	c.Compra.Historia = c.Colas.Ahora
	c.Compra.Productos = func(hijos int) int { return 1 + lineas*hijos }
	c.Compra.Faltantes = c.Compra.Productos
	c.Orden.Productos = func(hijos int) int { return 1 + contracts.MaxLineas*hijos }
	c.Compra.Mensajes = func(hijos int) int { return costoDeSaga + hijos }
	c.MensajeMuerto.Registro = func(int) int { return costoDeTexto }
}

func costoDeLista(hijos int, limite *int) int {
	return 1 + hijos*max(1, min(optional.Or(limite, compras.PaginaNormal), compras.MaxPagina))
}

func propio(ctx context.Context) string { return identidad.De(ctx).Usuario }
