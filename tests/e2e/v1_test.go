package e2e

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"entregas/contracts"
	"entregas/tests/client"
	. "entregas/tests/testkit"
)

const createByV1 = `mutation($u: String!, $p: String!, $d: String!) { crearCompra(idUsuario: $u, productos: $p, domicilio: $d) { mensaje codigo } }`

// A client of the earlier system can buy and read through /v1 without a change.
func TestV1(t *testing.T) {
	t.Parallel()
	s := Open(t)
	s.Restock(t, map[string]int{"1": 10, "2": 10})
	u := Usuario(t)
	g, _ := viaV1(t, s, createByV1, map[string]any{"u": u, "p": "1:1, 2:3", "d": "True"})
	if len(g.Errors) > 0 || string(g.Data) != `{"crearCompra":{"mensaje":"Procesando Mensaje","codigo":203}}` {
		t.Fatalf("crearCompra answered %s %+v", g.Data, g.Errors)
	}
	Until(t, "the purchase confirmed in /v1", func(context.Context) (bool, error) {
		g, _ := viaV1(t, s, `query($u: String!) { compras(idUsuario: $u) { idUsuario estado } }`, map[string]any{"u": u})
		var d struct {
			Compras []struct{ IDUsuario, Estado string }
		}
		err := json.Unmarshal(g.Data, &d)
		return err == nil && len(d.Compras) == 1 && d.Compras[0].IDUsuario == u && d.Compras[0].Estado == "CONFIRMADA", err
	})
	c := onlyCompra(t, s, u)
	if len(c.Productos) != 2 || c.Productos[1] != Linea("2", 3) || !c.Domicilio {
		t.Errorf("it is not what was asked for: %+v", c)
	}
	s.Balanced(t, []string{c.ID})
}

// onlyCompra returns the one purchase of a customer.
func onlyCompra(t *testing.T, s *System, usuario string) contracts.Compra {
	t.Helper()
	p, err := s.BFF.OfUsuario(t.Context(), usuario, 10, "")
	if err != nil || len(p.Compras) != 1 {
		t.Fatalf("the purchases of %s: %+v, %v", usuario, p, err)
	}
	return p.Compras[0]
}

// The bff refuses an invalid request on /v1 and names the field to change. It stores nothing and publishes nothing.
func TestBadRequestsByV1(t *testing.T) {
	s := Open(t)
	u := Usuario(t)
	var many []string
	for range 101 {
		many = append(many, "x:1")
	}
	nothingHappens(t, s, u, func() {
		for name, m := range map[string]struct{ u, p, d, field string }{
			"a product twice":                    {u, "1:1,1:2", "False", "productos[1].id_producto"},
			"quantity 0":                         {u, "1:0", "False", "productos[0].cantidad"},
			"a negative quantity":                {u, "1:-1", "False", "productos[0].cantidad"},
			"a quantity that is no number":       {u, "1:dos", "False", "productos[0].cantidad"},
			"a quantity too large":               {u, "1:1000001", "False", "productos[0].cantidad"},
			"no lines":                           {u, "", "False", "productos"},
			"no quantity":                        {u, "1", "False", "productos"},
			"101 lines":                          {u, strings.Join(many, ","), "False", "productos"},
			"a long customer":                    {u + strings.Repeat("x", 65), "1:1", "False", "idUsuario"},
			"a customer with control characters": {u + "\x07", "1:1", "False", "idUsuario"},
			"home delivery":                      {u, "1:1", "quizás", "domicilio"},
		} {
			g, _ := viaV1(t, s, createByV1, map[string]any{"u": m.u, "p": m.p, "d": m.d})
			if len(g.Errors) != 1 || g.Errors[0].Extensions.Code != "invalido" || !strings.Contains(g.Errors[0].Message, m.field) {
				t.Errorf("%s: it does not name %q: %+v %s", name, m.field, g.Errors, g.Data)
			}
		}
		for name, body := range map[string]string{
			"half a body": `{"query": "mutation { crear`, "empty": ``, "no query": `{}`, "another operation": `{"query": "mutation { borrar }"}`,
			"an argument missing": `{"query": "mutation { crearCompra(idUsuario: \"` + u + `\") { codigo } }"}`,
			"more than 1 MiB":     `{"query": "mutation { crearCompra(idUsuario: \"` + u + strings.Repeat("x", 1<<20) + `\", productos: \"1:1\", domicilio: \"True\") { codigo } }"}`,
		} {
			if g, status := rawByV1(t, s, []byte(body)); len(g.Errors) == 0 || g.Errors[0].Message == "" || status >= 500 {
				t.Errorf("%s: %d %+v", name, status, g)
			}
		}
	})
}

// /stream delivers every change of every purchase after a client connects, as in the earlier system.
func TestStream(t *testing.T) {
	t.Parallel()
	s := Open(t)
	s.Restock(t, map[string]int{"1": 10})
	u := Usuario(t)
	ctx, cancel := context.WithTimeout(t.Context(), Deadline)
	defer cancel()
	estados := map[contracts.Estado]bool{}
	connected := make(chan struct{}, 1)
	go func() {
		<-connected
		if _, err := s.BFF.Comprar(ctx, contracts.SolicitudCompra{IDUsuario: u, Productos: []contracts.Linea{Linea("1", 1)}}); err != nil {
			t.Error(err)
			cancel()
		}
	}()
	err := client.Direct(s.Env.BFF).Events(ctx, "/stream", "", func(e client.Event) error {
		if e.Comment {
			select { // only the first comment starts the purchase: later ones are heartbeats
			case connected <- struct{}{}:
			default:
			}
			return nil
		}
		var c contracts.Compra
		if err := json.Unmarshal([]byte(e.Data), &c); err != nil {
			return err
		}
		if c.IDUsuario == u {
			estados[c.Estado] = true
		}
		if estados[contracts.EstadoRecibida] && estados[contracts.EstadoConfirmada] {
			return client.ErrEnough
		}
		return nil
	})
	if err != nil {
		t.Errorf("seen %v: %v", estados, err)
	}
}
