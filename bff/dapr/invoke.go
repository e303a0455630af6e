// Package dapr implements the interfaces of the core by the bff's own sidecar: service invocation, publish, and the state store.
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
	"entregas/internal/actor"
	"entregas/internal/errs"
	"entregas/internal/rest"
	"entregas/internal/telemetry"
	"entregas/internal/waits"
)

// invocationDeadline bounds a call of the bff to a service, in case the sidecar hangs. The sidecar's own timeout
// (components/resiliency.yaml) is a little shorter and normally ends the call.
const invocationDeadline = waits.Invocation * 3 / 2

// idleConnection is how long an idle connection to the sidecar stays open.
const idleConnection = time.Minute

// maxResponse bounds the answer of a service, in bytes.
const maxResponse = 16 << 20

// Service calls the operations of one service by its app-id. While the service is silent, Service does not call it.
type Service struct {
	app     string
	token   string // API token of the sidecar; "" where it requires none
	sidecar string // http://host:port
	client  *http.Client
	silence *silence
}

// NewService returns a Service that calls app through the sidecar at httpPort. token is the sidecar's API token.
func NewService(app, httpPort, token string) *Service {
	s := &Service{
		app: app, token: token, sidecar: "http://" + net.JoinHostPort("127.0.0.1", httpPort),
		client: &http.Client{Timeout: invocationDeadline, Transport: telemetry.Transport(&http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: idleConnection}, app)},
	}
	s.silence = &silence{app: app, probe: s.probe}
	return s
}

// WithDeadline sets how long a call may take, for a service that is slower than invocationDeadline. It returns s.
func (s *Service) WithDeadline(deadline time.Duration) *Service {
	s.client.Timeout = deadline
	return s
}

// Through sends calls by transport, for a service without a sidecar. It returns s.
func (s *Service) Through(transport http.RoundTripper) *Service {
	s.client.Transport = transport
	return s
}

// Do implements the HttpRequestDoer of the generated clients: it calls one operation of the service. The errors of Do, and of
// reading the body of its response, are a *callError. A *callError wraps the error that the service answered, with its code and
// text, or Unavailable if the service did not answer.
func (s *Service) Do(request *http.Request) (*http.Response, error) {
	response, err := s.send(request)
	if err != nil {
		return nil, &callError{err}
	}
	return response, nil
}

// callError is an error of a call. By this type, answer tells it from an error of the generated client, which decodes the answer.
type callError struct{ error }

func (e *callError) Unwrap() error { return e.error }

// answer returns the decoded body of r, the response of the generated client; the function body takes it out of r. If r has no
// body, the error is Unavailable, because the service may have done the operation. A response lacks its body if a sidecar's time
// runs out just when the answer comes: the sidecar passes the status on with an empty or a cut body.
func answer[R, T any](ctx context.Context, s *Service, r *R, err error, body func(R) *T) (T, error) {
	var none T
	if failed := (*callError)(nil); errors.As(err, &failed) {
		return none, failed.error
	}
	if err == nil {
		if v := body(*r); v != nil {
			return *v, nil
		}
		err = errors.New("not one of the contract")
	}
	return none, s.unanswered(ctx, fmt.Errorf("response of %s: %w", s.app, err))
}

// probe asks the service for its health. Any answer below 500 is good, also a refusal.
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
		return fmt.Errorf("/healthz of %s answers %d", s.app, response.StatusCode)
	}
	return nil
}

// server returns the URL under which the sidecar has the operations of the service.
func (s *Service) server() string { return s.sidecar + "/v1.0/invoke/" + s.app + "/method/" }

func (s *Service) authorize(request *http.Request) {
	if s.token != "" {
		request.Header.Set("Dapr-Api-Token", s.token)
	}
}

// send calls one operation. Errors: the error in the service's problem; Unavailable, with compras.ErrNotDone if the call was not
// sent.
func (s *Service) send(request *http.Request) (*http.Response, error) {
	if s.silence.silent.Load() {
		return nil, s.noReply(fmt.Errorf("%w: %w", compras.ErrNotDone, errSilent))
	}
	ctx := request.Context()
	s.authorize(request)
	actor.SetHeaders(ctx, request.Header)
	response, err := s.client.Do(request)                                        // #nosec G704 -- a generated client calls the bff's own sidecar, and escapes what people typed
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

// body returns the body of a response. It bounds the length, charges the memory, and has the errors of Do.
func (s *Service) body(request *http.Request, response *http.Response) io.ReadCloser {
	ctx := request.Context()
	isWrite := request.Method != http.MethodGet
	if isWrite { // a write is done: a lack of memory for its answer must not look like a refusal
		ctx = memory.Uncharged(ctx)
	}
	return &answerBody{memory.Limited(ctx, response.Body, maxResponse), response.Body, func(err error) error {
		if isWrite && response.StatusCode < http.StatusMultipleChoices && errs.Of(err) == errs.TooLarge {
			return errs.New(errs.TooLarge, "Lo pedido se hizo, pero su respuesta es demasiado larga. Lea cómo quedó.")
		}
		if refused := (*errs.Error)(nil); errors.As(err, &refused) {
			return err // the bff refused it: this says nothing about the service
		}
		return s.unanswered(request.Context(), err)
	}}
}

// answerBody is the body of a response. The function explain turns its errors into those of Do.
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

// failure returns the error of a response without success: the error in the service's problem, or else an error of the way to the
// service. The sidecar answers 5xx if it does not reach the service or has no answer in time.
func (s *Service) failure(ctx context.Context, what string, res *http.Response, content []byte) error {
	if strings.HasPrefix(res.Header.Get("Content-Type"), "application/problem+json") {
		var p rest.Problem
		if err := json.Unmarshal(content, &p); err == nil && p.Type != "" {
			return rest.ErrorOf(p)
		}
	}
	err := fmt.Errorf("%s of %s answers %d: %.200s", what, s.app, res.StatusCode, content)
	if res.StatusCode >= http.StatusInternalServerError || res.StatusCode == http.StatusRequestTimeout || res.StatusCode == http.StatusTooManyRequests {
		return s.unanswered(ctx, err)
	}
	return err
}

// unanswered returns the error Unavailable of a call that the service itself did not answer, and starts a probe of the service.
// It starts no probe if the client left: that says nothing about the service.
func (s *Service) unanswered(ctx context.Context, cause error) error {
	if ctx.Err() == nil {
		s.silence.suspect()
	}
	return s.noReply(cause)
}

// noReply returns the error Unavailable with cause.
func (s *Service) noReply(cause error) error {
	return &errs.Error{Code: errs.Unavailable, Message: s.app + " no responde. Intente de nuevo en unos segundos.", Cause: cause}
}

// segment escapes an id for the path of an operation, since the sidecar removes one layer of escaping and resolves dots. The
// generated client escapes once more, so that an id is always one segment of the path.
func segment(id string) string { return strings.ReplaceAll(url.PathEscape(id), ".", "%2E") }
