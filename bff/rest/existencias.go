package rest

import (
	"net/http"

	"entregas/bff/compras"
	"entregas/bff/optional"
	"entregas/bff/rest/contract"
	"entregas/contracts"
	"entregas/internal/rest"
)

// LeerBalance implements contract.ServerInterface.
func (s Server) LeerBalance(w http.ResponseWriter, r *http.Request, params contract.LeerBalanceParams) {
	f := contracts.BalanceFilter{Buscar: optional.Or(params.Buscar, ""), Bajas: optional.Or(params.Bajas, false)}
	lineas, err := s.Gate.Balance(r.Context(), f, optional.Or(params.Despues, ""))
	respond(w, r, http.StatusOK, lineas, err)
}

// ListarMovimientos implements contract.ServerInterface.
func (s Server) ListarMovimientos(w http.ResponseWriter, r *http.Request, id contract.Id, params contract.ListarMovimientosParams) {
	page, err := s.Gate.Movimientos(r.Context(), id, string(optional.Or(params.Tipo, "")), optional.Or(params.Limite, compras.DefaultPage), optional.Or(params.Despues, ""))
	respond(w, r, http.StatusOK, page, err)
}

// CorregirProducto implements contract.ServerInterface.
func (s Server) CorregirProducto(w http.ResponseWriter, r *http.Request, id contract.Id, params contract.CorregirProductoParams) {
	requested, err := rest.Read[contracts.Correccion](w, r)
	if err != nil {
		rest.WriteError(w, r, err)
		return
	}
	producto, err := s.Gate.Corregir(r.Context(), id, requested, optional.Or(params.IdempotencyKey, ""))
	respond(w, r, http.StatusOK, producto, err)
}

// CambiarUmbral implements contract.ServerInterface.
func (s Server) CambiarUmbral(w http.ResponseWriter, r *http.Request, id contract.Id, _ contract.CambiarUmbralParams) {
	requested, err := rest.Read[contracts.CambioDeUmbral](w, r)
	if err != nil {
		rest.WriteError(w, r, err)
		return
	}
	line, err := s.Gate.CambiarUmbral(r.Context(), id, requested.Umbral)
	respond(w, r, http.StatusOK, line, err)
}

// ImportarExistencias implements contract.ServerInterface. Package edge lets its body be larger than others.
func (s Server) ImportarExistencias(w http.ResponseWriter, r *http.Request, params contract.ImportarExistenciasParams) {
	requested, err := rest.Read[contracts.SolicitudDeImportacion](w, r)
	if err != nil {
		rest.WriteError(w, r, err)
		return
	}
	total, err := s.Gate.Importar(r.Context(), requested, optional.Or(params.IdempotencyKey, ""))
	respond(w, r, http.StatusOK, total, err)
}
