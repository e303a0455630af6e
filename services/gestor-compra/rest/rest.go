// Package rest is how gestor-compra is asked: by the bff, through Dapr service invocation.
package rest

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/gorilla/mux"

	"entregas/contracts"
	api "entregas/services/internal/api/gestorcompra"
	"entregas/services/internal/rest"
)

// Gestor is what may be done with a purchase.
type Gestor interface {
	Aceptar(ctx context.Context, s contracts.SolicitudCompra) (contracts.Compra, error)
	Cancelar(ctx context.Context, idCompra, motivo string) (c contracts.Compra, hecha bool, err error)
	Aprobar(ctx context.Context, idCompra string, aprobada bool, motivo string) (contracts.Compra, error)
	Reintentar(ctx context.Context, idCompra string) (contracts.Compra, error)
}

// Lector reads purchases.
type Lector interface {
	Leer(ctx context.Context, id string) (contracts.Compra, error)
	Buscar(ctx context.Context, f contracts.FiltroCompras, antesDe contracts.Cursor, limite int) ([]contracts.Compra, error)
	Resumen(ctx context.Context, ventana time.Duration) (contracts.Resumen, error)
	Mensajes(ctx context.Context, idCompra string) ([]contracts.MensajeDeSaga, error)
}

// Servir adds the routes of the service's OpenAPI document to rutas.
func Servir(rutas *mux.Router, g Gestor, l Lector) {
	api.HandlerWithOptions(operations{g, l}, api.GorillaServerOptions{BaseRouter: rutas, ErrorHandlerFunc: rest.BadParameter(accepted)})
}

// accepted says in Spanish what each parameter may be.
var accepted = map[string]string{
	"limite":    fmt.Sprintf("debe ser un número de 1 a %d", limiteMaximo),
	"segundos":  fmt.Sprintf("debe ser un número de 1 a %d", ventanaMaxima),
	"domicilio": "debe ser true o false",
	"estado":    "debe ser uno de los estados de una compra, por ejemplo CONFIRMADA",
}

type operations struct {
	gestor Gestor
	lector Lector
}

// CrearCompra implements api.ServerInterface.
func (o operations) CrearCompra(w http.ResponseWriter, r *http.Request) {
	s, err := rest.Leer[contracts.SolicitudCompra](w, r)
	if err != nil {
		rest.EscribirError(w, r, err)
		return
	}
	c, err := o.gestor.Aceptar(r.Context(), s)
	answerAceptada(w, r, http.StatusAccepted, c, err)
}

func answerAceptada(w http.ResponseWriter, r *http.Request, status int, c contracts.Compra, err error) {
	rest.Answer(w, r, status, contracts.Aceptada{ID: c.ID, Estado: c.Estado}, err)
}

// CancelarCompra implements api.ServerInterface. The body is optional.
func (o operations) CancelarCompra(w http.ResponseWriter, r *http.Request, id api.Id) {
	request, err := rest.ReadOptional[contracts.Cancelacion](w, r)
	if err != nil {
		rest.EscribirError(w, r, err)
		return
	}
	c, done, err := o.gestor.Cancelar(r.Context(), id, request.Motivo)
	status := http.StatusAccepted
	if done || c.Estado == contracts.EstadoCompensando {
		status = http.StatusOK
	}
	answerAceptada(w, r, status, c, err)
}

// DecidirCompra implements api.ServerInterface.
func (o operations) DecidirCompra(w http.ResponseWriter, r *http.Request, id api.Id) {
	request, err := rest.Leer[contracts.Aprobacion](w, r)
	if err == nil && request.Aprobada == nil {
		err = contracts.CampoMalo("aprobada", "falta: debe ser true o false")
	}
	if err != nil {
		rest.EscribirError(w, r, err)
		return
	}
	c, err := o.gestor.Aprobar(r.Context(), id, *request.Aprobada, request.Motivo)
	answerAceptada(w, r, http.StatusOK, c, err)
}

// LeerCompra implements api.ServerInterface.
func (o operations) LeerCompra(w http.ResponseWriter, r *http.Request, id api.Id) {
	c, err := o.lector.Leer(r.Context(), id)
	rest.Answer(w, r, http.StatusOK, c, err)
}

// ReintentarCompra implements api.ServerInterface.
func (o operations) ReintentarCompra(w http.ResponseWriter, r *http.Request, id api.Id) {
	c, err := o.gestor.Reintentar(r.Context(), id)
	answerAceptada(w, r, http.StatusAccepted, c, err)
}

// LeerMensajes implements api.ServerInterface.
func (o operations) LeerMensajes(w http.ResponseWriter, r *http.Request, id api.Id) {
	lista, err := o.lector.Mensajes(r.Context(), id)
	rest.Answer(w, r, http.StatusOK, lista, err)
}

// The window of a summary, in seconds.
const (
	ventanaPorOmision = 300
	ventanaMaxima     = 24 * 60 * 60
)

// LeerResumen implements api.ServerInterface.
func (o operations) LeerResumen(w http.ResponseWriter, r *http.Request, params api.LeerResumenParams) {
	segundos := ventanaPorOmision
	if params.Segundos != nil {
		segundos = *params.Segundos
	}
	if segundos < 1 || segundos > ventanaMaxima {
		rest.EscribirError(w, r, contracts.CampoMalo("segundos", accepted["segundos"]))
		return
	}
	s, err := o.lector.Resumen(r.Context(), time.Duration(segundos)*time.Second)
	rest.Answer(w, r, http.StatusOK, s, err)
}
