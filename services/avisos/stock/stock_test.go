package stock_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"entregas/contracts"
	"entregas/internal/databasetest"
	"entregas/internal/errs"
	"entregas/internal/rest"
	"entregas/services/avisos/postgres"
	"entregas/services/avisos/stock"
)

// shelf has the stock of products. down is the product for which it does not answer.
type shelf struct {
	stock map[string]int
	down  string
	asked []string
}

func (s *shelf) Producto(_ context.Context, id string) (contracts.Producto, error) {
	s.asked = append(s.asked, id)
	n, found := s.stock[id]
	switch {
	case id == s.down:
		return contracts.Producto{}, errs.Transient(errors.New("no answer"))
	case !found:
		return contracts.Producto{}, errs.New(errs.NotFound, "No existe el producto %s.", id)
	}
	return contracts.Producto{ID: id, Nombre: "Café " + id, Cantidad: n}, nil
}

// Rounds look at every wished product, fulfil what is there, and ask nobody while no wish waits. A product without an answer is asked again.
func TestRounds(t *testing.T) {
	store, s := postgres.New(databasetest.New(t, postgres.Migrations)), &shelf{stock: map[string]int{}}
	woken := 0
	w := stock.New(store, s, func() { woken++ })
	if err := store.SetCorreo(t.Context(), "customer 2", "dos@ejemplo.com"); err != nil {
		t.Fatal(err)
	}
	look := func(failure bool) []string {
		t.Helper()
		s.asked = nil
		if err := w.Look(t.Context()); (err != nil) != failure {
			t.Errorf("the round ended with %v", err)
		}
		return s.asked
	}
	if asked := look(false); len(asked) > 0 {
		t.Errorf("without wishes it asked for %v", asked)
	}
	const products = contracts.MaxDeseos + 3 // more than a round looks at
	for i := range products {
		if _, err := store.AddDeseo(t.Context(), fmt.Sprint("customer ", i), fmt.Sprintf("p%02d", i), 2); err != nil {
			t.Fatal(err)
		}
		if i != 7 { // there is no product p07 any more
			s.stock[fmt.Sprintf("p%02d", i)] = i % 3
		}
	}
	s.down = "p10"
	if asked := look(true); len(asked) != 11 {
		t.Errorf("it asked for %v", asked)
	}
	s.down = ""
	first, second := look(false), look(false)
	if len(first) != products-10 || first[0] != "p10" || len(second) == 0 || second[0] != "p00" { // after the last product it starts again
		t.Errorf("it asked for %v, then %v", first, second)
	}
	// Of the wishes that are fulfilled, one is of a customer with an address. It is written about once.
	mails, err := store.Entregas(t.Context(), contracts.EntregasFilter{Canal: contracts.CanalCorreo}, 10, "")
	if err != nil || len(mails) != 1 || mails[0].Tipo != contracts.ProductoDisponible || woken != 1 {
		t.Errorf("%d times there were mails: %+v %v", woken, mails, err)
	}
	for i := range products {
		list, err := store.Deseos(t.Context(), fmt.Sprint("customer ", i))
		if err != nil || len(list) != 1 || (list[0].AvisadoEn != nil) != (i%3 == 2) {
			t.Errorf("the wish %d is %+v: %v", i, list, err)
		}
	}
}

// Where nobody sends mails, none is added.
func TestNoMails(t *testing.T) {
	store := postgres.New(databasetest.New(t, postgres.Migrations))
	if err := store.SetCorreo(t.Context(), "ana", "ana@ejemplo.com"); err != nil {
		t.Fatal(err)
	}
	if _, err := store.AddDeseo(t.Context(), "ana", "1", 2); err != nil {
		t.Fatal(err)
	}
	if err := stock.New(store, &shelf{stock: map[string]int{"1": 2}}, nil).Look(t.Context()); err != nil {
		t.Fatal(err)
	}
	if mails, err := store.Entregas(t.Context(), contracts.EntregasFilter{Canal: contracts.CanalCorreo}, 10, ""); err != nil || len(mails) != 0 {
		t.Errorf("%+v %v", mails, err)
	}
}

// The client asks the sidecar for any id. Only the problem of admin-productos itself says that there is no such product.
func TestClient(t *testing.T) {
	var path, token string
	reply := func(w http.ResponseWriter, r *http.Request) {}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path, token = r.URL.EscapedPath(), r.Header.Get("Dapr-Api-Token")
		reply(w, r)
	}))
	defer server.Close()
	at, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, id string
		reply    http.HandlerFunc
		code     errs.Code
	}{
		{"a product", "a/b ..ñ", func(w http.ResponseWriter, _ *http.Request) {
			rest.Write(w, http.StatusOK, contracts.Producto{ID: "a/b ..ñ", Cantidad: 3})
		}, ""},
		{"another product", "1", func(w http.ResponseWriter, _ *http.Request) {
			rest.Write(w, http.StatusOK, contracts.Producto{ID: "2", Cantidad: 3})
		}, errs.Unavailable},
		{"none", "1", func(w http.ResponseWriter, r *http.Request) { rest.WriteError(w, r, errs.New(errs.NotFound, "no")) }, errs.NotFound},
		{"no service", "1", func(w http.ResponseWriter, _ *http.Request) {
			rest.Write(w, http.StatusNotFound, map[string]string{"errorCode": "ERR_DIRECT_INVOKE"})
		}, errs.Unavailable},
	} {
		reply = c.reply
		p, err := stock.NewClient(at.Port(), "secret").Producto(t.Context(), c.id)
		if code := errs.Of(err); err == nil && c.code != "" || err != nil && (c.code == errs.NotFound) != (code == errs.NotFound) || err != nil && c.code == "" {
			t.Errorf("%s: %+v %v", c.name, p, err)
		}
		if c.code == "" && (path != "/v1.0/invoke/admin-productos/method/productos/a%252Fb%2520%252E%252E%25C3%25B1" || p.Cantidad != 3 || token != "secret") {
			t.Errorf("%s: asked %s with %q, got %+v", c.name, path, token, p)
		}
	}
}
