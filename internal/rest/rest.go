// Package rest reads JSON requests and writes JSON answers and RFC 9457 problems. It is the one place where
// an error becomes an HTTP status.
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

// Problema is RFC 9457's problem details, with the fields that are wrong.
type Problem struct {
	Type    string                   `json:"type"`
	Title   string                   `json:"title"`
	Status  int                      `json:"status"`
	Detail  string                   `json:"detail"`
	Errores []contracts.InvalidField `json:"errores,omitempty"`
	See     string                   `json:"ver,omitempty"` // where to look what became of it
	Wait    time.Duration            `json:"-"`             // the Retry-After; 0 is none
}

var byCode = map[errs.Code]struct {
	status int
	title  string
}{
	errs.Invalid:         {http.StatusBadRequest, "Petición inválida"},
	errs.NotFound:        {http.StatusNotFound, "No encontrado"},
	errs.Conflict:        {http.StatusConflict, "Conflicto con el estado actual"},
	errs.OtherBody:       {http.StatusUnprocessableEntity, "La clave de idempotencia ya se usó con otro contenido"},
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

// ProblemOf is what a person may see of err: words and fields of ours, never those of an internal error.
func ProblemOf(err error) Problem {
	code := errs.Of(err)
	row := byCode[code]
	p := Problem{Type: typePrefix + string(code), Title: row.title, Status: row.status, Wait: wait(err)}
	var own *errs.Error
	var validation *contracts.ValidationError
	switch {
	case errors.As(err, &own):
		p.Detail, p.Errores, p.See = own.Mensaje, own.Fields, own.See
	case errors.As(err, &validation):
		p.Detail, p.Errores = "Hay campos inválidos.", validation.Errores
	case code == errs.Unavailable:
		p.Detail = errs.NotResponding
	default:
		p.Detail = "Algo falló de nuestro lado. Quedó registrado."
	}
	return p
}

// Route is a route that answers by itself, or returns the error that is its answer.
type Route func(w http.ResponseWriter, r *http.Request) error

func (f Route) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := f(w, r); err != nil {
		WriteError(w, r, err)
	}
}

// WriteError answers with the problem of err and logs what a person does not see.
func WriteError(w http.ResponseWriter, r *http.Request, err error) {
	p := ProblemOf(err)
	left := errors.Is(r.Context().Err(), context.Canceled)                                // a client that left is no failure of ours
	if p.Status >= http.StatusInternalServerError && !left && errs.Of(err) != errs.Busy { // a flood that is refused must not become one of log lines
		slog.ErrorContext(r.Context(), "petición fallida", "ruta", r.Method+" "+r.URL.Path, "error", err)
	}
	SetHeaders(w.Header(), p)
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // the client is gone when this fails
}

// retryAfterTrouble is the Retry-After of a 503: something that the service stands on does not answer.
const retryAfterTrouble = 5 * time.Second

// retryAfterRefusal is the Retry-After of a 429: the client is over its rate, or the service is full.
const retryAfterRefusal = time.Second

// wait is after how long the client may try again what failed with err, 0 where that would not help.
func wait(err error) time.Duration {
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

// SetHeaders writes what goes with a problem into the headers of its answer.
func SetHeaders(h http.Header, p Problem) {
	if p.Wait > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(p.Wait.Seconds()))))
	}
	switch p.Status {
	case http.StatusUnsupportedMediaType:
		h.Set("Accept", "application/json") // what is taken: RFC 9110, section 12.5.1
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", `Bearer realm="entregas"`)
	}
}
