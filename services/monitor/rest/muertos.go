package rest

import (
	"context"
	"net/http"

	"github.com/gorilla/mux"

	"entregas/services/internal/rest"
	"entregas/services/monitor/muertos"
)

// Muertos is what may be done with dead letters.
type Muertos interface {
	Listar(ctx context.Context) ([]muertos.Mensaje, error)
	Reponer(ctx context.Context, id string) (muertos.Mensaje, error)
}

// ServirMuertos adds GET /mensajes-muertos and POST /mensajes-muertos/{id}/reposicion.
func ServirMuertos(rutas *mux.Router, m Muertos) {
	rutas.HandleFunc("/mensajes-muertos", func(w http.ResponseWriter, r *http.Request) {
		lista, err := m.Listar(r.Context())
		if err != nil {
			rest.EscribirError(w, r, err)
			return
		}
		rest.Escribir(w, http.StatusOK, lista)
	}).Methods(http.MethodGet)
	rutas.HandleFunc("/mensajes-muertos/{id}/reposicion", func(w http.ResponseWriter, r *http.Request) {
		uno, err := m.Reponer(r.Context(), mux.Vars(r)["id"])
		if err != nil {
			rest.EscribirError(w, r, err)
			return
		}
		rest.Escribir(w, http.StatusAccepted, uno)
	}).Methods(http.MethodPost)
}
