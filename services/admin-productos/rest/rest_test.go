package rest_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gorilla/mux"

	"entregas/services/admin-productos/postgres"
	"entregas/services/admin-productos/productos"
	"entregas/services/admin-productos/rest"
	"entregas/services/internal/arranque"
	"entregas/services/internal/basetest"
	comun "entregas/services/internal/rest"
	"entregas/services/internal/resttest"
)

func nuevo(t *testing.T) http.Handler {
	rutas := arranque.Config{}.Rutas(nil)
	rest.Servir(rutas, postgres.Nuevo(basetest.Nueva(t, postgres.Migraciones)))
	return rutas
}

func pedir(rutas http.Handler, metodo, ruta, cuerpo, clave string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(metodo, ruta, strings.NewReader(cuerpo))
	r.Header.Set("Content-Type", "application/json")
	if clave != "" {
		r.Header.Set("Idempotency-Key", clave)
	}
	w := httptest.NewRecorder()
	rutas.ServeHTTP(w, r)
	return w
}

func leer[T any](t *testing.T, w *httptest.ResponseRecorder) (v T) {
	t.Helper()
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
		t.Fatalf("%d %s: %v", w.Code, w.Body, err)
	}
	return v
}

func TestVerProductos(t *testing.T) {
	rutas := nuevo(t)
	w := pedir(rutas, "GET", "/productos", "", "")
	if lista := leer[[]productos.Producto](t, w); w.Code != 200 || len(lista) != 18 || lista[13].ID != "14" || lista[13].Cantidad != 10 {
		t.Errorf("%d: %v", w.Code, lista)
	}
	w = pedir(rutas, "GET", "/productos/11", "", "")
	if p := leer[map[string]any](t, w); w.Code != 200 || len(p) != 3 || p["id"] != "11" || p["nombre"] == "" || p["cantidad"] != 1000.0 {
		t.Errorf("%d: %v", w.Code, p)
	}
}

func TestBuscarProductos(t *testing.T) {
	rutas := nuevo(t)
	for buscar, ids := range map[string]string{
		"cafe": "1,13,14", "CAFÉ+origen": "1", "molino%20manual": "14", "origen+cafe": "1", "15": "15", "nada": "", "+": "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18",
	} {
		w := pedir(rutas, "GET", "/productos?buscar="+buscar, "", "")
		var hallados []string
		for _, p := range leer[[]productos.Producto](t, w) {
			hallados = append(hallados, p.ID)
		}
		if got := strings.Join(hallados, ","); w.Code != 200 || got != ids {
			t.Errorf("%s: %d %s, quiero %s", buscar, w.Code, got, ids)
		}
	}
	if w := pedir(rutas, "GET", "/productos?buscar="+strings.Repeat("a", 65), "", ""); w.Code != 400 {
		t.Errorf("demasiado largo: %d", w.Code)
	}
}

func TestBalance(t *testing.T) {
	rutas := nuevo(t)
	pedir(rutas, "POST", "/productos/1/reposicion", `{"cantidad": 7}`, "k")
	lineas := leer[[]map[string]any](t, pedir(rutas, "GET", "/balance", "", ""))
	if len(lineas) != 18 || lineas[0]["id_producto"] != "1" || lineas[0]["repuesto"] != 7.0 || lineas[0]["existencias"] != 507.0 || lineas[0]["diferencia"] != 0.0 {
		t.Errorf("%v", lineas)
	}
}

func TestReponerPorREST(t *testing.T) {
	rutas := nuevo(t)
	for range 2 {
		w := pedir(rutas, "POST", "/productos/15/reposicion", `{"cantidad": 7}`, "k1")
		if p := leer[productos.Producto](t, w); w.Code != 200 || p.Cantidad != 7 {
			t.Errorf("%d: %v", w.Code, p)
		}
	}
	for esperada := 8; esperada <= 9; esperada++ { // without a key each is one more
		if p := leer[productos.Producto](t, pedir(rutas, "POST", "/productos/15/reposicion", `{"cantidad": 1}`, "")); p.Cantidad != esperada {
			t.Errorf("sin clave: %v", p)
		}
	}
}

func TestPeticionesQueNoSePueden(t *testing.T) {
	rutas := nuevo(t)
	largo := strings.Repeat("x", 300)
	for nombre, c := range map[string]struct {
		metodo, ruta, cuerpo, clave string
		estado                      int
		campo                       string
	}{
		"unknown product":         {"GET", "/productos/19", "", "", 404, ""},
		"restock of an unknown":   {"POST", "/productos/19/reposicion", `{"cantidad": 1}`, "", 404, ""},
		"control character":       {"GET", "/productos/1%00", "", "", 400, "id"},
		"long id":                 {"GET", "/productos/" + largo, "", "", 400, "id"},
		"quantity 0":              {"POST", "/productos/1/reposicion", `{"cantidad": 0}`, "", 400, "cantidad"},
		"no quantity":             {"POST", "/productos/1/reposicion", `{}`, "", 400, "cantidad"},
		"negative":                {"POST", "/productos/1/reposicion", `{"cantidad": -1}`, "", 400, "cantidad"},
		"above a million":         {"POST", "/productos/1/reposicion", `{"cantidad": 1000001}`, "", 400, "cantidad"},
		"not a number":            {"POST", "/productos/1/reposicion", `{"cantidad": "1"}`, "", 400, "cantidad"},
		"unknown field":           {"POST", "/productos/1/reposicion", `{"cantidades": 1}`, "", 400, "cantidades"},
		"not JSON":                {"POST", "/productos/1/reposicion", `{`, "", 400, ""},
		"no body":                 {"POST", "/productos/1/reposicion", ``, "", 400, ""},
		"long key":                {"POST", "/productos/1/reposicion", `{"cantidad": 1}`, largo, 400, "Idempotency-Key"},
		"key with another body":   {"POST", "/productos/1/reposicion", `{"cantidad": 2}`, "usada", 422, ""},
		"body larger than 1 MiB":  {"POST", "/productos/1/reposicion", `{"cantidad": ` + strings.Repeat(" ", 1<<20) + `1}`, "", 413, ""},
		"key with a control rune": {"POST", "/productos/1/reposicion", `{"cantidad": 1}`, "a\tb", 400, "Idempotency-Key"},
	} {
		t.Run(nombre, func(t *testing.T) {
			pedir(rutas, "POST", "/productos/1/reposicion", `{"cantidad": 1}`, "usada")
			w := pedir(rutas, c.metodo, c.ruta, c.cuerpo, c.clave)
			p := leer[comun.Problema](t, w)
			if w.Code != c.estado || p.Status != c.estado || p.Detail == "" {
				t.Fatalf("%d %+v", w.Code, p)
			}
			if c.campo != "" && (len(p.Errores) != 1 || p.Errores[0].Campo != c.campo) {
				t.Errorf("no nombra %s: %+v", c.campo, p)
			}
		})
	}
	if p := leer[productos.Producto](t, pedir(rutas, "GET", "/productos/1", "", "")); p.Cantidad != 501 {
		t.Errorf("algo cambió: %v", p)
	}
}

func TestServesItsDocument(t *testing.T) {
	routes := mux.NewRouter()
	rest.Servir(routes, nil)
	resttest.Serves(t, routes, "admin-productos")
}
