package rest

import (
	"context"
	"net/http"

	"github.com/gorilla/mux"

	"entregas/contracts"
	api "entregas/services/internal/api/monitor"
	"entregas/services/internal/rest"
	"entregas/services/monitor/colas"
)

// Historial tells the queues with their past.
type Historial interface{ Informe() colas.Informe }

// Muertos is what may be done with dead letters.
type Muertos interface {
	Listar(ctx context.Context) ([]contracts.MensajeMuerto, error)
	Reponer(ctx context.Context, id string) (contracts.MensajeMuerto, error)
	SetAside(ctx context.Context, id string) (contracts.MensajeMuerto, error)
}

// ServeAPI adds the routes of the service's OpenAPI document.
func ServeAPI(routes *mux.Router, h Historial, m Muertos) {
	api.HandlerWithOptions(operations{h, m}, api.GorillaServerOptions{BaseRouter: routes, ErrorHandlerFunc: rest.BadParameter(nil)})
}

type operations struct {
	historial Historial
	muertos   Muertos
}

// LeerColas implements api.ServerInterface.
func (o operations) LeerColas(w http.ResponseWriter, _ *http.Request) {
	rest.Escribir(w, http.StatusOK, haciaFuera(o.historial.Informe()))
}

// ListarMensajesMuertos implements api.ServerInterface.
func (o operations) ListarMensajesMuertos(w http.ResponseWriter, r *http.Request) {
	lista, err := o.muertos.Listar(r.Context())
	rest.Answer(w, r, http.StatusOK, lista, err)
}

// ReponerMensaje implements api.ServerInterface.
func (o operations) ReponerMensaje(w http.ResponseWriter, r *http.Request, id api.Id) {
	uno, err := o.muertos.Reponer(r.Context(), id)
	rest.Answer(w, r, http.StatusAccepted, uno, err)
}

// ApartarMensaje implements api.ServerInterface.
func (o operations) ApartarMensaje(w http.ResponseWriter, r *http.Request, id api.Id) {
	uno, err := o.muertos.SetAside(r.Context(), id)
	rest.Answer(w, r, http.StatusAccepted, uno, err)
}

func haciaFuera(i colas.Informe) api.InformeDeColas {
	r := api.InformeDeColas{En: i.En, Broker: i.Arriba, Colas: []api.Cola{}, Instantes: i.Instantes}
	for _, c := range i.Colas {
		_, deMuertos := colas.EsDeMuertos(c.Tema)
		f := api.Cola{Tema: c.Tema, Suscripcion: c.Suscripcion, MensajesMuertos: deMuertos, Serie: api.SerieDeCola{
			Pendientes: c.Serie.Pendientes, EntradaPorSegundo: c.Serie.Entrada, SalidaPorSegundo: c.Serie.Salida,
		}}
		if i.Arriba {
			edad := c.Edad(i.En).Seconds()
			f.Pendientes, f.EnManos, f.Consumidores, f.EdadSegundos = &c.Pendientes, &c.Entregadas, &c.Replicas, &edad
		}
		if c.Ritmo != nil {
			f.EntradaPorSegundo, f.SalidaPorSegundo = &c.Ritmo.Entrada, &c.Ritmo.Salida
			if falta, vacia := c.Ritmo.ParaVaciar(c.Pendientes); vacia {
				segundos := falta.Seconds()
				f.SegundosParaVaciar = &segundos
			}
		}
		r.Colas = append(r.Colas, f)
	}
	return r
}
