package rest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"entregas/contracts"
	api "entregas/internal/api/gestorcompra"
	"entregas/internal/rest"
)

const (
	defaultLimit = 50
	maxLimit     = 200
)

// ListarCompras implements api.ServerInterface.
func (o operations) ListarCompras(w http.ResponseWriter, r *http.Request, params api.ListarComprasParams) {
	q, err := readQuery(params)
	if err != nil {
		rest.WriteError(w, r, err)
		return
	}
	_, text, err := o.page(r, q)
	rest.Answer(w, r, http.StatusOK, text, err)
}

// ListarComprasDeUsuario implements api.ServerInterface. The answer is a plain list; the Link header has the next page.
func (o operations) ListarComprasDeUsuario(w http.ResponseWriter, r *http.Request, id api.Id, params api.ListarComprasDeUsuarioParams) {
	q, err := readQuery(api.ListarComprasParams{
		IdUsuario: &id, Estado: params.Estado, Domicilio: params.Domicilio, Limite: params.Limite, Despues: params.Despues,
	})
	if err != nil {
		rest.WriteError(w, r, err)
		return
	}
	page, _, err := o.page(r, q)
	if page.Siguiente != "" {
		w.Header().Set("Link", q.next(page.Siguiente))
	}
	rest.Answer(w, r, http.StatusOK, page.Compras, err)
}

// page reads a page and returns it also as JSON. It ends early when its JSON would be larger than rest.MaxPageBytes, but it
// has at least one purchase if there is one.
func (o operations) page(r *http.Request, q query) (page contracts.PaginaDeCompras, text json.RawMessage, err error) {
	found, err := o.reader.Buscar(r.Context(), q.filter, q.after, q.limit+1)
	if err == nil && q.count {
		page, err = o.count(r, q)
	}
	if err != nil {
		return page, nil, err
	}
	text, err = rest.EncodePage(min(len(found), q.limit), func(n int) any {
		page.Compras, page.Siguiente = found[:n], ""
		if n < len(found) {
			page.Siguiente = q.filter.Criterio.Cursor(found[n-1]).String()
		}
		return page
	})
	return page, text, err
}

// count returns a page that has only the number of purchases that match.
func (o operations) count(r *http.Request, q query) (page contracts.PaginaDeCompras, err error) {
	n, err := o.reader.Contar(r.Context(), q.filter, contracts.MaxContadas+1)
	page.HayMas = n > contracts.MaxContadas
	page.Cuantas = new(min(n, contracts.MaxContadas))
	return page, err
}

// query has the parameters of a list.
type query struct {
	filter contracts.ComprasFilter
	after  contracts.Cursor
	limit  int
	count  bool
}

// readQuery checks the parameters of a list.
func readQuery(params api.ListarComprasParams) (query, error) {
	if params.IdUsuario != nil && *params.IdUsuario == "" { // it would return the purchases of all customers
		return query{}, contracts.BadField("id_usuario", "falta")
	}
	asked := contracts.ComprasQuery{
		Texto: optional(params.Texto), IDUsuario: optional(params.IdUsuario), IDProducto: optional(params.IdProducto), Estados: optional(params.Estado),
		Domicilio: params.Domicilio, Desde: optional(params.Desde), Hasta: optional(params.Hasta), CambiadaDesde: optional(params.CambiadaDesde),
		Orden: optional(params.Orden), Despues: optional(params.Despues),
	}
	q := query{limit: defaultLimit, count: optional(params.Contar)}
	if params.Limite != nil {
		q.limit = *params.Limite
	}
	if q.limit < 1 || q.limit > maxLimit {
		return q, contracts.BadField("limite", accepted["limite"])
	}
	var err error
	q.filter, q.after, err = asked.Parse()
	return q, err
}

// optional returns the value of a parameter, the zero value for one that is missing.
func optional[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// next returns the Link header for the page of a customer's list after cursor. It has only parameters that were checked: a
// sidecar rejects an answer with too large headers.
func (q query) next(cursor string) string {
	values := url.Values{"limite": {strconv.Itoa(q.limit)}, "despues": {cursor}}
	for _, e := range q.filter.Estados {
		values.Add("estado", string(e))
	}
	if q.filter.Domicilio != nil {
		values.Set("domicilio", strconv.FormatBool(*q.filter.Domicilio))
	}
	return fmt.Sprintf(`</usuarios/%s/compras?%s>; rel="next"`, url.PathEscape(q.filter.IDUsuario), values.Encode())
}
