package rest

import (
	"fmt"
	"net/http"
	"slices"

	"entregas/contracts"
	"entregas/services/bff/acceso"
	"entregas/services/bff/optional"
	"entregas/services/bff/rest/contrato"
	"entregas/services/internal/rest"
)

// ReintentarCompra implements contrato.ServerInterface.
func (s Servidor) ReintentarCompra(w http.ResponseWriter, r *http.Request, id contrato.Id, _ contrato.ReintentarCompraParams) {
	aceptada, err := s.Puerta.Reintentar(r.Context(), id)
	sigue(w, r, aceptada, err)
}

// LeerMensajes implements contrato.ServerInterface.
func (s Servidor) LeerMensajes(w http.ResponseWriter, r *http.Request, id contrato.Id) {
	lista, err := s.Puerta.Mensajes(r.Context(), id)
	responder(w, r, http.StatusOK, contrato.MensajesDeSaga{Mensajes: lista}, err)
}

// LeerResumen implements contrato.ServerInterface.
func (s Servidor) LeerResumen(w http.ResponseWriter, r *http.Request, params contrato.LeerResumenParams) {
	resumen, err := s.Puerta.Resumen(r.Context(), optional.Or(params.Segundos, acceso.VentanaNormal))
	responder(w, r, http.StatusOK, resumen, err)
}

// LeerColas implements contrato.ServerInterface.
func (s Servidor) LeerColas(w http.ResponseWriter, r *http.Request, params contrato.LeerColasParams) {
	colas, err := s.Puerta.Colas(r.Context(), optional.Or(params.Minutos, acceso.MinutosNormales))
	responder(w, r, http.StatusOK, colas, err)
}

// LeerBalance implements contrato.ServerInterface.
func (s Servidor) LeerBalance(w http.ResponseWriter, r *http.Request) {
	lineas, err := s.Puerta.Balance(r.Context())
	responder(w, r, http.StatusOK, lineas, err)
}

// ListarMensajesMuertos implements contrato.ServerInterface.
func (s Servidor) ListarMensajesMuertos(w http.ResponseWriter, r *http.Request) {
	lista, err := s.Puerta.Muertos(r.Context())
	responder(w, r, http.StatusOK, lista, err)
}

// ReponerMensaje implements contrato.ServerInterface.
func (s Servidor) ReponerMensaje(w http.ResponseWriter, r *http.Request, id contrato.Id, _ contrato.ReponerMensajeParams) {
	uno, err := s.Puerta.ReponerMuerto(r.Context(), id)
	responder(w, r, http.StatusAccepted, uno, err)
}

// ApartarMensaje implements contrato.ServerInterface.
func (s Servidor) ApartarMensaje(w http.ResponseWriter, r *http.Request, id contrato.Id, _ contrato.ApartarMensajeParams) {
	uno, err := s.Puerta.SetAside(r.Context(), id)
	responder(w, r, http.StatusAccepted, uno, err)
}

// LeerOrden implements contrato.ServerInterface.
func (s Servidor) LeerOrden(w http.ResponseWriter, r *http.Request, id contrato.Id) {
	orden, err := s.Puerta.Orden(r.Context(), id)
	responder(w, r, http.StatusOK, orden, err)
}

// DespacharOrden implements contrato.ServerInterface.
func (s Servidor) DespacharOrden(w http.ResponseWriter, r *http.Request, id contrato.Id, _ contrato.DespacharOrdenParams) {
	orden, err := s.Puerta.Despachar(r.Context(), id)
	responder(w, r, http.StatusOK, orden, err)
}

// ListarProductos implements contrato.ServerInterface.
func (s Servidor) ListarProductos(w http.ResponseWriter, r *http.Request, params contrato.ListarProductosParams) {
	lista, err := s.Puerta.Productos(r.Context(), optional.Or(params.Buscar, ""))
	responder(w, r, http.StatusOK, lista, err)
}

// LeerProducto implements contrato.ServerInterface.
func (s Servidor) LeerProducto(w http.ResponseWriter, r *http.Request, id contrato.Id) {
	producto, err := s.Puerta.Producto(r.Context(), id)
	responder(w, r, http.StatusOK, producto, err)
}

// ReponerProducto implements contrato.ServerInterface.
func (s Servidor) ReponerProducto(w http.ResponseWriter, r *http.Request, id contrato.Id, params contrato.ReponerProductoParams) {
	pedida, err := rest.Leer[contracts.Reposicion](w, r)
	if err != nil {
		rest.EscribirError(w, r, err)
		return
	}
	producto, err := s.Puerta.Reponer(r.Context(), id, pedida.Cantidad, optional.Or(params.IdempotencyKey, ""))
	responder(w, r, http.StatusOK, producto, err)
}

func estadosDe(lista *contrato.EnEstado) ([]contracts.Estado, error) {
	for _, e := range optional.Or(lista, nil) {
		if !slices.Contains(contracts.Estados, e) {
			return nil, contracts.CampoMalo("estado", fmt.Sprintf("debe ser uno o varios de %v", contracts.Estados))
		}
	}
	return optional.Or(lista, nil), nil
}
