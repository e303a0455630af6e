package rest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

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
	if err != nil {
		return page, nil, err
	}
	text, err = rest.EncodePage(min(len(found), q.limit), func(n int) any {
		page = contracts.PaginaDeCompras{Compras: found[:n]}
		if n < len(found) {
			page.Siguiente = contracts.CursorOf(found[n-1]).String()
		}
		return page
	})
	return page, text, err
}

// query has the parameters of a list.
type query struct {
	filter contracts.ComprasFilter
	after  contracts.Cursor
	limit  int
}

// readQuery checks the parameters of a list. Without a cursor the list begins at the newest purchase.
func readQuery(params api.ListarComprasParams) (query, error) {
	q := query{
		filter: contracts.ComprasFilter{Domicilio: params.Domicilio}, limit: defaultLimit,
		after: contracts.Cursor{CreadaEn: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)},
	}
	var v contracts.Validator
	if params.IdUsuario != nil { // an empty id is invalid: it would return the purchases of all customers
		q.filter.IDUsuario = *params.IdUsuario
		v.Identifier("id_usuario", q.filter.IDUsuario)
	}
	if params.Estado != nil {
		slices.Sort(*params.Estado)
		q.filter.Estados = slices.Compact(*params.Estado)
	}
	if slices.ContainsFunc(q.filter.Estados, func(e contracts.Estado) bool { return !slices.Contains(contracts.Estados, e) }) {
		v.Fail("estado", accepted["estado"])
	}
	if params.Limite != nil {
		q.limit = *params.Limite
	}
	if q.limit < 1 || q.limit > maxLimit {
		v.Fail("limite", accepted["limite"])
	}
	if params.Despues != nil && *params.Despues != "" {
		var err error
		if q.after, err = contracts.ParseCursor(*params.Despues); err != nil {
			return q, err
		}
	}
	return q, v.Error()
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
