package webhook

import (
	"testing"
	"time"

	"entregas/services/avisos/avisos"
)

// The headers are those of the example in the specification of Standard Webhooks' reference library.
func TestTheSignatureOfTheSpecification(t *testing.T) {
	s := NewSender(Options{})
	r, err := s.request(t.Context(), avisos.Envio{
		URL: "https://example.com/", Secretos: []string{"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}, Evento: "msg_p5jXN8AQM9LWM0D4loKWxJek", Cuerpo: `{"test": 2432232314}`,
	}, time.Unix(1614265330, 0))
	if err != nil {
		t.Fatal(err)
	}
	for header, want := range map[string]string{
		"webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek", "webhook-timestamp": "1614265330", "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
	} {
		if got := r.Header.Get(header); got != want {
			t.Errorf("%s: %s, want %s", header, got, want)
		}
	}
}
