package rest

import (
	"net/http"
	"time"

	"github.com/gorilla/mux"

	"entregas/services/internal/rest"
	"entregas/services/monitor/colas"
)

// Historial tells the queues with their past.
type Historial interface{ Informe() colas.Informe }

type informe struct {
	En        time.Time   `json:"en"`
	Broker    bool        `json:"broker"` // false: it does not answer, and nothing is known of now
	Colas     []cola      `json:"colas"`
	Instantes []time.Time `json:"instantes"` // the times of each serie
}

// cola is a queue now; what is not known now is null.
type cola struct {
	Tema         string   `json:"tema"`
	Suscripcion  string   `json:"suscripcion"`
	Muertos      bool     `json:"mensajes_muertos"`
	Pendientes   *int64   `json:"pendientes"`
	Entregadas   *int64   `json:"en_manos"`
	Consumidores *int     `json:"consumidores"`
	Edad         *float64 `json:"edad_segundos"`
	Entrada      *float64 `json:"entrada_por_segundo"`
	Salida       *float64 `json:"salida_por_segundo"`
	ParaVaciar   *float64 `json:"segundos_para_vaciar"`
	Serie        serie    `json:"serie"`
}

type serie struct {
	Pendientes []*int64   `json:"pendientes"`
	Entrada    []*float64 `json:"entrada_por_segundo"`
	Salida     []*float64 `json:"salida_por_segundo"`
}

// ServirColas adds GET /colas: every queue now, and its last quarter of an hour.
func ServirColas(rutas *mux.Router, h Historial) {
	informar := func(w http.ResponseWriter, _ *http.Request) { rest.Escribir(w, http.StatusOK, haciaFuera(h.Informe())) }
	rutas.HandleFunc("/colas", informar).Methods(http.MethodGet)
}

func haciaFuera(i colas.Informe) informe {
	r := informe{En: i.En, Broker: i.Arriba, Colas: []cola{}, Instantes: i.Instantes}
	for _, c := range i.Colas {
		_, deMuertos := colas.EsDeMuertos(c.Tema)
		f := cola{Tema: c.Tema, Suscripcion: c.Suscripcion, Muertos: deMuertos, Serie: serie(c.Serie)}
		if i.Arriba {
			edad := c.Edad(i.En).Seconds()
			f.Pendientes, f.Entregadas, f.Consumidores, f.Edad = &c.Pendientes, &c.Entregadas, &c.Replicas, &edad
		}
		if c.Ritmo != nil {
			f.Entrada, f.Salida = &c.Ritmo.Entrada, &c.Ritmo.Salida
			if falta, vacia := c.Ritmo.ParaVaciar(c.Pendientes); vacia {
				segundos := falta.Seconds()
				f.ParaVaciar = &segundos
			}
		}
		r.Colas = append(r.Colas, f)
	}
	return r
}
