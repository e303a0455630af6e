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
	"entregas/services/internal/errores"
)

// Problema is RFC 9457's problem details, with the fields that are wrong.
type Problema struct {
	Type    string                    `json:"type"`
	Title   string                    `json:"title"`
	Status  int                       `json:"status"`
	Detail  string                    `json:"detail"`
	Errores []contracts.CampoInvalido `json:"errores,omitempty"`
	See     string                    `json:"ver,omitempty"` // where to look what became of it
	Wait    time.Duration             `json:"-"`             // the Retry-After; 0 is none
}

var porCodigo = map[errores.Codigo]struct {
	estado int
	titulo string
}{
	errores.Invalido:        {http.StatusBadRequest, "Petición inválida"},
	errores.NoEncontrado:    {http.StatusNotFound, "No encontrado"},
	errores.Conflicto:       {http.StatusConflict, "Conflicto con el estado actual"},
	errores.OtroCuerpo:      {http.StatusUnprocessableEntity, "La clave de idempotencia ya se usó con otro contenido"},
	errores.UnsupportedType: {http.StatusUnsupportedMediaType, "Tipo de contenido no admitido"},
	errores.Demasiado:       {http.StatusRequestEntityTooLarge, "Petición demasiado grande"},
	errores.NoPermitido:     {http.StatusMethodNotAllowed, "Operación no permitida"},
	errores.NoDisponible:    {http.StatusServiceUnavailable, "Servicio no disponible"},
	errores.MensajeMalo:     {http.StatusBadRequest, "Mensaje inválido"},
	errores.SinIdentidad:    {http.StatusUnauthorized, "No autenticado"},
	errores.SinPermiso:      {http.StatusForbidden, "Sin permiso"},
	errores.Demasiadas:      {http.StatusTooManyRequests, "Demasiadas peticiones"},
	errores.OutcomeUnknown:  {http.StatusGatewayTimeout, "Resultado desconocido"},
	errores.Cuota:           {http.StatusTooManyRequests, "Cuota agotada"},
	errores.Ocupado:         {http.StatusServiceUnavailable, "Servicio ocupado"},
	errores.Interno:         {http.StatusInternalServerError, "Error interno"},
}

// ProblemaDe is what a person may see of err: words and fields of ours, never those of an internal error.
func ProblemaDe(err error) Problema {
	codigo := errores.De(err)
	fila := porCodigo[codigo]
	p := Problema{Type: prefijoDeTipo + string(codigo), Title: fila.titulo, Status: fila.estado, Wait: wait(err)}
	var propio *errores.Error
	var validacion *contracts.ErrorDeValidacion
	switch {
	case errors.As(err, &propio):
		p.Detail, p.Errores, p.See = propio.Mensaje, propio.Campos, propio.See
	case errors.As(err, &validacion):
		p.Detail, p.Errores = "Hay campos inválidos.", validacion.Errores
	case codigo == errores.NoDisponible:
		p.Detail = errores.NoResponde
	default:
		p.Detail = "Algo falló de nuestro lado. Quedó registrado."
	}
	return p
}

// Ruta is a route that answers by itself, or returns the error that is its answer.
type Ruta func(w http.ResponseWriter, r *http.Request) error

func (f Ruta) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := f(w, r); err != nil {
		EscribirError(w, r, err)
	}
}

// EscribirError answers with the problem of err and logs what a person does not see.
func EscribirError(w http.ResponseWriter, r *http.Request, err error) {
	p := ProblemaDe(err)
	left := errors.Is(r.Context().Err(), context.Canceled)                                         // a client that left is no failure of ours
	if p.Status >= http.StatusInternalServerError && !left && errores.De(err) != errores.Ocupado { // a flood that is refused must not become one of log lines
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
	var propio *errores.Error
	if errors.As(err, &propio) && propio.Espera > 0 {
		return propio.Espera
	}
	switch errores.De(err) {
	case errores.NoDisponible:
		return retryAfterTrouble
	case errores.Demasiadas, errores.Cuota, errores.Ocupado:
		return retryAfterRefusal
	default:
		return 0
	}
}

// SetHeaders writes what goes with a problem into the headers of its answer.
func SetHeaders(h http.Header, p Problema) {
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
