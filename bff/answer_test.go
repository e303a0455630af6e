package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"

	"entregas/contracts"
)

func aliases(n int, field string) string {
	var s strings.Builder
	for i := range n {
		fmt.Fprintf(&s, "alias_number_%014d:%s ", i, field)
	}
	return s.String()
}

// usualIntrospection is a short form of the query of GraphiQL and of client generators.
const usualIntrospection = `query IntrospectionQuery{__schema{queryType{name} mutationType{name} subscriptionType{name} types{...FullType} directives{name locations args{...InputValue}}}}
fragment FullType on __Type{kind name description fields(includeDeprecated:true){name description args{...InputValue} type{...TypeRef}} inputFields{...InputValue} interfaces{...TypeRef} enumValues(includeDeprecated:true){name} possibleTypes{...TypeRef}}
fragment InputValue on __InputValue{name description type{...TypeRef} defaultValue}
fragment TypeRef on __Type{kind name ofType{kind name ofType{kind name ofType{kind name}}}}`

// No answer is larger than the limit, even if the operation repeats fields. The bff sends no part of a larger answer.
func TestAnswersAreBounded(t *testing.T) {
	const most = 200_000
	p := newGate(t, func(c *config) { c.MaxAnswer, c.InFlight = most, 64<<20 })
	for i := range 50 {
		p.do(t, http.MethodPost, "/api/compras", fmt.Sprintf(`{"id_usuario":"oti","productos":[{"id_producto":"%d","cantidad":1}]}`, i+1), "Content-Type", "application/json")
	}
	for _, c := range []struct{ name, path, query, code string }{
		{"introspection", "/graphql", "{__schema{types{fields{type{ofType{" + aliases(900, "name") + "}}}}}}", "demasiado"},
		{"introspection of the earlier system", "/v1", "{__schema{types{fields{type{ofType{" + aliases(900, "name") + "}}}}}}", "demasiado"},
		{"the usual introspection", "/graphql", usualIntrospection, ""},
		{"a list with aliases", "/graphql", "{misCompras{compras{" + aliases(150, "idUsuario") + "}}}", "demasiado"},
		{"more than is begun", "/graphql", "{misCompras(limite:100){compras{" + aliases(150, "id") + "}}}", "demasiado"},
		{"lists within a list", "/graphql", "{misCompras{compras{" + aliases(60, "historia{numero paso en}") + "}}}", "demasiado"},
		{"a usual list", "/graphql", "{misCompras{compras{id estado productos{idProducto cantidad} historia{paso en}} siguiente}}", ""},
		{"the earlier system's list", "/v1", `{` + aliases(40, `compras(idUsuario:"oti"){estado}`) + `}`, "demasiado"},
	} {
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
		if code != c.code || code != "" && r.Body.Len() > 1_000 || r.Body.Len() > most {
			t.Errorf("%s: %q in %d bytes, want %q: %.300s", c.name, code, r.Body.Len(), c.code, r.Body)
		}
	}
}

// Without free memory a request is refused before anything is done, with a Retry-After.
func TestWithoutRoom(t *testing.T) {
	p := newGate(t, func(c *config) { c.InFlight = 4 * (40 << 10) })
	for _, c := range []struct{ name, method, path, body string }{
		{"a long body", http.MethodPost, "/api/compras", `{"productos":[` + strings.Repeat("{},", 20_000) + `{}]}`},
		{"a long query", http.MethodPost, "/graphql", `{"query":"{` + aliases(500, `producto(id:\"1\"){id}`) + `}"}`},
		{"a dear query", http.MethodPost, "/graphql", `{"query":"{misCompras(limite:100){compras{id estado historia{paso}}}}"}`},
	} {
		r := p.do(t, c.method, c.path, c.body, "Content-Type", "application/json")
		if r.Code != http.StatusTooManyRequests || r.Header().Get("Retry-After") == "" || !strings.Contains(r.Body.String(), "demasiadas") {
			t.Errorf("%s: %d %v %.300s", c.name, r.Code, r.Header(), r.Body)
		}
		p.untouched(t)
	}
	if r := p.do(t, http.MethodGet, "/api/productos", ""); r.Code != http.StatusOK {
		t.Errorf("a usual request: %d %s", r.Code, r.Body)
	}
	if r := p.graphql(t, `mutation{despachar(idOrden:"`+idOrden+`"){id a:estado b:estado}}`); len(r.Errors) != 0 {
		t.Errorf("what was done: %+v", r.Errors)
	}
}

// Introspection is answered in development only, even if the field has an alias.
func TestIntrospectionIsForDevelopment(t *testing.T) {
	p := newGate(t, func(c *config) { c.Mode, c.PublicURL = "production", "https://compras.example" })
	for query, code := range map[string]string{
		"{__schema{types{name}}}":                                         "sin-permiso",
		`{a:__type(name:"Compra"){name}}`:                                 "sin-permiso",
		"{...F} fragment F on Query{... on Query{__schema{types{name}}}}": "sin-permiso",
		"{__typename}": "",
	} {
		r := p.graphql(t, query, nobody...)
		got := ""
		if len(r.Errors) > 0 {
			got = r.Errors[0].Extensions.Code
		}
		if got != code || code != "" && (len(r.Errors) != 1 || !strings.Contains(r.Errors[0].Message, "introspección")) {
			t.Errorf("%s: %+v, want %q", query, r.Errors, code)
		}
	}
}

// The bff bounds the memory of each operation on a websocket, and frees it after the operation. So a connection may send any
// number of operations.
func TestWebsocketOperationsAreBounded(t *testing.T) {
	p := newGate(t, func(c *config) { c.MaxAnswer, c.InFlight = 20_000, 4<<20 })
	server := httptest.NewServer(p)
	defer server.Close()
	c := connect(t, server.URL, p.as(t, "oti", "operador")...)
	c.SetReadLimit(1 << 20)
	ask := func(text string) string {
		t.Helper()
		if err := c.Write(t.Context(), websocket.MessageText, []byte(text)); err != nil {
			t.Fatal(err)
		}
		for {
			var said struct {
				Type    string
				Payload json.RawMessage
			}
			if err := wsjson.Read(t.Context(), c, &said); err != nil {
				return fmt.Sprint("closed ", websocket.CloseStatus(err))
			}
			if said.Type == "ping" {
				if err := c.Write(t.Context(), websocket.MessageText, []byte(`{"type":"pong"}`)); err != nil {
					t.Fatal(err)
				}
			}
			if said.Type == "next" || said.Type == "connection_ack" || said.Type == "error" {
				return said.Type + " " + string(said.Payload)
			}
		}
	}
	if said := ask(`{"type":"connection_init"}`); !strings.HasPrefix(said, "connection_ack") {
		t.Fatal(said)
	}
	for i := range 6 {
		said := ask(fmt.Sprintf(`{"id":"a%d","type":"subscribe","payload":{"query":"{__schema{types{fields{%s}}}}"}}`, i, aliases(500, "name")))
		if !strings.Contains(said, `"code":"demasiado"`) || len(said) > 1_000 {
			t.Fatalf("%d: %.300s", i, said)
		}
		if said := ask(fmt.Sprintf(`{"id":"b%d","type":"subscribe","payload":{"query":"{productos{id}}"}}`, i)); !strings.Contains(said, `"productos"`) {
			t.Fatalf("%d: %.300s", i, said)
		}
	}
	if said := ask(strings.Repeat(" ", contracts.MaxRequestBody+1)); said != fmt.Sprint("closed ", int(websocket.StatusMessageTooBig)) && !strings.HasPrefix(said, "closed") {
		t.Errorf("a long message: %s", said)
	}
}
