package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"

	"entregas/services/bff/emisor"
	"entregas/services/bff/identidad"
)

// dobles is an operation whose n fragments double what it asks for with each level.
func dobles(n int, campo string) string {
	var s strings.Builder
	s.WriteString("{...f0}")
	for i := range n {
		fmt.Fprintf(&s, " fragment f%d on Query{...f%d ...f%d}", i, i+1, i+1)
	}
	fmt.Fprintf(&s, " fragment f%d on Query{%s}", n, campo)
	return s.String()
}

func veces(n int, campo string) string {
	var s strings.Builder
	for i := range n {
		fmt.Fprintf(&s, "a%d:%s ", i, campo)
	}
	return s.String()
}

// One request of anybody keeps no processor busy and floods no service. What doubles forty times would not end.
func TestLoDesmedidoSeNiegaEnseguida(t *testing.T) {
	for _, c := range []struct{ nombre, ruta, consulta, codigo string }{
		{"fragments that double", "/graphql", dobles(40, "productos{id}"), "demasiado"},
		{"fragments that double, of nothing", "/graphql", dobles(40, "__typename"), "demasiado"},
		{"one field a thousand times", "/graphql", "{" + veces(1000, `producto(id:"1"){id}`) + "}", "GRAPHQL_PARSE_FAILED"},
		{"one field 21 times", "/graphql", "{" + veces(21, `producto(id:"1"){id}`) + "}", "demasiado"},
		{"the same 21 times", "/graphql", "mutation{" + veces(21, `comprar(compra:{productos:[{idProducto:"1",cantidad:1}]}){id}`) + "}", "demasiado"},
		{"a long text", "/graphql", `{productos(buscar:"` + strings.Repeat("a", 40_000) + `"){id}}`, "demasiado"},
		{"20 fields", "/graphql", "{" + veces(20, `producto(id:"1"){id}`) + "}", ""},
		{"the earlier system, 21 times", "/v1", "mutation{" + veces(21, `crearCompra(idUsuario:"ana",productos:"1:1",domicilio:"True"){codigo}`) + "}", "demasiado"},
		{"the earlier system, doubling", "/v1", dobles(40, `compras(idUsuario:"ana"){estado}`), "demasiado"},
	} {
		p := nuevaPuerta(t)
		cuerpo, _ := json.Marshal(map[string]string{"query": c.consulta})
		r := p.pedir(t, http.MethodPost, c.ruta, string(cuerpo), "Content-Type", "application/json")
		var dicho respuestaGraphQL
		if err := json.Unmarshal(r.Body.Bytes(), &dicho); err != nil {
			t.Fatal(err)
		}
		codigo := ""
		if len(dicho.Errors) > 0 {
			codigo = dicho.Errors[0].Extensions.Code
		}
		if codigo != c.codigo {
			t.Errorf("%s: %q, quiero %q", c.nombre, codigo, c.codigo)
		}
		if codigo != "" {
			p.intacta(t)
		}
	}
}

// What asks for much in one request is counted as if it had asked one by one.
func TestElRitmoCuentaLoQueSePide(t *testing.T) {
	p := nuevaPuerta(t, func(c *config) { c.PorSujeto, c.DeGolpe = 0.001, 10 })
	for _, codigo := range []string{"", "demasiadas", ""} { // 6, then 1 of 6 that are refused, then 3
		n := 6
		if codigo == "" && p.gestor.Llamadas() > 0 {
			n = 3
		}
		r := p.graphql(t, "{"+veces(n, `compra(id:"`+deNadie+`"){id}`)+"}")
		if got := r.Errors[0].Extensions.Code; got != codigo && (codigo != "" || got != "no-encontrado") {
			t.Errorf("%d: %s, quiero %q", n, got, codigo)
		}
	}
}

// A stream carries no mutation: there it would pass by its Idempotency-Key, its time limit and the CSRF token.
func TestPorUnFlujoNoSeEscribe(t *testing.T) {
	p := nuevaPuerta(t)
	cuerpo := `{"query":"mutation{comprar(compra:{idUsuario:\"ana\",productos:[{idProducto:\"1\",cantidad:1}]}){id}}"}`
	r := p.pedir(t, http.MethodPost, "/graphql", cuerpo, "Content-Type", "application/json", "Accept", "text/event-stream", "Idempotency-Key", "k")
	if !strings.Contains(r.Body.String(), "Una mutación va por POST") {
		t.Errorf("%d %s", r.Code, r.Body)
	}
	servidor := httptest.NewServer(p)
	defer servidor.Close()
	decir := func(c *websocket.Conn, texto string) (dicho struct {
		Type    string
		Payload json.RawMessage
	}) {
		t.Helper()
		if err := c.Write(t.Context(), websocket.MessageText, []byte(texto)); err != nil {
			t.Fatal(err)
		}
		for dicho.Type == "" || dicho.Type == "pong" || dicho.Type == "ping" {
			if err := wsjson.Read(t.Context(), c, &dicho); err != nil {
				dicho.Type = fmt.Sprint("cerrado ", websocket.CloseStatus(err))
			}
		}
		return dicho
	}
	c := conectar(t, servidor.URL, p.como(t, "oti", identidad.Operador)...)
	if dicho := decir(c, `{"type":"connection_init"}`); dicho.Type != "connection_ack" {
		t.Fatalf("%+v", dicho)
	}
	if dicho := decir(c, `{"id":"1","type":"subscribe","payload":`+cuerpo+`}`); !strings.Contains(string(dicho.Payload), "Una mutación va por POST") {
		t.Errorf("%+v %s", dicho, dicho.Payload)
	}
	p.intacta(t)
	if dicho := decir(conectar(t, servidor.URL), `{"type":"connection_init"}`); dicho.Type != "connection_error" && !strings.HasPrefix(dicho.Type, "cerrado") {
		t.Errorf("a nadie: %+v", dicho)
	}
}

// A websocket ends with the token that it was opened with.
func TestElWebsocketTerminaConElToken(t *testing.T) {
	p := nuevaPuerta(t)
	token, err := p.emisor.Token("oti", []string{identidad.Operador}, 2*time.Second-holgura, emisor.Audiencia)
	if err != nil {
		t.Fatal(err)
	}
	servidor := httptest.NewServer(p)
	defer servidor.Close()
	c := conectar(t, servidor.URL, "Authorization", "Bearer "+token)
	if err := c.Write(t.Context(), websocket.MessageText, []byte(`{"type":"connection_init"}`)); err != nil {
		t.Fatal(err)
	}
	ctx, soltar := context.WithTimeout(t.Context(), 5*time.Second)
	defer soltar()
	for err == nil {
		_, _, err = c.Read(ctx)
	}
	if websocket.CloseStatus(err) < 0 {
		t.Errorf("sigue abierto: %v", err)
	}
}

// holgura is the skew that a token is forgiven.
const holgura = 30 * time.Second

func conectar(t *testing.T, base string, cabeceras ...string) *websocket.Conn {
	t.Helper()
	h := http.Header{}
	for i := 0; i < len(cabeceras); i += 2 {
		h.Set(cabeceras[i], cabeceras[i+1])
	}
	ctx, soltar := context.WithTimeout(t.Context(), 10*time.Second)
	defer soltar()
	c, _, err := websocket.Dial(ctx, base+"/graphql", &websocket.DialOptions{HTTPHeader: h, Subprotocols: []string{"graphql-transport-ws"}}) //nolint:bodyclose // it has none
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.CloseNow() })
	return c
}

// What is no GraphQL request is said so, and is repeated to nobody.
func TestLoQueNoEsGraphQL(t *testing.T) {
	p := nuevaPuerta(t)
	for _, c := range []struct {
		nombre, verbo, cuerpo, tipo string
		estado                      int
	}{
		{"a batch", http.MethodPost, `[{"query":"{productos{id}}"}]`, "application/json", 400},
		{"a query that is no text", http.MethodPost, `{"query":5,"variables":{"clave":"secreta"}}`, "application/json", 400},
		{"another type", http.MethodPost, `{"query":"{productos{id}}"}`, "application/x-www-form-urlencoded", 415},
		{"a query twice", http.MethodPost, `{"query":"{productos{id}}","query":"{balance{diferencia}}"}`, "application/json", 400},
		{"a query in capitals", http.MethodPost, `{"Query":"{productos{id}}"}`, "application/json", 400},
		{"a variable twice", http.MethodPost, `{"query":"query($b:String){productos(buscar:$b){id}}","variables":{"b":"a","b":"b"}}`, "application/json", 400},
		{"half a character", http.MethodPost, `{"query":"{productos(buscar:\"\ud800\"){id}}"}`, "application/json", 400},
		{"a GET", http.MethodGet, "", "", 405},
	} {
		for _, acepta := range []string{"application/json", "text/event-stream"} {
			r := p.pedir(t, c.verbo, "/graphql", c.cuerpo, "Content-Type", c.tipo, "Accept", acepta)
			var dicho respuestaGraphQL
			if err := json.Unmarshal(r.Body.Bytes(), &dicho); err != nil || r.Code != c.estado || len(dicho.Errors) != 1 || dicho.Errors[0].Extensions.Code == "" || strings.Contains(r.Body.String(), "secreta") {
				t.Errorf("%s: %d %s", c.nombre, r.Code, r.Body)
			}
		}
	}
}
