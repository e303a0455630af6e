package rest

import (
	"net/http"
	"slices"

	"entregas/contracts"
	api "entregas/internal/api/ordenes"
	"entregas/internal/rest"
)

// ListarOrdenes implements api.ServerInterface.
func (r resources) ListarOrdenes(w http.ResponseWriter, p *http.Request, params api.ListarOrdenesParams) {
	filter, limit, after := contracts.OrdenesFilter{Estado: contracts.EstadoOrdenCreada, Domicilio: params.Domicilio, Zona: params.Zona}, usualLimit, contracts.OrdenCursor{}
	var v contracts.Validator
	if params.Estado != nil {
		filter.Estado = *params.Estado
	}
	if !slices.Contains(contracts.EstadosDeOrden, filter.Estado) {
		v.Fail("estado", accepted["estado"])
	}
	if filter.Zona != nil {
		v.FreeText("zona", *filter.Zona, contracts.MaxCiudad)
	}
	if params.Limite != nil {
		limit = *params.Limite
	}
	if limit < 1 || limit > maxLimit {
		v.Fail("limite", accepted["limite"])
	}
	err := v.Error()
	if err == nil && params.Despues != nil {
		after, err = contracts.ParseOrdenCursor(*params.Despues)
	}
	if err != nil {
		rest.WriteError(w, p, err)
		return
	}
	list, total, err := r.store.Queue(p.Context(), filter, after, limit+1)
	if err != nil {
		rest.WriteError(w, p, err)
		return
	}
	text, err := rest.EncodePage(min(len(list), limit), func(n int) any {
		page := contracts.PaginaDeOrdenes{Ordenes: list[:n], Total: total}
		if n < len(list) {
			page.Siguiente = contracts.OrdenCursor{Domicilio: list[n-1].Domicilio, ID: list[n-1].ID}.String()
		}
		return page
	})
	rest.Answer(w, p, http.StatusOK, text, err)
}

// ListarZonas implements api.ServerInterface.
func (r resources) ListarZonas(w http.ResponseWriter, p *http.Request) {
	list, err := r.store.Zonas(p.Context())
	rest.Answer(w, p, http.StatusOK, list, err)
}
