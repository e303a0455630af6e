package e2e

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strconv"
	"strings"

	. "entregas/tests/testkit"
)

// hostileCase is one request on the wire.
type hostileCase struct {
	text   string
	leaves bool // the client does not wait for the response
}

// forger makes requests that no client should send. The same seed and number give the same request.
type forger struct {
	*rand.Rand
	subject, token string
}

func newForger(seed uint64, number int, subject, token string) forger {
	return forger{rand.New(rand.NewPCG(seed, uint64(number))), subject, token} //nolint:gosec // a test's own numbers
}

// of returns one of the texts.
func (f forger) of(texts ...string) string { return texts[f.IntN(len(texts))] }

// sometimes returns true once in n times.
func (f forger) sometimes(n int) bool { return f.IntN(n) == 0 }

// noise returns n random bytes without line breaks: a line break would begin another header.
func (f forger) noise(n int) string {
	b := make([]byte, n)
	for i := range b {
		if b[i] = byte(f.IntN(256)); b[i] == '\n' || b[i] == '\r' {
			b[i] = 0
		}
	}
	return string(b)
}

// value returns a text for a path, a query, a header or a body.
func (f forger) value() string {
	switch f.IntN(5) {
	case 0:
		return f.noise(f.IntN(40))
	case 1:
		return f.of("", ".", "..", "/", "//", `\`, "||", "a||b", "%", "%2e%2e", "%00", "\x00", "\xff", "a\x00b", "\u202e", "ñandú", "nan\u0303du\u0301", "👩\u200d👩\u200d👧",
			"' or 1=1--", "${jndi:ldap://x}", "<script>", "{{.}}", "*", "?", "#", "a b", "\t", "\v")
	case 2:
		times := f.of2(64, 64, 65, 300, 2_000)
		if f.sometimes(10) {
			times = f.of2(5_000, 9_000, 15_000, 40_000)
		}
		return strings.Repeat(f.of("a", "a", "%", "\U0001F999", "\xff", "<", "..%2f"), times)
	case 3:
		return f.of("0", "-1", "1", "100", "101", "1e309", "99999999999999999999", "١", "1.5", "true", "null", "[]", "{}", `"`, "CONFIRMADA", "NADA", "confirmada")
	default:
		return f.of(NewID(), strings.ToUpper(NewID()), "00000000-0000-0000-0000-000000000000", f.subject, "1", "17", "2026-01-01T00:00:00Z_"+NewID(), "2026-01-01T00:00:00Z_a\x00b")
	}
}

// of2 returns one of the numbers.
func (f forger) of2(numbers ...int) int { return numbers[f.IntN(len(numbers))] }

// segment returns a value for a path or a query: escaped, escaped twice, or raw.
func (f forger) segment() string {
	v := f.value()
	switch f.IntN(12) {
	case 0: // raw: often the result is not valid HTTP
		return strings.NewReplacer(" ", "%20", "\t", "%09", "\x00", "%00").Replace(v)
	case 1:
		return url.PathEscape(url.PathEscape(v))
	case 2, 3, 4:
		return f.of("1", "CONFIRMADA", "RECHAZADA", "true", "cafe", f.subject)
	default:
		return url.QueryEscape(v)
	}
}

// query returns a query string.
func (f forger) query() string {
	if f.sometimes(3) {
		return ""
	}
	var b strings.Builder
	for range 1 + f.IntN(4) {
		name := f.of("estado", "limite", "despues", "buscar", "id_usuario", "domicilio", "segundos", "minutos", "x", f.segment())
		value := f.segment()
		if name == "limite" && f.sometimes(2) {
			value = "1"
		}
		for range f.of2(1, 1, 1, 2, 300) {
			if b.Len() < 12_000 {
				fmt.Fprintf(&b, "&%s=%s", name, value)
			}
			if f.sometimes(3) && name == "estado" {
				value = f.of("CONFIRMADA", "RECHAZADA", "PRODUCTOS_RESERVADOS")
			}
		}
	}
	return "?" + b.String()[1:]
}

// target returns a path with query, and a method that the path has.
func (f forger) target() (method, target string) {
	own := url.PathEscape(f.subject)
	path := f.of("GET /api/productos", "GET /api/productos", "GET /api/productos/~", "GET /api/compras", "POST /api/compras", "POST /api/compras", "GET /api/compras/~", "GET /api/compras/~/eventos",
		"GET /api/compras/~/mensajes", "POST /api/compras/~/cancelacion", "POST /api/compras/~/aprobacion", "POST /api/compras/~/reintento", "GET /api/usuarios/"+own+"/compras",
		"GET /api/usuarios/"+own+"/compras", "GET /api/usuarios/~/compras", "POST /api/productos/~/reposicion", "POST /api/productos/~/avisame", "DELETE /api/productos/~/avisame", "GET /api/ordenes/~", "POST /api/ordenes/~/despacho", "GET /api/operacion/resumen",
		"GET /api/operacion/colas", "GET /api/operacion/balance", "POST /api/mensajes-muertos/~/devolucion", "POST /graphql", "POST /graphql", "POST /graphql", "POST /graphql", "GET /graphql",
		"POST /v1", "POST /v1", "GET /stream", "GET /sesion", "GET /entrar", "GET /volver", "POST /salir", "GET /docs", "GET /docs/~", "GET /graphiql", "GET /graphiql/~", "GET /static/~", "GET /",
		"GET /~", "GET //~", "GET /api/~", "GET /healthz", "GET /readyz", "POST /mensajes/eventos-compra", "GET /desarrollo/entrar", "POST /desarrollo/entrar", "POST /desarrollo/token",
		"GET /desarrollo/~", "OPTIONS *", "GET http://x/api/productos")
	for strings.Contains(path, "~") {
		path = strings.Replace(path, "~", f.segment(), 1)
	}
	method, path, _ = strings.Cut(path, " ")
	return method, path + f.query()
}

// body returns a content type and a body.
func (f forger) body() (contentType, text string) {
	v, _ := json.Marshal(strings.ToValidUTF8(f.value(), "\ufffd"))
	switch f.IntN(6) {
	case 0:
		return f.value(), f.noise(f.IntN(500))
	case 1:
		return "application/json", strings.Repeat(f.of("[", `{"a":`), f.of2(10, 1_000, 100_000))
	case 2:
		return "application/json", fmt.Sprintf(f.of(`{"motivo":%s}`, `{"aprobada":true,"motivo":%s}`, `{"cantidad":%s}`, `{"id":%s,"productos":[]}`,
			`{"productos":[{"id_producto":%s,"cantidad":1}]}`, `{"id_usuario":%s,"productos":[{"id_producto":"1","cantidad":0}]}`), v)
	case 3:
		query := fmt.Sprintf(f.of(`{producto(id:%s){id}}`, `{productos(buscar:%s){id nombre}}`, `{misCompras(despues:%s){siguiente}}`, `{compra(id:%s){id}}`, `{orden(id:%s){id}}`,
			`{compras(idUsuario:%s){id estado}}`, `{misCompras(idUsuario:%s,limite:1){compras{id historia{detalle}}}}`, `mutation{cancelar(id:%s){id}}`, `mutation{avisame(idProducto:%s,cantidad:1){idProducto}}`, `subscription{compra(id:%s){id}}`,
			`mutation{comprar(compra:{productos:[]},clave:%s){id}}`, `mutation{crearCompra(idUsuario:%s,productos:"",domicilio:"x"){codigo}}`), v)
		text, _ := json.Marshal(map[string]string{"query": query})
		return "application/json", string(text)
	case 4:
		states := strings.Repeat("CONFIRMADA ", f.of2(1, 300, 2_000))
		text, _ := json.Marshal(map[string]any{
			"query":     f.of("{misCompras(estados:["+states+"],limite:1){siguiente}}", "query($a:String){"+strings.Repeat("a:productos(buscar:$a){id}", 30)+"}", "{__schema{types{name}}}", "query($a:ID!){producto(id:$a){id}}"),
			"variables": map[string]any{"a": strings.ToValidUTF8(f.value(), "\ufffd")}, "operationName": f.of("", "", "x"),
		})
		return "application/json", string(text)
	default:
		return "application/x-www-form-urlencoded", "usuario=" + f.segment() + "&code=" + f.segment() + "&redirect_uri=" + f.segment()
	}
}

// headers returns up to five headers that a program on the way may read.
func (f forger) headers() string {
	var b strings.Builder
	for range f.IntN(6) {
		name := f.of("traceparent", "traceparent", "traceparent", "tracestate", "baggage", "grpc-trace-bin", "Idempotency-Key", "Idempotency-Key", "If-None-Match", "Last-Event-ID", "Accept", "Accept-Encoding",
			"Content-Encoding", "Range", "Origin", "Referer", "Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "Cookie", "X-CSRF-Token", "dapr-app-id", "dapr-api-token", "dapr-caller-app-id",
			"dapr-stream-id", "X-HTTP-Method-Override", "Access-Control-Request-Method", "Expect", "Upgrade", "Connection", "User-Agent", "metadata.x", "X-"+strconv.Itoa(f.IntN(9)))
		value := strings.NewReplacer("\n", "", "\r", "").Replace(f.value())
		switch {
		case strings.EqualFold(name, "traceparent") && f.sometimes(2):
			value = f.of("a-b-c-\xff", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "00-"+f.noise(32)+"-"+f.noise(16)+"-01", "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-\xff")
		case name == "Cookie":
			value = "entregas_sesion=" + value + "; entregas_ingreso=" + f.of("", "e30", value)
		case name == "Accept" && f.sometimes(2):
			value = f.of("text/event-stream", "text/html", "*/*;q=\xff")
		}
		if !f.sometimes(10) { // with control characters the request is mostly not valid HTTP
			value = printable(value)
		}
		fmt.Fprintf(&b, "%s: %s\r\n", name, value)
	}
	return b.String()
}

// printable replaces each control character by an x. It works on bytes, so that invalid UTF-8 stays.
func printable(text string) string {
	b := []byte(text)
	for i := range b {
		if b[i] < ' ' || b[i] == 0x7f {
			b[i] = 'x'
		}
	}
	return string(b)
}

// request makes one request.
func (f forger) request() hostileCase {
	method, target := f.target()
	host := "x"
	if f.sometimes(12) {
		method = f.of("GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "get", "G\xff")
	}
	if f.sometimes(15) {
		host = f.of("127.0.0.1", "", "a:b", "\xff", strings.Repeat("x", 300))
	}
	head := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n%s", method, target, host, f.headers())
	if f.token != "" && !f.sometimes(8) {
		head += "Authorization: Bearer " + f.token + "\r\n"
	}
	c := hostileCase{leaves: f.sometimes(10)}
	switch {
	case method != "POST":
		c.text = head + "\r\n"
	case f.sometimes(10): // a Content-Length above the length of the body
		c.text, c.leaves = head+"Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{", true
	default:
		kind, text := f.body()
		kind = strings.NewReplacer("\n", "", "\r", "").Replace(kind)
		if f.sometimes(3) {
			c.text = fmt.Sprintf("%sContent-Type: %s\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", head, kind, max(1, len(text)), text+strings.Repeat(" ", 1-min(1, len(text))))
		} else {
			c.text = fmt.Sprintf("%sContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", head, kind, len(text), text)
		}
	}
	return c
}
