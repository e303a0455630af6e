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
	"entregas/tests/cliente"
	. "entregas/tests/prueba"
)

func como(t *testing.T, s *Sistema, usuario, rol string) *cliente.Cliente {
	t.Helper()
	c, err := s.Entorno.Como(usuario, rol)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Each service answers only its own sidecar, and each sidecar only a client with its token; health is for everybody.
func TestNadieEntraPorAtras(t *testing.T) {
	s := Abrir(t)
	if s.Entorno.TokenApp == "" {
		t.Skip("este sistema no pide tokens")
	}
	for ruta, estado := range map[string]int{
		s.Entorno.Gestor + "/usuarios/ana/compras":                     http.StatusUnauthorized,
		s.Entorno.Admin + "/productos":                                 http.StatusUnauthorized,
		s.Entorno.Ordenes + "/usuarios/ana/ordenes":                    http.StatusUnauthorized,
		s.Entorno.Monitor + "/mensajes-muertos":                        http.StatusUnauthorized,
		s.Entorno.Monitor + "/metrics":                                 http.StatusOK,
		s.Entorno.Gestor + "/healthz":                                  http.StatusOK,
		s.Entorno.Gestor + "/readyz":                                   http.StatusOK,
		s.Entorno.BFF + "/api/productos":                               http.StatusOK,
		s.Entorno.BFF + "/api/usuarios/ana/compras":                    http.StatusUnauthorized,
		s.Entorno.BFF + "/desarrollo/.well-known/openid-configuration": http.StatusOK,
	} {
		r, err := http.Get(ruta) //nolint:gosec,noctx // the system under test
		if err != nil {
			t.Fatal(err)
		}
		_ = r.Body.Close()
		if r.StatusCode != estado {
			t.Errorf("%s: %d, quiero %d", ruta, r.StatusCode, estado)
		}
	}
	r, err := http.Post(s.Entorno.BFF+"/mensajes/eventos-compra", "application/json", strings.NewReader(`{}`)) //nolint:gosec,noctx // the system under test
	if err != nil {
		t.Fatal(err)
	}
	_ = r.Body.Close()
	if r.StatusCode != http.StatusUnauthorized {
		t.Errorf("una entrega que no es del sidecar: %d", r.StatusCode)
	}
}

// A customer buys, reads and cancels their own; a stranger's is not there; the rest is for operators.
func TestCadaQuienLoSuyo(t *testing.T) {
	s := Abrir(t)
	s.Surtir(t, map[string]int{"1": 10})
	usuario := Usuario(t)
	suyo, ajeno := como(t, s, usuario, "cliente"), como(t, s, usuario+"-otro", "cliente")
	a, err := suyo.Comprar(t.Context(), contracts.SolicitudCompra{Productos: []contracts.Linea{Linea("1", 1)}, IDUsuario: usuario})
	if err != nil {
		t.Fatal(err)
	}
	s.Espera(t, a.ID, contracts.EstadoConfirmada)
	pedir := func(c *cliente.Cliente, verbo, ruta string, cuerpo any) int {
		r, err := c.Pedir(t.Context(), verbo, ruta, cuerpo)
		if err != nil {
			t.Fatal(err)
		}
		return r.Estado
	}
	for _, c := range []struct {
		nombre, verbo, ruta string
		cuerpo              any
		nadie, suyo, ajeno  int
	}{
		{"leer", http.MethodGet, "/compras/" + a.ID, nil, 401, 200, 404},
		{"seguir", http.MethodGet, "/compras/" + a.ID + "/eventos", nil, 401, 0, 404},
		{"la lista", http.MethodGet, "/usuarios/" + usuario + "/compras", nil, 401, 200, 404},
		{"las de todos", http.MethodGet, "/compras", nil, 401, 403, 403},
		{"sus mensajes", http.MethodGet, "/compras/" + a.ID + "/mensajes", nil, 401, 403, 403},
		{"aprobar", http.MethodPost, "/compras/" + a.ID + "/aprobacion", map[string]any{"aprobada": true}, 401, 403, 403},
		{"reponer", http.MethodPost, "/productos/1/reposicion", map[string]int{"cantidad": 1}, 401, 403, 403},
		{"comprar para otro", http.MethodPost, "/compras", contracts.SolicitudCompra{ID: NuevoID(), IDUsuario: "otro", Productos: []contracts.Linea{Linea("1", 1)}}, 401, 403, 403},
		{"cancelar", http.MethodPost, "/compras/" + a.ID + "/cancelacion", nil, 401, 202, 404},
	} {
		for quien, par := range map[string]struct {
			c      *cliente.Cliente
			quiero int
		}{"nadie": {s.Entorno.Anonimo(), c.nadie}, "ajeno": {ajeno, c.ajeno}} {
			if estado := pedir(par.c, c.verbo, c.ruta, c.cuerpo); estado != par.quiero {
				t.Errorf("%s por %s: %d, quiero %d", c.nombre, quien, estado, par.quiero)
			}
		}
		if c.suyo != 0 {
			if estado := pedir(suyo, c.verbo, c.ruta, c.cuerpo); estado != c.suyo {
				t.Errorf("%s por su dueño: %d, quiero %d", c.nombre, estado, c.suyo)
			}
		}
	}
	s.Espera(t, a.ID, contracts.EstadoCancelada)
}

// What operators look at is there, and agrees with the books.
func TestOperacion(t *testing.T) {
	s := Abrir(t)
	s.Surtir(t, map[string]int{"1": 10})
	id := s.Comprar(t, contracts.SolicitudCompra{IDUsuario: Usuario(t), Productos: []contracts.Linea{Linea("1", 1)}})
	s.Espera(t, id, contracts.EstadoConfirmada)
	leer := func(ruta string, v any) {
		t.Helper()
		r, err := s.BFF.Pedir(t.Context(), http.MethodGet, ruta, nil)
		if err != nil || r.Estado != http.StatusOK {
			t.Fatalf("%s: %d %s %v", ruta, r.Estado, r.Cuerpo, err)
		}
		if err := json.Unmarshal(r.Cuerpo, v); err != nil {
			t.Fatal(err)
		}
	}
	var m struct{ Mensajes []contracts.MensajeDeSaga }
	leer("/compras/"+id+"/mensajes", &m)
	if len(m.Mensajes) != 3 || m.Mensajes[0].Comando != contracts.ValidarInventario || m.Mensajes[2].Respuesta != contracts.OrdenCreada {
		t.Errorf("%+v", m)
	}
	var r contracts.Resumen
	leer("/operacion/resumen?segundos=600", &r)
	if r.Confirmadas < 1 || r.P50 == nil || *r.P50 <= 0 || r.Estados[contracts.EstadoConfirmada] < 1 {
		t.Errorf("%+v", r)
	}
	var c contracts.Colas
	leer("/operacion/colas", &c)
	if !c.Broker || len(c.Muestras) == 0 || len(c.Ahora) < 8 {
		t.Errorf("%+v", c)
	}
	var lineas []contracts.LineaDeBalance
	leer("/operacion/balance", &lineas)
	for _, l := range lineas {
		if l.Diferencia != 0 || l.Inicial+l.Repuesto != l.Existencias+l.Reservado+l.Despachado {
			t.Errorf("%+v", l)
		}
	}
	var p cliente.Pagina
	leer("/compras?estado=CONFIRMADA&limite=1", &p)
	if len(p.Compras) != 1 || p.Compras[0].Estado != contracts.EstadoConfirmada {
		t.Errorf("%+v", p)
	}
	var muertos []contracts.MensajeMuerto
	leer("/mensajes-muertos", &muertos)
	if r, err := s.BFF.Pedir(t.Context(), http.MethodPost, "/compras/"+id+"/reintento", nil); err != nil || r.Estado != http.StatusConflict {
		t.Errorf("reintentar la confirmada: %d %s", r.Estado, r.Cuerpo)
	}
}

// signIn is a browser with a session of usuario, a customer, who signed in through the form.
func signIn(t *testing.T, s *Sistema, usuario string) *http.Client {
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
	form := page(browser.Get(s.Entorno.BFF + "/entrar")) //nolint:bodyclose,noctx // page closes it
	values := url.Values{"usuario": {usuario}, "rol": {"cliente"}}
	for _, field := range regexp.MustCompile(`type="hidden" name="([^"]+)" value="([^"]*)"`).FindAllStringSubmatch(form, -1) {
		values.Set(field[1], strings.ReplaceAll(field[2], "&#43;", "+"))
	}
	page(browser.PostForm(s.Entorno.BFF+"/desarrollo/entrar", values)) //nolint:bodyclose,noctx // page closes it
	return browser
}

// Somebody signs in through the form, buys with the session's cookie, and signs out.
func TestEntrarYSalir(t *testing.T) {
	s := Abrir(t)
	s.Surtir(t, map[string]int{"1": 10})
	usuario := Usuario(t)
	navegador := signIn(t, s, usuario)
	pedir := func(verbo, ruta, tipo, cuerpo, csrf string) (int, string) {
		r, err := http.NewRequestWithContext(t.Context(), verbo, s.Entorno.BFF+ruta, strings.NewReader(cuerpo))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", tipo)
		r.Header.Set("X-CSRF-Token", csrf)
		res, err := navegador.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		var texto strings.Builder
		_, _ = bufio.NewReader(res.Body).WriteTo(&texto)
		return res.StatusCode, texto.String()
	}
	var q struct {
		Usuario, CSRF string
		Roles         []string
	}
	estado, texto := pedir(http.MethodGet, "/sesion", "", "", "")
	if err := json.Unmarshal([]byte(texto), &q); err != nil || estado != http.StatusOK || q.Usuario != usuario {
		t.Fatalf("%d %s", estado, texto)
	}
	compra := `{"productos":[{"id_producto":"1","cantidad":1}]}`
	if estado, texto := pedir(http.MethodPost, "/api/compras", "application/json", compra, ""); estado != http.StatusForbidden {
		t.Errorf("sin la cabecera: %d %s", estado, texto)
	}
	var a contracts.Aceptada
	estado, texto = pedir(http.MethodPost, "/api/compras", "application/json", compra, q.CSRF)
	if err := json.Unmarshal([]byte(texto), &a); err != nil || estado != http.StatusAccepted {
		t.Fatalf("%d %s", estado, texto)
	}
	s.Espera(t, a.ID, contracts.EstadoConfirmada)
	if estado, texto := pedir(http.MethodGet, "/api/compras/"+a.ID, "", "", ""); estado != http.StatusOK || !strings.Contains(texto, usuario) {
		t.Errorf("%d %s", estado, texto)
	}
	stream := followWith(t, navegador, s.Entorno.BFF+"/api/compras/"+a.ID+"/eventos", contracts.EstadoConfirmada)
	if estado, _ := pedir(http.MethodPost, "/salir", "", "", q.CSRF); estado != http.StatusNoContent {
		t.Errorf("salir: %d", estado)
	}
	if estado, _ := pedir(http.MethodGet, "/api/compras/"+a.ID, "", "", ""); estado != http.StatusUnauthorized {
		t.Errorf("después de salir: %d", estado)
	}
	// Something happens to the purchase, and the stream that was open ends without telling it.
	if r, err := s.BFF.Pedir(t.Context(), http.MethodPost, "/compras/"+a.ID+"/cancelacion", nil); err != nil || r.Estado >= http.StatusBadRequest {
		t.Fatalf("cancelar: %d %s %v", r.Estado, r.Cuerpo, err)
	}
	for line := range stream {
		if strings.HasPrefix(line, "data:") {
			t.Errorf("después de salir se cuenta: %s", line)
		}
	}
}

// followWith reads a purchase's events with the client's session until one has the state, and gives the lines that come after it.
func followWith(t *testing.T, client *http.Client, address string, until contracts.Estado) <-chan string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), Plazo)
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

// A GraphQL subscription tells each change, as the stream does.
func TestSuscripcion(t *testing.T) {
	s := Abrir(t)
	s.Surtir(t, map[string]int{"1": 10})
	usuario := Usuario(t)
	token, err := s.Entorno.Token(usuario, "cliente")
	if err != nil {
		t.Fatal(err)
	}
	a, err := como(t, s, usuario, "cliente").Comprar(t.Context(), contracts.SolicitudCompra{IDUsuario: usuario, Productos: []contracts.Linea{Linea("1", 1)}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, soltar := context.WithTimeout(t.Context(), Plazo)
	defer soltar()
	cuerpo, _ := json.Marshal(map[string]string{"query": `subscription { cambios(id: "` + a.ID + `", desde: 0) { numero compra { estado } } }`})
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.Entorno.BFF+"/graphql", strings.NewReader(string(cuerpo)))
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
	var vistos []string
	for lineas := bufio.NewScanner(res.Body); lineas.Scan(); {
		datos, es := strings.CutPrefix(lineas.Text(), "data: ")
		if !es {
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
		if err := json.Unmarshal([]byte(datos), &e); err != nil || len(e.Errors) > 0 {
			t.Fatalf("%s: %v", datos, err)
		}
		vistos = append(vistos, e.Data.Cambios.Compra.Estado)
		if e.Data.Cambios.Compra.Estado == "CONFIRMADA" {
			break
		}
	}
	if got := strings.Join(vistos, " "); got != "RECIBIDA INICIADA PRODUCTOS_VALIDOS PRODUCTOS_RESERVADOS CONFIRMADA" {
		t.Errorf("%d: %s", res.StatusCode, got)
	}
}
