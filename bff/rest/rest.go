// Package rest is the public REST interface, as contracts/openapi.yaml has it.
package rest

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"github.com/gorilla/mux"

	"entregas/contracts"
	"entregas/services/bff/compras"
	"entregas/services/bff/rest/contrato"
	"entregas/services/internal/errores"
	"entregas/services/internal/rest"
)

// volverAMirar is the Retry-After of a purchase that was taken, in seconds: most are at rest by then.
const volverAMirar = "1"

// Compras is what is done with purchases here.
type Compras interface {
	Crear(ctx context.Context, s contracts.SolicitudCompra, claveIdempotencia string) (contracts.Aceptada, error)
	Leer(ctx context.Context, id string) (compras.Leida, error)
	DeUsuario(ctx context.Context, usuario string, limite int, despues string) (compras.Pagina, error)
}

// EnVivo streams one purchase's changes.
type EnVivo interface {
	UnaCompra(w http.ResponseWriter, r *http.Request, id, ultimoID string)
}

// Servidor serves the contract's operations.
type Servidor struct {
	Compras   Compras
	Productos compras.Productos
	EnVivo    EnVivo
}

var _ contrato.ServerInterface = Servidor{}

// Registrar adds the operations under /api to rutas. What rutas does not know is a problem too.
func (s Servidor) Registrar(rutas *mux.Router) {
	contrato.HandlerWithOptions(s, contrato.GorillaServerOptions{BaseURL: "/api", BaseRouter: rutas, ErrorHandlerFunc: parametroMalo})
	rutas.NotFoundHandler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rest.EscribirError(w, r, errores.Nuevo(errores.NoEncontrado, "No existe la ruta %s.", r.URL.Path))
	})
	rutas.MethodNotAllowedHandler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rest.EscribirError(w, r, errores.Nuevo(errores.NoPermitido, "La ruta %s no admite %s.", r.URL.Path, r.Method))
	})
}

// CrearCompra implements contrato.ServerInterface.
func (s Servidor) CrearCompra(w http.ResponseWriter, r *http.Request, params contrato.CrearCompraParams) {
	solicitud, err := rest.Leer[contracts.SolicitudCompra](w, r)
	if err != nil {
		rest.EscribirError(w, r, err)
		return
	}
	var clave string
	if params.IdempotencyKey != nil {
		clave = *params.IdempotencyKey
		if err := claveValida(clave); err != nil {
			rest.EscribirError(w, r, err)
			return
		}
	}
	aceptada, err := s.Compras.Crear(r.Context(), solicitud, clave)
	if err != nil {
		rest.EscribirError(w, r, err)
		return
	}
	w.Header().Set("Location", "/api/compras/"+url.PathEscape(aceptada.ID))
	w.Header().Set("Retry-After", volverAMirar)
	rest.Escribir(w, http.StatusAccepted, aceptada)
}

// LeerCompra implements contrato.ServerInterface.
func (s Servidor) LeerCompra(w http.ResponseWriter, r *http.Request, id contrato.Id) {
	leida, err := s.Compras.Leer(r.Context(), id)
	if err != nil {
		rest.EscribirError(w, r, err)
		return
	}
	decirEdad(w, leida.Edad)
	rest.Escribir(w, http.StatusOK, leida.Compra)
}

// SeguirCompra implements contrato.ServerInterface.
func (s Servidor) SeguirCompra(w http.ResponseWriter, r *http.Request, id contrato.Id, params contrato.SeguirCompraParams) {
	var ultimo string
	if params.LastEventID != nil {
		ultimo = *params.LastEventID
	}
	s.EnVivo.UnaCompra(w, r, id, ultimo)
}

// ListarComprasDeUsuario implements contrato.ServerInterface.
func (s Servidor) ListarComprasDeUsuario(w http.ResponseWriter, r *http.Request, id contrato.Id, params contrato.ListarComprasDeUsuarioParams) {
	limite, despues := compras.PaginaNormal, ""
	if params.Limite != nil {
		limite = *params.Limite
	}
	if params.Despues != nil {
		despues = *params.Despues
	}
	pagina, err := s.Compras.DeUsuario(r.Context(), id, limite, despues)
	if err != nil {
		rest.EscribirError(w, r, err)
		return
	}
	decirEdad(w, pagina.Edad)
	respuesta := contrato.PaginaDeCompras{Compras: pagina.Compras}
	if respuesta.Compras == nil {
		respuesta.Compras = []contracts.Compra{}
	}
	if pagina.Siguiente != "" {
		respuesta.Siguiente = &pagina.Siguiente
	}
	rest.Escribir(w, http.StatusOK, respuesta)
}

// ListarProductos implements contrato.ServerInterface.
func (s Servidor) ListarProductos(w http.ResponseWriter, r *http.Request) {
	lista, err := s.Productos.Listar(r.Context())
	if err != nil {
		rest.EscribirError(w, r, err)
		return
	}
	rest.Escribir(w, http.StatusOK, lista)
}

// LeerProducto implements contrato.ServerInterface.
func (s Servidor) LeerProducto(w http.ResponseWriter, r *http.Request, id contrato.Id) {
	var v contracts.Validador
	v.Identificador("id", id)
	if err := v.Error(); err != nil {
		rest.EscribirError(w, r, err)
		return
	}
	producto, err := s.Productos.Leer(r.Context(), id)
	if err != nil {
		rest.EscribirError(w, r, err)
		return
	}
	rest.Escribir(w, http.StatusOK, producto)
}

func decirEdad(w http.ResponseWriter, e compras.Edad) {
	if e.DeSegundaMano {
		w.Header().Set("Age", strconv.Itoa(e.Segundos))
	}
}

// maxClave is how long an Idempotency-Key may be.
const maxClave = 255

func claveValida(clave string) error {
	var v contracts.Validador
	if clave == "" || len(clave) > maxClave || !visible(clave) {
		v.Falla("Idempotency-Key", "debe tener de 1 a 255 caracteres ASCII visibles")
	}
	return v.Error()
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
