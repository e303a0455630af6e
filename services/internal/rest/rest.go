// Package rest reads JSON requests and writes JSON answers and RFC 9457 problems. It is the one place where
// an error becomes an HTTP status.
package rest

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"reflect"
	"strings"

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
}

var porCodigo = map[errores.Codigo]struct {
	estado int
	titulo string
}{
	errores.Invalido:     {http.StatusBadRequest, "Petición inválida"},
	errores.NoEncontrado: {http.StatusNotFound, "No encontrado"},
	errores.Conflicto:    {http.StatusConflict, "Conflicto con el estado actual"},
	errores.OtroCuerpo:   {http.StatusUnprocessableEntity, "La clave de idempotencia ya se usó con otro contenido"},
	errores.Demasiado:    {http.StatusRequestEntityTooLarge, "Petición demasiado grande"},
	errores.NoPermitido:  {http.StatusMethodNotAllowed, "Operación no permitida"},
	errores.NoDisponible: {http.StatusServiceUnavailable, "Servicio no disponible"},
	errores.MensajeMalo:  {http.StatusBadRequest, "Mensaje inválido"},
	errores.SinIdentidad: {http.StatusUnauthorized, "No autenticado"},
	errores.SinPermiso:   {http.StatusForbidden, "Sin permiso"},
	errores.Demasiadas:   {http.StatusTooManyRequests, "Demasiadas peticiones"},
	errores.Interno:      {http.StatusInternalServerError, "Error interno"},
}

// ProblemaDe is what a person may see of err: words and fields of ours, never those of an internal error.
func ProblemaDe(err error) Problema {
	codigo := errores.De(err)
	fila := porCodigo[codigo]
	p := Problema{Type: prefijoDeTipo + string(codigo), Title: fila.titulo, Status: fila.estado}
	var propio *errores.Error
	var validacion *contracts.ErrorDeValidacion
	switch {
	case errors.As(err, &propio):
		p.Detail, p.Errores = propio.Mensaje, propio.Campos
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
	if p.Status >= http.StatusInternalServerError {
		slog.ErrorContext(r.Context(), "petición fallida", "ruta", r.Method+" "+r.URL.Path, "error", err)
	}
	switch p.Status {
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "5")
	case http.StatusTooManyRequests:
		w.Header().Set("Retry-After", "1")
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", `Bearer realm="entregas"`)
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // the client is gone when this fails
}

// Escribir answers with a status and v as JSON.
func Escribir(w http.ResponseWriter, estado int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(estado)
	_ = json.NewEncoder(w).Encode(v) // the client is gone when this fails
}

// Leer decodes a body of at most contracts.MaxCuerpoPeticion bytes. Its errors have a code.
func Leer[T any](w http.ResponseWriter, r *http.Request) (T, error) {
	var v T
	lector := json.NewDecoder(http.MaxBytesReader(w, r.Body, contracts.MaxCuerpoPeticion))
	lector.DisallowUnknownFields()
	err := lector.Decode(&v)
	if err == nil {
		if _, err = lector.Token(); errors.Is(err, io.EOF) {
			return v, nil
		}
		if err == nil {
			return v, errores.Nuevo(errores.Invalido, "El cuerpo tiene algo después del objeto JSON.")
		}
	}
	return v, deLectura(err)
}

// LeerCuerpo reads a whole body of at most contracts.MaxCuerpoPeticion bytes, for who looks at it before it is decoded. Errors:
// Demasiado, Invalido.
func LeerCuerpo(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	cuerpo, err := io.ReadAll(http.MaxBytesReader(w, r.Body, contracts.MaxCuerpoPeticion))
	var grande *http.MaxBytesError
	switch {
	case errors.As(err, &grande):
		return nil, demasiado(grande)
	case err != nil:
		return nil, errores.Nuevo(errores.Invalido, "No se pudo leer el cuerpo de la petición.")
	}
	return cuerpo, nil
}

func demasiado(g *http.MaxBytesError) error {
	return errores.Nuevo(errores.Demasiado, "El cuerpo puede tener a lo sumo %d bytes.", g.Limit)
}

// deLectura says in words for a person what is wrong with a body, and names the field.
func deLectura(err error) error {
	var grande *http.MaxBytesError
	var tipo *json.UnmarshalTypeError
	var validacion *contracts.ErrorDeValidacion
	desconocido, sobra := strings.CutPrefix(err.Error(), "json: unknown field ") // encoding/json has no type for it
	switch {
	case errors.As(err, &validacion):
		return err
	case errors.As(err, &grande):
		return demasiado(grande)
	case errors.As(err, &tipo) && tipo.Field != "":
		return contracts.CampoMalo(tipo.Field, "debe ser "+enPalabras(tipo.Type.Kind()))
	case errors.As(err, &tipo):
		return errores.Nuevo(errores.Invalido, "El cuerpo debe ser %s.", enPalabras(tipo.Type.Kind()))
	case sobra:
		return contracts.CampoMalo(strings.Trim(desconocido, `"`), "no se conoce")
	case errors.Is(err, io.EOF):
		return errores.Nuevo(errores.Invalido, "Falta el cuerpo de la petición.")
	default:
		return &errores.Error{Codigo: errores.Invalido, Mensaje: "El cuerpo no es JSON bien formado.", Causa: err}
	}
}

func enPalabras(k reflect.Kind) string {
	switch k {
	case reflect.Int, reflect.Int64:
		return "un número entero"
	case reflect.Float64:
		return "un número"
	case reflect.String:
		return "un texto"
	case reflect.Bool:
		return "true o false"
	case reflect.Slice:
		return "una lista"
	default:
		return "un objeto JSON"
	}
}
