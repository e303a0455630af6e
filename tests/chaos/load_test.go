package main

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"entregas/contracts"
	"entregas/tests/client"
)

// Failure prevented: a response is lost, and the matrix counts the purchase as accepted although no customer got its id.
func TestOnlyAnAnswerThatNamesItIsAPurchase(t *testing.T) {
	keys := map[string]int{}
	answers := []http.HandlerFunc{
		func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) }, // no response
		func(w http.ResponseWriter, _ *http.Request) { // a response that breaks off
			w.Header().Set("Content-Length", "80")
			w.WriteHeader(http.StatusAccepted)
			_, _ = w.Write([]byte(`{"id":"01a210dc`))
		},
		func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "{}", http.StatusServiceUnavailable) },
		func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "{}", http.StatusTooManyRequests) },
		func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusAccepted)
			_, _ = w.Write([]byte(`{"id":"01a210dc-c528-7c97-8033-c068c8362972","estado":"RECIBIDA"}`))
		},
	}
	n := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		keys[r.Header.Get("Idempotency-Key")]++
		answer := answers[n]
		n++
		answer(w, r)
	}))
	defer s.Close()
	c := &load{bff: client.New(s.URL), all: map[string]*followed{}}
	p := c.comprar(t.Context(), contracts.SolicitudCompra{IDUsuario: "ana"}, "simple")
	if p == nil || p.id != "01a210dc-c528-7c97-8033-c068c8362972" || len(c.all) != 1 || len(c.failures) != 0 {
		t.Errorf("%+v, %d purchases, %q", p, len(c.all), c.failures)
	}
	if len(keys) != 1 {
		t.Errorf("one purchase was sent under %d keys", len(keys))
	}
	if c.door.asked != 5 || c.door.errors5xx != 1 || c.door.none != 2 {
		t.Errorf("seen at the door: %+v", c.door)
	}
}
