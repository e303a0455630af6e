package v1

import (
	"net/http"

	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/extension"
	"github.com/99designs/gqlgen/graphql/handler/transport"

	"entregas/services/bff/graph/comun"
)

// Nuevo serves the schema by POST. An error has extensions.code, one of package errores, and extensions.errores, the
// fields that are wrong.
func Nuevo(c Compras, introspeccion bool) http.Handler {
	servidor := handler.New(NewExecutableSchema(Config{Resolvers: raiz{compras: c}}))
	servidor.AddTransport(transport.POST{})
	comun.Preparar(servidor)
	if introspeccion {
		servidor.Use(extension.Introspection{})
	}
	return comun.ConLimite(servidor)
}
