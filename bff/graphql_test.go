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

	"entregas/bff/identity"
	"entregas/bff/issuer"
)

// doubles returns an operation whose n fragments double the number of fields with each level.
func doubles(n int, field string) string {
	var s strings.Builder
	s.WriteString("{...f0}")
	for i := range n {
		fmt.Fprintf(&s, " fragment f%d on Query{...f%d ...f%d}", i, i+1, i+1)
	}
	fmt.Fprintf(&s, " fragment f%d on Query{%s}", n, field)
	return s.String()
}

func times(n int, field string) string {
	var s strings.Builder
	for i := range n {
		fmt.Fprintf(&s, "a%d:%s ", i, field)
	}
	return s.String()
}

// No single request keeps a processor busy or floods a service. An operation that doubles forty times would not end.
func TestOversizedIsRefusedAtOnce(t *testing.T) {
	for _, c := range []struct{ name, path, query, code string }{
		{"fragments that double", "/graphql", doubles(40, "productos{id}"), "demasiado"},
		{"fragments that double, of nothing", "/graphql", doubles(40, "__typename"), "demasiado"},
		{"one field a thousand times", "/graphql", "{" + times(1000, `producto(id:"1"){id}`) + "}", "GRAPHQL_PARSE_FAILED"},
		{"one field 21 times", "/graphql", "{" + times(21, `producto(id:"1"){id}`) + "}", "demasiado"},
		{"the same 21 times", "/graphql", "mutation{" + times(21, `comprar(compra:{productos:[{idProducto:"1",cantidad:1}]}){id}`) + "}", "demasiado"},
		{"a long text", "/graphql", `{productos(buscar:"` + strings.Repeat("a", 40_000) + `"){id}}`, "demasiado"},
		{"20 fields", "/graphql", "{" + times(20, `producto(id:"1"){id}`) + "}", ""},
		{"the earlier system, 21 times", "/v1", "mutation{" + times(21, `crearCompra(idUsuario:"ana",productos:"1:1",domicilio:"True"){codigo}`) + "}", "demasiado"},
		{"the earlier system, doubling", "/v1", doubles(40, `compras(idUsuario:"ana"){estado}`), "demasiado"},
	} {
		p := newGate(t)
		body, _ := json.Marshal(map[string]string{"query": c.query})
		r := p.do(t, http.MethodPost, c.path, string(body), "Content-Type", "application/json")
		var said graphQLResponse
		if err := json.Unmarshal(r.Body.Bytes(), &said); err != nil {
			t.Fatal(err)
		}
		code := ""
		if len(said.Errors) > 0 {
			code = said.Errors[0].Extensions.Code
		}
		if code != c.code {
			t.Errorf("%s: got %q, want %q", c.name, code, c.code)
		}
		if code != "" {
			p.untouched(t)
		}
	}
}

// A request with many fields of the root counts as many requests.
func TestRateCountsWhatIsAsked(t *testing.T) {
	p := newGate(t, func(c *config) { c.PerSubject, c.Burst = 0.001, 10 })
	for _, code := range []string{"", "demasiadas", ""} { // the first request counts 6, the refused one counts 1, the last counts 3
		n := 6
		if code == "" && p.manager.Calls() > 0 {
			n = 3
		}
		r := p.graphql(t, "{"+times(n, `compra(id:"`+nobodysCompra+`"){id}`)+"}")
		if got := r.Errors[0].Extensions.Code; got != code && (code != "" || got != "no-encontrado") {
			t.Errorf("%d: got %s, want %q", n, got, code)
		}
	}
}

// A stream refuses a mutation, which would bypass its Idempotency-Key, its deadline and the CSRF token.
func TestAStreamDoesNotWrite(t *testing.T) {
	p := newGate(t)
	body := `{"query":"mutation{comprar(compra:{idUsuario:\"ana\",productos:[{idProducto:\"1\",cantidad:1}]}){id}}"}`
	r := p.do(t, http.MethodPost, "/graphql", body, "Content-Type", "application/json", "Accept", "text/event-stream", "Idempotency-Key", "k")
	if !strings.Contains(r.Body.String(), "Una mutación va por POST") {
		t.Errorf("%d %s", r.Code, r.Body)
	}
	server := httptest.NewServer(p)
	defer server.Close()
	say := func(c *websocket.Conn, text string) (said struct {
		Type    string
		Payload json.RawMessage
	}) {
		t.Helper()
		if err := c.Write(t.Context(), websocket.MessageText, []byte(text)); err != nil {
			t.Fatal(err)
		}
		for said.Type == "" || said.Type == "pong" || said.Type == "ping" {
			if err := wsjson.Read(t.Context(), c, &said); err != nil {
				said.Type = fmt.Sprint("cerrado ", websocket.CloseStatus(err))
			}
		}
		return said
	}
	c := connect(t, server.URL, p.as(t, "oti", identity.Operador)...)
	if said := say(c, `{"type":"connection_init"}`); said.Type != "connection_ack" {
		t.Fatalf("%+v", said)
	}
	if said := say(c, `{"id":"1","type":"subscribe","payload":`+body+`}`); !strings.Contains(string(said.Payload), "Una mutación va por POST") {
		t.Errorf("%+v %s", said, said.Payload)
	}
	p.untouched(t)
	if said := say(connect(t, server.URL), `{"type":"connection_init"}`); said.Type != "connection_error" && !strings.HasPrefix(said.Type, "cerrado") {
		t.Errorf("to nobody: %+v", said)
	}
}

// A websocket ends when its token expires.
func TestWebsocketEndsWithTheToken(t *testing.T) {
	p := newGate(t)
	token, err := p.issuer.Token("oti", []string{identity.Operador}, 2*time.Second-slack, issuer.Audience)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(p)
	defer server.Close()
	c := connect(t, server.URL, "Authorization", "Bearer "+token)
	if err := c.Write(t.Context(), websocket.MessageText, []byte(`{"type":"connection_init"}`)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	for err == nil {
		_, _, err = c.Read(ctx)
	}
	if websocket.CloseStatus(err) < 0 {
		t.Errorf("still open: %v", err)
	}
}

// slack is the clock skew that a token is allowed.
const slack = 30 * time.Second

func connect(t *testing.T, baseURL string, headers ...string) *websocket.Conn {
	t.Helper()
	h := http.Header{}
	for i := 0; i < len(headers); i += 2 {
		h.Set(headers[i], headers[i+1])
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	c, _, err := websocket.Dial(ctx, baseURL+"/graphql", &websocket.DialOptions{HTTPHeader: h, Subprotocols: []string{"graphql-transport-ws"}}) //nolint:bodyclose // it has none
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.CloseNow() })
	return c
}

// A request that is no GraphQL request is refused, and its text is not repeated.
func TestWhatIsNotGraphQL(t *testing.T) {
	p := newGate(t)
	for _, c := range []struct {
		name, verb, body, kind string
		status                 int
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
		for _, accepts := range []string{"application/json", "text/event-stream"} {
			r := p.do(t, c.verb, "/graphql", c.body, "Content-Type", c.kind, "Accept", accepts)
			var said graphQLResponse
			if err := json.Unmarshal(r.Body.Bytes(), &said); err != nil || r.Code != c.status || len(said.Errors) != 1 || said.Errors[0].Extensions.Code == "" || strings.Contains(r.Body.String(), "secreta") {
				t.Errorf("%s: %d %s", c.name, r.Code, r.Body)
			}
		}
	}
}
