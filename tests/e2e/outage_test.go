package e2e

import (
	"context"
	"crypto/rand"
	"net/http"
	"slices"
	"testing"
	"time"

	"entregas/contracts"
	"entregas/tests/client"
	. "entregas/tests/testkit"
)

// While gestor-compra is down, the bff accepts purchases, and a customer can read and list them. The purchases are confirmed once
// gestor-compra is back (docs/adr/the-bff-works-alone.md). An address comes with them, and waits in no table for it
// (docs/adr/personal-data.md).
func TestWithoutGestorCompra(t *testing.T) {
	s := ForBreaking(t)
	s.Restock(t, map[string]int{"1": 10})
	noDeadLetters := s.NoDeadLetters(t)
	s.Stop(t, "gestor-compra")

	u, start, marker := Usuario(t), time.Now().Add(-time.Minute), "Calle Sin Gestor "+rand.Text()
	address := &contracts.Direccion{Destinatario: marker, Calle: marker, Ciudad: "Cali", Telefono: "5550100"}
	requested := contracts.SolicitudCompra{IDUsuario: u, Productos: []contracts.Linea{Linea("1", 1)}, Domicilio: true, Direccion: address}
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
	withID.Domicilio, withID.Direccion = false, nil
	wantRefused(t, s, withID, http.StatusConflict)
	bad := requested
	bad.Productos = nil
	wantRefused(t, s, bad, http.StatusBadRequest)
	if in := tablesWith(t, s, marker); len(in) > 0 {
		t.Errorf("without gestor-compra the address is in the tables %v", in)
	}

	s.Run(t, "start", "gestor-compra")
	s.Wait(t, id, contracts.EstadoConfirmada)
	onlyOne(t, s, u, id)
	noDeadLetters()
	Until(t, "the bff asks gestor-compra again", func(ctx context.Context) (bool, error) { // otherwise the circuit breaker is still open in the next test
		r, err := s.BFF.Request(ctx, http.MethodGet, "/compras/"+id, nil)
		return err == nil && r.Status == http.StatusOK && r.Headers.Get("Age") == "", err
	})
	c, err = s.BFF.Load(t.Context(), id)
	if err != nil || c.Direccion == nil || *c.Direccion != *address {
		t.Errorf("the purchase has the address %+v: %v", c.Direccion, err)
	}
	if o, err := s.BFF.Orden(t.Context(), c.IDOrden); err != nil || o.Direccion == nil || *o.Direccion != *address || o.Codigo != c.Codigo || c.Codigo == "" {
		t.Errorf("the order has the address %+v and the code %q, want %q: %v", o.Direccion, o.Codigo, c.Codigo, err)
	}
	if in, want := topicsWith(t, s, start, marker), []string{string(contracts.ComandosGestorCompra), string(contracts.ComandosOrden)}; !slices.Equal(in, want) {
		t.Errorf("the address is on the topics %v, want %v", in, want)
	}
	if in := logsWith(t, s, marker); len(in) > 0 {
		t.Errorf("the address is in the logs %v", in)
	}
}

// requestedWithoutID returns the body of a purchase without an id.
func requestedWithoutID(c contracts.SolicitudCompra) map[string]any {
	body := map[string]any{"id_usuario": c.IDUsuario, "productos": c.Productos, "domicilio": c.Domicilio}
	if c.Direccion != nil {
		body["direccion"] = c.Direccion
	}
	return body
}
