// Package rest is the public REST interface, as contracts/openapi.yaml has it.
package rest

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/gorilla/mux"

	"entregas/services/bff/acceso"
	"entregas/services/bff/compras"
	"entregas/services/bff/identidad"
	"entregas/services/bff/rest/contrato"
	"entregas/services/internal/errores"
	"entregas/services/internal/rest"
)

// Servidor serves the contract's operations.
type Servidor struct {
	Puerta acceso.Puerta
	EnVivo EnVivo
}

var _ contrato.ServerInterface = Servidor{}

// Registrar adds the operations under /api to rutas.
func (s Servidor) Registrar(rutas *mux.Router) {
	contrato.HandlerWithOptions(s, contrato.GorillaServerOptions{
		BaseURL: "/api", BaseRouter: rutas, ErrorHandlerFunc: rest.BadParameter(accepted), Middlewares: []contrato.MiddlewareFunc{exigirDelContrato},
	})
}

// exigirDelContrato refuses who the contract says may not use the operation, before its body is read.
// Whose a purchase is, package acceso looks at.
func exigirDelContrato(siguiente http.Handler) http.Handler {
	return rest.Ruta(func(w http.ResponseWriter, r *http.Request) error {
		roles, protegida := r.Context().Value(contrato.OidcScopes).([]string)
		if protegida {
			if err := identidad.ExigirDe(r.Context(), roles...); err != nil {
				return err
			}
		}
		if _, err := url.ParseQuery(r.URL.RawQuery); err != nil { // what it cannot read would be passed over
			return errores.Nuevo(errores.Invalido, "Los parámetros de la dirección no están bien escritos (RFC 3986).")
		}
		siguiente.ServeHTTP(w, r)
		return nil
	})
}

// responder answers v with this status, or the problem of err. A read has an ETag, and is 304 for a client that has it already.
func responder(w http.ResponseWriter, r *http.Request, estado int, v any, err error) {
	if err != nil {
		rest.EscribirError(w, r, err)
		return
	}
	if r.Method != http.MethodGet {
		rest.Escribir(w, estado, v)
		return
	}
	texto, err := rest.Encode(v)
	if err != nil {
		rest.EscribirError(w, r, err)
		return
	}
	huella := sha256.Sum256(texto)
	etiqueta := `"` + hex.EncodeToString(huella[:16]) + `"`
	w.Header().Set("ETag", etiqueta)
	w.Header().Set("Cache-Control", "private, no-cache")
	if laTiene(r.Header.Get("If-None-Match"), etiqueta) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(estado)
	_, _ = w.Write(append(texto, '\n')) // #nosec G705 -- JSON, and said to be; the client is gone when this fails
}

func laTiene(ifNoneMatch, etiqueta string) bool {
	for una := range strings.SplitSeq(ifNoneMatch, ",") {
		if una = strings.TrimPrefix(strings.TrimSpace(una), "W/"); una == etiqueta || una == "*" {
			return true
		}
	}
	return false
}

// decirEdad says how old an answer is that does not come from the owner.
func decirEdad(w http.ResponseWriter, e compras.Edad) {
	if e.DeSegundaMano {
		w.Header().Set("Age", strconv.Itoa(e.Segundos))
	}
}

// accepted says what a parameter of the contract may be, where it is no text.
var accepted = map[string]string{
	"limite": compras.FormaDeLimite, "segundos": acceso.FormaDeSegundos, "minutos": acceso.FormaDeMinutos, "domicilio": "debe ser true o false",
}
