package e2e

import (
	"context"
	"net/http"
	"testing"

	"entregas/contracts"
	"entregas/tests/client"
	. "entregas/tests/testkit"
)

// docs/adr/the-bff-works-alone.md: while gestor-compra is away purchases are taken, can be read and listed, and go through once
// it is back.
func TestWithoutGestorCompra(t *testing.T) {
	s := ForBreaking(t)
	s.Restock(t, map[string]int{"1": 10})
	noDeadLetters := s.NoDeadLetters(t)
	s.Stop(t, "gestor-compra")

	u := Usuario(t)
	requested := contracts.SolicitudCompra{IDUsuario: u, Productos: []contracts.Linea{Linea("1", 1)}, Domicilio: true}
	key := client.WithIdempotencyKey("sin gestor " + u)
	r, err := s.BFF.Request(t.Context(), http.MethodPost, "/compras", requestedWithoutID(requested), key)
	if err != nil || r.Status != http.StatusAccepted {
		t.Fatalf("sin gestor-compra, comprar respondió %d %s, %v", r.Status, r.Body, err)
	}
	id := s.Comprar(t, requested, key)
	r, err = s.BFF.Request(t.Context(), http.MethodGet, "/compras/"+id, nil)
	if err != nil || r.Status != http.StatusOK || r.Headers.Get("Age") == "" {
		t.Errorf("sin gestor-compra, leer respondió %d %v %s, %v", r.Status, r.Headers, r.Body, err)
	}
	c, err := s.BFF.Load(t.Context(), id)
	if err != nil || c.Estado != contracts.EstadoRecibida || c.IDUsuario != u || len(c.Productos) != 1 {
		t.Errorf("sin gestor-compra se lee %+v, %v", c, err)
	}
	if page, err := s.BFF.OfUsuario(t.Context(), u, 10, ""); err != nil || len(page.Compras) != 1 || page.Compras[0].ID != id {
		t.Errorf("sin gestor-compra, la lista: %+v, %v", page, err)
	}
	withID := requested
	withID.ID = id
	withID.Domicilio = false
	wantRefused(t, s, withID, http.StatusConflict)
	bad := requested
	bad.Productos = nil
	wantRefused(t, s, bad, http.StatusBadRequest)

	s.Run(t, "start", "gestor-compra")
	s.Wait(t, id, contracts.EstadoConfirmada)
	onlyOne(t, s, u, id)
	noDeadLetters()
	Until(t, "el bff pregunta otra vez a gestor-compra", func(ctx context.Context) (bool, error) { // or the next test finds its breaker open
		r, err := s.BFF.Request(ctx, http.MethodGet, "/compras/"+id, nil)
		return err == nil && r.Status == http.StatusOK && r.Headers.Get("Age") == "", err
	})
}

func requestedWithoutID(c contracts.SolicitudCompra) map[string]any {
	return map[string]any{"id_usuario": c.IDUsuario, "productos": c.Productos, "domicilio": c.Domicilio}
}
