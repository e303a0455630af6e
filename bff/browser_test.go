package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"entregas/contracts"
)

const asBrowser = "text/html,application/xhtml+xml,*/*;q=0.8"

// What goes wrong in a browser is a page with the way back; the form of the sign-in comes again with what was wrong.
func TestABrowserGetsPages(t *testing.T) {
	p := newGate(t)
	for path, status := range map[string]int{"/nada": 404, "/volver?state=x": 401, "/static/nada.js": 404, "/salir": 405} {
		r := p.do(t, http.MethodGet, path, "", "Accept", asBrowser, "Authorization", "")
		if r.Code != status || !strings.HasPrefix(r.Header().Get("Content-Type"), "text/html") || !strings.Contains(r.Body.String(), `<html lang="es">`) {
			t.Errorf("%s: %d %s", path, r.Code, r.Header().Get("Content-Type"))
		}
		if r := p.do(t, http.MethodGet, path, "", nobody...); r.Code != status || r.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("another client asks for %s: %d %s", path, r.Code, r.Header().Get("Content-Type"))
		}
	}
	form := signIn()
	form.Set("usuario", " ")
	r := p.post(t, "/desarrollo/entrar", form, "Accept", asBrowser)
	if body := r.Body.String(); r.Code != 400 || !strings.Contains(body, "usuario: falta") || !strings.Contains(body, `name="state" value="`+form.Get("state")+`"`) {
		t.Errorf("an empty name: %d\n%s", r.Code, body)
	}
}

// A large answer of the interfaces is compressed. The answer with the CSRF token is not.
func TestLargeAnswersAreCompressed(t *testing.T) {
	p := newGate(t)
	p.faults.list = func(context.Context) (all []contracts.Producto) {
		for i := range 100 {
			all = append(all, contracts.Producto{ID: fmt.Sprint(i), Nombre: "Café"})
		}
		return all
	}
	get := func(path string, headers ...string) *httptest.ResponseRecorder { // without the check of the contract, which reads no gzip
		request := httptest.NewRequest(http.MethodGet, path, http.NoBody)
		for i := 0; i < len(headers); i += 2 {
			request.Header.Set(headers[i], headers[i+1])
		}
		w := httptest.NewRecorder()
		p.ServeHTTP(w, request)
		return w
	}
	r := get("/api/productos", "Accept-Encoding", "gzip, br")
	etag := r.Header().Get("ETag")
	if r.Code != 200 || r.Header().Get("Content-Encoding") != "gzip" || !strings.HasPrefix(etag, "W/") {
		t.Errorf("%d %v", r.Code, r.Header())
	}
	if r := get("/api/productos", "Accept-Encoding", "gzip", "If-None-Match", etag); r.Code != http.StatusNotModified {
		t.Errorf("again: %d", r.Code)
	}
	if r := get("/sesion", "Accept-Encoding", "gzip"); r.Header().Get("Content-Encoding") != "" {
		t.Error("/sesion is compressed")
	}
}
