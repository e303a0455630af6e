// Package dapr is how the core reaches everything else: service invocation, pub/sub and the state store of the
// program's own sidecar.
package dapr

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"entregas/bff/compras"
	"entregas/bff/memory"
	"entregas/internal/errs"
	"entregas/internal/logging"
	"entregas/internal/rest"
	"entregas/internal/waits"
)

// invocationDeadline bounds a call of the bff to a service, for a sidecar that hangs itself. The sidecar's own timeout
// (components/resiliency.yaml) is a little shorter and normally ends the call.
const invocationDeadline = waits.Invocation * 3 / 2

// idleConnection is how long a connection to the sidecar that nobody uses stays open.
const idleConnection = time.Minute

// WithDeadline lets calls take longer than people usually wait.
func (s *Service) WithDeadline(deadline time.Duration) *Service {
	s.client.Timeout = deadline
	return s
}

// Through makes calls go by way of transport, for a service that is not behind a sidecar.
func (s *Service) Through(transport http.RoundTripper) *Service {
	s.client.Transport = transport
	return s
}

// maxResponse bounds what a service may answer.
const maxResponse = 16 << 20

// Service calls the operations of one service, by its app-id. While the service is silent it is not called.
type Service struct {
	app     string
	token   string // what the sidecar wants to hear; "" where it asks for none
	sidecar string // http://host:port of the sidecar
	client  *http.Client
	silence *silence
}

// NewService calls app through the sidecar at this HTTP port, with its API token.
func NewService(app, httpPort, token string) *Service {
	s := &Service{
		app: app, token: token, sidecar: "http://" + net.JoinHostPort("127.0.0.1", httpPort),
		client: &http.Client{Timeout: invocationDeadline, Transport: &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: idleConnection}},
	}
	s.silence = &silence{app: app, probe: s.probe}
	return s
}

// Do implements the HttpRequestDoer of the generated clients: it calls one operation of the service. Its errors, and those of
// reading the body of its answer, are a *callError around what the service answered, with its own code and words; Unavailable
// when it did not answer.
func (s *Service) Do(request *http.Request) (*http.Response, error) {
	response, err := s.send(request)
	if err != nil {
		return nil, &callError{err}
	}
	return response, nil
}

// callError is an error of a call, other than that its answer could not be decoded.
type callError struct{ error }

func (e *callError) Unwrap() error { return e.error }

// answer is the body of the response to a call: what body takes out of the generated client's r. It is in doubt what the service did
// where there is none: a sidecar whose time runs out just when the answer comes passes its status on with an empty or a cut body.
func answer[R, T any](ctx context.Context, s *Service, r *R, err error, body func(R) *T) (T, error) {
	var none T
	if failed := (*callError)(nil); errors.As(err, &failed) {
		return none, failed.error
	}
	if err == nil {
		if v := body(*r); v != nil {
			return *v, nil
		}
		err = errors.New("no es la del contrato")
	}
	return none, s.unanswered(ctx, fmt.Errorf("respuesta de %s: %w", s.app, err))
}

// probe asks the service for its health. Any answer that is not a sidecar's 5xx counts, also a refusal.
func (s *Service) probe(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.server()+"healthz", nil)
	if err != nil {
		return err
	}
	s.authorize(request)
	response, err := s.client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode >= http.StatusInternalServerError {
		return fmt.Errorf("/healthz de %s responde %d", s.app, response.StatusCode)
	}
	return nil
}

// server is where the sidecar has the service's operations.
func (s *Service) server() string { return s.sidecar + "/v1.0/invoke/" + s.app + "/method/" }

func (s *Service) authorize(request *http.Request) {
	if s.token != "" {
		request.Header.Set("Dapr-Api-Token", s.token)
	}
}

func (s *Service) send(request *http.Request) (*http.Response, error) {
	if s.silence.silent.Load() {
		return nil, s.noReply(fmt.Errorf("%w: %w", compras.ErrNotDone, errSilent))
	}
	ctx := request.Context()
	s.authorize(request)
	if trace := logging.Trace(ctx); trace != "" {
		request.Header.Set("Traceparent", trace)
	}
	response, err := s.client.Do(request)                                        // #nosec G704 -- a generated client asks its own sidecar, with what people typed escaped
	if dial := (*net.OpError)(nil); errors.As(err, &dial) && dial.Op == "dial" { // the sidecar is not there
		err = fmt.Errorf("%w: %w", compras.ErrNotDone, err)
	}
	if err != nil {
		return nil, s.unanswered(ctx, err)
	}
	response.Body = s.body(request, response)
	if response.StatusCode < http.StatusMultipleChoices {
		return response, nil
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	return nil, s.failure(ctx, request.Method+" "+request.URL.Path, response, text)
}

// body is the body of a response, bounded, with the errors of Do.
func (s *Service) body(request *http.Request, response *http.Response) io.ReadCloser {
	ctx := request.Context()
	isWrite := request.Method != http.MethodGet
	if isWrite { // it is done: that there is no room for its answer must not say otherwise
		ctx = memory.Uncharged(ctx)
	}
	return &answerBody{memory.Limited(ctx, response.Body, maxResponse), response.Body, func(err error) error {
		if isWrite && response.StatusCode < http.StatusMultipleChoices && errs.Of(err) == errs.TooLarge {
			return errs.New(errs.TooLarge, "Lo pedido se hizo, pero su respuesta es demasiado larga. Lea cómo quedó.")
		}
		if refused := (*errs.Error)(nil); errors.As(err, &refused) {
			return err // by us: it says nothing about the service
		}
		return s.unanswered(request.Context(), err)
	}}
}

type answerBody struct {
	io.Reader
	io.Closer
	explain func(error) error
}

// Read implements io.Reader.
func (b *answerBody) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = &callError{b.explain(err)}
	}
	return n, err
}

// failure is the service's own problem, or else what happened on the way: the sidecar says 5xx when it does not reach
// the service or has no answer in time.
func (s *Service) failure(ctx context.Context, what string, res *http.Response, content []byte) error {
	if strings.HasPrefix(res.Header.Get("Content-Type"), "application/problem+json") {
		var p rest.Problem
		if err := json.Unmarshal(content, &p); err == nil && p.Type != "" {
			return rest.ErrorOf(p)
		}
	}
	err := fmt.Errorf("%s de %s responde %d: %.200s", what, s.app, res.StatusCode, content)
	if res.StatusCode >= http.StatusInternalServerError || res.StatusCode == http.StatusRequestTimeout || res.StatusCode == http.StatusTooManyRequests {
		return s.unanswered(ctx, err)
	}
	return err
}

// unanswered is the error of a call that the service itself did not answer, and has the service probed. A client that left
// says nothing about the service.
func (s *Service) unanswered(ctx context.Context, cause error) error {
	if ctx.Err() == nil {
		s.silence.suspect()
	}
	return s.noReply(cause)
}

func (s *Service) noReply(cause error) error {
	return &errs.Error{Codigo: errs.Unavailable, Mensaje: s.app + " no responde. Intente de nuevo en unos segundos.", Cause: cause}
}

// segment escapes an id for the path of an operation: the sidecar takes one layer of escaping off and resolves dots. The generated
// client escapes once more, so that an id is never more than one segment of the path.
func segment(id string) string { return strings.ReplaceAll(url.PathEscape(id), ".", "%2E") }
