package rest

import (
	"net/http"

	"entregas/contracts"
	api "entregas/internal/api/avisos"
	"entregas/internal/rest"
)

// ListarDeseos implements api.ServerInterface.
func (s resources) ListarDeseos(w http.ResponseWriter, r *http.Request, id api.Id) {
	var v contracts.Validator
	v.Identifier("id", id)
	if err := v.Error(); err != nil {
		rest.WriteError(w, r, err)
		return
	}
	list, err := s.deseos.Deseos(r.Context(), id)
	rest.Answer(w, r, http.StatusOK, list, err)
}

// CrearDeseo implements api.ServerInterface.
func (s resources) CrearDeseo(w http.ResponseWriter, r *http.Request, id api.Id, producto api.Producto) {
	requested, err := rest.Read[contracts.NuevoDeseo](w, r)
	if err != nil {
		rest.WriteError(w, r, err)
		return
	}
	v := wish(id, producto)
	v.Cantidad("cantidad", requested.Cantidad)
	if err := v.Error(); err != nil {
		rest.WriteError(w, r, err)
		return
	}
	one, err := s.deseos.AddDeseo(r.Context(), id, producto, requested.Cantidad)
	rest.Answer(w, r, http.StatusOK, one, err)
}

// BorrarDeseo implements api.ServerInterface.
func (s resources) BorrarDeseo(w http.ResponseWriter, r *http.Request, id api.Id, producto api.Producto, params api.BorrarDeseoParams) {
	v := wish(id, producto)
	err := v.Error()
	if err == nil {
		err = s.deseos.DeleteDeseo(r.Context(), id, producto, params.AvisadoEn)
	}
	if err != nil {
		rest.WriteError(w, r, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// BorrarDatosDeAvisos implements api.ServerInterface.
func (s resources) BorrarDatosDeAvisos(w http.ResponseWriter, r *http.Request, id api.Id) {
	var v contracts.Validator
	v.Identifier("id", id)
	if err := v.Error(); err != nil {
		rest.WriteError(w, r, err)
		return
	}
	part, err := s.deseos.Borrar(r.Context(), id)
	rest.Answer(w, r, http.StatusOK, part, err)
}

// wish returns a Validator with the errors of the two ids of a wish.
func wish(id, producto string) (v contracts.Validator) {
	v.Identifier("id", id)
	v.Identifier("producto", producto)
	return v
}
