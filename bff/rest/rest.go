// Package rest is the public REST interface, as contracts/openapi.yaml has it.
package rest

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/gorilla/mux"

	"entregas/contracts"
	"entregas/services/bff/compras"
	"entregas/services/bff/rest/contrato"
	"entregas/services/internal/rest"
)

// Servidor serves the contract's operations.
type Servidor struct {
	Compras    Compras
	Decisiones Decisiones
	Productos  Productos
	Ordenes    Ordenes
	EnVivo     EnVivo
}

var _ contrato.ServerInterface = Servidor{}

// Registrar adds the operations under /api to rutas.
func (s Servidor) Registrar(rutas *mux.Router) {
	contrato.HandlerWithOptions(s, contrato.GorillaServerOptions{BaseURL: "/api", BaseRouter: rutas, ErrorHandlerFunc: parametroMalo})
}

// responder answers v with this status, or the problem of err.
func responder(w http.ResponseWriter, r *http.Request, estado int, v any, err error) {
	if err != nil {
		rest.EscribirError(w, r, err)
		return
	}
	rest.Escribir(w, estado, v)
}

// decirEdad says how old an answer is that does not come from the owner.
func decirEdad(w http.ResponseWriter, e compras.Edad) {
	if e.DeSegundaMano {
		w.Header().Set("Age", strconv.Itoa(e.Segundos))
	}
}

// maxClave is how long an Idempotency-Key may be.
const maxClave = 255

// claveDe is the Idempotency-Key, "" when there is none.
func claveDe(clave *string) (string, error) {
	if clave == nil {
		return "", nil
	}
	var v contracts.Validador
	if *clave == "" || len(*clave) > maxClave || !visible(*clave) {
		v.Falla("Idempotency-Key", "debe tener de 1 a 255 caracteres ASCII visibles")
	}
	return *clave, v.Error()
}

func visible(s string) bool {
	for _, b := range []byte(s) {
		if b < ' ' || b > '~' {
			return false
		}
	}
	return true
}

// parametroMalo answers what the generated code found wrong with a parameter.
func parametroMalo(w http.ResponseWriter, r *http.Request, err error) {
	var v contracts.Validador
	var formato *contrato.InvalidParamFormatError
	var falta *contrato.RequiredParamError
	var muchos *contrato.TooManyValuesForParamError
	switch {
	case errors.As(err, &formato):
		v.Falla(formato.ParamName, "no tiene la forma que se espera")
	case errors.As(err, &falta):
		v.Falla(falta.ParamName, "falta")
	case errors.As(err, &muchos):
		v.Falla(muchos.ParamName, "está más de una vez")
	default:
		v.Falla("parámetros", "no tienen la forma que se espera")
	}
	rest.EscribirError(w, r, v.Error())
}
