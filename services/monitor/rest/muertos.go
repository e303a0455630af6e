package rest

import (
	"context"
	"net/http"

	"github.com/gorilla/mux"

	"entregas/contracts"
	"entregas/services/internal/rest"
)

// Muertos is what may be done with dead letters.
type Muertos interface {
	Listar(ctx context.Context) ([]contracts.MensajeMuerto, error)
	Reponer(ctx context.Context, id string) (contracts.MensajeMuerto, error)
	SetAside(ctx context.Context, id string) (contracts.MensajeMuerto, error)
}

// ServirMuertos adds GET /mensajes-muertos, POST /mensajes-muertos/{id}/reposicion and POST /mensajes-muertos/{id}/apartado.
func ServirMuertos(rutas *mux.Router, m Muertos) {
	r := deMuertos{m}
	rutas.Handle("/mensajes-muertos", rest.Ruta(r.listar)).Methods(http.MethodGet)
	rutas.Handle("/mensajes-muertos/{id}/reposicion", rest.Ruta(r.reponer)).Methods(http.MethodPost)
	rutas.Handle("/mensajes-muertos/{id}/apartado", rest.Ruta(r.setAside)).Methods(http.MethodPost)
}

type deMuertos struct{ muertos Muertos }

func (d deMuertos) listar(w http.ResponseWriter, r *http.Request) error {
	lista, err := d.muertos.Listar(r.Context())
	if err != nil {
		return err
	}
	rest.Escribir(w, http.StatusOK, lista)
	return nil
}

func (d deMuertos) reponer(w http.ResponseWriter, r *http.Request) error {
	uno, err := d.muertos.Reponer(r.Context(), mux.Vars(r)["id"])
	if err != nil {
		return err
	}
	rest.Escribir(w, http.StatusAccepted, uno)
	return nil
}

func (d deMuertos) setAside(w http.ResponseWriter, r *http.Request) error {
	uno, err := d.muertos.SetAside(r.Context(), mux.Vars(r)["id"])
	if err != nil {
		return err
	}
	rest.Escribir(w, http.StatusAccepted, uno)
	return nil
}
