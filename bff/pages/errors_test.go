package pages_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"entregas/bff/pages"
	"entregas/contracts"
	"entregas/internal/errs"
	"entregas/internal/rest"
)

// failing answers every request with the problem of err.
func failing(err error) http.Handler {
	return pages.Errors(rest.Route(func(http.ResponseWriter, *http.Request) error { return err }))
}

// A browser gets a page with the status, the headers and the way back of each problem, in both languages. Other clients get the problem.
func TestAProblemIsAPage(t *testing.T) {
	hostile := "</li><script>alert(1)</script>\x00\n" + strings.Repeat("W", 300)
	for _, c := range []struct {
		err              error
		path             string
		status           int
		spanish, english string
		link             string
	}{
		{errs.New(errs.NotFound, "No existe la ruta /x."), "/x", 404, "Aquí no hay nada", "There is nothing here", `href="/"`},
		{errs.New(errs.NotFound, "No."), "/operador/x", 404, "Aquí no hay nada", "There is nothing here", `href="/operador"`},
		{errs.New(errs.NoIdentity, "Este ingreso ya venció."), "/volver", 401, "Entre otra vez", "Sign in again", `href="/entrar"`},
		{errs.New(errs.TooMany, "Muchas."), "/", 429, "Va muy rápido", "That was too fast", `href=""`},
		{errs.New(errs.Unavailable, "Nadie."), "/", 503, "Volvemos en un momento", "We are back in a moment", `href=""`},
		{errs.New(errs.Busy, "Mucho."), "/", 503, "Hay mucha gente", "There are many people here", `href=""`},
		{http.ErrBodyNotAllowed, "/", 500, "Algo falló", "Something failed", `href=""`},
		{contracts.BadField("usuario", hostile), "/desarrollo/entrar", 400, "usuario: &lt;/li&gt;&lt;script&gt;", "That does not work", `href="/"`},
	} {
		for language, text := range map[string]string{"es": c.spanish, "en": c.english} {
			r := httptest.NewRequest(http.MethodGet, c.path, http.NoBody)
			r.Header.Set("Accept", html)
			r.Header.Set("Accept-Language", language)
			w := httptest.NewRecorder()
			failing(c.err).ServeHTTP(w, r)
			body := w.Body.String()
			if w.Code != c.status || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") || !strings.Contains(body, `<html lang="`+language+`">`) ||
				!strings.Contains(body, text) || !strings.Contains(body, c.link) || strings.Contains(body, "<script>") || w.Header().Get("Content-Security-Policy") == "" || w.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("%s of %v in %s: %d %v\n%s", c.path, c.err, language, w.Code, w.Header(), body)
			}
			if (c.status == 429 || c.status == 503) && w.Header().Get("Retry-After") == "" {
				t.Errorf("%d says not when to try again", c.status)
			}
		}
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodGet, c.path, http.NoBody)
		r.Header.Set("Accept", "*/*")
		failing(c.err).ServeHTTP(w, r)
		var p rest.Problem
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != c.status || p.Status != c.status || w.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("another client gets %d %s", w.Code, w.Body)
		}
	}
}

// What is no problem passes unchanged.
func TestOtherAnswersPass(t *testing.T) {
	r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
	r.Header.Set("Accept", html)
	w := httptest.NewRecorder()
	pages.Errors(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte(`{"a":1}`))
	})).ServeHTTP(w, r)
	if w.Code != http.StatusNotFound || w.Body.String() != `{"a":1}` {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// Each code of a problem has a title and a text.
func TestEachProblemHasWords(t *testing.T) {
	texts := wordsOf(t, pages.Default)
	for _, code := range []errs.Code{errs.Invalid, errs.NotFound, errs.Conflict, errs.OtherBody, errs.TooLarge, errs.UnsupportedType, errs.NotAllowed, errs.Unavailable, errs.BadMessage,
		errs.NoIdentity, errs.NoPermission, errs.TooMany, errs.Quota, errs.Busy, errs.OutcomeUnknown, errs.Internal} {
		for _, group := range []string{"error.", "problem."} {
			if _, found := texts[group+string(code)]; !found {
				t.Errorf("there is no text %s%s", group, code)
			}
		}
	}
}
