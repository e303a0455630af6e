package rest

import (
	"net/http"

	"entregas/bff/optional"
	"entregas/bff/rest/contract"
	"entregas/contracts"
	"entregas/internal/rest"
)

// ListarDirecciones implements contract.ServerInterface.
func (s Server) ListarDirecciones(w http.ResponseWriter, r *http.Request) {
	list, err := s.Gate.Direcciones(r.Context())
	respond(w, r, http.StatusOK, list, err)
}

// CrearDireccion implements contract.ServerInterface.
func (s Server) CrearDireccion(w http.ResponseWriter, r *http.Request, _ contract.CrearDireccionParams) {
	requested, err := rest.Read[contracts.NuevaDireccion](w, r)
	if err != nil {
		rest.WriteError(w, r, err)
		return
	}
	d, err := s.Gate.CreateDireccion(r.Context(), requested)
	w.Header().Set("Cache-Control", "no-store") // it has the secret
	respond(w, r, http.StatusCreated, d, err)
}

// CambiarDireccion implements contract.ServerInterface.
func (s Server) CambiarDireccion(w http.ResponseWriter, r *http.Request, id contract.Id) {
	requested, err := rest.Read[contracts.CambioDeDireccion](w, r)
	if err == nil && requested.Activa == nil {
		err = contracts.BadField("activa", "falta: debe ser true o false")
	}
	if err != nil {
		rest.WriteError(w, r, err)
		return
	}
	d, err := s.Gate.ChangeDireccion(r.Context(), id, *requested.Activa)
	respond(w, r, http.StatusOK, d, err)
}

// BorrarDireccion implements contract.ServerInterface.
func (s Server) BorrarDireccion(w http.ResponseWriter, r *http.Request, id contract.Id) {
	if err := s.Gate.DeleteDireccion(r.Context(), id); err != nil {
		rest.WriteError(w, r, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// RenovarSecreto implements contract.ServerInterface.
func (s Server) RenovarSecreto(w http.ResponseWriter, r *http.Request, id contract.Id, _ contract.RenovarSecretoParams) {
	d, err := s.Gate.RenewSecreto(r.Context(), id)
	w.Header().Set("Cache-Control", "no-store") // it has the secret
	respond(w, r, http.StatusOK, d, err)
}

// ProbarDireccion implements contract.ServerInterface.
func (s Server) ProbarDireccion(w http.ResponseWriter, r *http.Request, id contract.Id, _ contract.ProbarDireccionParams) {
	e, err := s.Gate.TestDireccion(r.Context(), id)
	respond(w, r, http.StatusAccepted, e, err)
}

// ListarEntregas implements contract.ServerInterface.
func (s Server) ListarEntregas(w http.ResponseWriter, r *http.Request, params contract.ListarEntregasParams) {
	f := contracts.EntregasFilter{Canal: optional.Or(params.Canal, ""), IDDireccion: optional.Or(params.IdDireccion, ""), IDCompra: optional.Or(params.IdCompra, ""), Estado: optional.Or(params.Estado, "")}
	page, err := s.Gate.Entregas(r.Context(), f, optional.Or(params.Limite, contracts.UsualEntregas), optional.Or(params.Despues, ""))
	respond(w, r, http.StatusOK, page, err)
}

// ReenviarEntrega implements contract.ServerInterface.
func (s Server) ReenviarEntrega(w http.ResponseWriter, r *http.Request, id contract.Id, _ contract.ReenviarEntregaParams) {
	e, err := s.Gate.SendAgain(r.Context(), id)
	respond(w, r, http.StatusAccepted, e, err)
}

// AvisarDeProducto implements contract.ServerInterface.
func (s Server) AvisarDeProducto(w http.ResponseWriter, r *http.Request, id contract.Id, _ contract.AvisarDeProductoParams) {
	requested, err := rest.Read[contracts.NuevoDeseo](w, r)
	if err != nil {
		rest.WriteError(w, r, err)
		return
	}
	one, err := s.Gate.AddDeseo(r.Context(), id, requested.Cantidad)
	respond(w, r, http.StatusOK, one, err)
}

// NoAvisarDeProducto implements contract.ServerInterface.
func (s Server) NoAvisarDeProducto(w http.ResponseWriter, r *http.Request, id contract.Id, params contract.NoAvisarDeProductoParams) {
	if err := s.Gate.DeleteDeseo(r.Context(), id, params.AvisadoEn); err != nil {
		rest.WriteError(w, r, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// ListarAvisosDeExistencias implements contract.ServerInterface.
func (s Server) ListarAvisosDeExistencias(w http.ResponseWriter, r *http.Request) {
	list, err := s.Gate.Deseos(r.Context())
	respond(w, r, http.StatusOK, list, err)
}
