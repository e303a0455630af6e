package edge

import (
	"log/slog"
	"net/http"

	"entregas/internal/errs"
	"entregas/internal/rest"
)

// route is a handler that may fail. Its error is answered as by rest.Route, but to a GraphQL client in the shape of GraphQL.
type route func(w http.ResponseWriter, r *http.Request) error

// ServeHTTP implements http.Handler.
func (f route) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	err := f(w, r)
	switch {
	case err == nil:
		return
	case !isGraphQL(r):
		rest.WriteError(w, r, err)
		return
	}
	p := rest.ProblemOf(err)
	if p.Status >= http.StatusInternalServerError && r.Context().Err() == nil && errs.Of(err) != errs.Busy {
		slog.ErrorContext(r.Context(), "request failed", "route", "graphql", "error", err)
	}
	extensions := map[string]any{"code": string(errs.Of(err))}
	if len(p.Errores) > 0 {
		extensions["errores"] = p.Errores
	}
	if p.See != "" {
		extensions["ver"] = p.See
	}
	rest.SetHeaders(w.Header(), p)
	rest.Write(w, p.Status, map[string]any{"errors": []any{map[string]any{"message": p.Detail, "extensions": extensions}}})
}
