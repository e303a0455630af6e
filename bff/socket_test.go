package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"entregas/bff/identity"
	"entregas/contracts"
	"entregas/internal/pubsubtest"
	"entregas/internal/telemetrytest"
)

// client speaks graphql-transport-ws.
type client struct {
	t *testing.T
	c *websocket.Conn
}

func (p gate) client(t *testing.T, baseURL string, headers ...string) client {
	t.Helper()
	return client{t, connect(t, baseURL, headers...)}
}

// served is the bff behind a listener.
func (p gate) served(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	return server.URL
}

func (c client) send(messages ...string) {
	c.t.Helper()
	for _, m := range messages {
		if err := c.c.Write(c.t.Context(), websocket.MessageText, []byte(m)); err != nil {
			return // the socket is closed: the next read returns the code
		}
	}
}

type message struct {
	ID, Type string
	Payload  json.RawMessage
	closed   websocket.StatusCode
}

// next returns the next message, or the code by which the socket was closed. It answers the pings of the bff, as clients do.
func (c client) next() message {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), 10*time.Second)
	defer cancel()
	for {
		_, data, err := c.c.Read(ctx)
		if err != nil {
			return message{closed: websocket.CloseStatus(err)}
		}
		var m message
		if err := json.Unmarshal(data, &m); err != nil {
			c.t.Fatal(err)
		}
		if m.Type != "ping" {
			return m
		}
		c.send(`{"type":"pong"}`)
	}
}

// end reads until the socket is closed.
func (c client) end() websocket.StatusCode {
	c.t.Helper()
	for {
		if m := c.next(); m.closed != 0 {
			return m.closed
		}
	}
}

const (
	hello    = `{"type":"connection_init"}`
	typename = `{"id":"1","type":"subscribe","payload":{"query":"{__typename}"}}`
)

func follow(id, purchase string) string {
	return fmt.Sprintf(`{"id":%q,"type":"subscribe","payload":{"query":"subscription{cambios(id:\"%s\"){numero}}"}}`, id, purchase)
}

// Each violation of graphql-transport-ws closes the socket with the code that the protocol has for it.
func TestASocketIsClosedAsItsProtocolSays(t *testing.T) {
	p := newGate(t)
	p.withAnasCompra(t, "")
	baseURL := p.served(t)
	ana := p.as(t, "ana", "cliente")
	for name, c := range map[string]struct {
		messages []string
		code     websocket.StatusCode
	}{
		"what is no JSON":                  {[]string{`{`}, 4400},
		"a list":                           {[]string{`[]`}, 4400},
		"another type of message":          {[]string{hello, `{"type":"start","id":"1"}`}, 4400},
		"no type":                          {[]string{hello, `{}`}, 4400},
		"a type of the server's":           {[]string{hello, `{"type":"next","id":"1"}`}, 4400},
		"a payload that is none":           {[]string{`{"type":"connection_init","payload":5}`}, 4400},
		"an operation without an id":       {[]string{hello, `{"type":"subscribe","payload":{"query":"{__typename}"}}`}, 4400},
		"an operation of a very long id":   {[]string{hello, `{"id":"` + strings.Repeat("a", 65) + `","type":"subscribe","payload":{"query":"{__typename}"}}`}, 4400},
		"an operation without a query":     {[]string{hello, `{"id":"1","type":"subscribe","payload":{}}`}, 4400},
		"an operation of no payload":       {[]string{hello, `{"id":"1","type":"subscribe"}`}, 4400},
		"variables that are none":          {[]string{hello, `{"id":"1","type":"subscribe","payload":{"query":"{__typename}","variables":[]}}`}, 4400},
		"an operation before the greeting": {[]string{typename}, 4401},
		"two greetings":                    {[]string{hello, hello}, 4429},
		"one id twice":                     {[]string{hello, follow("x", anasCompra), follow("x", anasCompra)}, 4409},
		"too large a message":              {[]string{hello, `{"type":"ping","payload":{"a":"` + strings.Repeat("a", 70_000) + `"}}`}, websocket.StatusMessageTooBig},
		"too many messages":                {append([]string{hello}, strings.Split(strings.Repeat(`{"type":"pong"} `, 300), " ")...), websocket.StatusPolicyViolation},
	} {
		k := p.client(t, baseURL, ana...)
		k.send(c.messages...)
		if code := k.end(); code != c.code {
			t.Errorf("%s: %d, want %d", name, code, c.code)
		}
	}
	k := p.client(t, baseURL, ana...)
	if err := k.c.Write(t.Context(), websocket.MessageBinary, []byte(hello)); err != nil || k.end() != 4400 {
		t.Errorf("a binary message: %v", err)
	}
	old, _, err := websocket.Dial(t.Context(), baseURL+"/graphql", &websocket.DialOptions{Subprotocols: []string{"graphql-ws"}}) //nolint:bodyclose // it has none
	if err != nil {
		t.Fatal(err)
	}
	if code := (client{t, old}).end(); code != 4406 {
		t.Errorf("another protocol: %d", code)
	}
}

// The token may come in connection_init, since a browser can set no header. A client without a token is refused.
func TestTheTokenMayComeWithTheGreeting(t *testing.T) {
	p := newGate(t)
	p.withAnasCompra(t, "")
	baseURL := p.served(t)
	bearer := p.as(t, "ana", "cliente")[1]
	bare := strings.TrimPrefix(bearer, "Bearer ")
	greet := func(key, value string) string {
		return fmt.Sprintf(`{"type":"connection_init","payload":{%q:%q}}`, key, value)
	}
	for name, greeting := range map[string]string{
		"Authorization": greet("Authorization", bearer), "authorization": greet("authorization", bearer), "small letters": greet("authorization", "bearer "+bare),
		"token": greet("token", bare), "token with its scheme": greet("token", bearer),
	} {
		k := p.client(t, baseURL)
		k.send(`{"type":"ping"}`, greeting)
		if m := k.next(); m.Type != "pong" {
			t.Errorf("%s: %+v", name, m)
		}
		if m := k.next(); m.Type != "connection_ack" {
			t.Fatalf("%s: %+v", name, m)
		}
		k.send(follow("1", anasCompra))
		if m := k.next(); m.Type != "next" || !strings.Contains(string(m.Payload), `"numero":1`) {
			t.Errorf("%s: %+v %s", name, m, m.Payload)
		}
	}
	for name, greeting := range map[string]string{
		"nothing": hello, "no token": greet("token", ""), "another's": greet("token", bare+"x"), "a number": `{"type":"connection_init","payload":{"token":5}}`, "another scheme": greet("Authorization", "Basic "+bare),
	} {
		k := p.client(t, baseURL)
		k.send(greeting, typename)
		if code := k.end(); code != 4403 {
			t.Errorf("%s: %d", name, code)
		}
	}
	// The token of connection_init goes before that of the request.
	k := p.client(t, baseURL, p.as(t, "eva", "cliente")...)
	k.send(greet("token", bare), follow("1", anasCompra))
	if m := k.next(); m.Type != "connection_ack" {
		t.Errorf("%+v", m)
	}
	if m := k.next(); m.Type != "next" || strings.Contains(string(m.Payload), "errors") {
		t.Errorf("%+v %s", m, m.Payload)
	}
}

// A request that is no websocket, or comes from another site, is refused before the upgrade.
func TestWhatIsNoWebsocket(t *testing.T) {
	p := newGate(t)
	good := []string{"Upgrade", "websocket", "Connection", "Upgrade", "Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA=="}
	for name, c := range map[string]struct {
		headers []string
		status  int
	}{
		"another upgrade":     {[]string{"Upgrade", "h2c"}, 400},
		"an old version":      {[]string{"Sec-WebSocket-Version", "8"}, 400},
		"a key that is none":  {[]string{"Sec-WebSocket-Key", "x"}, 400},
		"no upgrade at all":   {[]string{"Connection", "keep-alive"}, 400},
		"another site's page": {[]string{"Origin", "https://otro"}, 403},
		"a page of no site":   {[]string{"Origin", "null"}, 403},
	} {
		r := p.do(t, "GET", "/graphql", "", append(append([]string{}, good...), c.headers...)...)
		var said graphQLResponse
		if err := json.Unmarshal(r.Body.Bytes(), &said); err != nil || len(said.Errors) != 1 || said.Errors[0].Extensions.Code == "" {
			t.Errorf("%s: %d %s", name, r.Code, r.Body)
		}
		if r.Code != c.status {
			t.Errorf("%s: %d", name, r.Code)
		}
	}
}

// A socket has a bounded number of open operations. One that ends makes room, and its id is free again.
func TestOneSocketsOperationsAreBounded(t *testing.T) {
	p := newGate(t)
	p.withAnasCompra(t, "")
	k := p.client(t, p.served(t), p.as(t, "ana", "cliente")...)
	k.send(hello)
	for i := range 101 {
		k.send(follow(fmt.Sprint(i), anasCompra))
		time.Sleep(10 * time.Millisecond) // as many messages a second as it may send
	}
	refused := message{}
	for told := 0; told < 101; {
		switch m := k.next(); {
		case m.closed != 0:
			t.Fatalf("closed: %d after %d", m.closed, told)
		case m.Type == "error":
			refused = m
			told++
		case m.Type == "next":
			told++
		}
	}
	if refused.ID != "100" || !strings.Contains(string(refused.Payload), `"demasiadas"`) {
		t.Errorf("%+v %s", refused, refused.Payload)
	}
	k.send(`{"id":"7","type":"complete"}`, follow("7", anasCompra))
	if m := k.next(); m.Type != "next" || m.ID != "7" {
		t.Errorf("%+v %s", m, m.Payload)
	}
	k.send(`{"id":"of nobody","type":"complete"}`, `{"id":"8","type":"complete"}`, `{"type":"ping"}`)
	if m := k.next(); m.Type != "pong" {
		t.Errorf("after its end an operation says %+v", m)
	}
}

// An operation that its client cancels gives back all its memory, also memory that it took after the cancellation. It is no failure of
// ours, so the log says nothing of it.
func TestAnOperationThatIsCalledOffHoldsNothing(t *testing.T) {
	var log bytes.Buffer
	earlier := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelError}))) // it writes one line at a time
	defer slog.SetDefault(earlier)
	p := newGate(t, func(c *config) { c.InFlight = 32 << 20 })
	begun := make(chan int64)
	var hold atomic.Bool
	p.faults.list = func(ctx context.Context) []contracts.Producto {
		if !hold.Load() {
			return []contracts.Producto{{ID: "1"}}
		}
		begun <- p.memory.Held()
		<-ctx.Done()
		time.Sleep(10 * time.Millisecond)      // by then every reader of the context has seen the cancellation
		return make([]contracts.Producto, 800) // far more than a list usually is: it takes room while it is made
	}
	k := p.client(t, p.served(t), p.as(t, "ana", "cliente")...)
	k.send(hello)
	if m := k.next(); m.Type != "connection_ack" {
		t.Fatalf("%+v", m)
	}
	ask := func(id int) {
		k.send(fmt.Sprintf(`{"id":"%d","type":"subscribe","payload":{"query":"{productos{id nombre cantidad}}"}}`, id))
	}
	const calledOff = 8
	for i := range calledOff {
		hold.Store(true)
		ask(i)
		select {
		case held := <-begun:
			if held <= 0 {
				t.Fatalf("%d: it is charged with %d bytes", i, held)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("%d: refused: %s", i, k.next().Payload)
		}
		hold.Store(false)
		k.send(fmt.Sprintf(`{"id":"%d","type":"complete"}`, i))
		p.holdsNothing(t)
	}
	ask(calledOff) // after the last has ended for certain
	if m := k.next(); m.Type != "next" || !strings.Contains(string(m.Payload), `"id":"1"`) {
		t.Errorf("%+v %s", m, m.Payload)
	}
	p.holdsNothing(t) // all operations have ended, and write no more
	if log.Len() > 0 {
		t.Errorf("it logs %s", log.String())
	}
}

// holdsNothing waits until the requests in flight have given back all their memory.
func (p gate) holdsNothing(t *testing.T) {
	t.Helper()
	for limit := time.Now().Add(10 * time.Second); p.memory.Held() != 0; time.Sleep(time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatalf("%d bytes are never given back", p.memory.Held())
		}
	}
}

// A refused operation gets one error, and its id is free again.
func TestARefusedOperationEndsOnce(t *testing.T) {
	p := newGate(t)
	k := p.client(t, p.served(t), p.as(t, "ana", "cliente")...)
	k.send(hello, `{"id":"1","type":"subscribe","payload":{"query":"{nada}"}}`, `{"type":"ping"}`, typename)
	var kinds []string
	for range 5 {
		m := k.next()
		kinds = append(kinds, m.Type)
		if m.Type == "error" && (english.MatchString(quoted.ReplaceAllString(string(m.Payload), "")) || !strings.Contains(string(m.Payload), "GRAPHQL_VALIDATION_FAILED")) {
			t.Errorf("%s", m.Payload)
		}
	}
	if got := strings.Join(kinds, " "); got != "connection_ack error pong next complete" {
		t.Errorf("%s", got)
	}
}

// cookie returns the session's cookie.
func (n browser) cookie() string {
	at, _ := url.Parse(n.baseURL)
	for _, c := range n.Jar.Cookies(at) {
		if c.Name == "entregas_sesion" {
			return c.Value
		}
	}
	return ""
}

// stream returns the data of the server-sent events of a stream. The channel is closed with the stream.
func stream(t *testing.T, baseURL, method, path, body string, headers ...string) chan string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, baseURL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(r) //nolint:bodyclose // the goroutine below closes it
	if err != nil {
		t.Fatal(err)
	}
	told := make(chan string, 100)
	go func() {
		defer close(told)
		defer func() { _ = res.Body.Close() }()
		lines := bufio.NewScanner(res.Body)
		for lines.Scan() {
			if data, is := strings.CutPrefix(lines.Text(), "data: "); is {
				told <- data
			}
		}
	}()
	return told
}

// within returns the next event, or false at the end of the stream. It fails the test if neither an event nor the end comes.
func within(t *testing.T, told chan string) (line string, is bool) {
	t.Helper()
	select {
	case line, is = <-told:
	case <-time.After(10 * time.Second):
		t.Fatal("the stream neither tells nor ends")
	}
	return line, is
}

// advance moves Ana's purchase to its next state, and delivers the event as the broker does.
func (p gate) advance(t *testing.T, step contracts.Estado) {
	t.Helper()
	c := p.manager.Advance(anasCompra, step)
	if err := p.core.Register(t.Context(), c); err != nil {
		t.Fatal(err)
	}
}

// After a sign-out in any replica, the person's open streams and sockets send nothing more. The same holds for streams and
// sockets that were opened with roles that the person has lost.
func TestAfterSigningOutNothingIsTold(t *testing.T) {
	for name, ending := range map[string]func(t *testing.T, p gate, n browser, q whoAmI){
		"signed out": func(t *testing.T, _ gate, n browser, q whoAmI) {
			if status, _, _ := n.do(t, "POST", "/salir", "", identity.CSRFHeader, q.CSRF); status != 204 {
				t.Fatal(status)
			}
		},
		"a role taken": func(t *testing.T, p gate, _ browser, _ whoAmI) {
			for _, key := range p.store.Keys("session/") {
				v, _ := p.store.Load(t.Context(), key)
				text := strings.Replace(string(v[0].Text), `["cliente"]`, `[]`, 1)
				if err := p.store.Replace(t.Context(), key, v[0].Version, []byte(text), time.Hour); err != nil {
					t.Fatal(err)
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newGate(t)
			p.withAnasCompra(t, "")
			n := p.browser(t)
			n.signIn(t, "ana", "cliente", "/")
			q, _ := n.session(t)
			baseURL := p.served(t) // another replica: it shares the store and nothing else
			cookie := []string{"Cookie", "entregas_sesion=" + n.cookie()}
			lines := stream(t, baseURL, "GET", "/api/compras/"+anasCompra+"/eventos", "", cookie...)
			graph := stream(t, baseURL, "POST", "/graphql", `{"query":"subscription{cambios(id:\"`+anasCompra+`\"){numero}}"}`,
				append(cookie, "Content-Type", "application/json", "Accept", "text/event-stream", identity.CSRFHeader, q.CSRF)...)
			k := p.client(t, baseURL, cookie...)
			k.send(hello, follow("1", anasCompra))
			for _, kind := range []string{"connection_ack", "next"} {
				if m := k.next(); m.Type != kind {
					t.Fatalf("%+v", m)
				}
			}
			for _, s := range []chan string{lines, graph} {
				if first, _ := within(t, s); !strings.Contains(first, `1`) {
					t.Fatal(first)
				}
			}
			ending(t, p, n, q)
			p.advance(t, contracts.EstadoIniciada)
			for _, s := range []chan string{lines, graph} {
				if line, open := within(t, s); open {
					t.Errorf("told: %s", line)
				}
			}
			if m := k.next(); m.Type != "complete" {
				t.Errorf("told: %+v %s", m, m.Payload)
			}
			k.send(`{"id":"2","type":"subscribe","payload":{"query":"{misCompras{compras{id}}}"}}`)
			for {
				m := k.next()
				if m.closed != 0 {
					if m.closed != 4403 {
						t.Errorf("closed with %d", m.closed)
					}
					break
				}
				if strings.Contains(string(m.Payload), anasCompra) {
					t.Errorf("told: %s", m.Payload)
				}
			}
		})
	}
}

// tell delivers a change of Ana's purchase to the streams of all purchases, as the broker does.
func (p gate) tell(t *testing.T, reason string) {
	t.Helper()
	m := contracts.NewMessage("gestor-compra", contracts.CompraActualizada, "", contracts.DatosEventoCompra{
		IDCompra: anasCompra, IDUsuario: "ana", Numero: 1, Estado: "RECIBIDA", Motivo: reason, Productos: []contracts.Linea{{IDProducto: "1", Cantidad: 1}},
		Historia: []contracts.Hecho{{Numero: 1, Paso: "RECIBIDA", Tipo: "CrearCompra"}},
	})
	text, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if said := pubsubtest.DeliverText(t, p, "/vivo/eventos-compra", text); said != "SUCCESS" {
		t.Fatal(said)
	}
}

// The stream of all purchases ends with the operator's session too.
func TestTheStreamOfAllEndsWithTheSession(t *testing.T) {
	in := newGate(t)
	n := in.browser(t)
	n.signIn(t, "oti", "operador", "/")
	p := newGate(t, func(c *config) { c.Mode, c.PublicURL = "production", "https://entregas.example" })
	key := in.store.Keys("session/")[0]
	session, _ := in.store.Load(t.Context(), key)
	if err := p.store.Create(t.Context(), key, session[0].Text, time.Hour); err != nil {
		t.Fatal(err)
	}
	told := stream(t, p.served(t), "GET", "/stream", "", "Cookie", "entregas_sesion="+n.cookie())
	p.tell(t, "uno")
	if first, _ := within(t, told); !strings.Contains(first, "uno") {
		t.Fatal(first)
	}
	session, _ = p.store.Load(t.Context(), key)
	if err := p.store.Delete(t.Context(), key, session[0].Version); err != nil {
		t.Fatal(err)
	}
	p.tell(t, "dos")
	if line, open := within(t, told); open {
		t.Errorf("told: %s", line)
	}
}

// An operation on a socket is counted before it is parsed. A refused one counts too, over all sockets of its subject,
// and gives back its memory.
func TestRefusedOperationsOfASocketCount(t *testing.T) {
	long := `{"id":"1","type":"subscribe","payload":{"query":"{nada` + strings.Repeat(" ", 6000) + `}"}}` // 6 kB weigh a quarter of a megabyte
	t.Run("among its subject's requests", func(t *testing.T) {
		p := newGate(t, func(c *config) { c.PerSubject, c.Burst = 0.001, 6 })
		baseURL, ana, codes := p.served(t), p.as(t, "ana", "cliente"), []string{}
		for range 2 {
			k := p.client(t, baseURL, ana...) // counts as one
			k.send(hello)
			k.next()
			for range 3 {
				k.send(long)
				codes = append(codes, k.refusal())
			}
		}
		if want := "GRAPHQL_VALIDATION_FAILED GRAPHQL_VALIDATION_FAILED GRAPHQL_VALIDATION_FAILED GRAPHQL_VALIDATION_FAILED demasiadas demasiadas"; strings.Join(codes, " ") != want {
			t.Errorf("%v, want %s", codes, want)
		}
	})
	t.Run("for its room", func(t *testing.T) {
		for name, c := range map[string]struct {
			inFlight int64
			code     string
		}{"enough": {2 << 20, "GRAPHQL_VALIDATION_FAILED"}, "too little": {512 << 10, "demasiadas"}} {
			p := newGate(t, func(s *config) { s.InFlight = c.inFlight })
			k := p.client(t, p.served(t), p.as(t, "ana", "cliente")...)
			k.send(hello)
			k.next()
			for range 8 {
				k.send(long)
				if code := k.refusal(); code != c.code {
					t.Errorf("%s: %q, want %q", name, code, c.code)
				}
			}
		}
	})
}

// refusal returns the code of a refused operation.
func (c client) refusal() string {
	c.t.Helper()
	for {
		m := c.next()
		if m.closed != 0 {
			return fmt.Sprint("closed ", m.closed)
		}
		if _, code, has := strings.Cut(string(m.Payload), `"code":"`); has {
			code, _, _ = strings.Cut(code, `"`)
			return code
		}
	}
}

// A page of CORS_ORIGINS opens a websocket by the token in connection_init. The session's cookie does not count there.
func TestASocketOfATrustedOrigin(t *testing.T) {
	const trusted = "https://tienda.example"
	p := newGate(t, func(c *config) { c.Origins = []string{trusted} })
	n := p.browser(t)
	n.signIn(t, "ana", "cliente", "/")
	baseURL, bearer := p.served(t), p.as(t, "ana", "cliente")[1]
	for name, c := range map[string]struct {
		greeting string
		closed   websocket.StatusCode
	}{"a token": {`{"type":"connection_init","payload":{"Authorization":"` + bearer + `"}}`, 0}, "the cookie alone": {hello, 4403}} {
		k := p.client(t, baseURL, "Origin", trusted, "Cookie", "entregas_sesion="+n.cookie())
		k.send(c.greeting)
		if m := k.next(); m.closed != c.closed || c.closed == 0 && m.Type != "connection_ack" {
			t.Errorf("%s: %+v", name, m)
		}
	}
}

// A client that accepts events among other types gets JSON, and may write.
func TestAClientThatTakesEventsToo(t *testing.T) {
	p := newGate(t)
	ana := p.as(t, "ana", "cliente")
	for _, accept := range []string{
		"application/graphql-response+json, application/graphql+json, application/json, text/event-stream, multipart/mixed",
		"text/event-stream, */*;q=0.5",
	} {
		for _, query := range []string{`{productos{id}}`, `mutation{comprar(compra:{productos:[{idProducto:\"1\",cantidad:1}]}){id}}`} {
			r := p.do(t, "POST", "/graphql", `{"query":"`+query+`"}`, append([]string{"Content-Type", "application/json", "Accept", accept}, ana...)...)
			if r.Code != 200 || !strings.HasPrefix(r.Header().Get("Content-Type"), "application/json") || strings.Contains(r.Body.String(), "errors") {
				t.Errorf("%s: %d %v %s", accept, r.Code, r.Header(), r.Body)
			}
		}
	}
}

// A mutation begins one trace, with the span of its request or, where the client takes events too, one of its own: a request for a stream
// has none. Such a trace never is the client's.
func TestAMutationBeginsATrace(t *testing.T) {
	const caller = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	for accept, want := range map[string]string{
		"application/json": "POST /graphql", "text/event-stream, */*;q=0.5": "graphql mutation",
		"application/graphql-response+json, application/json, text/event-stream": "graphql mutation",
	} {
		sent := telemetrytest.Record(t)
		p := newGate(t)
		for _, query := range []string{`mutation{comprar(compra:{productos:[{idProducto:\"1\",cantidad:1}]}){id}}`, `{productos{id}}`} {
			headers := append([]string{"Content-Type", "application/json", "Accept", accept, "traceparent", caller}, p.as(t, "ana", "cliente")...)
			if r := p.do(t, "POST", "/graphql", `{"query":"`+query+`"}`, headers...); r.Code != 200 || strings.Contains(r.Body.String(), "errors") {
				t.Fatalf("%s: %d %s", accept, r.Code, r.Body)
			}
		}
		roots := map[string]int{}
		for _, span := range sent.Sent() {
			if !span.Parent().IsValid() && strings.Contains(span.Name(), "graphql") { // here the services are in this process
				roots[span.Name()]++
			}
			if span.SpanContext().TraceID().String() == caller[3:35] {
				t.Errorf("%s: %s is in the trace of the client", accept, span.Name())
			}
		}
		requests := map[string]int{want: 1}
		if want == "POST /graphql" {
			requests[want] = 2 // the query too
		}
		if !maps.Equal(roots, requests) {
			t.Errorf("%s: the roots %v, want %v", accept, roots, requests)
		}
	}
}
