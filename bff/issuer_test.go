package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"entregas/internal/errs"
)

// verifier is a PKCE verifier, and challenge its S256 challenge (RFC 7636, appendix B).
const (
	verifier  = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
)

func signIn() url.Values {
	return url.Values{
		"client_id": {"entregas-pages"}, "response_type": {"code"}, "redirect_uri": {publicBase + "/volver"}, "nonce": {"n"},
		"code_challenge": {challenge}, "code_challenge_method": {"S256"}, "state": {"s"}, "usuario": {"ana"}, "rol": {"cliente"},
	}
}

func (p gate) post(t *testing.T, path string, form url.Values, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	headers = append([]string{"Content-Type", "application/x-www-form-urlencoded", "Authorization", ""}, headers...)
	return p.do(t, http.MethodPost, path, form.Encode(), headers...)
}

// code signs in and returns the code that the issuer sends to the browser.
func (p gate) code(t *testing.T) string {
	t.Helper()
	r := p.post(t, "/desarrollo/entrar", signIn())
	back, err := url.Parse(r.Header().Get("Location"))
	if err != nil || r.Code != http.StatusSeeOther || back.Query().Get("state") != "s" {
		t.Fatalf("%d %s", r.Code, r.Body)
	}
	return back.Query().Get("code")
}

func exchange(code string) url.Values {
	return url.Values{
		"grant_type": {"authorization_code"}, "client_id": {"entregas-pages"}, "code": {code}, "code_verifier": {verifier},
		"redirect_uri": {publicBase + "/volver"},
	}
}

// The issuer sends a code only to our own page, for the known client, with a PKCE challenge.
func TestTheIssuerRefusesWhatIsNotOurs(t *testing.T) {
	p := newGate(t)
	for name, c := range map[string]struct {
		field  string
		values []string
		status int
	}{
		"fine":                            {"rol", []string{"operador"}, 303},
		"by another name of the machine":  {"redirect_uri", []string{"http://localhost:8888/volver"}, 303},
		"to another site":                 {"redirect_uri", []string{"https://otro/volver"}, 400},
		"to another path":                 {"redirect_uri", []string{publicBase + "/otra"}, 400},
		"to another port":                 {"redirect_uri", []string{"http://127.0.0.1:9999/volver"}, 400},
		"to no port":                      {"redirect_uri", []string{"http://127.0.0.1/volver"}, 400},
		"to a scheme that is no web page": {"redirect_uri", []string{"javascript://127.0.0.1:8888/volver"}, 400},
		"to a file":                       {"redirect_uri", []string{"file://127.0.0.1:8888/volver"}, 400},
		"with somebody's name in it":      {"redirect_uri", []string{"http://ana@127.0.0.1:8888/volver"}, 400},
		"with a query of its own":         {"redirect_uri", []string{publicBase + "/volver?a=b"}, 400},
		"with a fragment":                 {"redirect_uri", []string{publicBase + "/volver#a"}, 400},
		"to two addresses":                {"redirect_uri", []string{publicBase + "/volver", "https://otro/volver"}, 400},
		"of another client":               {"client_id", []string{"otro"}, 400},
		"without PKCE":                    {"code_challenge", []string{""}, 400},
		"with a challenge that is none":   {"code_challenge", []string{"x"}, 400},
		"with a plain challenge":          {"code_challenge_method", []string{"plain"}, 400},
		"without state":                   {"state", []string{""}, 400},
		"of another flow":                 {"response_type", []string{"token"}, 400},
		"a role that there is not":        {"rol", []string{"jefe"}, 400},
		"nobody":                          {"usuario", []string{" "}, 400},
	} {
		form := signIn()
		form[c.field] = c.values
		if r := p.post(t, "/desarrollo/entrar", form); r.Code != c.status {
			t.Errorf("%s: %d %s", name, r.Code, r.Body)
		}
		if r := p.do(t, http.MethodGet, "/desarrollo/entrar?"+form.Encode(), "", nobody...); c.status == 400 && c.field != "rol" && c.field != "usuario" && r.Code != 400 {
			t.Errorf("%s: the form is shown: %d", name, r.Code)
		}
	}
}

// A code is redeemed once, only by its client, with the verifier and the address of its sign-in.
func TestACodeWorksOnce(t *testing.T) {
	p := newGate(t)
	accessToken := p.as(t, "ana", "cliente")[1]
	for name, c := range map[string]struct {
		field, value, says string
		status             int
	}{
		"without a grant type":     {"grant_type", "", "unsupported_grant_type", 400},
		"another grant type":       {"grant_type", "password", "unsupported_grant_type", 400},
		"without a client":         {"client_id", "", "invalid_client", 401},
		"another client":           {"client_id", "otro", "invalid_client", 401},
		"what is no code":          {"code", "x.y.z", "invalid_grant", 400},
		"a token":                  {"code", strings.TrimPrefix(accessToken, "Bearer "), "invalid_grant", 400},
		"without the verifier":     {"code_verifier", "", "invalid_request", 400},
		"another verifier":         {"code_verifier", strings.Repeat("v", 43), "invalid_grant", 400},
		"another way back":         {"redirect_uri", "http://localhost:8888/volver", "invalid_grant", 400},
		"no way back":              {"redirect_uri", "", "invalid_grant", 400},
		"as it should be, at last": {"client_id", "entregas-pages", "", 200},
	} {
		form := exchange(p.code(t))
		form.Set(c.field, c.value)
		r := p.post(t, "/desarrollo/token", form)
		if r.Code != c.status || !strings.Contains(r.Body.String(), c.says) || r.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %s", name, r.Code, r.Body)
		}
	}

	form := exchange(p.code(t))
	p.store.Fail(errs.New(errs.Unavailable, "down"))
	if r := p.post(t, "/desarrollo/token", form); r.Code != http.StatusServiceUnavailable {
		t.Errorf("while nobody knows whether it was used: %d %s", r.Code, r.Body)
	}
	p.store.Fail(nil)
	form.Del("client_id")
	basic := []string{"Authorization", "Basic ZW50cmVnYXMtcGFnZXM6"} // the client's id and no secret
	if r := p.post(t, "/desarrollo/token", form, basic...); r.Code != http.StatusOK {
		t.Fatalf("%d %s", r.Code, r.Body)
	}
	r := p.post(t, "/desarrollo/token", form, basic...)
	var said struct{ Error string }
	if err := json.Unmarshal(r.Body.Bytes(), &said); err != nil || r.Code != http.StatusBadRequest || said.Error != "invalid_grant" {
		t.Errorf("the second time: %d %s", r.Code, r.Body)
	}
}

// The URL of the form cannot fill in a name or a role, and its values are escaped.
func TestTheFormIsThePersons(t *testing.T) {
	p := newGate(t)
	q := signIn()
	q.Set("usuario", "oti")
	q.Set("rol", "operador")
	q.Set("state", `"><script>alert(1)</script>`)
	r := p.do(t, http.MethodGet, "/desarrollo/entrar?"+q.Encode(), "", nobody...)
	page := r.Body.String()
	if r.Code != http.StatusOK || regexp.MustCompile(`type="hidden" name="(usuario|rol)"`).MatchString(page) || strings.Contains(page, "<script") {
		t.Errorf("%d %s", r.Code, page)
	}
	if policy := r.Header().Get("Content-Security-Policy"); !strings.Contains(policy, "frame-ancestors 'none'") || r.Header().Get("X-Frame-Options") != "DENY" {
		t.Errorf("it may be framed: %q", policy)
	}
}

// A page of another site can neither sign somebody in nor end a session.
func TestAnotherSiteSignsNobodyInOrOut(t *testing.T) {
	p := newGate(t, func(c *config) { c.Origins = []string{"https://tienda.example"} })
	for _, headers := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://otro"}, {"Origin", "null"}} {
		for _, path := range []string{"/desarrollo/entrar", "/desarrollo/token", "/salir"} {
			r := p.post(t, path, signIn(), headers...)
			if r.Code != http.StatusForbidden || len(r.Result().Cookies()) != 0 || problem(t, r).Detail == "" { //nolint:bodyclose // a recorder's
				t.Errorf("%s with %v: %d %v", path, headers, r.Code, r.Header())
			}
		}
	}
	if r := p.post(t, "/desarrollo/entrar", signIn(), "Sec-Fetch-Site", "same-origin"); r.Code != http.StatusSeeOther {
		t.Errorf("its own form: %d %s", r.Code, r.Body)
	}
	if r := p.post(t, "/salir", nil, "Sec-Fetch-Site", "cross-site", "Origin", "https://tienda.example"); r.Code != http.StatusNoContent {
		t.Errorf("a page that the settings trust: %d %s", r.Code, r.Body)
	}
}
