package v1

import (
	"net/http"

	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/transport"

	"entregas/services/bff/compras"
	"entregas/services/bff/graph/comun"
	"entregas/services/bff/memory"
)

// Nuevo serves the schema by POST. An error has extensions.code, one of package errores, and extensions.errores, the
// fields that are wrong.
func Nuevo(c Compras, pool *memory.Pool, introspeccion bool) http.Handler {
	config := Config{Resolvers: raiz{compras: c}}
	config.Complexity.Query.Compras = func(hijos int, _ string) int { return 1 + compras.MaxPagina*hijos }
	servidor := handler.New(NewExecutableSchema(config))
	servidor.AddTransport(transport.POST{})
	comun.Preparar(servidor, pool, introspeccion)
	return comun.ConLimite(servidor)
}
