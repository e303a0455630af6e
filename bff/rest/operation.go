package rest

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"entregas/bff/access"
	"entregas/bff/compras"
	"entregas/bff/optional"
	"entregas/bff/rest/contract"
	"entregas/contracts"
	"entregas/internal/rest"
)

// ReintentarCompra implements contract.ServerInterface.
func (s Server) ReintentarCompra(w http.ResponseWriter, r *http.Request, id contract.Id, _ contract.ReintentarCompraParams) {
	accepted, err := s.Gate.Reintentar(r.Context(), id)
	writeAccepted(w, r, accepted, err)
}

// LeerMensajes implements contract.ServerInterface.
func (s Server) LeerMensajes(w http.ResponseWriter, r *http.Request, id contract.Id) {
	list, err := s.Gate.Mensajes(r.Context(), id)
	respond(w, r, http.StatusOK, contract.MensajesDeSaga{Mensajes: list}, err)
}

// LeerResumen implements contract.ServerInterface.
func (s Server) LeerResumen(w http.ResponseWriter, r *http.Request, params contract.LeerResumenParams) {
	summary, err := s.Gate.Resumen(r.Context(), optional.Or(params.Segundos, access.DefaultWindow))
	respond(w, r, http.StatusOK, summary, err)
}

// LeerSalud implements contract.ServerInterface.
func (s Server) LeerSalud(w http.ResponseWriter, r *http.Request) {
	health, err := s.Gate.Salud(r.Context())
	respond(w, r, http.StatusOK, health, err)
}

// LeerColas implements contract.ServerInterface.
func (s Server) LeerColas(w http.ResponseWriter, r *http.Request, params contract.LeerColasParams) {
	queues, err := s.Gate.Colas(r.Context(), optional.Or(params.Minutos, access.DefaultMinutes))
	respond(w, r, http.StatusOK, queues, err)
}

// ListarMensajesMuertos implements contract.ServerInterface.
func (s Server) ListarMensajesMuertos(w http.ResponseWriter, r *http.Request, params contract.ListarMensajesMuertosParams) {
	list, err := s.Gate.DeadLetters(r.Context(), contracts.MensajesMuertosFilter{
		Tema: optional.Or(params.Tema, ""), Origen: optional.Or(params.Origen, ""), Motivo: optional.Or(params.Motivo, ""),
		Desde: optional.Or(params.Desde, time.Time{}), Hasta: optional.Or(params.Hasta, time.Time{}), Descartados: optional.Or(params.Descartados, false),
	})
	respond(w, r, http.StatusOK, list, err)
}

// LeerMensajeMuerto implements contract.ServerInterface.
func (s Server) LeerMensajeMuerto(w http.ResponseWriter, r *http.Request, id contract.Id) {
	one, err := s.Gate.DeadLetter(r.Context(), id)
	respond(w, r, http.StatusOK, one, err)
}

// DevolverMensajes implements contract.ServerInterface.
func (s Server) DevolverMensajes(w http.ResponseWriter, r *http.Request, _ contract.DevolverMensajesParams) {
	requested, err := rest.Read[contracts.DevolucionDeMensajes](w, r)
	if err != nil {
		rest.WriteError(w, r, err)
		return
	}
	results, err := s.Gate.PutBackDeadLetters(r.Context(), requested.IDs)
	respond(w, r, http.StatusOK, results, err)
}

// DescartarMensaje implements contract.ServerInterface.
func (s Server) DescartarMensaje(w http.ResponseWriter, r *http.Request, id contract.Id, _ contract.DescartarMensajeParams) {
	requested, err := rest.Read[contracts.DescarteDeMensaje](w, r)
	if err != nil {
		rest.WriteError(w, r, err)
		return
	}
	one, err := s.Gate.Discard(r.Context(), id, requested.Motivo)
	respond(w, r, http.StatusAccepted, one, err)
}

// DevolverMensaje implements contract.ServerInterface.
func (s Server) DevolverMensaje(w http.ResponseWriter, r *http.Request, id contract.Id, _ contract.DevolverMensajeParams) {
	one, err := s.Gate.PutBackDeadLetter(r.Context(), id)
	respond(w, r, http.StatusAccepted, one, err)
}

// ApartarMensaje implements contract.ServerInterface.
func (s Server) ApartarMensaje(w http.ResponseWriter, r *http.Request, id contract.Id, _ contract.ApartarMensajeParams) {
	one, err := s.Gate.SetAside(r.Context(), id)
	respond(w, r, http.StatusAccepted, one, err)
}

// LeerOrden implements contract.ServerInterface.
func (s Server) LeerOrden(w http.ResponseWriter, r *http.Request, id contract.Id) {
	orden, err := s.Gate.Orden(r.Context(), id)
	respond(w, r, http.StatusOK, orden, err)
}

// DespacharOrden implements contract.ServerInterface.
func (s Server) DespacharOrden(w http.ResponseWriter, r *http.Request, id contract.Id, _ contract.DespacharOrdenParams) {
	orden, err := s.Gate.Despachar(r.Context(), id)
	respond(w, r, http.StatusOK, orden, err)
}

// ListarProductos implements contract.ServerInterface.
func (s Server) ListarProductos(w http.ResponseWriter, r *http.Request, params contract.ListarProductosParams) {
	list, err := s.Gate.Productos(r.Context(), optional.Or(params.Buscar, ""))
	respond(w, r, http.StatusOK, list, err)
}

// BorrarDatosDeUsuario implements contract.ServerInterface.
func (s Server) BorrarDatosDeUsuario(w http.ResponseWriter, r *http.Request, id contract.Id, _ contract.BorrarDatosDeUsuarioParams) {
	erased, err := s.Gate.BorrarDatos(r.Context(), id)
	respond(w, r, http.StatusOK, erased, err)
}

// ListarTiendas implements contract.ServerInterface.
func (s Server) ListarTiendas(w http.ResponseWriter, r *http.Request) {
	list, err := s.Gate.Tiendas(r.Context())
	respond(w, r, http.StatusOK, list, err)
}

// LeerProducto implements contract.ServerInterface.
func (s Server) LeerProducto(w http.ResponseWriter, r *http.Request, id contract.Id) {
	producto, err := s.Gate.Producto(r.Context(), id)
	respond(w, r, http.StatusOK, producto, err)
}

// ReponerProducto implements contract.ServerInterface.
func (s Server) ReponerProducto(w http.ResponseWriter, r *http.Request, id contract.Id, params contract.ReponerProductoParams) {
	requested, err := rest.Read[contracts.Reposicion](w, r)
	if err != nil {
		rest.WriteError(w, r, err)
		return
	}
	producto, err := s.Gate.Reponer(r.Context(), id, requested.Cantidad, optional.Or(params.IdempotencyKey, ""))
	respond(w, r, http.StatusOK, producto, err)
}

// CambiarPrecio implements contract.ServerInterface.
func (s Server) CambiarPrecio(w http.ResponseWriter, r *http.Request, id contract.Id, params contract.CambiarPrecioParams) {
	requested, err := rest.Read[contracts.CambioDePrecio](w, r)
	if err != nil {
		rest.WriteError(w, r, err)
		return
	}
	producto, err := s.Gate.CambiarPrecio(r.Context(), id, requested, optional.Or(params.IdempotencyKey, ""))
	respond(w, r, http.StatusOK, producto, err)
}

// ListarPrecios implements contract.ServerInterface.
func (s Server) ListarPrecios(w http.ResponseWriter, r *http.Request, id contract.Id, params contract.ListarPreciosParams) {
	page, err := s.Gate.Precios(r.Context(), id, optional.Or(params.Limite, compras.DefaultPage), optional.Or(params.Despues, ""))
	respond(w, r, http.StatusOK, page, err)
}

// estadosOf returns the states of a filter. Error: Invalid for an unknown state.
func estadosOf(list *contract.EnEstado) ([]contracts.Estado, error) {
	for _, e := range optional.Or(list, nil) {
		if !slices.Contains(contracts.Estados, e) {
			return nil, contracts.BadField("estado", fmt.Sprintf("debe ser uno o varios de %v", contracts.Estados))
		}
	}
	return optional.Or(list, nil), nil
}
