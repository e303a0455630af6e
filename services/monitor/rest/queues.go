package rest

import (
	"context"
	"net/http"

	"github.com/gorilla/mux"

	"entregas/contracts"
	api "entregas/internal/api/monitor"
	"entregas/internal/audit"
	"entregas/internal/rest"
	"entregas/services/monitor/queues"
)

// History reports the queues with their past.
type History interface{ Report() queues.Report }

// DeadLetters reads, returns, discards and makes dead letters.
type DeadLetters interface {
	List(ctx context.Context, f contracts.MensajesMuertosFilter) ([]contracts.MensajeMuerto, error)
	Load(ctx context.Context, id string) (contracts.MensajeMuerto, error)
	Devolver(ctx context.Context, id string) (contracts.MensajeMuerto, error)
	DevolverMany(ctx context.Context, ids []string) ([]contracts.ResultadoDeDevolucion, error)
	Descartar(ctx context.Context, id, motivo string) (contracts.MensajeMuerto, error)
	SetAside(ctx context.Context, id string) (contracts.MensajeMuerto, error)
}

// Acts keeps what persons did with dead letters.
type Acts interface {
	audit.Lister
	Add(ctx context.Context, acts []contracts.Acto) (part string, added []contracts.Acto, err error)
	Settle(ctx context.Context, part string, added, happened []contracts.Acto) error
}

// ServeAPI adds the routes of the OpenAPI document to routes.
func ServeAPI(routes *mux.Router, h History, m DeadLetters, a Acts) {
	api.HandlerWithOptions(operations{h, m, a}, api.GorillaServerOptions{BaseRouter: routes, ErrorHandlerFunc: rest.BadParameter(accepted)})
}

type operations struct {
	history     History
	deadLetters DeadLetters
	acts        Acts
}

// accepted describes in Spanish the values that each parameter accepts.
var accepted = map[string]string{"limite": contracts.ActosForm}

// LeerColas implements api.ServerInterface.
func (o operations) LeerColas(w http.ResponseWriter, _ *http.Request) {
	rest.Write(w, http.StatusOK, outward(o.history.Report()))
}

// ListarMensajesMuertos implements api.ServerInterface.
func (o operations) ListarMensajesMuertos(w http.ResponseWriter, r *http.Request, params api.ListarMensajesMuertosParams) {
	f := contracts.MensajesMuertosFilter{
		Tema: or(params.Tema), Origen: or(params.Origen), Motivo: or(params.Motivo), Desde: or(params.Desde), Hasta: or(params.Hasta), Descartados: or(params.Descartados),
	}
	if err := f.Validate(); err != nil {
		rest.WriteError(w, r, err)
		return
	}
	list, err := o.deadLetters.List(r.Context(), f)
	rest.Answer(w, r, http.StatusOK, list, err)
}

// or returns the value of a parameter, the zero value for one that is missing.
func or[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// LeerMensajeMuerto implements api.ServerInterface.
func (o operations) LeerMensajeMuerto(w http.ResponseWriter, r *http.Request, id api.Id) {
	one, err := o.deadLetters.Load(r.Context(), id)
	rest.Answer(w, r, http.StatusOK, one, err)
}

// DevolverMensajes implements api.ServerInterface.
func (o operations) DevolverMensajes(w http.ResponseWriter, r *http.Request) {
	request, err := rest.Read[contracts.DevolucionDeMensajes](w, r)
	if err == nil {
		err = request.Validate()
	}
	if err != nil {
		rest.WriteError(w, r, err)
		return
	}
	results, err := o.devolverMany(r.Context(), request.IDs)
	rest.Answer(w, r, http.StatusOK, results, err)
}

// DescartarMensaje implements api.ServerInterface.
func (o operations) DescartarMensaje(w http.ResponseWriter, r *http.Request, id api.Id) {
	request, err := rest.Read[contracts.DescarteDeMensaje](w, r)
	if err == nil {
		err = request.Validate()
	}
	if err != nil {
		rest.WriteError(w, r, err)
		return
	}
	one, err := o.onOne(r.Context(), contracts.Acto{Tipo: contracts.ActoMensajeDescartado, Objeto: id, Motivo: request.Motivo}, func(ctx context.Context) (contracts.MensajeMuerto, error) {
		return o.deadLetters.Descartar(ctx, id, request.Motivo)
	})
	rest.Answer(w, r, http.StatusAccepted, one, err)
}

// DevolverMensaje implements api.ServerInterface.
func (o operations) DevolverMensaje(w http.ResponseWriter, r *http.Request, id api.Id) {
	one, err := o.onOne(r.Context(), contracts.Acto{Tipo: contracts.ActoMensajeDevuelto, Objeto: id}, func(ctx context.Context) (contracts.MensajeMuerto, error) {
		return o.deadLetters.Devolver(ctx, id)
	})
	rest.Answer(w, r, http.StatusAccepted, one, err)
}

// ApartarMensaje implements api.ServerInterface.
func (o operations) ApartarMensaje(w http.ResponseWriter, r *http.Request, id api.Id) {
	one, err := o.onOne(r.Context(), contracts.Acto{Tipo: contracts.ActoMensajeApartado, Objeto: id}, func(ctx context.Context) (contracts.MensajeMuerto, error) {
		return o.deadLetters.SetAside(ctx, id)
	})
	rest.Answer(w, r, http.StatusAccepted, one, err)
}

// outward returns a report in the form of the OpenAPI document.
func outward(i queues.Report) api.InformeDeColas {
	r := api.InformeDeColas{En: i.At, Broker: i.Up, Colas: []api.Cola{}, Instantes: i.Instants}
	for _, c := range i.Queues {
		_, ofDeadLetters := queues.IsDeadLetters(c.Topic)
		f := api.Cola{Tema: c.Topic, Suscripcion: c.Subscription, MensajesMuertos: ofDeadLetters, Serie: api.SerieDeCola{
			Pendientes: c.Series.Pending, EntradaPorSegundo: c.Series.In, SalidaPorSegundo: c.Series.Out,
		}}
		if i.Up {
			age := c.Age(i.At).Seconds()
			f.Pendientes, f.EnManos, f.Consumidores, f.EdadSegundos = &c.Pending, &c.Delivered, &c.Replicas, &age
		}
		if c.Pace != nil {
			f.EntradaPorSegundo, f.SalidaPorSegundo = &c.Pace.In, &c.Pace.Out
			if left, drains := c.Pace.DrainTime(c.Pending); drains {
				seconds := left.Seconds()
				f.SegundosParaVaciar = &seconds
			}
		}
		r.Colas = append(r.Colas, f)
	}
	return r
}
