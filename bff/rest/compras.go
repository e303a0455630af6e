package rest

import (
	"net/http"
	"net/url"

	"entregas/contracts"
	"entregas/services/bff/compras"
	"entregas/services/bff/optional"
	"entregas/services/bff/rest/contrato"
	"entregas/services/internal/rest"
)

// volverAMirar is the Retry-After of what was taken and goes on, in seconds: most are at rest by then.
const volverAMirar = "1"

// EnVivo streams one purchase's changes.
type EnVivo interface {
	UnaCompra(w http.ResponseWriter, r *http.Request, id, ultimoID string)
}

// CrearCompra implements contrato.ServerInterface.
func (s Servidor) CrearCompra(w http.ResponseWriter, r *http.Request, params contrato.CrearCompraParams) {
	solicitud, err := rest.Leer[contracts.SolicitudCompra](w, r)
	if err != nil {
		rest.EscribirError(w, r, err)
		return
	}
	aceptada, err := s.Puerta.Crear(r.Context(), solicitud, optional.Or(params.IdempotencyKey, ""))
	sigue(w, r, aceptada, err)
}

// sigue answers that something was taken and goes on.
func sigue(w http.ResponseWriter, r *http.Request, a contracts.Aceptada, err error) {
	if err == nil {
		w.Header().Set("Location", "/api/compras/"+url.PathEscape(a.ID))
		w.Header().Set("Retry-After", volverAMirar)
	}
	responder(w, r, http.StatusAccepted, a, err)
}

// LeerCompra implements contrato.ServerInterface.
func (s Servidor) LeerCompra(w http.ResponseWriter, r *http.Request, id contrato.Id) {
	leida, err := s.Puerta.Leer(r.Context(), id)
	decirEdad(w, leida.Edad)
	responder(w, r, http.StatusOK, leida.Compra, err)
}

// SeguirCompra implements contrato.ServerInterface.
func (s Servidor) SeguirCompra(w http.ResponseWriter, r *http.Request, id contrato.Id, params contrato.SeguirCompraParams) {
	s.EnVivo.UnaCompra(w, r, id, optional.Or(params.LastEventID, ""))
}

// ListarComprasDeUsuario implements contrato.ServerInterface.
func (s Servidor) ListarComprasDeUsuario(w http.ResponseWriter, r *http.Request, id contrato.Id, params contrato.ListarComprasDeUsuarioParams) {
	estados, err := estadosDe(params.Estado)
	if err != nil {
		rest.EscribirError(w, r, err)
		return
	}
	pagina, err := s.Puerta.DeUsuario(r.Context(), id, optional.Or(params.Limite, compras.PaginaNormal), optional.Or(params.Despues, ""), estados...)
	responderPagina(w, r, pagina, err)
}

// ListarCompras implements contrato.ServerInterface.
func (s Servidor) ListarCompras(w http.ResponseWriter, r *http.Request, params contrato.ListarComprasParams) {
	estados, err := estadosDe(params.Estado)
	if err != nil {
		rest.EscribirError(w, r, err)
		return
	}
	filtro := contracts.FiltroCompras{Estados: estados, IDUsuario: optional.Or(params.IdUsuario, ""), Domicilio: params.Domicilio}
	pagina, err := s.Puerta.Buscar(r.Context(), filtro, optional.Or(params.Limite, compras.PaginaNormal), optional.Or(params.Despues, ""))
	responderPagina(w, r, pagina, err)
}

func responderPagina(w http.ResponseWriter, r *http.Request, pagina compras.Pagina, err error) {
	respuesta := contracts.PaginaDeCompras{Compras: pagina.Compras, Siguiente: pagina.Siguiente}
	if respuesta.Compras == nil {
		respuesta.Compras = []contracts.Compra{}
	}
	decirEdad(w, pagina.Edad)
	responder(w, r, http.StatusOK, respuesta, err)
}

// CancelarCompra implements contrato.ServerInterface. The body may be missing.
func (s Servidor) CancelarCompra(w http.ResponseWriter, r *http.Request, id contrato.Id, _ contrato.CancelarCompraParams) {
	pedida, err := rest.ReadOptional[contracts.Cancelacion](w, r)
	if err != nil {
		rest.EscribirError(w, r, err)
		return
	}
	aceptada, hecha, err := s.Puerta.Cancelar(r.Context(), id, pedida.Motivo)
	if hecha {
		responder(w, r, http.StatusOK, aceptada, err)
		return
	}
	sigue(w, r, aceptada, err)
}

// DecidirCompra implements contrato.ServerInterface.
func (s Servidor) DecidirCompra(w http.ResponseWriter, r *http.Request, id contrato.Id, _ contrato.DecidirCompraParams) {
	decision, err := rest.Leer[contracts.Aprobacion](w, r)
	if err == nil && decision.Aprobada == nil {
		err = contracts.CampoMalo("aprobada", "falta: debe ser true o false")
	}
	if err != nil {
		rest.EscribirError(w, r, err)
		return
	}
	aceptada, err := s.Puerta.Aprobar(r.Context(), id, *decision.Aprobada, decision.Motivo)
	responder(w, r, http.StatusOK, aceptada, err)
}
