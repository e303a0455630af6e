// Package webhook delivers an event to an address as Standard Webhooks says (standardwebhooks.com): it signs the event, sends it by
// POST, and says how that went. It connects to public addresses only.
package webhook

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"entregas/contracts"
	"entregas/internal/telemetry"
	"entregas/services/avisos/avisos"
)

const (
	// maxBody is how many bytes of an answer are read. They are thrown away; a connection whose answer is longer is closed.
	maxBody = 64 << 10
	// maxHeaders bounds the headers of an answer, in bytes.
	maxHeaders = 64 << 10
	// secretBytes is the length of a secret; the specification allows 24 to 64.
	secretBytes = 32
	// idleConnection is how long an idle connection to an address stays open.
	idleConnection = 30 * time.Second
)

// Options say how a Sender sends.
type Options struct {
	Timeout  time.Duration // of one try, from the connection to the end of the answer
	Loopback bool          // also to the loopback, and without TLS: for development and tests
	Resolver *net.Resolver // nil for the usual one
}

// Sender sends events. Its methods are safe for use by many goroutines.
type Sender struct {
	client   *http.Client
	timeout  time.Duration
	loopback bool
}

// NewSender returns a Sender. It uses no proxy, since the proxy would connect in its place, and follows no redirect.
func NewSender(o Options) *Sender {
	s := &Sender{timeout: o.Timeout, loopback: o.Loopback}
	dialer := &net.Dialer{Timeout: o.Timeout, Control: s.control, Resolver: o.Resolver}
	s.client = &http.Client{
		Transport: &http.Transport{
			DialContext: dialer.DialContext, ForceAttemptHTTP2: true, DisableCompression: true, MaxResponseHeaderBytes: maxHeaders,
			TLSHandshakeTimeout: o.Timeout, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}, MaxIdleConnsPerHost: 2, IdleConnTimeout: idleConnection,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return s
}

// NewSecreto returns a new random secret.
func NewSecreto() string {
	key := make([]byte, secretBytes)
	_, _ = rand.Read(key) // it never fails
	return contracts.SecretoPrefix + base64.StdEncoding.EncodeToString(key)
}

// Send tries to deliver e once. It does not fail: the answer says what happened.
func (s *Sender) Send(ctx context.Context, e avisos.Envio) avisos.Answer {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	request, err := s.request(ctx, e, time.Now())
	if err != nil { // a URL or a secret that this program did not make
		slog.ErrorContext(ctx, "a delivery cannot be made", "delivery", e.ID, "error", err)
		return avisos.Answer{Error: "La entrega no se pudo preparar."}
	}
	response, err := s.client.Do(request) // #nosec G704 -- control decides to which addresses it may connect
	if err != nil {
		return avisos.Answer{Error: s.inWords(err)}
	}
	defer func() { _ = response.Body.Close() }()
	_, readErr := io.Copy(io.Discard, io.LimitReader(response.Body, maxBody))
	a := avisos.Answer{Codigo: response.StatusCode, RetryAfter: retryAfter(response)}
	switch {
	case response.StatusCode/100 == 2 && readErr == nil:
	case response.StatusCode/100 == 2:
		a.Error = s.inWords(readErr)
	case response.StatusCode/100 == 3:
		a.Error = fmt.Sprintf("Respondió %d: las redirecciones no se siguen.", response.StatusCode)
	default:
		a.Error = fmt.Sprintf("Respondió %d.", response.StatusCode)
	}
	return a
}

// request returns the signed request of a try at the instant now.
func (s *Sender) request(ctx context.Context, e avisos.Envio, now time.Time) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, e.URL, strings.NewReader(e.Cuerpo))
	if err != nil {
		return nil, err
	}
	signatures := make([]string, len(e.Secretos))
	for i, secreto := range e.Secretos {
		hook, err := standardwebhooks.NewWebhook(secreto)
		if err != nil {
			return nil, errors.New("a secret is not of the form whsec_ and base64") // without the text of the secret
		}
		if signatures[i], err = hook.Sign(e.Evento, now, []byte(e.Cuerpo)); err != nil {
			return nil, err
		}
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "Entregas-Avisos/1")
	if traceparent := telemetry.Traceparent(ctx); traceparent != "" { // so the receiver can go on in the trace, or find it
		request.Header.Set("traceparent", traceparent)
	}
	request.Header.Set(standardwebhooks.HeaderWebhookID, e.Evento)
	request.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	request.Header.Set(standardwebhooks.HeaderWebhookSignature, strings.Join(signatures, " "))
	return request, nil
}

// retryAfter returns the pause that a response asks for in seconds, or 0. A date is ignored.
func retryAfter(r *http.Response) time.Duration {
	seconds, err := strconv.ParseUint(r.Header.Get("Retry-After"), 10, 31)
	if err != nil {
		return 0
	}
	return time.Duration(seconds) * time.Second
}

// inWords says in Spanish why a try had no answer, for an operator.
func (s *Sender) inWords(err error) string {
	var dns *net.DNSError
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var network *net.OpError
	address, forbidden := isForbidden(err)
	timeout := net.Error(nil)
	switch {
	case forbidden:
		return fmt.Sprintf("Su nombre lleva a %s, que no es una dirección pública.", address)
	case errors.As(err, &dns) && dns.IsNotFound:
		return "Su nombre no existe (DNS)."
	case errors.As(err, &certificate), errors.As(err, &record):
		return "Su certificado TLS no es válido."
	case errors.Is(err, context.Canceled):
		return "Se interrumpió."
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return fmt.Sprintf("No respondió en %s.", s.timeout)
	case errors.As(err, &network) && network.Op == "dial":
		return "No se pudo conectar."
	default:
		return "La conexión se cortó antes de la respuesta."
	}
}
