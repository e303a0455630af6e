package e2e

import (
	"context"
	"net/http"
	"testing"

	"entregas/contracts"
	"entregas/tests/client"
	. "entregas/tests/testkit"
)

// While gestor-compra is down, the bff accepts purchases, and a customer can read and list them. The purchases are confirmed once
// gestor-compra is back (docs/adr/the-bff-works-alone.md).
func TestWithoutGestorCompra(t *testing.T) {
	s := ForBreaking(t)
	s.Restock(t, map[string]int{"1": 10})
	noDeadLetters := s.NoDeadLetters(t)
	s.Stop(t, "gestor-compra")

	u := Usuario(t)
	requested := contracts.SolicitudCompra{IDUsuario: u, Productos: []contracts.Linea{Linea("1", 1)}, Domicilio: true}
	key := client.WithIdempotencyKey("without gestor-compra " + u)
	r, err := s.BFF.Request(t.Context(), http.MethodPost, "/compras", requestedWithoutID(requested), key)
	if err != nil || r.Status != http.StatusAccepted {
		t.Fatalf("without gestor-compra, buying answered %d %s, %v", r.Status, r.Body, err)
	}
	id := s.Comprar(t, requested, key)
	r, err = s.BFF.Request(t.Context(), http.MethodGet, "/compras/"+id, nil)
	if err != nil || r.Status != http.StatusOK || r.Headers.Get("Age") == "" {
		t.Errorf("without gestor-compra, reading answered %d %v %s, %v", r.Status, r.Headers, r.Body, err)
	}
	c, err := s.BFF.Load(t.Context(), id)
	if err != nil || c.Estado != contracts.EstadoRecibida || c.IDUsuario != u || len(c.Productos) != 1 {
		t.Errorf("without gestor-compra the purchase is %+v, %v", c, err)
	}
	if page, err := s.BFF.OfUsuario(t.Context(), u, 10, ""); err != nil || len(page.Compras) != 1 || page.Compras[0].ID != id {
		t.Errorf("without gestor-compra the list is %+v, %v", page, err)
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
	Until(t, "the bff asks gestor-compra again", func(ctx context.Context) (bool, error) { // otherwise the circuit breaker is still open in the next test
		r, err := s.BFF.Request(ctx, http.MethodGet, "/compras/"+id, nil)
		return err == nil && r.Status == http.StatusOK && r.Headers.Get("Age") == "", err
	})
}

// requestedWithoutID returns the body of a purchase without an id.
func requestedWithoutID(c contracts.SolicitudCompra) map[string]any {
	return map[string]any{"id_usuario": c.IDUsuario, "productos": c.Productos, "domicilio": c.Domicilio}
}
