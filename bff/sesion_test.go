package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/gorilla/mux"

	"entregas/services/bff/identidad"
	"entregas/services/internal/errores"
)

// navegador is a browser: it keeps cookies and follows redirects.
type navegador struct {
	*http.Client
	base string
}

func (p puerta) navegador(t *testing.T) navegador {
	t.Helper()
	servidor := httptest.NewServer(p)
	t.Cleanup(servidor.Close)
	return deServidor(t, servidor.Listener.Addr().String())
}

// deServidor is a browser that finds the program at its public address, which the test serves at servidor.
func deServidor(t *testing.T, servidor string) navegador {
	t.Helper()
	tarro, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return navegador{base: publicBase, Client: &http.Client{Jar: tarro, Transport: haciaAqui{servidor}}}
}

// publicBase is where browsers see the program of the tests: only there does its issuer send them back to.
const publicBase = "http://127.0.0.1:8888"

type haciaAqui struct{ servidor string }

func (h haciaAqui) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Host, r.URL.Host = r.URL.Host, h.servidor
	return http.DefaultTransport.RoundTrip(r)
}

func (n navegador) pedir(t *testing.T, verbo, ruta, cuerpo string, cabeceras ...string) (int, http.Header, string) {
	t.Helper()
	if !strings.HasPrefix(ruta, "http") {
		ruta = n.base + ruta
	}
	r, err := http.NewRequestWithContext(t.Context(), verbo, ruta, strings.NewReader(cuerpo))
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasPrefix(cuerpo, "{") {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(cabeceras); i += 2 {
		r.Header.Set(cabeceras[i], cabeceras[i+1])
	}
	res, err := n.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	texto, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, res.Header, string(texto)
}

var oculto = regexp.MustCompile(`type="hidden" name="([^"]+)" value="([^"]*)"`)

// entrar signs in through the form, as a person would, and gives the page on which it ends.
func (n navegador) entrar(t *testing.T, usuario, rol, volver string) (int, string) {
	t.Helper()
	estado, _, formulario := n.pedir(t, http.MethodGet, "/entrar?volver="+url.QueryEscape(volver), "")
	if estado != http.StatusOK {
		t.Fatalf("%d %s", estado, formulario)
	}
	valores := url.Values{"usuario": {usuario}, "rol": {rol}}
	for _, campo := range oculto.FindAllStringSubmatch(formulario, -1) {
		valores.Set(campo[1], strings.ReplaceAll(campo[2], "&#43;", "+"))
	}
	estado, _, pagina := n.pedir(t, http.MethodPost, "/desarrollo/entrar", valores.Encode(), "Content-Type", "application/x-www-form-urlencoded")
	return estado, pagina
}

type quienSoy struct {
	Usuario string
	Roles   []string
	CSRF    string
}

func (n navegador) sesion(t *testing.T) (quienSoy, int) {
	t.Helper()
	estado, _, cuerpo := n.pedir(t, http.MethodGet, "/sesion", "")
	var q quienSoy
	_ = json.Unmarshal([]byte(cuerpo), &q)
	return q, estado
}

const comprarUna = `{"productos":[{"id_producto":"1","cantidad":1}]}`

func TestSesion(t *testing.T) {
	p := nuevaPuerta(t)
	n := p.navegador(t)
	if _, estado := n.sesion(t); estado != http.StatusUnauthorized {
		t.Errorf("antes de entrar: %d", estado)
	}
	if estado, pagina := n.entrar(t, "ana", "cliente", "/compras?x=1&y=2"); estado != http.StatusOK || !strings.Contains(pagina, "url=/compras?x=1&amp;y=2") {
		t.Fatalf("%d %s", estado, pagina)
	}
	q, estado := n.sesion(t)
	if estado != http.StatusOK || q.Usuario != "ana" || len(q.Roles) != 1 || q.Roles[0] != identidad.Cliente || q.CSRF == "" {
		t.Fatalf("%d %+v", estado, q)
	}
	// A write needs the token that only our pages can read.
	for _, c := range []struct {
		csrf   string
		estado int
	}{{"", 403}, {"otro", 403}, {q.CSRF, 202}} {
		if estado, _, cuerpo := n.pedir(t, http.MethodPost, "/api/compras", comprarUna, identidad.CabeceraCSRF, c.csrf); estado != c.estado {
			t.Errorf("comprar con %q: %d %s", c.csrf, estado, cuerpo)
		}
		if estado, _, cuerpo := n.pedir(t, http.MethodPost, "/graphql", `{"query":"{productos{id}}"}`, identidad.CabeceraCSRF, c.csrf, "Content-Type", "application/json"); (estado == 403) != (c.estado == 403) {
			t.Errorf("GraphQL con %q: %d %s", c.csrf, estado, cuerpo)
		}
	}
	if c := p.gestor.Compras(); len(c) != 1 || c[0].IDUsuario != "ana" {
		t.Errorf("compras %+v", c)
	}
	for ruta, quiero := range map[string]int{"/api/usuarios/ana/compras": 200, "/api/usuarios/eva/compras": 404, "/api/compras": 403} {
		if estado, _, cuerpo := n.pedir(t, http.MethodGet, ruta, ""); estado != quiero {
			t.Errorf("%s: %d %s", ruta, estado, cuerpo)
		}
	}
	// What the store has opens no session.
	for _, clave := range p.almacen.Claves("sesion/") {
		otro := p.navegador(t)
		if estado, _, _ := otro.pedir(t, http.MethodGet, "/sesion", "", "Cookie", "entregas_sesion="+strings.TrimPrefix(clave, "sesion/")); estado != http.StatusUnauthorized {
			t.Errorf("con lo guardado: %d", estado)
		}
	}
	p.almacen.Fallar(errores.Nuevo(errores.NoDisponible, "caído"))
	if estado, _, cuerpo := n.pedir(t, http.MethodGet, "/api/usuarios/ana/compras", ""); estado != http.StatusServiceUnavailable {
		t.Errorf("sin almacén: %d %s", estado, cuerpo)
	}
	p.almacen.Fallar(nil)
	if estado, _, _ := n.pedir(t, http.MethodPost, "/salir", ""); estado != http.StatusForbidden {
		t.Errorf("salir sin la cabecera: %d", estado)
	}
	if estado, _, _ := n.pedir(t, http.MethodPost, "/salir", "", identidad.CabeceraCSRF, q.CSRF); estado != http.StatusNoContent {
		t.Errorf("salir: %d", estado)
	}
	if _, estado := n.sesion(t); estado != http.StatusUnauthorized || len(p.almacen.Claves("sesion/")) != 0 {
		t.Errorf("después de salir: %d", estado)
	}
}

// The cookies are what they must be, and a session of one replica is one of all.
func TestGalletas(t *testing.T) {
	p := nuevaPuerta(t, func(c *config) { c.Publica = "https://entregas.example" })
	r := p.pedir(t, http.MethodGet, "/entrar", "", nadie...)
	galletas := r.Result().Cookies()
	if r.Code != http.StatusFound || len(galletas) != 1 {
		t.Fatalf("%d %v", r.Code, galletas)
	}
	if g := galletas[0]; !g.HttpOnly || !g.Secure || g.SameSite != http.SameSiteLaxMode || g.Path != "/" || g.MaxAge <= 0 {
		t.Errorf("%+v", g)
	}
	destino, err := url.Parse(r.Header().Get("Location"))
	if q := destino.Query(); err != nil || q.Get("code_challenge_method") != "S256" || q.Get("code_challenge") == "" || q.Get("state") == "" || q.Get("nonce") == "" || q.Get("redirect_uri") != "https://entregas.example/volver" {
		t.Errorf("%v %v", destino, err)
	}

	p = nuevaPuerta(t)
	n := p.navegador(t)
	n.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if r.URL.Path == "/volver" {
			return http.ErrUseLastResponse
		}
		return nil
	}
	_, _, formulario := n.pedir(t, http.MethodGet, "/entrar", "")
	valores := url.Values{"usuario": {"oti"}, "rol": {"operador"}}
	for _, campo := range oculto.FindAllStringSubmatch(formulario, -1) {
		valores.Set(campo[1], campo[2])
	}
	_, cabeceras, _ := n.pedir(t, http.MethodPost, "/desarrollo/entrar", valores.Encode(), "Content-Type", "application/x-www-form-urlencoded")
	volver := cabeceras.Get("Location")
	// Another browser that is sent there (somebody else's sign-in put upon it) does not get in.
	if estado, _, _ := p.navegador(t).pedir(t, http.MethodGet, volver, ""); estado != http.StatusUnauthorized {
		t.Errorf("el ingreso de otro: %d", estado)
	}
	otroEstado := strings.Replace(volver, "state=", "state=x", 1)
	if estado, _, _ := n.pedir(t, http.MethodGet, otroEstado, ""); estado != http.StatusUnauthorized {
		t.Errorf("otro state: %d", estado)
	}
	estado, cabeceras, _ := n.pedir(t, http.MethodGet, volver, "")
	galleta := cabeceras.Values("Set-Cookie")
	if estado != http.StatusOK || len(galleta) != 2 || !strings.Contains(galleta[1], "entregas_sesion=") || !strings.Contains(galleta[1], "HttpOnly") || !strings.Contains(galleta[1], "SameSite=Strict") {
		t.Errorf("%d %v", estado, galleta)
	}
	if q, _ := n.sesion(t); q.Usuario != "oti" {
		t.Errorf("%+v", q)
	}
	if estado, _, _ := n.pedir(t, http.MethodGet, volver, ""); estado != http.StatusUnauthorized {
		t.Errorf("el mismo ingreso otra vez: %d", estado)
	}
}

// In production there is no issuer that believes everybody, and the earlier system's doors are closed.
func TestEnProduccionNoHayEmisor(t *testing.T) {
	cfg := deFabrica()
	cfg.Modo = "production"
	if _, err := emisorDe(cfg, mux.NewRouter(), nil); err == nil || !strings.Contains(err.Error(), "PUBLIC_URL") {
		t.Errorf("sin saber cómo nos ven: %v", err)
	}
	p := nuevaPuerta(t, func(c *config) { c.Modo, c.Publica = "production", "https://entregas.example" })
	for _, ruta := range []string{"GET /desarrollo/entrar", "POST /desarrollo/token", "GET /desarrollo/claves"} {
		verbo, r, _ := strings.Cut(ruta, " ")
		if res := p.pedir(t, verbo, r, "", nadie...); res.Code != http.StatusNotFound {
			t.Errorf("%s: %d", ruta, res.Code)
		}
	}
	if r := p.pedir(t, http.MethodGet, "/stream", "", nadie...); r.Code != http.StatusUnauthorized {
		t.Errorf("/stream: %d", r.Code)
	}
	if r := p.pedir(t, http.MethodPost, "/v1", `{"query":"{compras(idUsuario:\"ana\"){estado}}"}`, append([]string{"Content-Type", "application/json"}, nadie...)...); !strings.Contains(r.Body.String(), "no-autenticado") {
		t.Errorf("/v1: %d %s", r.Code, r.Body)
	}
}

// A further session ends the oldest of its subject, and nobody else's; one that was ended leaves its place.
func TestTheOldestSessionEnds(t *testing.T) {
	p := nuevaPuerta(t, func(c *config) { c.MaxSessions = 2 })
	signIn := func(user string) navegador {
		n := p.navegador(t)
		n.entrar(t, user, "cliente", "/")
		return n
	}
	signedIn := func(n navegador) bool {
		code, _, _ := n.pedir(t, http.MethodGet, "/sesion", "")
		return code == http.StatusOK
	}
	eva, first, second, third := signIn("eva"), signIn("ana"), signIn("ana"), signIn("ana")
	for name, c := range map[string]struct {
		n    navegador
		want bool
	}{"another subject's": {eva, true}, "the first": {first, false}, "the second": {second, true}, "the third": {third, true}} {
		if got := signedIn(c.n); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	_, _, said := third.pedir(t, http.MethodGet, "/sesion", "")
	var session struct {
		CSRF string `json:"csrf"`
	}
	if err := json.Unmarshal([]byte(said), &session); err != nil {
		t.Fatal(err)
	}
	if code, _, body := third.pedir(t, http.MethodPost, "/salir", "", "X-CSRF-Token", session.CSRF); code != http.StatusNoContent {
		t.Fatalf("%d %s", code, body)
	}
	if fourth := signIn("ana"); !signedIn(fourth) || !signedIn(second) {
		t.Error("an ended session kept its place")
	}
	if keys := p.almacen.Claves("sesion/"); len(keys) != 3 {
		t.Errorf("%d sessions are kept", len(keys))
	}
}
