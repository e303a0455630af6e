package rest

import (
	"net/http"

	"entregas/bff/rest/contract"
	"entregas/contracts"
	"entregas/internal/rest"
)

// LeerCorreo implements contract.ServerInterface.
func (s Server) LeerCorreo(w http.ResponseWriter, r *http.Request, id contract.Id) {
	c, err := s.Gate.Correo(r.Context(), id)
	respond(w, r, http.StatusOK, c, err)
}

// GuardarCorreo implements contract.ServerInterface. Its answer has no address: answers are kept under an Idempotency-Key.
func (s Server) GuardarCorreo(w http.ResponseWriter, r *http.Request, id contract.Id) {
	requested, err := rest.Read[contracts.CambioDeCorreo](w, r)
	if err == nil {
		err = s.Gate.SetCorreo(r.Context(), id, requested)
	}
	respondDone(w, r, err)
}

// BorrarCorreo implements contract.ServerInterface.
func (s Server) BorrarCorreo(w http.ResponseWriter, r *http.Request, id contract.Id) {
	respondDone(w, r, s.Gate.DeleteCorreo(r.Context(), id))
}

func respondDone(w http.ResponseWriter, r *http.Request, err error) {
	if err != nil {
		rest.WriteError(w, r, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
