// Package dapr is how the core reaches everything else: service invocation, pub/sub and the state store of the
// program's own sidecar.
package dapr

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/sony/gobreaker/v2"

	"entregas/services/internal/errores"
	"entregas/services/internal/registro"
	"entregas/services/internal/rest"
)

// plazoInvocacion is a little more than the resiliency's 1 s, which normally ends a call: this one is for a sidecar
// that hangs itself.
const plazoInvocacion = 1500 * time.Millisecond

// ConPlazo lets calls take longer than people usually wait.
func (s *Servicio) ConPlazo(plazo time.Duration) *Servicio {
	s.cliente.Timeout = plazo
	return s
}

// maxRespuesta bounds what a service may answer.
const maxRespuesta = 16 << 20

// Servicio calls the operations of one service, by its app-id. It stops calling a service that is down for a while
// (decision 6): three calls without an answer, then one try every five seconds.
//
// The breaker is here and not in Dapr's resiliency because that one counts every answer outside 2xx and 3xx as a
// failure: three customers who ask for a purchase that does not exist would cut off all others.
type Servicio struct {
	app     string
	token   string // what the sidecar wants to hear; "" where it asks for none
	sidecar string // http://host:port of the sidecar
	cliente *http.Client
	corte   *gobreaker.CircuitBreaker[respuesta]
}

type respuesta struct {
	estado    int
	cabeceras http.Header
	cuerpo    []byte
}

// NuevoServicio calls app through the sidecar at this HTTP port, with its API token.
func NuevoServicio(app, puertoHTTP, token string) *Servicio {
	return &Servicio{
		app: app, token: token, sidecar: "http://" + net.JoinHostPort("127.0.0.1", puertoHTTP),
		cliente: &http.Client{Timeout: plazoInvocacion, Transport: &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: time.Minute}},
		corte: gobreaker.NewCircuitBreaker[respuesta](gobreaker.Settings{
			Name: app, MaxRequests: 1, Interval: 10 * time.Second, Timeout: 5 * time.Second,
			ReadyToTrip:  func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= 3 },
			IsSuccessful: func(err error) bool { return err == nil || errores.De(err) != errores.NoDisponible },
			// A customer who went away says nothing about the service.
			IsExcluded: func(err error) bool { return errors.Is(err, context.Canceled) },
		}),
	}
}

// llamar calls one operation. ruta is its path, made by ruta(), and its query. Its answer is read into destino, a
// pointer or nil. Errors: what the service answered, with its own code and words; NoDisponible when it did not answer.
func (s *Servicio) llamar(ctx context.Context, verbo, ruta string, cuerpo, destino any, cabeceras ...http.Header) (respuesta, error) {
	r, err := s.corte.Execute(func() (respuesta, error) {
		r, err := s.enviar(ctx, verbo, ruta, cuerpo, cabeceras)
		if err == nil && destino != nil {
			// A sidecar whose time runs out just when the answer comes passes its status on with an empty or a cut body:
			// whether the service did what it was asked is unknown, as if it had said nothing.
			if alLeer := json.Unmarshal(r.cuerpo, destino); alLeer != nil {
				err = s.noResponde(fmt.Errorf("respuesta de %s a %s %s: %w", s.app, verbo, ruta, alLeer))
			}
		}
		return r, err
	})
	if errors.Is(err, gobreaker.ErrOpenState) || errors.Is(err, gobreaker.ErrTooManyRequests) {
		return respuesta{}, s.noResponde(err)
	}
	if err != nil {
		return respuesta{}, err
	}
	return r, nil
}

func (s *Servicio) enviar(ctx context.Context, verbo, ruta string, cuerpo any, cabeceras []http.Header) (respuesta, error) {
	var lector io.Reader
	if cuerpo != nil {
		texto, err := json.Marshal(cuerpo)
		if err != nil {
			return respuesta{}, err
		}
		lector = bytes.NewReader(texto)
	}
	peticion, err := http.NewRequestWithContext(ctx, verbo, s.sidecar+"/v1.0/invoke/"+s.app+"/method/"+ruta, lector)
	if err != nil {
		return respuesta{}, err
	}
	for _, c := range cabeceras {
		maps.Copy(peticion.Header, c)
	}
	if cuerpo != nil {
		peticion.Header.Set("Content-Type", "application/json")
	}
	if s.token != "" {
		peticion.Header.Set("Dapr-Api-Token", s.token)
	}
	if traza := registro.Traza(ctx); traza != "" {
		peticion.Header.Set("Traceparent", traza)
	}
	res, err := s.cliente.Do(peticion)
	if err != nil {
		return respuesta{}, s.noResponde(err)
	}
	defer func() { _ = res.Body.Close() }()
	contenido, err := io.ReadAll(io.LimitReader(res.Body, maxRespuesta))
	if err != nil {
		return respuesta{}, s.noResponde(err)
	}
	if res.StatusCode >= http.StatusMultipleChoices {
		return respuesta{}, s.fallo(verbo+" "+ruta, res, contenido)
	}
	return respuesta{estado: res.StatusCode, cabeceras: res.Header, cuerpo: contenido}, nil
}

// fallo is the service's own problem, or else what happened on the way: the sidecar says 5xx when it does not reach
// the service or has no answer in time.
func (s *Servicio) fallo(que string, res *http.Response, contenido []byte) error {
	if strings.HasPrefix(res.Header.Get("Content-Type"), "application/problem+json") {
		var p rest.Problema
		if err := json.Unmarshal(contenido, &p); err == nil && p.Type != "" {
			return rest.ErrorDe(p)
		}
	}
	err := fmt.Errorf("%s de %s responde %d: %.200s", que, s.app, res.StatusCode, contenido)
	if res.StatusCode >= http.StatusInternalServerError || res.StatusCode == http.StatusRequestTimeout || res.StatusCode == http.StatusTooManyRequests {
		return s.noResponde(err)
	}
	return err
}

func (s *Servicio) noResponde(causa error) error {
	return &errores.Error{Codigo: errores.NoDisponible, Mensaje: s.app + " no responde. Intente de nuevo en unos segundos.", Causa: causa}
}

// ruta joins the segments of a path. The sidecar takes one layer of escaping off and resolves dots, so that what people typed
// is escaped twice, dots included: an id is never more than one segment of the path.
func ruta(segmentos ...string) string {
	for i, s := range segmentos {
		segmentos[i] = url.PathEscape(strings.ReplaceAll(url.PathEscape(s), ".", "%2E"))
	}
	return strings.Join(segmentos, "/")
}
