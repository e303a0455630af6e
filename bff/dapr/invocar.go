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

	"entregas/services/bff/compras"
	"entregas/services/bff/memory"
	"entregas/services/internal/errores"
	"entregas/services/internal/registro"
	"entregas/services/internal/rest"
	"entregas/services/internal/waits"
)

// plazoInvocacion bounds a call of the bff to a service, for a sidecar that hangs itself. The sidecar's own timeout
// (components/resiliency.yaml) is a little shorter and normally ends the call.
const plazoInvocacion = waits.Invocation * 3 / 2

// idleConnection is how long a connection to the sidecar that nobody uses stays open.
const idleConnection = time.Minute

// ConPlazo lets calls take longer than people usually wait.
func (s *Servicio) ConPlazo(plazo time.Duration) *Servicio {
	s.cliente.Timeout = plazo
	return s
}

// maxRespuesta bounds what a service may answer.
const maxRespuesta = 16 << 20

// Servicio calls the operations of one service, by its app-id. While the service is silent it is not called.
type Servicio struct {
	app     string
	token   string // what the sidecar wants to hear; "" where it asks for none
	sidecar string // http://host:port of the sidecar
	cliente *http.Client
	silence *silence
}

type respuesta struct {
	estado    int
	cabeceras http.Header
	cuerpo    []byte
}

// NuevoServicio calls app through the sidecar at this HTTP port, with its API token.
func NuevoServicio(app, puertoHTTP, token string) *Servicio {
	s := &Servicio{
		app: app, token: token, sidecar: "http://" + net.JoinHostPort("127.0.0.1", puertoHTTP),
		cliente: &http.Client{Timeout: plazoInvocacion, Transport: &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: idleConnection}},
	}
	s.silence = &silence{app: app, probe: s.probe}
	return s
}

// llamar calls one operation. ruta is its path, made by ruta(), and its query. Its answer is read into destino, a
// pointer or nil. Errors: what the service answered, with its own code and words; NoDisponible when it did not answer.
func (s *Servicio) llamar(ctx context.Context, verbo, ruta string, cuerpo, destino any, cabeceras ...http.Header) (respuesta, error) {
	if s.silence.silent.Load() {
		return respuesta{}, s.noResponde(fmt.Errorf("%w: %w", compras.ErrNotDone, errSilent))
	}
	r, err := s.enviar(ctx, verbo, ruta, cuerpo, cabeceras)
	if err == nil && destino != nil {
		// A sidecar whose time runs out just when the answer comes passes its status on with an empty or a cut body:
		// whether the service did what it was asked is unknown, as if it had said nothing.
		if alLeer := json.Unmarshal(r.cuerpo, destino); alLeer != nil {
			err = s.unanswered(ctx, fmt.Errorf("respuesta de %s a %s %s: %w", s.app, verbo, ruta, alLeer))
		}
	}
	if err != nil {
		return respuesta{}, err
	}
	return r, nil
}

// probe asks the service for its health. Any answer that is not a sidecar's 5xx counts, also a refusal.
func (s *Servicio) probe(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.address("healthz"), nil)
	if err != nil {
		return err
	}
	s.authorize(request)
	response, err := s.cliente.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode >= http.StatusInternalServerError {
		return fmt.Errorf("/healthz de %s responde %d", s.app, response.StatusCode)
	}
	return nil
}

// address is where the sidecar calls the service's operation at ruta.
func (s *Servicio) address(ruta string) string {
	return s.sidecar + "/v1.0/invoke/" + s.app + "/method/" + ruta
}

func (s *Servicio) authorize(request *http.Request) {
	if s.token != "" {
		request.Header.Set("Dapr-Api-Token", s.token)
	}
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
	peticion, err := http.NewRequestWithContext(ctx, verbo, s.address(ruta), lector)
	if err != nil {
		return respuesta{}, err
	}
	for _, c := range cabeceras {
		maps.Copy(peticion.Header, c)
	}
	if cuerpo != nil {
		peticion.Header.Set("Content-Type", "application/json")
	}
	s.authorize(peticion)
	if traza := registro.Traza(ctx); traza != "" {
		peticion.Header.Set("Traceparent", traza)
	}
	res, err := s.cliente.Do(peticion)
	if dial := (*net.OpError)(nil); errors.As(err, &dial) && dial.Op == "dial" { // the sidecar is not there
		err = fmt.Errorf("%w: %w", compras.ErrNotDone, err)
	}
	if err != nil {
		return respuesta{}, s.unanswered(ctx, err)
	}
	defer func() { _ = res.Body.Close() }()
	reading := ctx
	if verbo != http.MethodGet { // it is done: that there is no room for its answer must not say otherwise
		reading = memory.Uncharged(ctx)
	}
	contenido, err := memory.ReadAll(reading, res.Body, maxRespuesta)
	if verbo != http.MethodGet && res.StatusCode < http.StatusMultipleChoices && err != nil && errores.De(err) == errores.Demasiado {
		return respuesta{}, errores.Nuevo(errores.Demasiado, "Lo pedido se hizo, pero su respuesta es demasiado larga. Lea cómo quedó.")
	}
	if refused := (*errores.Error)(nil); errors.As(err, &refused) {
		return respuesta{}, err // by us: it says nothing about the service
	}
	if err != nil {
		return respuesta{}, s.unanswered(ctx, err)
	}
	if res.StatusCode >= http.StatusMultipleChoices {
		return respuesta{}, s.fallo(ctx, verbo+" "+ruta, res, contenido)
	}
	return respuesta{estado: res.StatusCode, cabeceras: res.Header, cuerpo: contenido}, nil
}

// fallo is the service's own problem, or else what happened on the way: the sidecar says 5xx when it does not reach
// the service or has no answer in time.
func (s *Servicio) fallo(ctx context.Context, que string, res *http.Response, contenido []byte) error {
	if strings.HasPrefix(res.Header.Get("Content-Type"), "application/problem+json") {
		var p rest.Problema
		if err := json.Unmarshal(contenido, &p); err == nil && p.Type != "" {
			return rest.ErrorDe(p)
		}
	}
	err := fmt.Errorf("%s de %s responde %d: %.200s", que, s.app, res.StatusCode, contenido)
	if res.StatusCode >= http.StatusInternalServerError || res.StatusCode == http.StatusRequestTimeout || res.StatusCode == http.StatusTooManyRequests {
		return s.unanswered(ctx, err)
	}
	return err
}

// unanswered is the error of a call that the service itself did not answer, and has the service probed. A client that left
// says nothing about the service.
func (s *Servicio) unanswered(ctx context.Context, cause error) error {
	if ctx.Err() == nil {
		s.silence.suspect()
	}
	return s.noResponde(cause)
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
