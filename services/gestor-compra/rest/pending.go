package rest

import (
	"net/http"

	"entregas/contracts"
	api "entregas/internal/api/gestorcompra"
	"entregas/internal/rest"
)

// ListarPorAprobar implements api.ServerInterface.
func (o operations) ListarPorAprobar(w http.ResponseWriter, r *http.Request, params api.ListarPorAprobarParams) {
	q, err := readQuery(api.ListarComprasParams{Limite: params.Limite})
	if err != nil {
		rest.WriteError(w, r, err)
		return
	}
	var after contracts.Cursor // the oldest purchase is first
	if params.Despues != nil {
		if after, err = contracts.ParseCursor(*params.Despues); err != nil {
			rest.WriteError(w, r, err)
			return
		}
	}
	found, total, err := o.manager.PorAprobar(r.Context(), after, q.limit+1)
	if err != nil {
		rest.WriteError(w, r, err)
		return
	}
	text, err := rest.EncodePage(min(len(found), q.limit), func(n int) any {
		page := contracts.PaginaPorAprobar{Compras: found[:n], Total: total}
		if n < len(found) {
			page.Siguiente = contracts.CursorOf(found[n-1].Compra).String()
		}
		return page
	})
	rest.Answer(w, r, http.StatusOK, text, err)
}

// ContarPendientes implements api.ServerInterface.
func (o operations) ContarPendientes(w http.ResponseWriter, r *http.Request) {
	p, err := o.reader.Pendientes(r.Context())
	rest.Answer(w, r, http.StatusOK, p, err)
}
