package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"entregas/contracts"
	"entregas/services/bff/borde"
	"entregas/services/bff/identidad"
)

// A client that is over its rate is told to wait: counted by subject where it is identified, else by address, also with a token that
// is not valid.
func TestRitmo(t *testing.T) {
	p := nuevaPuerta(t, func(c *config) { c.PorSujeto, c.DeGolpe, c.PorDireccion, c.DireccionGolpe = 0.001, 5, 0.001, 3 })
	pasan := func(ruta string, cabeceras ...string) (n int) {
		for range 10 {
			r := p.pedir(t, http.MethodGet, ruta, "", cabeceras...)
			if r.Code != http.StatusTooManyRequests {
				n++
				continue
			}
			if dicho := problema(t, r); r.Header().Get("Retry-After") == "" || !strings.HasSuffix(dicho.Type, "demasiadas") {
				t.Errorf("%v %+v", r.Header(), dicho)
			}
		}
		return n
	}
	ana, eva := p.como(t, "ana", identidad.Cliente), p.como(t, "eva", identidad.Cliente)
	for _, c := range []struct {
		nombre    string
		ruta      string
		cabeceras []string
		pasan     int
	}{
		{"ana", "/api/productos", ana, 5},
		{"ana, with another token", "/api/usuarios/ana/compras", p.como(t, "ana", identidad.Cliente), 0},
		{"eva, at the same address", "/api/productos", eva, 5},
		{"nobody", "/api/productos", nadie, 3},
		{"a token that is not valid, at the same address", "/api/productos", []string{"Authorization", "Bearer x"}, 0},
		{"signing in, at the same address", "/sesion", nadie, 0},
	} {
		if n := pasan(c.ruta, c.cabeceras...); n != c.pasan {
			t.Errorf("%s: pasan %d, quiero %d", c.nombre, n, c.pasan)
		}
	}
	// The pages themselves and what the sidecar delivers are not counted.
	if r := p.pedir(t, http.MethodGet, "/healthz", "", nadie...); r.Code != http.StatusOK {
		t.Errorf("/healthz: %d", r.Code)
	}
}

func TestETag(t *testing.T) {
	p := nuevaPuerta(t)
	p.conLaDeAna(t, "")
	for _, ruta := range []string{"/api/productos", "/api/productos/1", "/api/compras", "/api/compras/" + deAna, "/api/usuarios/ana/compras", "/api/operacion/balance", "/api/ordenes/" + idOrden} {
		r := p.pedir(t, http.MethodGet, ruta, "")
		etiqueta := r.Header().Get("ETag")
		if r.Code != http.StatusOK || etiqueta == "" {
			t.Errorf("%s: %d %q", ruta, r.Code, etiqueta)
		}
		for _, tengo := range []string{etiqueta, `"x", W/` + etiqueta, "*"} {
			if r := p.pedir(t, http.MethodGet, ruta, "", "If-None-Match", tengo); r.Code != http.StatusNotModified || r.Body.Len() != 0 {
				t.Errorf("%s con %s: %d %s", ruta, tengo, r.Code, r.Body)
			}
		}
	}
	antes := p.pedir(t, http.MethodGet, "/api/compras/"+deAna, "").Header().Get("ETag")
	p.gestor.Avanzar(deAna, contracts.EstadoIniciada)
	if r := p.pedir(t, http.MethodGet, "/api/compras/"+deAna, "", "If-None-Match", antes); r.Code != http.StatusOK {
		t.Errorf("lo que cambió: %d", r.Code)
	}
}

func TestCORS(t *testing.T) {
	p := borde.CORS([]string{"https://socio.example"}, nuevaPuerta(t))
	for _, c := range []struct {
		origen, pide string
		deja         bool
	}{{"https://socio.example", "POST", true}, {"https://otro.example", "POST", false}, {"https://socio.example", "", true}, {"", "", false}} {
		verbo := http.MethodGet
		if c.pide != "" {
			verbo = http.MethodOptions
		}
		r := httptest.NewRequest(verbo, "/api/productos", http.NoBody)
		r.Header.Set("Origin", c.origen)
		if c.pide != "" {
			r.Header.Set("Access-Control-Request-Method", c.pide)
		}
		w := httptest.NewRecorder()
		p.ServeHTTP(w, r)
		if dice := w.Header().Get("Access-Control-Allow-Origin"); (dice == c.origen && c.origen != "") != c.deja || w.Header().Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%+v: %d %v", c, w.Code, w.Header())
		}
	}
}

func TestHonduraYCosto(t *testing.T) {
	p := nuevaPuerta(t)
	p.conLaDeAna(t, "")
	honda := `{compras{compras{historia{numero}}}}`
	for _, c := range []struct{ nombre, consulta, dice string }{
		{"a usual one", honda, ""},
		{"a dear one", `{compras(limite:100){compras{id idUsuario mensajes{comando} historia{numero paso}}}}`, ""},
		{"too dear", `{a:compras(limite:100){compras{mensajes{comando}}} b:compras(limite:100){compras{mensajes{comando}}}}`, "cuesta demasiado"},
		{"too dear by a limit that is none", `{a:compras(limite:-1000000){compras{id}} b:compras(limite:1000000){compras{mensajes{comando tipo:respuesta}}} c:compras(limite:100){compras{mensajes{comando}}}}`, "cuesta demasiado"},
		{"introspection", `{__schema{types{fields{type{ofType{ofType{ofType{ofType{ofType{name}}}}}}}}}}`, ""},
	} {
		r := p.graphql(t, c.consulta)
		if c.dice == "" && len(r.Errors) != 0 && r.Errors[0].Extensions.Code == "demasiado" {
			t.Errorf("%s: %+v", c.nombre, r.Errors)
		}
		if c.dice != "" && (len(r.Errors) == 0 || !strings.Contains(r.Errors[0].Message, c.dice)) {
			t.Errorf("%s: %+v %s", c.nombre, r.Errors, r.Data)
		}
	}
	p = nuevaPuerta(t, func(c *config) { c.Introspeccion, c.GraphiQL = false, false })
	for _, ruta := range []string{"/graphql", "/v1"} {
		r := p.pedir(t, http.MethodPost, ruta, `{"query":"{__schema{types{name}}}"}`, "Content-Type", "application/json")
		if !strings.Contains(r.Body.String(), `"code":"sin-permiso"`) || strings.Contains(r.Body.String(), "Query") {
			t.Errorf("%s sin introspección: %s", ruta, r.Body)
		}
	}
	if r := p.pedir(t, http.MethodGet, "/graphiql", "", nadie...); r.Code != http.StatusNotFound {
		t.Errorf("sin GraphiQL: %d", r.Code)
	}
}

// What a browser needs to read and try the interfaces is in the program, and is loaded from nowhere else.
func TestDocumentos(t *testing.T) {
	p := nuevaPuerta(t)
	for ruta, dice := range map[string]string{
		"/docs": "<rapi-doc", "/docs/rapidoc.js": "RapiDoc", "/docs/openapi.yaml": "openapi: 3.0.3", "/docs/asyncapi.yaml": "asyncapi: 3.0.0",
		"/graphiql": "graphiql.min.js", "/graphiql/graphiql.min.js": "GraphiQL", "/graphiql/react.production.min.js": "React", "/graphiql/inicio.js": "/graphql",
	} {
		r := p.pedir(t, http.MethodGet, ruta, "", nadie...)
		if r.Code != http.StatusOK || !strings.Contains(r.Body.String(), dice) || r.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %d %v %.200s", ruta, r.Code, r.Header(), r.Body)
		}
		if strings.HasSuffix(r.Header().Get("Content-Type"), "text/html; charset=utf-8") && (strings.Contains(r.Body.String(), "https://") || !strings.Contains(r.Header().Get("Content-Security-Policy"), "default-src 'self'")) {
			t.Errorf("%s carga de otra parte: %s", ruta, r.Body)
		}
	}
}

// Whom the address of a request is counted to: what the client says of itself is believed only as far as proxies of ours wrote it.
func TestDeQueDireccion(t *testing.T) {
	for _, c := range []struct {
		nombre  string
		proxies int
		dicen   [2][]string // X-Forwarded-For of two requests
		juntas  bool        // they are counted to one address
	}{
		{"no proxy: the header is not read", 0, [2][]string{{"1.1.1.1"}, {"2.2.2.2"}}, true},
		{"one: two customers", 1, [2][]string{{"1.1.1.1"}, {"2.2.2.2"}}, false},
		{"one: a customer who invents", 1, [2][]string{{"9.9.9.9, 1.1.1.1"}, {"8.8.8.8", "1.1.1.1"}}, true},
		{"two: a customer who invents", 2, [2][]string{{"9.9.9.9, 1.1.1.1, 35.0.0.1"}, {"8.8.8.8, 1.1.1.1, 35.0.0.2"}}, true},
		{"two: two customers", 2, [2][]string{{"1.1.1.1, 35.0.0.1"}, {"2.2.2.2, 35.0.0.1"}}, false},
		{"two: one whole network of IPv6", 2, [2][]string{{"2001:db8::1, 35.0.0.1"}, {"2001:db8::2, 35.0.0.1"}}, true},
		{"two, passed by", 2, [2][]string{{"1.1.1.1"}, {"2.2.2.2"}}, true},
		{"one: what is no address", 1, [2][]string{{"a"}, {"b"}}, true},
	} {
		p := nuevaPuerta(t, func(c2 *config) { c2.PorDireccion, c2.DireccionGolpe, c2.Proxies = 0.001, 1, c.proxies })
		var estados [2]int
		for i, dice := range c.dicen {
			r := httptest.NewRequest(http.MethodGet, "/api/productos", http.NoBody)
			r.Header["X-Forwarded-For"] = dice
			w := httptest.NewRecorder()
			p.ServeHTTP(w, r)
			estados[i] = w.Code
		}
		if estados[0] != http.StatusOK || (estados[1] == http.StatusTooManyRequests) != c.juntas {
			t.Errorf("%s: %v", c.nombre, estados)
		}
	}
}

// A client that is over its rate does not reach the state store with invented cookies; one with a token is not counted there.
func TestGalletasInventadas(t *testing.T) {
	p := nuevaPuerta(t, func(c *config) { c.PorDireccion, c.DireccionGolpe = 0.001, 3 })
	ana := p.como(t, "ana", identidad.Cliente)
	antes := p.almacen.Lecturas()
	for range 10 {
		p.pedir(t, http.MethodGet, "/api/productos", "", append(nadie, "Cookie", "entregas_sesion=INVENTADA")...)
	}
	if n := p.almacen.Lecturas() - antes; n != 3 {
		t.Errorf("se leyó el almacén %d veces", n)
	}
	if r := p.pedir(t, http.MethodGet, "/api/productos", "", ana...); r.Code != http.StatusOK {
		t.Errorf("ana, con token, desde la misma dirección: %d", r.Code)
	}
}

// A HEAD has the headers of the GET and no body; a live stream has none.
func TestHead(t *testing.T) {
	p := nuevaPuerta(t)
	servidor := httptest.NewServer(borde.ConHead(p))
	defer servidor.Close()
	for ruta, estado := range map[string]int{
		"/api/productos": http.StatusOK, "/api/productos/nada": http.StatusNotFound, "/docs": http.StatusOK, "/": http.StatusOK,
		"/stream": http.StatusMethodNotAllowed, "/api/compras": http.StatusUnauthorized,
	} {
		r, err := http.Head(servidor.URL + ruta)
		if err != nil {
			t.Fatal(err)
		}
		if cuerpo, err := io.ReadAll(r.Body); err != nil || len(cuerpo) != 0 || r.StatusCode != estado || r.Header.Get("Content-Type") == "" {
			t.Errorf("%s: %d %v, %d bytes, %v", ruta, r.StatusCode, r.Header, len(cuerpo), err)
		}
		_ = r.Body.Close()
	}
}
