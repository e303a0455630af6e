package e2e

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"entregas/contracts"
	. "entregas/tests/testkit"
)

// receiver is an address of another system. It refuses the first delivery of each event, and keeps those whose signature is right.
type receiver struct {
	*httptest.Server
	mu       sync.Mutex
	secret   string
	seen     map[string]int               // tries, by webhook-id
	accepted map[string]map[string]string // by webhook-id: the type, and the id and the code of the purchase
	wrong    []string
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{seen: map[string]int{}, accepted: map[string]map[string]string{}}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		body, _ := io.ReadAll(request.Body)
		id, at := request.Header.Get("webhook-id"), request.Header.Get("webhook-timestamp")
		r.mu.Lock()
		defer r.mu.Unlock()
		key, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(r.secret, "whsec_"))
		mac := hmac.New(sha256.New, key)
		_, _ = fmt.Fprintf(mac, "%s.%s.%s", id, at, body)
		if want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)); request.Header.Get("webhook-signature") != want {
			r.wrong = append(r.wrong, id)
		}
		r.seen[id]++
		if r.seen[id] == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		var event struct {
			Type string
			Data struct{ ID, Codigo string }
		}
		_ = json.Unmarshal(body, &event)
		r.accepted[id] = map[string]string{"type": event.Type, "id": event.Data.ID, "codigo": event.Data.Codigo}
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(r.Close)
	return r
}

// of returns the types of the events about a purchase that arrived.
func (r *receiver) of(idCompra string) (types []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.accepted {
		if e["id"] == idCompra {
			types = append(types, e["type"])
		}
	}
	slices.Sort(types)
	return types
}

// Another system gets each change of a purchase that it wants, signed, although it refuses the first try of each. An operator sees the
// deliveries, and sends one again with the same webhook-id. An address inside of our network is refused.
func TestAPurchaseIsToldByWebhooks(t *testing.T) {
	t.Parallel()
	s := Open(t)
	r := newReceiver(t)
	ask := func(ctx context.Context, method, path string, body, answer any, want int) {
		t.Helper()
		got, err := s.BFF.Request(ctx, method, path, body)
		if err != nil || got.Status != want {
			t.Fatalf("%s %s: %d %s %v, want %d", method, path, got.Status, got.Body, err, want)
		}
		if answer != nil {
			if err := json.Unmarshal(got.Body, answer); err != nil {
				t.Fatal(err)
			}
		}
	}
	var d contracts.DireccionDeAviso
	r.mu.Lock() // no delivery is checked before the secret is known
	ask(t.Context(), http.MethodPost, "/avisos/direcciones", contracts.NuevaDireccion{URL: r.URL, Estados: []contracts.Estado{contracts.EstadoRecibida, contracts.EstadoConfirmada}}, &d, http.StatusCreated)
	r.secret = d.Secreto
	r.mu.Unlock()
	t.Cleanup(func() {
		ask(context.Background(), http.MethodDelete, "/avisos/direcciones/"+d.ID, nil, nil, http.StatusNoContent)
	})
	ask(t.Context(), http.MethodPost, "/avisos/direcciones", contracts.NuevaDireccion{URL: "https://169.254.169.254/"}, nil, http.StatusBadRequest)

	s.Restock(t, map[string]int{"1": 10})
	id := s.Comprar(t, contracts.SolicitudCompra{IDUsuario: Usuario(t), Productos: []contracts.Linea{Linea("1", 1)}})
	codigo := s.Wait(t, id, contracts.EstadoConfirmada).Codigo
	want := []string{"compra.confirmada", "compra.recibida"}
	Until(t, "each change arrives", func(context.Context) (bool, error) {
		return slices.Equal(r.of(id), want), fmt.Errorf("%v arrived", r.of(id))
	})
	var page contracts.PaginaDeEntregas
	Until(t, "the results are stored", func(ctx context.Context) (bool, error) { // after the answer
		ask(ctx, http.MethodGet, "/avisos/entregas?estado=ENTREGADA&id_compra="+id, nil, &page, http.StatusOK)
		return len(page.Entregas) == 2, nil
	})
	e := page.Entregas[0]
	if e.Intentos != 2 || e.CodigoHTTP != http.StatusNoContent {
		t.Errorf("%+v", e)
	}
	ask(t.Context(), http.MethodPost, "/avisos/entregas/"+e.ID+"/reenvio", nil, nil, http.StatusAccepted)
	Until(t, "it arrives once more", func(context.Context) (bool, error) {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.seen[e.Evento] == 3, nil
	})
	var acts contracts.PaginaDeActos
	ask(t.Context(), http.MethodGet, "/auditoria?id="+d.ID, nil, &acts, http.StatusOK)
	if n := len(acts.Actos); n != 1 || acts.Actos[0].Tipo != contracts.ActoAviso || acts.Actos[0].Sujeto == "" {
		t.Errorf("the audit of the address: %+v", acts.Actos)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, a := range r.accepted {
		if a["id"] == id && (codigo == "" || a["codigo"] != codigo) {
			t.Errorf("%v, want the code %q", a, codigo)
		}
	}
	if len(r.wrong) > 0 {
		t.Errorf("wrong signatures: %v", r.wrong)
	}
}
