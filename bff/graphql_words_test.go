package main

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"entregas/contracts"
	"entregas/internal/errs"
)

// asked is an answer of /graphql with its extensions.
type asked struct {
	Data   map[string]json.RawMessage
	Errors []struct {
		Message    string
		Path       []any
		Extensions struct {
			Code    string
			Errores []contracts.InvalidField
		}
	}
	Extensions struct {
		SegundaMano []struct {
			Path     []any
			Segundos int
		}
	}
	status int
	body   string
}

func (p gate) ask(t *testing.T, path, query string, variables any, headers ...string) asked {
	t.Helper()
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		t.Fatal(err)
	}
	return p.askRaw(t, path, string(body), headers...)
}

func (p gate) askRaw(t *testing.T, path, body string, headers ...string) asked {
	t.Helper()
	r := p.do(t, http.MethodPost, path, body, append([]string{"Content-Type", "application/json"}, headers...)...)
	said := asked{status: r.Code, body: r.Body.String()}
	text := r.Body.String()
	if strings.HasPrefix(r.Header().Get("Content-Type"), "text/event-stream") {
		_, text, _ = strings.Cut(text, "data: ")
		text, _, _ = strings.Cut(text, "\n")
	}
	if err := json.Unmarshal([]byte(text), &said); err != nil {
		t.Fatalf("%d %s: %v", r.Code, r.Body, err)
	}
	return said
}

var (
	english = regexp.MustCompile(`(?i)\b(the|of|not|cannot|must|unknown|expected|found|invalid|field|type|is|name|unexpected|only|required|exceed\w*|could|be|query|operation|no operation|disabled)\b`)
	quoted  = regexp.MustCompile(`«[^»]*»`)
)

// An error of a query has a Spanish text, a code and the place, by every transport.
func TestWhatIsWrongWithAQueryIsSaidInSpanish(t *testing.T) {
	const invalid = "GRAPHQL_VALIDATION_FAILED"
	p := newGate(t)
	for name, c := range map[string]struct{ query, code, says string }{
		"broken":                        {`{productos{id}`, "GRAPHQL_PARSE_FAILED", "línea 1"},
		"a sign that is none":           {"{productos{id}}\n  %", "GRAPHQL_PARSE_FAILED", "línea 2, columna 3"},
		"text without end":              {`{productos(buscar:"x){id}}`, "GRAPHQL_PARSE_FAILED", "línea 1"},
		"nothing":                       {``, invalid, "operación"},
		"only a fragment":               {`fragment f on Query{__typename}`, invalid, "operación"},
		"two operations and no name":    {`query a{__typename} query b{__typename}`, invalid, "operación"},
		"another field":                 {`{nada{id}}`, invalid, "(línea 1, columna 2, «nada»)"},
		"another argument":              {`{productos(busca:"x"){id}}`, invalid, "ese argumento no existe"},
		"without an argument":           {`{producto{id}}`, invalid, "obligatorio"},
		"of another type":               {`{productos(buscar:5){id}}`, invalid, "tipo"},
		"a number as text":              {`{misCompras(limite:"2"){siguiente}}`, invalid, "tipo"},
		"another value":                 {`{misCompras(estados:[NADA]){siguiente}}`, invalid, "tipo"},
		"no fields":                     {`{productos}`, invalid, "subcampos"},
		"fields of what has none":       {`{productos{id{x}}}`, invalid, "no existe"},
		"another fragment":              {`{...f}`, invalid, "fragmento"},
		"a fragment of itself":          {`{...f} fragment f on Query{...f}`, invalid, "sí mismo"},
		"a fragment that is not used":   {`{__typename} fragment f on Query{__typename}`, invalid, "no se usa"},
		"another directive":             {`{productos @nada{id}}`, invalid, "directiva"},
		"a variable that is not said":   {`{producto(id:$id){id}}`, invalid, "declarada"},
		"a variable that is not used":   {`query($id:ID!){__typename}`, invalid, "no se usa"},
		"a variable of no type":         {`query($id:Nada){producto(id:$id){id}}`, invalid, "tipo"},
		"a variable in another's place": {`query($id:Int){misCompras(despues:$id){siguiente}}`, invalid, "tipo"},
		"two of a name":                 {`{a:producto(id:"1"){id} a:orden(id:"1"){id}}`, invalid, "alias"},
		"a mutation that there is not":  {`mutation{nada{id}}`, invalid, "no existe"},
		"a number beyond all":           {`{misCompras(limite:99999999999999999999){siguiente}}`, invalid, "tipo"},
	} {
		for _, accept := range []string{"application/json", "text/event-stream"} {
			said := p.ask(t, "/graphql", c.query, nil, "Accept", accept)
			if len(said.Errors) == 0 || said.status >= 500 {
				t.Errorf("%s: %d %s", name, said.status, said.body)
				continue
			}
			e := said.Errors[0]
			if e.Extensions.Code != c.code || !strings.Contains(e.Message, c.says) {
				t.Errorf("%s: %q %q, want %q with %q", name, e.Extensions.Code, e.Message, c.code, c.says)
			}
			if found := english.FindString(quoted.ReplaceAllString(e.Message, "")); found != "" {
				t.Errorf("%s: %q in %q", name, found, e.Message)
			}
		}
	}
	p.untouched(t)
	if said := p.ask(t, "/v1", `{nada}`, nil); len(said.Errors) != 1 || !strings.Contains(said.Errors[0].Message, "no existe") {
		t.Errorf("the earlier system: %s", said.body)
	}
}

// A variable must have the type that the operation declares. The error names the variable of another type.
func TestVariablesAreOfTheirType(t *testing.T) {
	const one = `query($n:Int){misCompras(limite:$n){siguiente}}`
	const buy = `mutation($c:CompraPedida!){comprar(compra:$c){id}}`
	const list = `query($e:[Estado!]){misCompras(estados:$e){siguiente}}`
	for name, c := range map[string]struct{ query, variables, code, field string }{
		"a number":                   {one, `{"n":2}`, "", ""},
		"none":                       {one, `{"n":null}`, "", ""},
		"a number as text":           {one, `{"n":"2"}`, "invalido", "n"},
		"half a number":              {one, `{"n":1.5}`, "invalido", "n"},
		"a number beyond all":        {one, `{"n":99999999999999999999}`, "invalido", "n"},
		"true for a number":          {one, `{"n":true}`, "invalido", "n"},
		"a list for a number":        {one, `{"n":[2]}`, "invalido", "n"},
		"a number for a text":        {`query($t:String){productos(buscar:$t){id}}`, `{"t":5}`, "invalido", "t"},
		"a text for a yes":           {`query($d:Boolean){compras(domicilio:$d){siguiente}}`, `{"d":"true"}`, "invalido", "d"},
		"a whole number for an id":   {`query($i:ID!){producto(id:$i){id}}`, `{"i":1}`, "", ""},
		"half a number for an id":    {`query($i:ID!){producto(id:$i){id}}`, `{"i":1.5}`, "invalido", "i"},
		"no id":                      {`query($i:ID!){producto(id:$i){id}}`, `{}`, "invalido", "i"},
		"a state":                    {list, `{"e":["RECIBIDA"]}`, "", ""},
		"one state for a list":       {list, `{"e":"RECIBIDA"}`, "", ""},
		"a state in small letters":   {list, `{"e":["CONFIRMADA","recibida"]}`, "invalido", "e[1]"},
		"a state that there is not":  {list, `{"e":["NADA"]}`, "invalido", "e[0]"},
		"within, a number as text":   {buy, `{"c":{"productos":[{"idProducto":"1","cantidad":1},{"idProducto":"2","cantidad":"2"}]}}`, "invalido", "c.productos[1].cantidad"},
		"within, a text for a yes":   {buy, `{"c":{"domicilio":"true","productos":[{"idProducto":"1","cantidad":1}]}}`, "invalido", "c.domicilio"},
		"within, what is not known":  {buy, `{"c":{"productos":[{"idProducto":"1","cantida":1}]}}`, "invalido", "c.productos[0].cantida"},
		"within, what is missing":    {buy, `{"c":{"productos":[{"idProducto":"1"}]}}`, "invalido", "c.productos[0].cantidad"},
		"a text for a purchase":      {buy, `{"c":"x"}`, "invalido", "c"},
		"a number for a user's name": {buy, `{"c":{"idUsuario":7,"productos":[{"idProducto":"1","cantidad":1}]}}`, "invalido", "c.idUsuario"},
	} {
		p := newGate(t)
		said := p.ask(t, "/graphql", c.query, json.RawMessage(c.variables))
		switch {
		case c.code == "" && len(said.Errors) > 0 && said.Errors[0].Extensions.Code != "no-encontrado":
			t.Errorf("%s: %s", name, said.body)
		case c.code == "":
		case len(said.Errors) == 0 || said.Errors[0].Extensions.Code != c.code || len(said.Errors[0].Extensions.Errores) == 0:
			t.Errorf("%s: %s", name, said.body)
		default:
			e := said.Errors[0]
			if f := e.Extensions.Errores[0]; f.Field != c.field || english.MatchString(f.Detalle) {
				t.Errorf("%s: %+v, want %s", name, f, c.field)
			}
			p.untouched(t)
		}
	}
}

// A field that fails leaves the others in the answer, and its error has its path.
func TestOneMissingFieldEmptiesNothingElse(t *testing.T) {
	p := newGate(t)
	said := p.ask(t, "/graphql", `{a:producto(id:"1"){id} b:producto(id:"nada"){id} productos{id} c:orden(id:"x"){id}}`, nil)
	if string(said.Data["a"]) != `{"id":"1"}` || string(said.Data["b"]) != "null" || string(said.Data["productos"]) == "null" || string(said.Data["c"]) != "null" {
		t.Errorf("%s", said.body)
	}
	codes := map[any]string{}
	for _, e := range said.Errors {
		codes[e.Path[0]] = e.Extensions.Code
	}
	if len(codes) != 2 || codes["b"] != "no-encontrado" || codes["c"] != "invalido" {
		t.Errorf("%s", said.body)
	}

	// A mutation answers the fields that were done, also where another failed.
	said = p.ask(t, "/graphql", `mutation{
		a:comprar(compra:{idUsuario:"ana",productos:[{idProducto:"1",cantidad:1}]}){id}
		b:comprar(compra:{idUsuario:"ana",productos:[]}){id}}`, nil)
	if !strings.Contains(string(said.Data["a"]), `"id"`) || string(said.Data["b"]) != "null" || len(said.Errors) != 1 || said.Errors[0].Path[0] != "b" {
		t.Errorf("%s", said.body)
	}

	// The answer about a customer's purchase leaves out only the fields for operators.
	said = p.ask(t, "/graphql", `{misCompras{compras{id mensajes{comando}}}}`, nil, p.as(t, "ana", "cliente")...)
	if !strings.Contains(string(said.Data["misCompras"]), `"mensajes":null`) || len(said.Errors) != 1 || said.Errors[0].Extensions.Code != "sin-permiso" || len(said.Errors[0].Path) != 4 {
		t.Errorf("%s", said.body)
	}
}

// The answer names each field that comes from the read model, with its age.
func TestASecondHandAnswerSaysSo(t *testing.T) {
	p := newGate(t)
	p.withAnasCompra(t, "")
	ana := p.as(t, "ana", "cliente")
	id := p.manager.Compras()[0].ID
	query := `{una:compra(id:"` + id + `"){estado} misCompras{compras{id}} productos{id}}`
	if said := p.ask(t, "/graphql", query, nil, ana...); len(said.Errors) != 0 || len(said.Extensions.SegundaMano) != 0 || strings.Contains(said.body, "extensions") {
		t.Errorf("from the owner: %s", said.body)
	}
	p.manager.Respond(errs.New(errs.Unavailable, "gestor-compra does not answer"))
	said := p.ask(t, "/graphql", query, nil, ana...)
	paths := map[any]bool{}
	for _, field := range said.Extensions.SegundaMano {
		paths[field.Path[0]] = true
	}
	if len(said.Errors) != 0 || len(paths) != 2 || !paths["una"] || !paths["misCompras"] {
		t.Errorf("second-hand: %s", said.body)
	}
}

// A cursor that no page gave is refused with the argument's name, and no service is called.
func TestACursorThatNoPageGave(t *testing.T) {
	for _, cursor := range []string{"x", "a\x00b", "2026-01-01T00:00:00Z_\x00", "\xff\xfe", "2026-01-01T00:00:00Z_01938f5e", strings.Repeat("a", 20_000)} {
		for _, query := range []string{`query($d:String){misCompras(idUsuario:"ana",despues:$d){siguiente}}`, `query($d:String){compras(despues:$d){siguiente}}`} {
			p := newGate(t)
			said := p.ask(t, "/graphql", query, map[string]string{"d": cursor})
			if said.status >= 500 || len(said.Errors) != 1 || said.Errors[0].Extensions.Code != "invalido" || len(said.Errors[0].Extensions.Errores) != 1 || said.Errors[0].Extensions.Errores[0].Field != "despues" {
				t.Errorf("%q: %d %s", cursor, said.status, said.body)
			}
			p.untouched(t)
		}
	}
	// The same in the text of the query, where a NUL or a broken byte is no valid text.
	for _, body := range []string{`{"query":"{misCompras(despues:\"a\\u0000b\"){siguiente}}"}`, "{\"query\":\"{misCompras(despues:\\\"\xff\\\"){siguiente}}\"}"} {
		p := newGate(t)
		if said := p.askRaw(t, "/graphql", body); said.status >= 500 || len(said.Errors) != 1 || said.Errors[0].Extensions.Code == "interno" {
			t.Errorf("%q: %d %s", body, said.status, said.body)
		}
	}
}

// An id in capitals is the same id, and the answer has it in small letters.
func TestAnIDInCapitalsIsTheSame(t *testing.T) {
	p := newGate(t)
	p.withAnasCompra(t, "")
	said := p.ask(t, "/graphql", `query($id:ID!){compra(id:$id){id} }`, map[string]string{"id": strings.ToUpper(anasCompra)})
	if string(said.Data["compra"]) != `{"id":"`+anasCompra+`"}` {
		t.Errorf("%s", said.body)
	}
	said = p.ask(t, "/graphql", `mutation($id:ID!){cancelar(id:$id){id} comprar(compra:{id:"01938F5E-7C1A-7000-8000-00000000ABCD",idUsuario:"ana",productos:[{idProducto:"1",cantidad:1}]}){id}}`, map[string]string{"id": strings.ToUpper(anasCompra)})
	if string(said.Data["cancelar"]) != `{"id":"`+anasCompra+`"}` || string(said.Data["comprar"]) != `{"id":"01938f5e-7c1a-7000-8000-00000000abcd"}` {
		t.Errorf("%s", said.body)
	}
}

// An instant has the same form in GraphQL as in REST.
func TestAnInstantHasOneForm(t *testing.T) {
	p := newGate(t)
	p.withAnasCompra(t, "")
	var inREST struct {
		CreadaEn string `json:"creada_en"`
	}
	r := p.do(t, http.MethodGet, "/api/compras/"+anasCompra, "")
	if err := json.Unmarshal(r.Body.Bytes(), &inREST); err != nil {
		t.Fatal(err)
	}
	said := p.ask(t, "/graphql", `{compra(id:"`+anasCompra+`"){creadaEn}}`, nil)
	if string(said.Data["compra"]) != `{"creadaEn":"`+inREST.CreadaEn+`"}` {
		t.Errorf("%s, in REST %s", said.body, inREST.CreadaEn)
	}
}
