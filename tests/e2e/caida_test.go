package e2e

import (
	"context"
	"net/http"
	"testing"

	"entregas/contracts"
	"entregas/tests/cliente"
	. "entregas/tests/prueba"
)

// docs/adr/the-bff-works-alone.md: while gestor-compra is away purchases are taken, can be read and listed, and go through once
// it is back.
func TestSinGestorCompra(t *testing.T) {
	s := ParaRomper(t)
	s.Surtir(t, map[string]int{"1": 10})
	sinMuertos := s.SinMuertos(t)
	s.Parar(t, "gestor-compra")

	u := Usuario(t)
	pedida := contracts.SolicitudCompra{IDUsuario: u, Productos: []contracts.Linea{Linea("1", 1)}, Domicilio: true}
	clave := cliente.ClaveIdempotencia("sin gestor " + u)
	r, err := s.BFF.Pedir(t.Context(), http.MethodPost, "/compras", pedidaSinID(pedida), clave)
	if err != nil || r.Estado != http.StatusAccepted {
		t.Fatalf("sin gestor-compra, comprar respondió %d %s, %v", r.Estado, r.Cuerpo, err)
	}
	id := s.Comprar(t, pedida, clave)
	r, err = s.BFF.Pedir(t.Context(), http.MethodGet, "/compras/"+id, nil)
	if err != nil || r.Estado != http.StatusOK || r.Cabeceras.Get("Age") == "" {
		t.Errorf("sin gestor-compra, leer respondió %d %v %s, %v", r.Estado, r.Cabeceras, r.Cuerpo, err)
	}
	c, err := s.BFF.Leer(t.Context(), id)
	if err != nil || c.Estado != contracts.EstadoRecibida || c.IDUsuario != u || len(c.Productos) != 1 {
		t.Errorf("sin gestor-compra se lee %+v, %v", c, err)
	}
	if pagina, err := s.BFF.DeUsuario(t.Context(), u, 10, ""); err != nil || len(pagina.Compras) != 1 || pagina.Compras[0].ID != id {
		t.Errorf("sin gestor-compra, la lista: %+v, %v", pagina, err)
	}
	conID := pedida
	conID.ID = id
	conID.Domicilio = false
	seRechaza(t, s, conID, http.StatusConflict)
	mala := pedida
	mala.Productos = nil
	seRechaza(t, s, mala, http.StatusBadRequest)

	s.Orden(t, "start", "gestor-compra")
	s.Espera(t, id, contracts.EstadoConfirmada)
	unaSola(t, s, u, id)
	sinMuertos()
	Hasta(t, "el bff pregunta otra vez a gestor-compra", func(ctx context.Context) (bool, error) { // or the next test finds its breaker open
		r, err := s.BFF.Pedir(ctx, http.MethodGet, "/compras/"+id, nil)
		return err == nil && r.Estado == http.StatusOK && r.Cabeceras.Get("Age") == "", err
	})
}

func pedidaSinID(c contracts.SolicitudCompra) map[string]any {
	return map[string]any{"id_usuario": c.IDUsuario, "productos": c.Productos, "domicilio": c.Domicilio}
}
