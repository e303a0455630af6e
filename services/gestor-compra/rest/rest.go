// Package rest serves contracts/openapi/gestor-compra.yaml, which the bff calls through Dapr service invocation.
package rest

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/gorilla/mux"

	"entregas/contracts"
	api "entregas/internal/api/gestorcompra"
	"entregas/internal/audit"
	"entregas/internal/rest"
)

// Manager accepts purchases and changes them.
type Manager interface {
	Accept(ctx context.Context, s contracts.SolicitudCompra) (contracts.Compra, error)
	Cancelar(ctx context.Context, idCompra, motivo string) (c contracts.Compra, done bool, err error)
	Aprobar(ctx context.Context, idCompra string, aprobada bool, motivo string) (contracts.Compra, error)
	Reintentar(ctx context.Context, idCompra string) (contracts.Compra, error)
	Eraser
	PorAprobar(ctx context.Context, after contracts.Cursor, limit int) (list []contracts.CompraPorAprobar, total int, err error)
}

// Eraser erases the personal data of customers.
type Eraser interface {
	Borrar(ctx context.Context, idUsuario string) (contracts.ParteBorrada, error)
}

// Reader reads purchases.
type Reader interface {
	audit.Lister
	ByCodigo(ctx context.Context, codigo string) (contracts.CompraDeCodigo, error)
	Load(ctx context.Context, id string) (contracts.Compra, error)
	Buscar(ctx context.Context, f contracts.ComprasFilter, after contracts.Cursor, limit int) ([]contracts.Compra, error)
	Contar(ctx context.Context, f contracts.ComprasFilter, most int) (int, error)
	Resumen(ctx context.Context, window time.Duration) (contracts.Resumen, error)
	Mensajes(ctx context.Context, idCompra string) ([]contracts.MensajeDeSaga, error)
	Pendientes(ctx context.Context) (contracts.PendientesDeOperacion, error)
}

// ServeRoutes adds the routes of the OpenAPI document to routes.
func ServeRoutes(routes *mux.Router, g Manager, l Reader) {
	api.HandlerWithOptions(operations{g, l}, api.GorillaServerOptions{BaseRouter: routes, ErrorHandlerFunc: rest.BadParameter(accepted)})
}

// accepted describes in Spanish the values that each parameter accepts.
var accepted = map[string]string{
	"limite":    fmt.Sprintf("debe ser un número de 1 a %d", maxLimit),
	"segundos":  fmt.Sprintf("debe ser un número de 1 a %d", maxWindow),
	"domicilio": "debe ser true o false",
	"contar":    "debe ser true o false",
	"estado":    "debe ser uno de los estados de una compra, por ejemplo CONFIRMADA",
}

type operations struct {
	manager Manager
	reader  Reader
}

// CrearCompra implements api.ServerInterface.
func (o operations) CrearCompra(w http.ResponseWriter, r *http.Request) {
	s, err := rest.Read[contracts.SolicitudCompra](w, r)
	if err != nil {
		rest.WriteError(w, r, err)
		return
	}
	c, err := o.manager.Accept(r.Context(), s)
	answerAceptada(w, r, http.StatusAccepted, c, err)
}

func answerAceptada(w http.ResponseWriter, r *http.Request, status int, c contracts.Compra, err error) {
	rest.Answer(w, r, status, contracts.Aceptada{ID: c.ID, Codigo: c.Codigo, Estado: c.Estado}, err)
}

// CancelarCompra implements api.ServerInterface. The body is optional.
func (o operations) CancelarCompra(w http.ResponseWriter, r *http.Request, id api.Id) {
	request, err := rest.ReadOptional[contracts.Cancelacion](w, r)
	if err != nil {
		rest.WriteError(w, r, err)
		return
	}
	c, done, err := o.manager.Cancelar(r.Context(), id, request.Motivo)
	status := http.StatusAccepted
	if done || c.Estado == contracts.EstadoCompensando {
		status = http.StatusOK
	}
	answerAceptada(w, r, status, c, err)
}

// DecidirCompra implements api.ServerInterface.
func (o operations) DecidirCompra(w http.ResponseWriter, r *http.Request, id api.Id) {
	request, err := rest.Read[contracts.Aprobacion](w, r)
	if err == nil && request.Aprobada == nil {
		err = contracts.BadField("aprobada", "falta: debe ser true o false")
	}
	if err != nil {
		rest.WriteError(w, r, err)
		return
	}
	c, err := o.manager.Aprobar(r.Context(), id, *request.Aprobada, request.Motivo)
	answerAceptada(w, r, http.StatusOK, c, err)
}

// LeerCompra implements api.ServerInterface.
func (o operations) LeerCompra(w http.ResponseWriter, r *http.Request, id api.Id) {
	c, err := o.reader.Load(r.Context(), id)
	rest.Answer(w, r, http.StatusOK, c, err)
}

// LeerCodigo implements api.ServerInterface.
func (o operations) LeerCodigo(w http.ResponseWriter, r *http.Request, codigo string) {
	if parsed, err := contracts.ParseCodigo(codigo); err != nil || parsed != codigo {
		rest.WriteError(w, r, contracts.BadField("codigo", "debe ser el código de una compra"))
		return
	}
	c, err := o.reader.ByCodigo(r.Context(), codigo)
	rest.Answer(w, r, http.StatusOK, c, err)
}

// ReintentarCompra implements api.ServerInterface.
func (o operations) ReintentarCompra(w http.ResponseWriter, r *http.Request, id api.Id) {
	c, err := o.manager.Reintentar(r.Context(), id)
	answerAceptada(w, r, http.StatusAccepted, c, err)
}

// BorrarDatosDeCompras implements api.ServerInterface.
func (o operations) BorrarDatosDeCompras(w http.ResponseWriter, r *http.Request, id api.Id) {
	part, err := o.manager.Borrar(r.Context(), id)
	rest.Answer(w, r, http.StatusOK, part, err)
}

// LeerMensajes implements api.ServerInterface.
func (o operations) LeerMensajes(w http.ResponseWriter, r *http.Request, id api.Id) {
	list, err := o.reader.Mensajes(r.Context(), id)
	rest.Answer(w, r, http.StatusOK, list, err)
}

// The window of a summary, in seconds.
const (
	defaultWindow = 300
	maxWindow     = 24 * 60 * 60
)

// LeerResumen implements api.ServerInterface.
func (o operations) LeerResumen(w http.ResponseWriter, r *http.Request, params api.LeerResumenParams) {
	seconds := defaultWindow
	if params.Segundos != nil {
		seconds = *params.Segundos
	}
	if seconds < 1 || seconds > maxWindow {
		rest.WriteError(w, r, contracts.BadField("segundos", accepted["segundos"]))
		return
	}
	s, err := o.reader.Resumen(r.Context(), time.Duration(seconds)*time.Second)
	rest.Answer(w, r, http.StatusOK, s, err)
}

// ListarActosDeCompras implements api.ServerInterface.
func (o operations) ListarActosDeCompras(w http.ResponseWriter, r *http.Request, params api.ListarActosDeComprasParams) {
	page, err := audit.Page(r.Context(), o.reader, contracts.ActosQuery(params))
	rest.Answer(w, r, http.StatusOK, page, err)
}
