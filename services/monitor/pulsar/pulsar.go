// Package pulsar reads how far readers are behind from the broker's administrative interface.
package pulsar

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"entregas/services/monitor/colas"
)

// Broker is the broker's administrative interface.
type Broker struct {
	direccion string
	token     string
	cliente   *http.Client
}

// plazo bounds one request to the administrative interface of the broker.
//
// A look at dead letters has no time limit of its own, and the next look waits for it.
const plazo = 5 * time.Second

// Nuevo reads from the interface at direccion, a URL, with token where the broker asks for one.
func Nuevo(direccion, token string) *Broker {
	return &Broker{strings.TrimSuffix(direccion, "/"), strings.TrimSpace(token), &http.Client{Timeout: plazo}}
}

// estadisticas is the part of a topic's statistics that is used here.
type estadisticas struct {
	Entraron      int64 `json:"msgInCounter"`
	Suscripciones map[string]struct {
		Pendientes int64 `json:"msgBacklog"`
		Entregadas int64 `json:"unackedMessages"`
		Durable    bool  `json:"isDurable"`
		Lectores   []any `json:"consumers"`
		MasVieja   int64 `json:"earliestMsgPublishTimeInBacklog"` // ms since 1970; 0 or less: nothing waits
	} `json:"subscriptions"`
}

// Colas gives the readers of a topic: none where there is no such topic yet, since nothing can wait in it.
func (b *Broker) Colas(ctx context.Context, tema string) ([]colas.Cola, error) {
	var e estadisticas
	hay, err := b.pedir(ctx, tema, "/stats?getPreciseBacklog=true&getEarliestTimeInBacklog=true", func(r *json.Decoder) error { return r.Decode(&e) })
	if err != nil || !hay {
		return nil, err
	}
	lista := make([]colas.Cola, 0, len(e.Suscripciones))
	for nombre, s := range e.Suscripciones {
		c := colas.Cola{
			Tema: tema, Suscripcion: nombre, Pendientes: s.Pendientes, Entregadas: s.Entregadas, Replicas: len(s.Lectores), Durable: s.Durable,
			Entraron: e.Entraron,
		}
		if s.MasVieja > 0 {
			c.MasVieja = time.UnixMilli(s.MasVieja)
		}
		lista = append(lista, c)
	}
	return lista, nil
}

// pedir asks about a topic, and has leer read the answer. hay is false where there is no such topic.
func (b *Broker) pedir(ctx context.Context, tema, que string, leer func(*json.Decoder) error) (hay bool, err error) {
	direccion := b.direccion + "/admin/v2/persistent/public/default/" + url.PathEscape(tema) + que
	peticion, err := http.NewRequestWithContext(ctx, http.MethodGet, direccion, nil)
	if err != nil {
		return false, fmt.Errorf("tema %s: %w", tema, err)
	}
	if b.token != "" {
		peticion.Header.Set("Authorization", "Bearer "+b.token)
	}
	respuesta, err := b.cliente.Do(peticion)
	if err != nil {
		return false, fmt.Errorf("tema %s: %w", tema, err)
	}
	defer func() { _ = respuesta.Body.Close() }()
	switch respuesta.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound:
		return false, nil
	default:
		return false, fmt.Errorf("tema %s: el broker responde %s", tema, respuesta.Status)
	}
	if err := leer(json.NewDecoder(respuesta.Body)); err != nil {
		return false, fmt.Errorf("tema %s: %w", tema, err)
	}
	return true, nil
}
