package borde

import (
	"log/slog"
	"net/http"

	"entregas/services/internal/errores"
	"entregas/services/internal/rest"
)

// route is a rest.Ruta that answers a GraphQL client in the shape of GraphQL.
type route func(w http.ResponseWriter, r *http.Request) error

// ServeHTTP implements http.Handler.
func (f route) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	err := f(w, r)
	switch {
	case err == nil:
		return
	case !deGraphQL(r):
		rest.EscribirError(w, r, err)
		return
	}
	p := rest.ProblemaDe(err)
	if p.Status >= http.StatusInternalServerError && r.Context().Err() == nil && errores.De(err) != errores.Ocupado {
		slog.ErrorContext(r.Context(), "petición fallida", "ruta", "graphql", "error", err)
	}
	extensions := map[string]any{"code": string(errores.De(err))}
	if len(p.Errores) > 0 {
		extensions["errores"] = p.Errores
	}
	if p.See != "" {
		extensions["ver"] = p.See
	}
	rest.SetHeaders(w.Header(), p)
	rest.Escribir(w, p.Status, map[string]any{"errors": []any{map[string]any{"message": p.Detail, "extensions": extensions}}})
}
