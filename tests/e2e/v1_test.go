package e2e

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"entregas/contracts"
	"entregas/tests/cliente"
	. "entregas/tests/prueba"
)

const crearPorV1 = `mutation($u: String!, $p: String!, $d: String!) { crearCompra(idUsuario: $u, productos: $p, domicilio: $d) { mensaje codigo } }`

// The clients of the earlier system go on as they were.
func TestV1(t *testing.T) {
	s := Abrir(t)
	s.Surtir(t, map[string]int{"1": 10, "2": 10})
	u := Usuario(t)
	g, _ := porV1(t, s, crearPorV1, map[string]any{"u": u, "p": "1:1, 2:3", "d": "True"})
	if len(g.Errors) > 0 || string(g.Data) != `{"crearCompra":{"mensaje":"Procesando Mensaje","codigo":203}}` {
		t.Fatalf("crearCompra respondió %s %+v", g.Data, g.Errors)
	}
	Hasta(t, "la compra confirmada en /v1", func(context.Context) (bool, error) {
		g, _ := porV1(t, s, `query($u: String!) { compras(idUsuario: $u) { idUsuario estado } }`, map[string]any{"u": u})
		var d struct {
			Compras []struct{ IDUsuario, Estado string }
		}
		err := json.Unmarshal(g.Data, &d)
		return err == nil && len(d.Compras) == 1 && d.Compras[0].IDUsuario == u && d.Compras[0].Estado == "CONFIRMADA", err
	})
	c := unica(t, s, u)
	if len(c.Productos) != 2 || c.Productos[1] != Linea("2", 3) || !c.Domicilio {
		t.Errorf("no es la que se pidió: %+v", c)
	}
	s.Cuadran(t, []string{c.ID})
}

func unica(t *testing.T, s *Sistema, usuario string) contracts.Compra {
	t.Helper()
	p, err := s.BFF.DeUsuario(t.Context(), usuario, 10, "")
	if err != nil || len(p.Compras) != 1 {
		t.Fatalf("las compras de %s: %+v, %v", usuario, p, err)
	}
	return p.Compras[0]
}

func TestMalasPorV1(t *testing.T) {
	s := Abrir(t)
	u := Usuario(t)
	var muchas []string
	for range 101 {
		muchas = append(muchas, "x:1")
	}
	nadaPasa(t, s, u, func() {
		for nombre, m := range map[string]struct{ u, p, d, campo string }{
			"producto repetido":  {u, "1:1,1:2", "False", "productos[1].id_producto"},
			"cantidad 0":         {u, "1:0", "False", "productos[0].cantidad"},
			"negativa":           {u, "1:-1", "False", "productos[0].cantidad"},
			"no es número":       {u, "1:dos", "False", "productos[0].cantidad"},
			"demasiado grande":   {u, "1:1000001", "False", "productos[0].cantidad"},
			"sin líneas":         {u, "", "False", "productos"},
			"sin cantidad":       {u, "1", "False", "productos"},
			"101 líneas":         {u, strings.Join(muchas, ","), "False", "productos"},
			"usuario largo":      {u + strings.Repeat("x", 65), "1:1", "False", "idUsuario"},
			"usuario de control": {u + "\x07", "1:1", "False", "idUsuario"},
			"domicilio":          {u, "1:1", "quizás", "domicilio"},
		} {
			g, _ := porV1(t, s, crearPorV1, map[string]any{"u": m.u, "p": m.p, "d": m.d})
			if len(g.Errors) != 1 || g.Errors[0].Extensions.Code != "invalido" || !strings.Contains(g.Errors[0].Message, m.campo) {
				t.Errorf("%s: no nombra %q: %+v %s", nombre, m.campo, g.Errors, g.Data)
			}
		}
		for nombre, cuerpo := range map[string]string{
			"a medias": `{"query": "mutation { crear`, "vacío": ``, "sin consulta": `{}`, "otra operación": `{"query": "mutation { borrar }"}`,
			"sin un argumento": `{"query": "mutation { crearCompra(idUsuario: \"` + u + `\") { codigo } }"}`,
			"más de 1 MiB":     `{"query": "mutation { crearCompra(idUsuario: \"` + u + strings.Repeat("x", 1<<20) + `\", productos: \"1:1\", domicilio: \"True\") { codigo } }"}`,
		} {
			if g, estado := crudoPorV1(t, s, []byte(cuerpo)); len(g.Errors) == 0 || g.Errors[0].Message == "" || estado >= 500 {
				t.Errorf("%s: %d %+v", nombre, estado, g)
			}
		}
	})
}

// /stream tells every change of every purchase from the moment of listening on, as the earlier system did.
func TestStream(t *testing.T) {
	s := Abrir(t)
	s.Surtir(t, map[string]int{"1": 10})
	u := Usuario(t)
	ctx, soltar := context.WithTimeout(t.Context(), Plazo)
	defer soltar()
	estados := map[contracts.Estado]bool{}
	conectado := make(chan struct{})
	go func() {
		<-conectado
		if _, err := s.BFF.Comprar(ctx, contracts.SolicitudCompra{IDUsuario: u, Productos: []contracts.Linea{Linea("1", 1)}}); err != nil {
			t.Error(err)
			soltar()
		}
	}()
	err := cliente.Directo(s.Entorno.BFF).Eventos(ctx, "/stream", "", func(e cliente.Evento) error {
		if e.Comentario {
			close(conectado)
			return nil
		}
		var c contracts.Compra
		if err := json.Unmarshal([]byte(e.Datos), &c); err != nil {
			return err
		}
		if c.IDUsuario == u {
			estados[c.Estado] = true
		}
		if estados[contracts.EstadoRecibida] && estados[contracts.EstadoConfirmada] {
			return cliente.ErrBasta
		}
		return nil
	})
	if err != nil {
		t.Errorf("se vio %v: %v", estados, err)
	}
}
