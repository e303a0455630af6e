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

	"entregas/bff/identity"
	"entregas/internal/errs"
)

// browser is a browser: it keeps cookies and follows redirects.
type browser struct {
	*http.Client
	baseURL string
}

func (p gate) browser(t *testing.T) browser {
	t.Helper()
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	return browserOf(t, server.Listener.Addr().String())
}

// browserOf returns a browser that reaches the bff at its public address, which the test serves at server.
func browserOf(t *testing.T, server string) browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return browser{baseURL: publicBase, Client: &http.Client{Jar: jar, Transport: toHere{server}}}
}

// publicBase is the public address of the bff in tests, the only one to which its issuer sends browsers back.
const publicBase = "http://127.0.0.1:8888"

type toHere struct{ server string }

func (h toHere) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Host, r.URL.Host = r.URL.Host, h.server
	return http.DefaultTransport.RoundTrip(r)
}

func (n browser) do(t *testing.T, verb, path, body string, headers ...string) (int, http.Header, string) {
	t.Helper()
	if !strings.HasPrefix(path, "http") {
		path = n.baseURL + path
	}
	r, err := http.NewRequestWithContext(t.Context(), verb, path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasPrefix(body, "{") {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	res, err := n.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, res.Header, string(text)
}

var hidden = regexp.MustCompile(`type="hidden" name="([^"]+)" value="([^"]*)"`)

// signIn signs in through the form, as a person would, and returns the last page.
func (n browser) signIn(t *testing.T, usuario, role, returnTo string) (int, string) {
	t.Helper()
	status, _, form := n.do(t, http.MethodGet, "/entrar?volver="+url.QueryEscape(returnTo), "")
	if status != http.StatusOK {
		t.Fatalf("%d %s", status, form)
	}
	values := url.Values{"usuario": {usuario}, "rol": {role}}
	for _, field := range hidden.FindAllStringSubmatch(form, -1) {
		values.Set(field[1], strings.ReplaceAll(field[2], "&#43;", "+"))
	}
	status, _, page := n.do(t, http.MethodPost, "/desarrollo/entrar", values.Encode(), "Content-Type", "application/x-www-form-urlencoded")
	return status, page
}

type whoAmI struct {
	Usuario string
	Roles   []string
	CSRF    string
}

func (n browser) session(t *testing.T) (whoAmI, int) {
	t.Helper()
	status, _, body := n.do(t, http.MethodGet, "/sesion", "")
	var q whoAmI
	_ = json.Unmarshal([]byte(body), &q)
	return q, status
}

const oneCompra = `{"productos":[{"id_producto":"1","cantidad":1}]}`

func TestSession(t *testing.T) {
	p := newGate(t)
	n := p.browser(t)
	if _, status := n.session(t); status != http.StatusUnauthorized {
		t.Errorf("before the sign-in: got %d", status)
	}
	if status, page := n.signIn(t, "ana", "cliente", "/compras?x=1&y=2"); status != http.StatusOK || !strings.Contains(page, "url=/compras?x=1&amp;y=2") {
		t.Fatalf("%d %s", status, page)
	}
	q, status := n.session(t)
	if status != http.StatusOK || q.Usuario != "ana" || len(q.Roles) != 1 || q.Roles[0] != identity.Cliente || q.CSRF == "" {
		t.Fatalf("%d %+v", status, q)
	}
	// A write with the session's cookie needs the CSRF token.
	for _, c := range []struct {
		csrf   string
		status int
	}{{"", 403}, {"otro", 403}, {q.CSRF, 202}} {
		if status, _, body := n.do(t, http.MethodPost, "/api/compras", oneCompra, identity.CSRFHeader, c.csrf); status != c.status {
			t.Errorf("buy with %q: got %d %s", c.csrf, status, body)
		}
		if status, _, body := n.do(t, http.MethodPost, "/graphql", `{"query":"{productos{id}}"}`, identity.CSRFHeader, c.csrf, "Content-Type", "application/json"); (status == 403) != (c.status == 403) {
			t.Errorf("GraphQL with %q: got %d %s", c.csrf, status, body)
		}
	}
	if c := p.manager.Compras(); len(c) != 1 || c[0].IDUsuario != "ana" {
		t.Errorf("purchases %+v", c)
	}
	for path, want := range map[string]int{"/api/usuarios/ana/compras": 200, "/api/usuarios/eva/compras": 404, "/api/compras": 403} {
		if status, _, body := n.do(t, http.MethodGet, path, ""); status != want {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	// The keys and values of the store do not open a session.
	for _, key := range p.store.Keys("session/") {
		other := p.browser(t)
		if status, _, _ := other.do(t, http.MethodGet, "/sesion", "", "Cookie", "entregas_sesion="+strings.TrimPrefix(key, "session/")); status != http.StatusUnauthorized {
			t.Errorf("with what the store has: got %d", status)
		}
	}
	p.store.Fail(errs.New(errs.Unavailable, "down"))
	if status, _, body := n.do(t, http.MethodGet, "/api/usuarios/ana/compras", ""); status != http.StatusServiceUnavailable {
		t.Errorf("without the store: got %d %s", status, body)
	}
	p.store.Fail(nil)
	if status, _, _ := n.do(t, http.MethodPost, "/salir", ""); status != http.StatusForbidden {
		t.Errorf("sign out without the header: got %d", status)
	}
	if status, _, _ := n.do(t, http.MethodPost, "/salir", "", identity.CSRFHeader, q.CSRF); status != http.StatusNoContent {
		t.Errorf("salir: %d", status)
	}
	if _, status := n.session(t); status != http.StatusUnauthorized || len(p.store.Keys("session/")) != 0 {
		t.Errorf("after the sign-out: got %d", status)
	}
}

// The cookies have the right attributes, and a session holds in all replicas.
func TestCookies(t *testing.T) {
	p := newGate(t, func(c *config) { c.PublicURL = "https://entregas.example" })
	r := p.do(t, http.MethodGet, "/entrar", "", nobody...)
	cookies := r.Result().Cookies()
	if r.Code != http.StatusFound || len(cookies) != 1 {
		t.Fatalf("%d %v", r.Code, cookies)
	}
	if g := cookies[0]; !g.HttpOnly || !g.Secure || g.SameSite != http.SameSiteLaxMode || g.Path != "/" || g.MaxAge <= 0 {
		t.Errorf("%+v", g)
	}
	target, err := url.Parse(r.Header().Get("Location"))
	if q := target.Query(); err != nil || q.Get("code_challenge_method") != "S256" || q.Get("code_challenge") == "" || q.Get("state") == "" || q.Get("nonce") == "" || q.Get("redirect_uri") != "https://entregas.example/volver" {
		t.Errorf("%v %v", target, err)
	}

	p = newGate(t)
	n := p.browser(t)
	n.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if r.URL.Path == "/volver" {
			return http.ErrUseLastResponse
		}
		return nil
	}
	_, _, form := n.do(t, http.MethodGet, "/entrar", "")
	values := url.Values{"usuario": {"oti"}, "rol": {"operador"}}
	for _, field := range hidden.FindAllStringSubmatch(form, -1) {
		values.Set(field[1], field[2])
	}
	_, headers, _ := n.do(t, http.MethodPost, "/desarrollo/entrar", values.Encode(), "Content-Type", "application/x-www-form-urlencoded")
	returnTo := headers.Get("Location")
	// Another browser that follows the link of this sign-in gets no session.
	if status, _, _ := p.browser(t).do(t, http.MethodGet, returnTo, ""); status != http.StatusUnauthorized {
		t.Errorf("sign-in of somebody else: got %d", status)
	}
	otherState := strings.Replace(returnTo, "state=", "state=x", 1)
	if status, _, _ := n.do(t, http.MethodGet, otherState, ""); status != http.StatusUnauthorized {
		t.Errorf("another state: got %d", status)
	}
	status, headers, _ := n.do(t, http.MethodGet, returnTo, "")
	cookie := headers.Values("Set-Cookie")
	if status != http.StatusOK || len(cookie) != 2 || !strings.Contains(cookie[1], "entregas_sesion=") || !strings.Contains(cookie[1], "HttpOnly") || !strings.Contains(cookie[1], "SameSite=Strict") {
		t.Errorf("%d %v", status, cookie)
	}
	if q, _ := n.session(t); q.Usuario != "oti" {
		t.Errorf("%+v", q)
	}
	if status, _, _ := n.do(t, http.MethodGet, returnTo, ""); status != http.StatusUnauthorized {
		t.Errorf("the same sign-in again: got %d", status)
	}
}

// In production the development issuer does not exist, and /v1 and /stream require a token.
func TestNoIssuerInProduction(t *testing.T) {
	cfg := defaultConfig()
	cfg.Mode = "production"
	if _, err := issuerOf(cfg, mux.NewRouter(), nil); err == nil || !strings.Contains(err.Error(), "PUBLIC_URL") {
		t.Errorf("without PUBLIC_URL: %v", err)
	}
	p := newGate(t, func(c *config) { c.Mode, c.PublicURL = "production", "https://entregas.example" })
	for _, path := range []string{"GET /desarrollo/entrar", "POST /desarrollo/token", "GET /desarrollo/claves"} {
		verb, r, _ := strings.Cut(path, " ")
		if res := p.do(t, verb, r, "", nobody...); res.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, res.Code)
		}
	}
	if r := p.do(t, http.MethodGet, "/stream", "", nobody...); r.Code != http.StatusUnauthorized {
		t.Errorf("/stream: %d", r.Code)
	}
	if r := p.do(t, http.MethodPost, "/v1", `{"query":"{compras(idUsuario:\"ana\"){estado}}"}`, append([]string{"Content-Type", "application/json"}, nobody...)...); !strings.Contains(r.Body.String(), "no-autenticado") {
		t.Errorf("/v1: %d %s", r.Code, r.Body)
	}
}

// A session beyond the limit ends the oldest of its subject only. A session that ended makes room.
func TestTheOldestSessionEnds(t *testing.T) {
	p := newGate(t, func(c *config) { c.MaxSessions = 2 })
	signIn := func(user string) browser {
		n := p.browser(t)
		n.signIn(t, user, "cliente", "/")
		return n
	}
	signedIn := func(n browser) bool {
		code, _, _ := n.do(t, http.MethodGet, "/sesion", "")
		return code == http.StatusOK
	}
	eva, first, second, third := signIn("eva"), signIn("ana"), signIn("ana"), signIn("ana")
	for name, c := range map[string]struct {
		n    browser
		want bool
	}{"another subject's": {eva, true}, "the first": {first, false}, "the second": {second, true}, "the third": {third, true}} {
		if got := signedIn(c.n); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	_, _, said := third.do(t, http.MethodGet, "/sesion", "")
	var session struct {
		CSRF string `json:"csrf"`
	}
	if err := json.Unmarshal([]byte(said), &session); err != nil {
		t.Fatal(err)
	}
	if code, _, body := third.do(t, http.MethodPost, "/salir", "", "X-CSRF-Token", session.CSRF); code != http.StatusNoContent {
		t.Fatalf("%d %s", code, body)
	}
	if fourth := signIn("ana"); !signedIn(fourth) || !signedIn(second) {
		t.Error("an ended session kept its place")
	}
	if keys := p.store.Keys("session/"); len(keys) != 3 {
		t.Errorf("%d sessions are kept", len(keys))
	}
}
