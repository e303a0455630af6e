// Package rest serves contracts/openapi/avisos.yaml: the addresses, the deliveries, and the wishes and the e-mail of customers.
package rest

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"entregas/contracts"
	api "entregas/internal/api/avisos"
	"entregas/internal/audit"
	"entregas/internal/rest"
	"entregas/services/avisos/avisos"
)

// Direcciones keeps the addresses.
type Direcciones interface {
	audit.Lister // of what persons did with addresses and deliveries
	Direcciones(ctx context.Context) ([]contracts.DireccionDeAviso, error)
	CreateDireccion(ctx context.Context, d contracts.NuevaDireccion, secreto string) (contracts.DireccionDeAviso, error)
	ChangeDireccion(ctx context.Context, id string, activa bool) (contracts.DireccionDeAviso, error)
	RenewSecreto(ctx context.Context, id, secreto string) (contracts.DireccionDeAviso, error)
	DeleteDireccion(ctx context.Context, id string) error
}

// Entregas keeps the deliveries.
type Entregas interface {
	Entregas(ctx context.Context, f contracts.EntregasFilter, limit int, after string) ([]contracts.EntregaDeAviso, error)
	Add(ctx context.Context, idDireccion string, e avisos.Suceso) (contracts.EntregaDeAviso, error)
	SendAgain(ctx context.Context, id string, mails bool) (contracts.EntregaDeAviso, error)
}

// Deseos keeps the wishes of customers.
type Deseos interface {
	Deseos(ctx context.Context, idUsuario string) ([]contracts.Deseo, error)
	AddDeseo(ctx context.Context, idUsuario, idProducto string, cantidad int) (contracts.Deseo, error)
	DeleteDeseo(ctx context.Context, idUsuario, idProducto string, avisadoEn *time.Time) error
	Borrar(ctx context.Context, idUsuario string) (contracts.ParteBorrada, error)
}

// Webhooks says to which URLs events are delivered, and makes secrets.
type Webhooks struct {
	CheckURL   func(url string) error // nil or a *contracts.ValidationError about url
	NewSecreto func() string
	Wake       func() // there is a delivery that is due
}

// ServeRoutes adds the routes of the OpenAPI document to routes.
func ServeRoutes(routes *mux.Router, direcciones Direcciones, entregas Entregas, deseos Deseos, w Webhooks, m Mail) {
	api.HandlerWithOptions(resources{direcciones, entregas, deseos, w, m}, api.GorillaServerOptions{BaseRouter: routes, ErrorHandlerFunc: rest.BadParameter(accepted)})
}

// accepted describes in Spanish the values that each parameter accepts.
var accepted = map[string]string{"limite": contracts.EntregasForm, "avisado_en": "debe ser un instante de RFC 3339"}

type resources struct {
	direcciones Direcciones
	entregas    Entregas
	deseos      Deseos
	webhooks    Webhooks
	mail        Mail
}

// ListarDirecciones implements api.ServerInterface.
func (s resources) ListarDirecciones(w http.ResponseWriter, r *http.Request) {
	list, err := s.direcciones.Direcciones(r.Context())
	rest.Answer(w, r, http.StatusOK, list, err)
}

// CrearDireccion implements api.ServerInterface.
func (s resources) CrearDireccion(w http.ResponseWriter, r *http.Request) {
	requested, err := rest.Read[contracts.NuevaDireccion](w, r)
	if err == nil {
		err = requested.Validate()
	}
	if err == nil {
		err = s.webhooks.CheckURL(requested.URL)
	}
	if err != nil {
		rest.WriteError(w, r, err)
		return
	}
	d, err := s.direcciones.CreateDireccion(r.Context(), requested, s.webhooks.NewSecreto())
	rest.Answer(w, r, http.StatusCreated, d, err)
}

// CambiarDireccion implements api.ServerInterface.
func (s resources) CambiarDireccion(w http.ResponseWriter, r *http.Request, id api.Id) {
	requested, err := rest.Read[contracts.CambioDeDireccion](w, r)
	if err == nil && requested.Activa == nil {
		err = contracts.BadField("activa", "falta: debe ser true o false")
	}
	if err == nil {
		err = avisos.ValidateID("id", id)
	}
	if err != nil {
		rest.WriteError(w, r, err)
		return
	}
	d, err := s.direcciones.ChangeDireccion(r.Context(), id, *requested.Activa)
	if err == nil && d.Activa {
		s.webhooks.Wake() // what waited during the pause is due
	}
	rest.Answer(w, r, http.StatusOK, d, err)
}

// BorrarDireccion implements api.ServerInterface.
func (s resources) BorrarDireccion(w http.ResponseWriter, r *http.Request, id api.Id) {
	err := avisos.ValidateID("id", id)
	if err == nil {
		err = s.direcciones.DeleteDireccion(r.Context(), id)
	}
	if err != nil {
		rest.WriteError(w, r, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// RenovarSecreto implements api.ServerInterface.
func (s resources) RenovarSecreto(w http.ResponseWriter, r *http.Request, id api.Id) {
	if err := avisos.ValidateID("id", id); err != nil {
		rest.WriteError(w, r, err)
		return
	}
	d, err := s.direcciones.RenewSecreto(r.Context(), id, s.webhooks.NewSecreto())
	rest.Answer(w, r, http.StatusOK, d, err)
}

// ProbarDireccion implements api.ServerInterface.
func (s resources) ProbarDireccion(w http.ResponseWriter, r *http.Request, id api.Id) {
	s.begin(w, r, id, func(ctx context.Context) (contracts.EntregaDeAviso, error) {
		e, err := avisos.Prueba(uuid.NewString(), time.Now())
		if err != nil {
			return contracts.EntregaDeAviso{}, err
		}
		return s.entregas.Add(ctx, id, e)
	})
}

// ReenviarEntrega implements api.ServerInterface.
func (s resources) ReenviarEntrega(w http.ResponseWriter, r *http.Request, id api.Id) {
	s.begin(w, r, id, func(ctx context.Context) (contracts.EntregaDeAviso, error) {
		return s.entregas.SendAgain(ctx, id, s.mail.Wake != nil)
	})
}

// begin makes a delivery due by do, and wakes whoever makes it.
func (s resources) begin(w http.ResponseWriter, r *http.Request, id string, do func(context.Context) (contracts.EntregaDeAviso, error)) {
	if err := avisos.ValidateID("id", id); err != nil {
		rest.WriteError(w, r, err)
		return
	}
	e, err := do(r.Context())
	if err == nil && e.Canal == contracts.CanalCorreo {
		s.mail.Wake()
	} else if err == nil {
		s.webhooks.Wake()
	}
	rest.Answer(w, r, http.StatusAccepted, e, err)
}

// ListarEntregas implements api.ServerInterface.
func (s resources) ListarEntregas(w http.ResponseWriter, r *http.Request, params api.ListarEntregasParams) {
	f := contracts.EntregasFilter{Canal: or(params.Canal, ""), IDDireccion: or(params.IdDireccion, ""), IDCompra: or(params.IdCompra, ""), Estado: or(params.Estado, "")}
	limit, after := or(params.Limite, contracts.UsualEntregas), or(params.Despues, "")
	if err := f.Validate(limit, after); err != nil {
		rest.WriteError(w, r, err)
		return
	}
	list, err := s.entregas.Entregas(r.Context(), f, limit+1, after)
	page := contracts.PaginaDeEntregas{Entregas: list}
	if len(list) > limit {
		page.Entregas, page.Siguiente = list[:limit], list[limit-1].ID
	}
	rest.Answer(w, r, http.StatusOK, page, err)
}

// ListarActosDeAvisos implements api.ServerInterface.
func (s resources) ListarActosDeAvisos(w http.ResponseWriter, r *http.Request, params api.ListarActosDeAvisosParams) {
	page, err := audit.Page(r.Context(), s.direcciones, contracts.ActosQuery(params))
	rest.Answer(w, r, http.StatusOK, page, err)
}

func or[T any](p *T, usual T) T {
	if p == nil {
		return usual
	}
	return *p
}
