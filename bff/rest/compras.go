package rest

import (
	"net/http"
	"net/url"

	"entregas/bff/compras"
	"entregas/bff/csvfile"
	"entregas/bff/optional"
	"entregas/bff/rest/contract"
	"entregas/contracts"
	"entregas/internal/rest"
)

// lookAgainAfter is the Retry-After of a 202, in seconds. Most sagas have ended by then.
const lookAgainAfter = "1"

// Live streams the changes of a purchase.
type Live interface {
	OneCompra(w http.ResponseWriter, r *http.Request, id, lastID string)
}

// CrearCompra implements contract.ServerInterface.
func (s Server) CrearCompra(w http.ResponseWriter, r *http.Request, params contract.CrearCompraParams) {
	solicitud, err := rest.Read[contracts.SolicitudCompra](w, r)
	if err != nil {
		rest.WriteError(w, r, err)
		return
	}
	accepted, err := s.Gate.Create(r.Context(), solicitud, optional.Or(params.IdempotencyKey, ""))
	writeAccepted(w, r, accepted, err)
}

// writeAccepted answers 202 for a purchase whose saga goes on.
func writeAccepted(w http.ResponseWriter, r *http.Request, a contracts.Aceptada, err error) {
	if err == nil {
		w.Header().Set("Location", "/api/compras/"+url.PathEscape(a.ID))
		w.Header().Set("Retry-After", lookAgainAfter)
	}
	respond(w, r, http.StatusAccepted, a, err)
}

// LeerCompra implements contract.ServerInterface.
func (s Server) LeerCompra(w http.ResponseWriter, r *http.Request, id contract.Id) {
	loaded, err := s.Gate.Load(r.Context(), id)
	sayAge(w, loaded.Age)
	respond(w, r, http.StatusOK, loaded.Compra, err)
}

// SeguirCompra implements contract.ServerInterface.
func (s Server) SeguirCompra(w http.ResponseWriter, r *http.Request, id contract.Id, params contract.SeguirCompraParams) {
	s.Live.OneCompra(w, r, id, optional.Or(params.LastEventID, ""))
}

// ListarComprasDeUsuario implements contract.ServerInterface.
func (s Server) ListarComprasDeUsuario(w http.ResponseWriter, r *http.Request, id contract.Id, params contract.ListarComprasDeUsuarioParams) {
	estados, err := estadosOf(params.Estado)
	if err != nil {
		rest.WriteError(w, r, err)
		return
	}
	page, err := s.Gate.OfUsuario(r.Context(), id, optional.Or(params.Limite, compras.DefaultPage), optional.Or(params.Despues, ""), estados...)
	respondPage(w, r, page, err)
}

// ListarCompras implements contract.ServerInterface. The answer is a page, or a file with all pages.
func (s Server) ListarCompras(w http.ResponseWriter, r *http.Request, params contract.ListarComprasParams) {
	q := contracts.ComprasQuery{
		Texto: optional.Or(params.Texto, ""), Estados: optional.Or(params.Estado, nil), IDUsuario: optional.Or(params.IdUsuario, ""),
		IDProducto: optional.Or(params.IdProducto, ""), Domicilio: params.Domicilio, Desde: optional.Or(params.Desde, ""), Hasta: optional.Or(params.Hasta, ""),
		CambiadaDesde: optional.Or(params.CambiadaDesde, ""), Orden: string(optional.Or(params.Orden, "")), Despues: optional.Or(params.Despues, ""),
	}
	w.Header().Set("Vary", "Accept")
	if csvfile.Accepts(r) {
		s.comprasFile(w, r, q)
		return
	}
	page, err := s.Gate.Buscar(r.Context(), q, optional.Or(params.Limite, compras.DefaultPage), optional.Or(params.Contar, false))
	respondPage(w, r, page, err)
}

// respondPage answers a page of purchases.
func respondPage(w http.ResponseWriter, r *http.Request, page compras.Page, err error) {
	if page.Compras == nil {
		page.Compras = []contracts.Compra{}
	}
	sayAge(w, page.Age)
	respond(w, r, http.StatusOK, page.PaginaDeCompras, err)
}

// CancelarCompra implements contract.ServerInterface. The client may leave out the body.
func (s Server) CancelarCompra(w http.ResponseWriter, r *http.Request, id contract.Id, _ contract.CancelarCompraParams) {
	requested, err := rest.ReadOptional[contracts.Cancelacion](w, r)
	if err != nil {
		rest.WriteError(w, r, err)
		return
	}
	accepted, done, err := s.Gate.Cancelar(r.Context(), id, requested.Motivo)
	if done {
		respond(w, r, http.StatusOK, accepted, err)
		return
	}
	writeAccepted(w, r, accepted, err)
}

// DecidirCompra implements contract.ServerInterface.
func (s Server) DecidirCompra(w http.ResponseWriter, r *http.Request, id contract.Id, _ contract.DecidirCompraParams) {
	decision, err := rest.Read[contracts.Aprobacion](w, r)
	if err == nil && decision.Aprobada == nil {
		err = contracts.BadField("aprobada", "falta: debe ser true o false")
	}
	if err != nil {
		rest.WriteError(w, r, err)
		return
	}
	accepted, err := s.Gate.Aprobar(r.Context(), id, *decision.Aprobada, decision.Motivo)
	respond(w, r, http.StatusOK, accepted, err)
}
