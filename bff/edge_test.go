package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"entregas/bff/edge"
	"entregas/bff/identity"
	"entregas/contracts"
)

// A client over its rate gets 429. The bff counts an identified client by subject. It counts any other client, also a client with
// an invalid token, by address.
func TestRate(t *testing.T) {
	p := newGate(t, func(c *config) { c.PerSubject, c.Burst, c.PerAddress, c.AddressBurst = 0.001, 5, 0.001, 3 })
	passes := func(path string, headers ...string) (n int) {
		for range 10 {
			r := p.do(t, http.MethodGet, path, "", headers...)
			if r.Code != http.StatusTooManyRequests {
				n++
				continue
			}
			if said := problem(t, r); r.Header().Get("Retry-After") == "" || !strings.HasSuffix(said.Type, "demasiadas") {
				t.Errorf("%v %+v", r.Header(), said)
			}
		}
		return n
	}
	ana, eva := p.as(t, "ana", identity.Cliente), p.as(t, "eva", identity.Cliente)
	for _, c := range []struct {
		name    string
		path    string
		headers []string
		passes  int
	}{
		{"ana", "/api/productos", ana, 5},
		{"ana, with another token", "/api/usuarios/ana/compras", p.as(t, "ana", identity.Cliente), 0},
		{"eva, at the same address", "/api/productos", eva, 5},
		{"nobody", "/api/productos", nobody, 3},
		{"a token that is not valid, at the same address", "/api/productos", []string{"Authorization", "Bearer x"}, 0},
		{"signing in, at the same address", "/sesion", nobody, 0},
	} {
		if n := passes(c.path, c.headers...); n != c.passes {
			t.Errorf("%s: got %d through, want %d", c.name, n, c.passes)
		}
	}
	// The files of the pages and the sidecar's messages are not counted.
	if r := p.do(t, http.MethodGet, "/healthz", "", nobody...); r.Code != http.StatusOK {
		t.Errorf("/healthz: %d", r.Code)
	}
}

func TestETag(t *testing.T) {
	p := newGate(t)
	p.withAnasCompra(t, "")
	for _, path := range []string{"/api/productos", "/api/productos/1", "/api/compras", "/api/compras/" + anasCompra, "/api/usuarios/ana/compras", "/api/operacion/balance", "/api/ordenes/" + idOrden} {
		r := p.do(t, http.MethodGet, path, "")
		etag := r.Header().Get("ETag")
		if r.Code != http.StatusOK || etag == "" {
			t.Errorf("%s: %d %q", path, r.Code, etag)
		}
		for _, got := range []string{etag, `"x", W/` + etag, "*"} {
			if r := p.do(t, http.MethodGet, path, "", "If-None-Match", got); r.Code != http.StatusNotModified || r.Body.Len() != 0 {
				t.Errorf("%s with %s: got %d %s", path, got, r.Code, r.Body)
			}
		}
	}
	earlier := p.do(t, http.MethodGet, "/api/compras/"+anasCompra, "").Header().Get("ETag")
	p.manager.Advance(anasCompra, contracts.EstadoIniciada)
	if r := p.do(t, http.MethodGet, "/api/compras/"+anasCompra, "", "If-None-Match", earlier); r.Code != http.StatusOK {
		t.Errorf("after a change: got %d", r.Code)
	}
}

// The pages of CORS_ORIGINS, and no others, may send requests with a token, never with the session's cookie.
func TestCORS(t *testing.T) {
	partner := []string{"https://socio.example"}
	for _, c := range []struct {
		name            string
		origins         []string
		origin          string
		method, headers string // that a preflight request asks for; "" for a GET
		allowed         bool
	}{
		{"a preflight for a POST", partner, "https://socio.example", "POST", "authorization,content-type,idempotency-key", true},
		{"a preflight for a method that no operation has", partner, "https://socio.example", "TRACE", "", false},
		{"a preflight for a header that no operation has", partner, "https://socio.example", "POST", "x-csrf-token", false},
		{"a preflight of another site", partner, "https://otro.example", "POST", "", false},
		{"a GET", partner, "https://socio.example", "", "", true},
		{"a GET of another site", partner, "https://otro.example", "", "", false},
		{"a GET of no page", partner, "", "", "", false},
		{"a GET where no origin is allowed", nil, "https://socio.example", "", "", false},
		{"an asterisk is an origin like any other", []string{"*"}, "https://socio.example", "", "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/api/productos", http.NoBody)
			if c.method != "" {
				r.Method = http.MethodOptions
				r.Header.Set("Access-Control-Request-Method", c.method)
			}
			if c.headers != "" {
				r.Header.Set("Access-Control-Request-Headers", c.headers)
			}
			r.Header.Set("Origin", c.origin)
			w := httptest.NewRecorder()
			edge.CORS(c.origins, newGate(t)).ServeHTTP(w, r)
			h := w.Header()
			want := map[string]string{"Access-Control-Allow-Origin": "", "Access-Control-Allow-Credentials": "", "Access-Control-Expose-Headers": "", "Access-Control-Max-Age": ""}
			switch {
			case c.allowed && c.method != "":
				want["Access-Control-Allow-Origin"], want["Access-Control-Max-Age"] = c.origin, "600"
			case c.allowed:
				want["Access-Control-Allow-Origin"], want["Access-Control-Expose-Headers"] = c.origin, "Etag, Location, Retry-After, Age"
			}
			for name, value := range want {
				if h.Get(name) != value {
					t.Errorf("%s: got %q, want %q", name, h.Get(name), value)
				}
			}
			if !strings.Contains(strings.Join(h.Values("Vary"), ","), "Origin") {
				t.Errorf("Vary: got %q, want Origin in it", h.Values("Vary"))
			}
		})
	}
}

func TestDepthAndCost(t *testing.T) {
	p := newGate(t)
	p.withAnasCompra(t, "")
	deep := `{compras{compras{historia{numero}}}}`
	for _, c := range []struct{ name, query, says string }{
		{"a usual one", deep, ""},
		{"a dear one", `{compras(limite:100){compras{id idUsuario mensajes{comando} historia{numero paso}}}}`, ""},
		{"too dear", `{a:compras(limite:100){compras{mensajes{comando}}} b:compras(limite:100){compras{mensajes{comando}}}}`, "cuesta demasiado"},
		{"too dear by a limit that is none", `{a:compras(limite:-1000000){compras{id}} b:compras(limite:1000000){compras{mensajes{comando tipo:respuesta}}} c:compras(limite:100){compras{mensajes{comando}}}}`, "cuesta demasiado"},
		{"introspection", `{__schema{types{fields{type{ofType{ofType{ofType{ofType{ofType{name}}}}}}}}}}`, ""},
	} {
		r := p.graphql(t, c.query)
		if c.says == "" && len(r.Errors) != 0 && r.Errors[0].Extensions.Code == "demasiado" {
			t.Errorf("%s: %+v", c.name, r.Errors)
		}
		if c.says != "" && (len(r.Errors) == 0 || !strings.Contains(r.Errors[0].Message, c.says)) {
			t.Errorf("%s: %+v %s", c.name, r.Errors, r.Data)
		}
	}
	p = newGate(t, func(c *config) { c.Introspection, c.GraphiQL = false, false })
	for _, path := range []string{"/graphql", "/v1"} {
		r := p.do(t, http.MethodPost, path, `{"query":"{__schema{types{name}}}"}`, "Content-Type", "application/json")
		if !strings.Contains(r.Body.String(), `"code":"sin-permiso"`) || strings.Contains(r.Body.String(), "Query") {
			t.Errorf("%s without introspection: %s", path, r.Body)
		}
	}
	if r := p.do(t, http.MethodGet, "/graphiql", "", nobody...); r.Code != http.StatusNotFound {
		t.Errorf("without GraphiQL: got %d", r.Code)
	}
}

// /docs and /graphiql load all their files from the bff, and none from another site.
func TestDocuments(t *testing.T) {
	p := newGate(t)
	for path, says := range map[string]string{
		"/docs": "<rapi-doc", "/docs/rapidoc.js": "RapiDoc", "/docs/openapi.yaml": "openapi: 3.0.3", "/docs/asyncapi.yaml": "asyncapi: 3.0.0",
		"/graphiql": "graphiql.min.js", "/graphiql/graphiql.min.js": "GraphiQL", "/graphiql/react.production.min.js": "React", "/graphiql/start.js": "/graphql",
	} {
		r := p.do(t, http.MethodGet, path, "", nobody...)
		if r.Code != http.StatusOK || !strings.Contains(r.Body.String(), says) || r.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %d %v %.200s", path, r.Code, r.Header(), r.Body)
		}
		if strings.HasSuffix(r.Header().Get("Content-Type"), "text/html; charset=utf-8") && (strings.Contains(r.Body.String(), "https://") || !strings.Contains(r.Header().Get("Content-Security-Policy"), "default-src 'self'")) {
			t.Errorf("%s loads from another site: %s", path, r.Body)
		}
	}
}

// The address of a request comes from X-Forwarded-For only as far as our own proxies wrote it.
func TestWhichAddress(t *testing.T) {
	for _, c := range []struct {
		name     string
		proxies  int
		say      [2][]string // X-Forwarded-For of two requests
		together bool        // both requests count for one address
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
		p := newGate(t, func(c2 *config) { c2.PerAddress, c2.AddressBurst, c2.Proxies = 0.001, 1, c.proxies })
		var estados [2]int
		for i, says := range c.say {
			r := httptest.NewRequest(http.MethodGet, "/api/productos", http.NoBody)
			r.Header["X-Forwarded-For"] = says
			w := httptest.NewRecorder()
			p.ServeHTTP(w, r)
			estados[i] = w.Code
		}
		if estados[0] != http.StatusOK || (estados[1] == http.StatusTooManyRequests) != c.together {
			t.Errorf("%s: %v", c.name, estados)
		}
	}
}

// Invented cookies of a client over its rate do not reach the state store. A client with a token counts by its subject.
func TestMadeUpCookies(t *testing.T) {
	p := newGate(t, func(c *config) { c.PerAddress, c.AddressBurst = 0.001, 3 })
	ana := p.as(t, "ana", identity.Cliente)
	earlier := p.store.Reads()
	for range 10 {
		p.do(t, http.MethodGet, "/api/productos", "", append(nobody, "Cookie", "entregas_sesion=INVENTADA")...)
	}
	if n := p.store.Reads() - earlier; n != 3 {
		t.Errorf("the store was read %d times", n)
	}
	if r := p.do(t, http.MethodGet, "/api/productos", "", ana...); r.Code != http.StatusOK {
		t.Errorf("ana with a token from the same address: got %d", r.Code)
	}
}

// HEAD answers the headers of GET without a body; a live stream does not answer HEAD.
func TestHead(t *testing.T) {
	p := newGate(t)
	server := httptest.NewServer(edge.WithHead(p))
	defer server.Close()
	for path, status := range map[string]int{
		"/api/productos": http.StatusOK, "/api/productos/nada": http.StatusNotFound, "/docs": http.StatusOK, "/": http.StatusOK,
		"/stream": http.StatusMethodNotAllowed, "/api/compras": http.StatusUnauthorized,
	} {
		r, err := http.Head(server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(r.Body); err != nil || len(body) != 0 || r.StatusCode != status || r.Header.Get("Content-Type") == "" {
			t.Errorf("%s: %d %v, %d bytes, %v", path, r.StatusCode, r.Header, len(body), err)
		}
		_ = r.Body.Close()
	}
}
