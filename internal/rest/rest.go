// Package rest reads JSON requests and writes JSON answers and RFC 9457 problems. Only this package maps errors to HTTP
// statuses.
package rest

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"time"

	"entregas/contracts"
	"entregas/internal/errs"
)

// Problem is an RFC 9457 problem with the invalid fields of the request.
type Problem struct {
	Type    string                   `json:"type"`
	Title   string                   `json:"title"`
	Status  int                      `json:"status"`
	Detail  string                   `json:"detail"`
	Errores []contracts.InvalidField `json:"errores,omitempty"`
	See     string                   `json:"ver,omitempty"` // the path at which a client can read the outcome
	Wait    time.Duration            `json:"-"`             // the Retry-After; 0 means no such header
}

// byCode has the HTTP status and the title, in Spanish, of each code.
var byCode = map[errs.Code]struct {
	status int
	title  string
}{
	errs.Invalid:         {http.StatusBadRequest, "Petición inválida"},
	errs.NotFound:        {http.StatusNotFound, "No encontrado"},
	errs.Conflict:        {http.StatusConflict, "Conflicto con el estado actual"},
	errs.OtherBody:       {http.StatusUnprocessableEntity, "La clave de idempotencia ya se usó con otro contenido"},
	errs.WrongCodigo:     {http.StatusUnprocessableEntity, "Código mal escrito"},
	errs.UnsupportedType: {http.StatusUnsupportedMediaType, "Tipo de contenido no admitido"},
	errs.TooLarge:        {http.StatusRequestEntityTooLarge, "Petición demasiado grande"},
	errs.NotAllowed:      {http.StatusMethodNotAllowed, "Operación no permitida"},
	errs.Unavailable:     {http.StatusServiceUnavailable, "Servicio no disponible"},
	errs.BadMessage:      {http.StatusBadRequest, "Mensaje inválido"},
	errs.NoIdentity:      {http.StatusUnauthorized, "No autenticado"},
	errs.NoPermission:    {http.StatusForbidden, "Sin permiso"},
	errs.TooMany:         {http.StatusTooManyRequests, "Demasiadas peticiones"},
	errs.OutcomeUnknown:  {http.StatusGatewayTimeout, "Resultado desconocido"},
	errs.Quota:           {http.StatusTooManyRequests, "Cuota agotada"},
	errs.Busy:            {http.StatusServiceUnavailable, "Servicio ocupado"},
	errs.Internal:        {http.StatusInternalServerError, "Error interno"},
}

// ProblemOf returns the problem for err. It has the message and fields of an errs.Error, and never the text of an internal
// error.
func ProblemOf(err error) Problem {
	code := errs.Of(err)
	row := byCode[code]
	p := Problem{Type: typePrefix + string(code), Title: row.title, Status: row.status, Wait: retryAfter(err)}
	var own *errs.Error
	var validation *contracts.ValidationError
	switch {
	case errors.As(err, &own):
		p.Detail, p.Errores, p.See = own.Message, own.Fields, own.See
	case errors.As(err, &validation):
		p.Detail, p.Errores = "Hay campos inválidos.", validation.Errores
	case code == errs.Unavailable:
		p.Detail = errs.NotResponding
	default:
		p.Detail = "Algo falló de nuestro lado. Quedó registrado."
	}
	return p
}

// Route is a handler that returns an error instead of writing it as an answer.
type Route func(w http.ResponseWriter, r *http.Request) error

func (f Route) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := f(w, r); err != nil {
		WriteError(w, r, err)
	}
}

// WriteError answers with the problem of err. It logs errors of the server, whose text the answer does not have.
func WriteError(w http.ResponseWriter, r *http.Request, err error) {
	p := ProblemOf(err)
	clientLeft := errors.Is(r.Context().Err(), context.Canceled)
	// Busy is not logged: a flood of rejected requests must not become a flood of log lines.
	if p.Status >= http.StatusInternalServerError && !clientLeft && errs.Of(err) != errs.Busy {
		slog.ErrorContext(r.Context(), "request failed", "route", r.Method+" "+r.URL.Path, "error", err)
	}
	SetHeaders(w.Header(), p)
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // it fails only when the client is gone
}

// retryAfterTrouble is the Retry-After of a 503: a dependency of the service does not answer.
const retryAfterTrouble = 5 * time.Second

// retryAfterRefusal is the Retry-After of a 429: the client is over its rate, or the service is full.
const retryAfterRefusal = time.Second

// retryAfter returns the pause before a retry of the request that failed with err; 0 means that a retry does not help.
func retryAfter(err error) time.Duration {
	var own *errs.Error
	if errors.As(err, &own) && own.Wait > 0 {
		return own.Wait
	}
	switch errs.Of(err) {
	case errs.Unavailable:
		return retryAfterTrouble
	case errs.TooMany, errs.Quota, errs.Busy:
		return retryAfterRefusal
	default:
		return 0
	}
}

// SetHeaders adds the headers that belong to a problem: Retry-After, Accept or WWW-Authenticate.
func SetHeaders(h http.Header, p Problem) {
	if p.Wait > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(p.Wait.Seconds()))))
	}
	switch p.Status {
	case http.StatusUnsupportedMediaType:
		h.Set("Accept", "application/json") // RFC 9110, section 12.5.1
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", `Bearer realm="entregas"`)
	}
}
