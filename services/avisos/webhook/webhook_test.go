package webhook_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"entregas/services/avisos/avisos"
	"entregas/services/avisos/webhook"
)

// A receiver verifies a delivery with the library of Standard Webhooks and one of two secrets: an address whose secret was renewed
// has both for a day.
func TestAReceiverVerifiesTheSignature(t *testing.T) {
	old, fresh, other := webhook.NewSecreto(), webhook.NewSecreto(), webhook.NewSecreto()
	verdicts := map[string]error{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		for name, secreto := range map[string]string{"old": old, "fresh": fresh, "other": other} {
			hook, err := standardwebhooks.NewWebhook(secreto)
			if err != nil {
				t.Error(err)
				return
			}
			verdicts[name] = hook.Verify(body, r.Header)
		}
		if r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" || r.Header.Get("webhook-id") != "msg_1" {
			t.Errorf("%s %v", r.Method, r.Header)
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	defer server.Close()
	s := webhook.NewSender(webhook.Options{Timeout: 5 * time.Second, Loopback: true})
	a := s.Send(t.Context(), avisos.Envio{URL: server.URL, Secretos: []string{fresh, old}, Evento: "msg_1", Cuerpo: `{"type":"prueba"}`})
	if a != (avisos.Answer{Codigo: http.StatusNoContent}) || verdicts["old"] != nil || verdicts["fresh"] != nil || verdicts["other"] == nil {
		t.Errorf("%+v, %v", a, verdicts)
	}
}

func TestWhatATryComesTo(t *testing.T) {
	followed := atomic.Bool{}
	mux := http.NewServeMux()
	answer := func(path string, status int, headers ...string) {
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			for i := 0; i < len(headers); i += 2 {
				w.Header().Set(headers[i], headers[i+1])
			}
			w.WriteHeader(status)
		})
	}
	answer("/ok", http.StatusOK)
	answer("/redirect", http.StatusTemporaryRedirect, "Location", "/followed")
	answer("/broken", http.StatusInternalServerError)
	answer("/busy", http.StatusTooManyRequests, "Retry-After", "120")
	answer("/dated", http.StatusServiceUnavailable, "Retry-After", "Wed, 21 Oct 2026 07:28:00 GMT")
	mux.HandleFunc("/followed", func(http.ResponseWriter, *http.Request) { followed.Store(true) })
	left := func(r *http.Request) { // until the sender has left; the server sees that only once the body is read
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	}
	mux.HandleFunc("/slow", func(_ http.ResponseWriter, r *http.Request) { left(r) })
	mux.HandleFunc("/endless", func(w http.ResponseWriter, r *http.Request) { // a body without end must not hold a try up
		_, _ = io.Copy(io.Discard, r.Body)
		for r.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 32<<10)); err != nil {
				return
			}
		}
	})
	mux.HandleFunc("/dripping", func(w http.ResponseWriter, r *http.Request) { // a success whose body does not come
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		left(r)
	})
	mux.HandleFunc("/cut", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	server := httptest.NewServer(mux)
	defer server.Close()
	secure := httptest.NewTLSServer(mux) // its certificate is nobody's
	defer secure.Close()
	nobody := httptest.NewServer(mux)
	nobody.Close()

	patient := webhook.NewSender(webhook.Options{Timeout: 30 * time.Second, Loopback: true})
	impatient := webhook.NewSender(webhook.Options{Timeout: 300 * time.Millisecond, Loopback: true})
	for _, c := range []struct {
		url   string
		code  int
		error string // a part of it; empty means none
		pause time.Duration
	}{
		{server.URL + "/ok", 200, "", 0},
		{server.URL + "/redirect", 307, "las redirecciones no se siguen", 0},
		{server.URL + "/broken", 500, "Respondió 500", 0},
		{server.URL + "/busy", 429, "Respondió 429", 2 * time.Minute},
		{server.URL + "/dated", 503, "Respondió 503", 0},
		{server.URL + "/slow", 0, "No respondió en 300ms", 0},
		{server.URL + "/endless", 200, "", 0},
		{server.URL + "/dripping", 200, "No respondió en 300ms", 0},
		{server.URL + "/cut", 0, "se cortó", 0},
		{secure.URL + "/ok", 0, "certificado", 0},
		{nobody.URL + "/ok", 0, "No se pudo conectar", 0},
		{"http://10.255.255.1:9999/", 0, "no es una dirección pública", 0},
	} {
		s := patient
		if strings.Contains(c.error, "300ms") {
			s = impatient
		}
		started := time.Now()
		a := s.Send(t.Context(), avisos.Envio{URL: c.url, Secretos: []string{webhook.NewSecreto()}, Evento: "msg_1", Cuerpo: "{}"})
		if a.Codigo != c.code || a.RetryAfter != c.pause || (c.error == "") != (a.Error == "") || !strings.Contains(a.Error, c.error) || time.Since(started) > 20*time.Second {
			t.Errorf("%s: %+v after %s", c.url, a, time.Since(started))
		}
	}
	if followed.Load() {
		t.Error("a redirect was followed")
	}
}

// Failure prevented: the text of a broken secret in a log or in an error.
func TestABrokenSecretIsNotShown(t *testing.T) {
	s := webhook.NewSender(webhook.Options{Timeout: time.Second, Loopback: true})
	if a := s.Send(t.Context(), avisos.Envio{URL: "http://127.0.0.1:1024/", Secretos: []string{"whsec_%%%"}}); a.Error == "" || strings.Contains(a.Error, "%%%") {
		t.Errorf("%+v", a)
	}
}
