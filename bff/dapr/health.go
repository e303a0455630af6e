package dapr

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"entregas/contracts"
)

const (
	// healthFor is how long one look at the services answers all callers.
	healthFor = 5 * time.Second
	// healthTimeout bounds one look.
	healthTimeout = 2500 * time.Millisecond
	// maxCause bounds what a service says about its health, in bytes.
	maxCause = 300
)

// Health looks at the services through the sidecars. It is for people: it changes nothing (docs/adr/health-does-not-feed-back.md).
type Health struct {
	Own      string     // the name of this program, which is the first of the list
	Services []*Service // the other programs

	mu       sync.Mutex
	lookedAt time.Time
	last     []contracts.SaludDeServicio
}

// Salud returns the health of each service, at most healthFor old. All callers together cause one look at a time; a caller that comes
// during a look waits for it.
func (h *Health) Salud(ctx context.Context) []contracts.SaludDeServicio {
	h.mu.Lock()
	defer h.mu.Unlock()
	if time.Since(h.lookedAt) < healthFor {
		return h.last
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), healthTimeout) // other callers wait for the same look
	defer cancel()
	found := make([]contracts.SaludDeServicio, len(h.Services)+1)
	var all sync.WaitGroup
	for i, s := range h.Services {
		all.Go(func() { found[i+1] = s.health(ctx) })
	}
	found[0] = h.own(ctx)
	all.Wait()
	h.last, h.lookedAt = found, time.Now()
	return found
}

// own returns the health of this program: it is ready where its sidecar reaches the broker and its components.
func (h *Health) own(ctx context.Context) contracts.SaludDeServicio {
	one := contracts.SaludDeServicio{Servicio: h.Own, Estado: contracts.Listo}
	if len(h.Services) == 0 {
		return one
	}
	status, said, err := h.Services[0].look(ctx, "/v1.0/healthz/outbound")
	if err != nil {
		one.Estado, one.Detalle = contracts.NoListo, "sidecar: "+cause(err)
	} else if status != http.StatusNoContent {
		one.Estado, one.Detalle = contracts.NoListo, fmt.Sprintf("sidecar: it answers %d %s", status, said)
	}
	return one
}

// health asks the service whether it is ready. Only the service itself answers 503 with a text; the sidecars answer other errors.
func (s *Service) health(ctx context.Context) contracts.SaludDeServicio {
	one := contracts.SaludDeServicio{Servicio: s.app, Estado: contracts.Listo}
	status, said, err := s.look(ctx, "/v1.0/invoke/"+s.app+"/method/readyz")
	switch {
	case err != nil:
		one.Estado, one.Detalle = contracts.SinRespuesta, cause(err)
	case status == http.StatusServiceUnavailable:
		one.Estado, one.Detalle = contracts.NoListo, said
	case status != http.StatusOK:
		one.Estado, one.Detalle = contracts.SinRespuesta, fmt.Sprintf("%d %s", status, said)
	}
	return one
}

// look sends a GET to the bff's sidecar, and returns the beginning of the answer. It moves no circuit breaker.
func (s *Service) look(ctx context.Context, path string) (status int, said string, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.sidecar+path, http.NoBody)
	if err != nil {
		return 0, "", err
	}
	s.authorize(request)
	response, err := s.client.Do(request) // #nosec G704 -- the bff's own sidecar
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxCause))
	return response.StatusCode, strings.ToValidUTF8(strings.TrimSpace(string(text)), "�"), err
}

// cause returns the text of an error of the HTTP client, without the address that was asked.
func cause(err error) string {
	if call := (*url.Error)(nil); errors.As(err, &call) {
		err = call.Err
	}
	return err.Error()
}
