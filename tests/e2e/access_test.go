package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"entregas/contracts"
	"entregas/tests/client"
	. "entregas/tests/testkit"
)

// as returns a client of the bff that asks as usuario in role.
func as(t *testing.T, s *System, usuario, role string) *client.Client {
	t.Helper()
	c, err := s.Env.As(usuario, role)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A service answers only its own sidecar, and the bff answers only a client with a token. Only health checks and public data need no
// token.
func TestNobodyComesInByTheBackDoor(t *testing.T) {
	t.Parallel()
	s := Open(t)
	if s.Env.AppToken == "" {
		t.Skip("this system requires no tokens")
	}
	for path, status := range map[string]int{
		s.Env.Manager + "/usuarios/ana/compras":                    http.StatusUnauthorized,
		s.Env.Admin + "/productos":                                 http.StatusUnauthorized,
		s.Env.Ordenes + "/usuarios/ana/ordenes":                    http.StatusUnauthorized,
		s.Env.Monitor + "/mensajes-muertos":                        http.StatusUnauthorized,
		s.Env.Monitor + "/metrics":                                 http.StatusOK,
		s.Env.Manager + "/healthz":                                 http.StatusOK,
		s.Env.Manager + "/readyz":                                  http.StatusOK,
		s.Env.BFF + "/api/productos":                               http.StatusOK,
		s.Env.BFF + "/api/usuarios/ana/compras":                    http.StatusUnauthorized,
		s.Env.BFF + "/desarrollo/.well-known/openid-configuration": http.StatusOK,
	} {
		r, err := http.Get(path) //nolint:gosec,noctx // the system under test
		if err != nil {
			t.Fatal(err)
		}
		_ = r.Body.Close()
		if r.StatusCode != status {
			t.Errorf("%s: %d, want %d", path, r.StatusCode, status)
		}
	}
	r, err := http.Post(s.Env.BFF+"/mensajes/eventos-compra", "application/json", strings.NewReader(`{}`)) //nolint:gosec,noctx // the system under test
	if err != nil {
		t.Fatal(err)
	}
	_ = r.Body.Close()
	if r.StatusCode != http.StatusUnauthorized {
		t.Errorf("a delivery that is not from the sidecar: %d", r.StatusCode)
	}
}

// A customer buys, reads and cancels their own purchases. For a customer, the purchases of another customer do not exist. All other
// routes are for operators only.
func TestToEachTheirOwn(t *testing.T) {
	t.Parallel()
	s := Open(t)
	s.Restock(t, map[string]int{"1": 10})
	usuario := Usuario(t)
	own, outsider := as(t, s, usuario, "cliente"), as(t, s, usuario+"-other", "cliente")
	a, err := own.Comprar(t.Context(), contracts.SolicitudCompra{Productos: []contracts.Linea{Linea("1", 1)}, IDUsuario: usuario})
	if err != nil {
		t.Fatal(err)
	}
	s.Wait(t, a.ID, contracts.EstadoConfirmada)
	ask := func(c *client.Client, verb, path string, body any) int {
		r, err := c.Request(t.Context(), verb, path, body)
		if err != nil {
			t.Fatal(err)
		}
		return r.Status
	}
	for _, c := range []struct {
		name, verb, path      string
		body                  any
		nobody, own, outsider int
	}{
		{"read", http.MethodGet, "/compras/" + a.ID, nil, 401, 200, 404},
		{"follow", http.MethodGet, "/compras/" + a.ID + "/eventos", nil, 401, 0, 404},
		{"the list", http.MethodGet, "/usuarios/" + usuario + "/compras", nil, 401, 200, 404},
		{"the list of all", http.MethodGet, "/compras", nil, 401, 403, 403},
		{"its messages", http.MethodGet, "/compras/" + a.ID + "/mensajes", nil, 401, 403, 403},
		{"approve", http.MethodPost, "/compras/" + a.ID + "/aprobacion", map[string]any{"aprobada": true}, 401, 403, 403},
		{"restock", http.MethodPost, "/productos/1/reposicion", map[string]int{"cantidad": 1}, 401, 403, 403},
		{"buy for another", http.MethodPost, "/compras", contracts.SolicitudCompra{ID: NewID(), IDUsuario: "other", Productos: []contracts.Linea{Linea("1", 1)}}, 401, 403, 403},
		{"cancel", http.MethodPost, "/compras/" + a.ID + "/cancelacion", nil, 401, 202, 404},
	} {
		for who, pair := range map[string]struct {
			c    *client.Client
			want int
		}{"nobody": {s.Env.Anonymous(), c.nobody}, "another customer": {outsider, c.outsider}} {
			if status := ask(pair.c, c.verb, c.path, c.body); status != pair.want {
				t.Errorf("%s by %s: %d, want %d", c.name, who, status, pair.want)
			}
		}
		if c.own != 0 {
			if status := ask(own, c.verb, c.path, c.body); status != c.own {
				t.Errorf("%s by its customer: %d, want %d", c.name, status, c.own)
			}
		}
	}
	s.Wait(t, a.ID, contracts.EstadoCancelada)
}

// An operator reads the messages of a purchase, the summary, the queues, the books and the dead letters. All of them agree with the
// purchase that the test made.
func TestOperationNeedsAnOperador(t *testing.T) {
	t.Parallel()
	s := Open(t)
	s.Restock(t, map[string]int{"1": 10})
	id := s.Comprar(t, contracts.SolicitudCompra{IDUsuario: Usuario(t), Productos: []contracts.Linea{Linea("1", 1)}})
	s.Wait(t, id, contracts.EstadoConfirmada)
	read := func(path string, v any) {
		t.Helper()
		r, err := s.BFF.Request(t.Context(), http.MethodGet, path, nil)
		if err != nil || r.Status != http.StatusOK {
			t.Fatalf("%s: %d %s %v", path, r.Status, r.Body, err)
		}
		if err := json.Unmarshal(r.Body, v); err != nil {
			t.Fatal(err)
		}
	}
	var m struct{ Mensajes []contracts.MensajeDeSaga }
	read("/compras/"+id+"/mensajes", &m)
	if len(m.Mensajes) != 3 || m.Mensajes[0].Comando != contracts.ValidarInventario || m.Mensajes[2].Respuesta != contracts.OrdenCreada {
		t.Errorf("%+v", m)
	}
	var r contracts.Resumen
	read("/operacion/resumen?segundos=600", &r)
	if r.Confirmadas < 1 || r.P50 == nil || *r.P50 <= 0 || r.Estados[contracts.EstadoConfirmada] < 1 {
		t.Errorf("%+v", r)
	}
	var c contracts.Colas
	read("/operacion/colas", &c)
	if !c.Broker || len(c.Muestras) == 0 || len(c.Ahora) < 8 {
		t.Errorf("%+v", c)
	}
	var lineas []contracts.LineaDeBalance
	read("/operacion/balance", &lineas)
	for _, l := range lineas {
		if l.Diferencia != 0 || l.Inicial+l.Repuesto+l.Corregido != l.Existencias+l.Reservado+l.Despachado {
			t.Errorf("%+v", l)
		}
	}
	var p client.Page
	read("/compras?estado=CONFIRMADA&limite=1", &p)
	if len(p.Compras) != 1 || p.Compras[0].Estado != contracts.EstadoConfirmada {
		t.Errorf("%+v", p)
	}
	var deadLetters []contracts.MensajeMuerto
	read("/mensajes-muertos", &deadLetters)
	if r, err := s.BFF.Request(t.Context(), http.MethodPost, "/compras/"+id+"/reintento", nil); err != nil || r.Status != http.StatusConflict {
		t.Errorf("retry a confirmed purchase: %d %s", r.Status, r.Body)
	}
}

// signIn returns an HTTP client with the session of usuario, who signed in through the form as a customer.
func signIn(t *testing.T, s *System, usuario string) *http.Client {
	t.Helper()
	jar, _ := cookiejar.New(nil)
	browser := &http.Client{Jar: jar}
	page := func(response *http.Response, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = response.Body.Close() }()
		text, err := io.ReadAll(response.Body)
		if err != nil || response.StatusCode != http.StatusOK {
			t.Fatalf("%d %s %v", response.StatusCode, text, err)
		}
		return string(text)
	}
	form := page(browser.Get(s.Env.BFF + "/entrar")) //nolint:bodyclose,noctx // page closes it
	values := url.Values{"usuario": {usuario}, "rol": {"cliente"}}
	for _, field := range regexp.MustCompile(`type="hidden" name="([^"]+)" value="([^"]*)"`).FindAllStringSubmatch(form, -1) {
		values.Set(field[1], strings.ReplaceAll(field[2], "&#43;", "+"))
	}
	page(browser.PostForm(s.Env.BFF+"/desarrollo/entrar", values)) //nolint:bodyclose,noctx // page closes it
	return browser
}

// A customer signs in through the form, buys with the cookie of the session, and signs out.
func TestLogInAndOut(t *testing.T) {
	t.Parallel()
	s := Open(t)
	s.Restock(t, map[string]int{"1": 10})
	usuario := Usuario(t)
	browser := signIn(t, s, usuario)
	ask := func(verb, path, kind, body, csrf string) (int, string) {
		r, err := http.NewRequestWithContext(t.Context(), verb, s.Env.BFF+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", kind)
		r.Header.Set("X-CSRF-Token", csrf)
		res, err := browser.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		var text strings.Builder
		_, _ = bufio.NewReader(res.Body).WriteTo(&text)
		return res.StatusCode, text.String()
	}
	var q struct {
		Usuario, CSRF string
		Roles         []string
	}
	status, text := ask(http.MethodGet, "/sesion", "", "", "")
	if err := json.Unmarshal([]byte(text), &q); err != nil || status != http.StatusOK || q.Usuario != usuario {
		t.Fatalf("%d %s", status, text)
	}
	compra := `{"productos":[{"id_producto":"1","cantidad":1}]}`
	if status, text := ask(http.MethodPost, "/api/compras", "application/json", compra, ""); status != http.StatusForbidden {
		t.Errorf("without the CSRF header: %d %s", status, text)
	}
	var a contracts.Aceptada
	status, text = ask(http.MethodPost, "/api/compras", "application/json", compra, q.CSRF)
	if err := json.Unmarshal([]byte(text), &a); err != nil || status != http.StatusAccepted {
		t.Fatalf("%d %s", status, text)
	}
	s.Wait(t, a.ID, contracts.EstadoConfirmada)
	if status, text := ask(http.MethodGet, "/api/compras/"+a.ID, "", "", ""); status != http.StatusOK || !strings.Contains(text, usuario) {
		t.Errorf("%d %s", status, text)
	}
	stream := followWith(t, browser, s.Env.BFF+"/api/compras/"+a.ID+"/eventos", contracts.EstadoConfirmada)
	if status, _ := ask(http.MethodPost, "/salir", "", "", q.CSRF); status != http.StatusNoContent {
		t.Errorf("sign out: %d", status)
	}
	if status, _ := ask(http.MethodGet, "/api/compras/"+a.ID, "", "", ""); status != http.StatusUnauthorized {
		t.Errorf("after signing out: %d", status)
	}
	// The purchase changes, and the stream that was open ends without an event.
	if r, err := s.BFF.Request(t.Context(), http.MethodPost, "/compras/"+a.ID+"/cancelacion", nil); err != nil || r.Status >= http.StatusBadRequest {
		t.Fatalf("cancel: %d %s %v", r.Status, r.Body, err)
	}
	for line := range stream {
		if strings.HasPrefix(line, "data:") {
			t.Errorf("an event after signing out: %s", line)
		}
	}
}

// followWith reads the events of a purchase with the session of client until an event has the state. It returns a channel with the
// lines after that event.
func followWith(t *testing.T, client *http.Client, address string, until contracts.Estado) <-chan string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), Deadline)
	t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	res, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = res.Body.Close() })
	lines := bufio.NewScanner(res.Body)
	for reached := false; !reached && lines.Scan(); {
		reached = strings.Contains(lines.Text(), `"estado":"`+string(until)+`"`)
	}
	after := make(chan string, 100)
	go func() {
		defer close(after)
		for lines.Scan() {
			after <- lines.Text()
		}
		if ctx.Err() != nil {
			after <- "data: the stream does not end"
		}
	}()
	return after
}

// A GraphQL subscription delivers each change of a purchase, as the REST stream does.
func TestSubscription(t *testing.T) {
	t.Parallel()
	s := Open(t)
	s.Restock(t, map[string]int{"1": 10})
	usuario := Usuario(t)
	token, err := s.Env.Token(usuario, "cliente")
	if err != nil {
		t.Fatal(err)
	}
	a, err := as(t, s, usuario, "cliente").Comprar(t.Context(), contracts.SolicitudCompra{IDUsuario: usuario, Productos: []contracts.Linea{Linea("1", 1)}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), Deadline)
	defer cancel()
	body, _ := json.Marshal(map[string]string{"query": `subscription { cambios(id: "` + a.ID + `", desde: 0) { numero compra { estado } } }`})
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.Env.BFF+"/graphql", strings.NewReader(string(body)))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "text/event-stream")
	r.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var seen []string
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		var e struct {
			Data struct {
				Cambios struct {
					Numero int
					Compra struct{ Estado string }
				}
			}
			Errors []any
		}
		if err := json.Unmarshal([]byte(data), &e); err != nil || len(e.Errors) > 0 {
			t.Fatalf("%s: %v", data, err)
		}
		seen = append(seen, e.Data.Cambios.Compra.Estado)
		if e.Data.Cambios.Compra.Estado == "CONFIRMADA" {
			break
		}
	}
	if got := strings.Join(seen, " "); got != "RECIBIDA INICIADA PRODUCTOS_VALIDOS PRODUCTOS_RESERVADOS CONFIRMADA" {
		t.Errorf("%d: %s", res.StatusCode, got)
	}
}
