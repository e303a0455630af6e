package rest

import (
	"net/http"

	"entregas/bff/compras"
	"entregas/bff/optional"
	"entregas/bff/rest/contract"
	"entregas/contracts"
	"entregas/internal/rest"
)

// ListarOrdenes implements contract.ServerInterface.
func (s Server) ListarOrdenes(w http.ResponseWriter, r *http.Request, params contract.ListarOrdenesParams) {
	filter := contracts.OrdenesFilter{Estado: optional.Or(params.Estado, contracts.EstadoOrdenCreada), Domicilio: params.Domicilio, Zona: params.Zona}
	page, err := s.Gate.Ordenes(r.Context(), filter, optional.Or(params.Limite, compras.DefaultPage), optional.Or(params.Despues, ""))
	respond(w, r, http.StatusOK, page, err)
}

// ListarZonas implements contract.ServerInterface.
func (s Server) ListarZonas(w http.ResponseWriter, r *http.Request) {
	list, err := s.Gate.Zonas(r.Context())
	respond(w, r, http.StatusOK, list, err)
}

// DespacharOrdenes implements contract.ServerInterface.
func (s Server) DespacharOrdenes(w http.ResponseWriter, r *http.Request, _ contract.DespacharOrdenesParams) {
	requested, err := rest.Read[contracts.Despachos](w, r)
	if err != nil {
		rest.WriteError(w, r, err)
		return
	}
	results, err := s.Gate.DespacharMany(r.Context(), requested)
	respond(w, r, http.StatusOK, contract.Resultados{Resultados: results}, err)
}

// ListarPorAprobar implements contract.ServerInterface.
func (s Server) ListarPorAprobar(w http.ResponseWriter, r *http.Request, params contract.ListarPorAprobarParams) {
	page, err := s.Gate.PorAprobar(r.Context(), optional.Or(params.Limite, compras.DefaultPage), optional.Or(params.Despues, ""))
	respond(w, r, http.StatusOK, page, err)
}

// DecidirCompras implements contract.ServerInterface.
func (s Server) DecidirCompras(w http.ResponseWriter, r *http.Request, _ contract.DecidirComprasParams) {
	requested, err := rest.Read[contracts.Decisiones](w, r)
	if err != nil {
		rest.WriteError(w, r, err)
		return
	}
	results, err := s.Gate.AprobarMany(r.Context(), requested)
	respond(w, r, http.StatusOK, contract.Resultados{Resultados: results}, err)
}

// LeerPendientes implements contract.ServerInterface.
func (s Server) LeerPendientes(w http.ResponseWriter, r *http.Request) {
	pending, err := s.Gate.Pendientes(r.Context())
	respond(w, r, http.StatusOK, pending, err)
}
