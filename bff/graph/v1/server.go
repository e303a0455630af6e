package v1

import (
	"net/http"

	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/transport"

	"entregas/bff/compras"
	"entregas/bff/graph/common"
	"entregas/bff/memory"
)

// New returns the handler of the schema, which answers by POST.
func New(c Compras, pool *memory.Pool, introspection bool) http.Handler {
	config := Config{Resolvers: root{compras: c}}
	config.Complexity.Query.Compras = func(children int, _ string) int { return 1 + compras.MaxPage*children }
	server := handler.New(NewExecutableSchema(config))
	server.AddTransport(transport.POST{})
	common.Prepare(server, pool, introspection)
	return common.WithLimit(server)
}
