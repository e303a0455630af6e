package rest

import (
	"cmp"
	"fmt"
	"net/http"
	"strconv"

	"github.com/google/uuid"

	"entregas/contracts"
	api "entregas/internal/api/adminproductos"
	"entregas/internal/rest"
	"entregas/services/admin-productos/productos"
)

const (
	usualPage = 50
	maxPage   = 100
)

// accepted describes in Spanish the values that each parameter accepts.
var accepted = map[string]string{"bajas": "debe ser true o false", "limite": fmt.Sprintf("debe ser un número entero de 1 a %d", maxPage)}

// CambiarPrecio implements api.ServerInterface.
func (r resources) CambiarPrecio(w http.ResponseWriter, p *http.Request, id api.Id, params api.CambiarPrecioParams) {
	request, err := rest.Read[contracts.CambioDePrecio](w, p)
	request.Moneda = cmp.Or(request.Moneda, contracts.MonedaUsual)
	if err == nil {
		err = productos.ValidatePrecio(id, request)
	}
	key, keyErr := keyOf(params.IdempotencyKey)
	if err = cmp.Or(err, keyErr); err != nil {
		rest.WriteError(w, p, err)
		return
	}
	producto, err := r.prices.CambiarPrecio(p.Context(), id, request, key)
	rest.Answer(w, p, http.StatusOK, producto, err)
}

// ListarPrecios implements api.ServerInterface.
func (r resources) ListarPrecios(w http.ResponseWriter, p *http.Request, id api.Id, params api.ListarPreciosParams) {
	limit, olderThan := usualPage, int64(0)
	var v contracts.Validator
	v.Identifier("id", id)
	if params.Limite != nil {
		limit = *params.Limite
	}
	if limit < 1 || limit > maxPage {
		v.Fail("limite", accepted["limite"])
	}
	if after := params.Despues; after != nil && *after != "" {
		n, err := strconv.ParseInt(*after, 10, 64)
		if err != nil || n < 1 || strconv.FormatInt(n, 10) != *after {
			v.Fail("despues", "debe ser el siguiente que dio la página anterior")
		}
		olderThan = n
	}
	if err := v.Error(); err != nil {
		rest.WriteError(w, p, err)
		return
	}
	list, next, err := r.prices.Precios(p.Context(), id, olderThan, limit)
	page := contracts.PaginaDePrecios{Precios: list}
	if next > 0 {
		page.Siguiente = strconv.FormatInt(next, 10)
	}
	rest.Answer(w, p, http.StatusOK, page, err)
}

// keyOf returns the idempotency key of a request. Without a key each request is one of its own.
func keyOf(header *string) (string, error) {
	if header == nil {
		return uuid.NewString(), nil
	}
	var v contracts.Validator
	v.IdempotencyKey("Idempotency-Key", *header)
	return *header, v.Error()
}
