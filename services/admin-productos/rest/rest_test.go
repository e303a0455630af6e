package rest_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gorilla/mux"

	"entregas/contracts"
	"entregas/internal/app"
	"entregas/internal/databasetest"
	common "entregas/internal/rest"
	"entregas/internal/resttest"
	"entregas/services/admin-productos/postgres"
	"entregas/services/admin-productos/productos"
	"entregas/services/admin-productos/rest"
)

func newRouter(t *testing.T) http.Handler {
	routes := app.Config{}.Routes(nil)
	store := postgres.New(databasetest.New(t, postgres.Migrations))
	rest.ServeRoutes(routes, store, store, store)
	return routes
}

func ask(routes http.Handler, method, path, body, key string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	if key != "" {
		r.Header.Set("Idempotency-Key", key)
	}
	w := httptest.NewRecorder()
	routes.ServeHTTP(w, r)
	return w
}

func read[T any](t *testing.T, w *httptest.ResponseRecorder) (v T) {
	t.Helper()
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
		t.Fatalf("%d %s: %v", w.Code, w.Body, err)
	}
	return v
}

func TestSeeProductos(t *testing.T) {
	routes := newRouter(t)
	w := ask(routes, "GET", "/productos", "", "")
	if list := read[[]productos.Producto](t, w); w.Code != 200 || len(list) != 18 || list[13].ID != "14" || list[13].Cantidad != 10 {
		t.Errorf("%d: %v", w.Code, list)
	}
	w = ask(routes, "GET", "/productos/11", "", "")
	if p := read[map[string]any](t, w); w.Code != 200 || len(p) != 5 || p["id"] != "11" || p["precio"] != 230000.0 || p["moneda"] != "COP" || p["nombre"] == "" || p["cantidad"] != 1000.0 {
		t.Errorf("%d: %v", w.Code, p)
	}
}

func TestFindProductos(t *testing.T) {
	routes := newRouter(t)
	for search, ids := range map[string]string{
		"cafe": "1,13,14", "CAFÉ+origen": "1", "molino%20manual": "14", "origen+cafe": "1", "15": "15", "nada": "", "+": "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18",
	} {
		w := ask(routes, "GET", "/productos?buscar="+search, "", "")
		var matches []string
		for _, p := range read[[]productos.Producto](t, w) {
			matches = append(matches, p.ID)
		}
		if got := strings.Join(matches, ","); w.Code != 200 || got != ids {
			t.Errorf("%s: %d %s, want %s", search, w.Code, got, ids)
		}
	}
	if w := ask(routes, "GET", "/productos?buscar="+strings.Repeat("a", 65), "", ""); w.Code != 400 {
		t.Errorf("too long: %d", w.Code)
	}
}

func TestBalance(t *testing.T) {
	routes := newRouter(t)
	ask(routes, "POST", "/productos/1/reposicion", `{"cantidad": 7}`, "k")
	lineas := read[[]map[string]any](t, ask(routes, "GET", "/balance", "", ""))
	if len(lineas) != 18 || lineas[0]["id_producto"] != "1" || lineas[0]["repuesto"] != 7.0 || lineas[0]["existencias"] != 507.0 || lineas[0]["diferencia"] != 0.0 {
		t.Errorf("%v", lineas)
	}
}

func TestReponerByREST(t *testing.T) {
	routes := newRouter(t)
	for range 2 {
		w := ask(routes, "POST", "/productos/15/reposicion", `{"cantidad": 7}`, "k1")
		if p := read[productos.Producto](t, w); w.Code != 200 || p.Cantidad != 7 {
			t.Errorf("%d: %v", w.Code, p)
		}
	}
	for expected := 8; expected <= 9; expected++ { // without a key each request is a new restock
		if p := read[productos.Producto](t, ask(routes, "POST", "/productos/15/reposicion", `{"cantidad": 1}`, "")); p.Cantidad != expected {
			t.Errorf("without a key: %v", p)
		}
	}
}

func TestCambiarPrecioByREST(t *testing.T) {
	routes := newRouter(t)
	for range 2 {
		w := ask(routes, "POST", "/productos/15/precio", `{"precio": 10000000000, "motivo": "Sube"}`, "k1")
		if p := read[productos.Producto](t, w); w.Code != 200 || p.Precio != 10_000_000_000 || p.Moneda != "COP" {
			t.Errorf("%d: %v", w.Code, p)
		}
	}
	w := ask(routes, "GET", "/productos/15/precios?limite=1", "", "")
	first := read[contracts.PaginaDePrecios](t, w)
	if w.Code != 200 || len(first.Precios) != 1 || first.Precios[0].Motivo != "Sube" || first.Siguiente == "" {
		t.Fatalf("%d: %s", w.Code, w.Body)
	}
	second := read[contracts.PaginaDePrecios](t, ask(routes, "GET", "/productos/15/precios?limite=1&despues="+first.Siguiente, "", ""))
	if len(second.Precios) != 1 || second.Precios[0].Precio != 12_990_000 || second.Siguiente != "" {
		t.Errorf("%+v", second)
	}
}

func TestImpossibleRequestsOfProductos(t *testing.T) {
	routes := newRouter(t)
	long := strings.Repeat("x", 300)
	for name, c := range map[string]struct {
		method, path, body, key string
		status                  int
		field                   string
	}{
		"unknown product":         {"GET", "/productos/19", "", "", 404, ""},
		"restock of an unknown":   {"POST", "/productos/19/reposicion", `{"cantidad": 1}`, "", 404, ""},
		"control character":       {"GET", "/productos/1%00", "", "", 400, "id"},
		"long id":                 {"GET", "/productos/" + long, "", "", 400, "id"},
		"quantity 0":              {"POST", "/productos/1/reposicion", `{"cantidad": 0}`, "", 400, "cantidad"},
		"no quantity":             {"POST", "/productos/1/reposicion", `{}`, "", 400, "cantidad"},
		"negative":                {"POST", "/productos/1/reposicion", `{"cantidad": -1}`, "", 400, "cantidad"},
		"above a million":         {"POST", "/productos/1/reposicion", `{"cantidad": 1000001}`, "", 400, "cantidad"},
		"not a number":            {"POST", "/productos/1/reposicion", `{"cantidad": "1"}`, "", 400, "cantidad"},
		"unknown field":           {"POST", "/productos/1/reposicion", `{"cantidades": 1}`, "", 400, "cantidades"},
		"not JSON":                {"POST", "/productos/1/reposicion", `{`, "", 400, ""},
		"no body":                 {"POST", "/productos/1/reposicion", ``, "", 400, ""},
		"long key":                {"POST", "/productos/1/reposicion", `{"cantidad": 1}`, long, 400, "Idempotency-Key"},
		"key with another body":   {"POST", "/productos/1/reposicion", `{"cantidad": 2}`, "usada", 422, ""},
		"body larger than 1 MiB":  {"POST", "/productos/1/reposicion", `{"cantidad": ` + strings.Repeat(" ", 1<<20) + `1}`, "", 413, ""},
		"price of an unknown":     {"POST", "/productos/19/precio", `{"precio": 1}`, "", 404, ""},
		"prices of an unknown":    {"GET", "/productos/19/precios", "", "", 404, ""},
		"price 0":                 {"POST", "/productos/1/precio", `{"precio": 0}`, "", 400, "precio"},
		"price above the limit":   {"POST", "/productos/1/precio", `{"precio": 10000000001}`, "", 400, "precio"},
		"price beyond an int64":   {"POST", "/productos/1/precio", `{"precio": 99999999999999999999}`, "", 400, "precio"},
		"fraction of a price":     {"POST", "/productos/1/precio", `{"precio": 1.5}`, "", 400, "precio"},
		"unknown currency":        {"POST", "/productos/1/precio", `{"precio": 1, "moneda": "COPX"}`, "", 400, "moneda"},
		"long reason of a price":  {"POST", "/productos/1/precio", `{"precio": 1, "motivo": "` + strings.Repeat("ñ", 501) + `"}`, "", 400, "motivo"},
		"unknown field of price":  {"POST", "/productos/1/precio", `{"precio": 1, "desde": "2020-01-01"}`, "", 400, "desde"},
		"limit of prices":         {"GET", "/productos/1/precios?limite=101", "", "", 400, "limite"},
		"no limit of prices":      {"GET", "/productos/1/precios?limite=x", "", "", 400, "limite"},
		"cursor of prices":        {"GET", "/productos/1/precios?despues=07", "", "", 400, "despues"},
		"negative cursor":         {"GET", "/productos/1/precios?despues=-7", "", "", 400, "despues"},
		"key with a control rune": {"POST", "/productos/1/reposicion", `{"cantidad": 1}`, "a\tb", 400, "Idempotency-Key"},
	} {
		t.Run(name, func(t *testing.T) {
			ask(routes, "POST", "/productos/1/reposicion", `{"cantidad": 1}`, "usada")
			w := ask(routes, c.method, c.path, c.body, c.key)
			p := read[common.Problem](t, w)
			if w.Code != c.status || p.Status != c.status || p.Detail == "" {
				t.Fatalf("%d %+v", w.Code, p)
			}
			if c.field != "" && (len(p.Errores) != 1 || p.Errores[0].Field != c.field) {
				t.Errorf("it does not name %s: %+v", c.field, p)
			}
		})
	}
	if p := read[productos.Producto](t, ask(routes, "GET", "/productos/1", "", "")); p.Cantidad != 501 {
		t.Errorf("something changed: %v", p)
	}
}

func TestServesItsDocument(t *testing.T) {
	routes := mux.NewRouter()
	rest.ServeRoutes(routes, nil, nil, nil)
	resttest.Serves(t, routes, "admin-productos")
}

// A correction, a threshold and an import go through, once for each key, and wrong ones name their fields.
func TestExistencias(t *testing.T) {
	routes := newRouter(t)
	for range 2 {
		w := ask(routes, "POST", "/productos/14/correccion", `{"cantidad":-4,"motivo":"roto"}`, "k")
		if p := read[productos.Producto](t, w); w.Code != 200 || p.Cantidad != 6 {
			t.Errorf("correct: %d %s", w.Code, w.Body)
		}
		w = ask(routes, "POST", "/importacion", `{"csv":"id_producto,cantidad\n14,4\n"}`, "l")
		if total := read[contracts.Importacion](t, w); w.Code != 200 || total.Lineas != 1 || total.Unidades != 4 {
			t.Errorf("import: %d %s", w.Code, w.Body)
		}
	}
	if w := ask(routes, "POST", "/productos/14/umbral", `{"umbral":3}`, ""); w.Code != 200 || read[contracts.LineaDeBalance](t, w).Umbral != 3 {
		t.Errorf("threshold: %d %s", w.Code, w.Body)
	}
	w := ask(routes, "GET", "/productos/14/movimientos?limite=2", "", "")
	if page := read[contracts.PaginaDeMovimientos](t, w); w.Code != 200 || page.Producto.Existencias != 10 || len(page.Movimientos) != 2 || page.Siguiente == "" ||
		page.Movimientos[0].Tipo != contracts.MovimientoReposicion || page.Movimientos[1].Motivo != "roto" {
		t.Errorf("ledger: %d %s", w.Code, w.Body)
	}
	w = ask(routes, "GET", "/balance?bajas=true", "", "")
	if lines := read[[]contracts.LineaDeBalance](t, w); w.Code != 200 || len(lines) != 1 || lines[0].IDProducto != "15" {
		t.Errorf("low: %d %s", w.Code, w.Body)
	}
	for request, field := range map[string]string{
		`POST /productos/14/correccion {"cantidad":0,"motivo":"x"}`: "cantidad", `POST /productos/14/correccion {"cantidad":1}`: "motivo",
		`POST /productos/14/umbral {"umbral":-1}`: "umbral", `POST /productos/14/umbral {}`: "umbral",
		`POST /importacion {"csv":"id_producto,cantidad\n14,-1\n"}`: "linea[2].cantidad", `POST /importacion {"csv":"id_producto,cantidad\nno,1\n"}`: "linea[2].id_producto",
		`POST /importacion {"csv":"id_producto,cantidad\nno,1\n","ensayo":true}`: "linea[2].id_producto",
		`GET /productos/14/movimientos?limite=101`:                               "limite", `GET /productos/14/movimientos?despues=-1`: "despues",
		`GET /productos/14/movimientos?despues=07`: "despues", `GET /productos/14/movimientos?tipo=VENTA`: "tipo", `GET /balance?bajas=quizás`: "bajas", `GET /balance?despues=%20`: "despues",
	} {
		method, rest, _ := strings.Cut(request, " ")
		path, body, _ := strings.Cut(rest, " ")
		w := ask(routes, method, path, body, "")
		if p := read[common.Problem](t, w); w.Code != 400 || len(p.Errores) != 1 || p.Errores[0].Field != field {
			t.Errorf("%s: %d %s", request, w.Code, w.Body)
		}
	}
	if w := ask(routes, "POST", "/productos/14/correccion", `{"cantidad":-11,"motivo":"x"}`, ""); w.Code != 409 {
		t.Errorf("below zero: %d %s", w.Code, w.Body)
	}
}
