package rest

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"entregas/contracts"
	api "entregas/internal/api/adminproductos"
	"entregas/internal/rest"
	"entregas/services/admin-productos/productos"
)

// Existencias has the books of the products, and what operators change in them.
type Existencias interface {
	Balance(ctx context.Context, f contracts.BalanceFilter, limit int, after string) ([]contracts.LineaDeBalance, error)
	Movimientos(ctx context.Context, id, tipo string, olderThan int64, limit int) (linea contracts.LineaDeBalance, list []contracts.Movimiento, next int64, err error)
	Corregir(ctx context.Context, id string, c contracts.Correccion, key string) (productos.Producto, error)
	CambiarUmbral(ctx context.Context, id string, umbral int) (contracts.LineaDeBalance, error)
	Importer
}

// Importer carries out imports.
type Importer interface {
	Ensayar(ctx context.Context, lines []productos.Renglon) (contracts.Importacion, error)
	Importar(ctx context.Context, lines []productos.Renglon, key string) (contracts.Importacion, error)
}

// LeerBalance implements api.ServerInterface.
func (r resources) LeerBalance(w http.ResponseWriter, p *http.Request, params api.LeerBalanceParams) {
	f, after := contracts.BalanceFilter{Buscar: strings.TrimSpace(or(params.Buscar, "")), Bajas: or(params.Bajas, false)}, or(params.Despues, "")
	var v contracts.Validator
	v.FreeText("buscar", f.Buscar, contracts.MaxIdentifier)
	if after != "" {
		v.Identifier("despues", after)
	}
	if err := v.Error(); err != nil {
		rest.WriteError(w, p, err)
		return
	}
	lines, err := r.existencias.Balance(p.Context(), f, productos.MaxListed, after)
	rest.Answer(w, p, http.StatusOK, lines, err)
}

// or returns the value of a parameter, usual for one that is missing.
func or[T any](p *T, usual T) T {
	if p != nil {
		return *p
	}
	return usual
}

// ListarMovimientos implements api.ServerInterface.
func (r resources) ListarMovimientos(w http.ResponseWriter, p *http.Request, id api.Id, params api.ListarMovimientosParams) {
	limit, tipo := or(params.Limite, usualPage), or(params.Tipo, "")
	var v contracts.Validator
	v.Identifier("id", id)
	if limit < 1 || limit > maxPage {
		v.Fail("limite", accepted["limite"])
	}
	if tipo != "" && !slices.Contains(contracts.TiposDeMovimiento, tipo) {
		v.Fail("tipo", "debe ser uno de "+fmt.Sprint(contracts.TiposDeMovimiento))
	}
	olderThan := v.NumeroCursor("despues", or(params.Despues, ""))
	if err := v.Error(); err != nil {
		rest.WriteError(w, p, err)
		return
	}
	line, list, next, err := r.existencias.Movimientos(p.Context(), id, tipo, olderThan, limit)
	page := contracts.PaginaDeMovimientos{Producto: line, Movimientos: list}
	if next > 0 {
		page.Siguiente = strconv.FormatInt(next, 10)
	}
	rest.Answer(w, p, http.StatusOK, page, err)
}

// CorregirProducto implements api.ServerInterface.
func (r resources) CorregirProducto(w http.ResponseWriter, p *http.Request, id api.Id, params api.CorregirProductoParams) {
	request, err := rest.Read[contracts.Correccion](w, p)
	if err == nil {
		var v contracts.Validator
		v.Identifier("id", id)
		v.Correccion(request)
		err = v.Error()
	}
	key, keyErr := keyOf(params.IdempotencyKey)
	if err = cmp.Or(err, keyErr); err != nil {
		rest.WriteError(w, p, err)
		return
	}
	producto, err := r.existencias.Corregir(p.Context(), id, request, key)
	rest.Answer(w, p, http.StatusOK, producto, err)
}

// CambiarUmbral implements api.ServerInterface.
func (r resources) CambiarUmbral(w http.ResponseWriter, p *http.Request, id api.Id) {
	request, err := rest.Read[contracts.CambioDeUmbral](w, p)
	if err == nil {
		var v contracts.Validator
		v.Identifier("id", id)
		v.Umbral("umbral", request.Umbral)
		err = v.Error()
	}
	if err != nil {
		rest.WriteError(w, p, err)
		return
	}
	line, err := r.existencias.CambiarUmbral(p.Context(), id, *request.Umbral)
	rest.Answer(w, p, http.StatusOK, line, err)
}

// ImportarExistencias implements api.ServerInterface.
func (r resources) ImportarExistencias(w http.ResponseWriter, p *http.Request, params api.ImportarExistenciasParams) {
	request, err := rest.Read[contracts.SolicitudDeImportacion](w, rest.WithBody(p, contracts.MaxImportBytes))
	key, keyErr := keyOf(params.IdempotencyKey)
	var lines []productos.Renglon
	if err = cmp.Or(err, keyErr); err == nil {
		lines, err = parseImportacion(request.CSV)
	}
	if err != nil {
		rest.WriteError(w, p, err)
		return
	}
	var total contracts.Importacion
	if request.Ensayo {
		total, err = r.existencias.Ensayar(p.Context(), lines)
		total.Efectos = fit(total.Efectos)
	} else {
		total, err = r.existencias.Importar(p.Context(), lines, key)
	}
	rest.Answer(w, p, http.StatusOK, total, err)
}

// maxEffects bounds the effects of a trial as JSON, in bytes. The bff refuses an answer of more than 1 MiB.
const maxEffects = 768 << 10

// fit returns as many of the first effects as fit into maxEffects.
func fit(effects []contracts.EfectoDeImportacion) []contracts.EfectoDeImportacion {
	room := maxEffects
	for i, f := range effects {
		text, err := json.Marshal(f)
		if room -= len(text) + 1; err != nil || room < 0 {
			return effects[:i]
		}
	}
	return effects
}
