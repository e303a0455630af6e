package identity

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"entregas/internal/errs"
)

// testIssuer is an issuer whose keys and answers a test changes.
type testIssuer struct {
	*httptest.Server
	mu        sync.Mutex
	keys      jose.JSONWebKeySet
	down      bool
	requested int
	signer    map[string]any // private keys by kid
}

func newTestIssuer(t *testing.T) *testIssuer {
	t.Helper()
	e := &testIssuer{signer: map[string]any{}}
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{"issuer": e.URL, "jwks_uri": e.URL + "/claves", "authorization_endpoint": e.URL + "/a", "token_endpoint": e.URL + "/t"})
	})
	mux.HandleFunc("/claves", func(w http.ResponseWriter, _ *http.Request) {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.requested++
		if e.down {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		_ = json.NewEncoder(w).Encode(e.keys)
	})
	e.Server = httptest.NewServer(mux)
	t.Cleanup(e.Close)
	return e
}

// putKey adds a key to the keys that the issuer publishes.
func (e *testIssuer) putKey(kid, alg string, key crypto.Signer) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.signer[kid] = key
	e.keys.Keys = append(e.keys.Keys, jose.JSONWebKey{Key: key.Public(), KeyID: kid, Algorithm: alg, Use: "sig"})
}

func sign(t *testing.T, alg jose.SignatureAlgorithm, key any, kid string, claims map[string]any) string {
	t.Helper()
	f, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: jose.JSONWebKey{Key: key, KeyID: kid}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := f.Sign(text)
	if err != nil {
		t.Fatal(err)
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func (e *testIssuer) claims(changes map[string]any) map[string]any {
	now := time.Now().Unix()
	d := map[string]any{"iss": e.URL, "aud": []string{"otra", "entregas"}, "sub": "ana", "roles": []string{"operador", "jefe"}, "iat": now, "exp": now + 60}
	for k, v := range changes {
		if d[k] = v; v == nil {
			delete(d, k)
		}
	}
	return d
}

func TestVerify(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(rsaKey.Public())
	if err != nil {
		t.Fatal(err)
	}
	e := newTestIssuer(t)
	e.putKey("r", "RS256", rsaKey)
	e.putKey("e", "ES256", ecKey)
	v := NewIssuer(Settings{Issuer: e.URL, Audience: "entregas", Roles: "roles"})
	now := time.Now().Unix()
	good := sign(t, jose.ES256, ecKey, "e", e.claims(nil))
	parts := strings.Split(good, ".")
	for name, c := range map[string]struct {
		token   string
		isValid bool
	}{
		"ES256":                         {good, true},
		"RS256":                         {sign(t, jose.RS256, rsaKey, "r", e.claims(nil)), true},
		"aud that is one text":          {sign(t, jose.ES256, ecKey, "e", e.claims(map[string]any{"aud": "entregas"})), true},
		"expired within the skew":       {sign(t, jose.ES256, ecKey, "e", e.claims(map[string]any{"exp": now - 20})), true},
		"from a clock ahead of ours":    {sign(t, jose.ES256, ecKey, "e", e.claims(map[string]any{"iat": now + 20, "nbf": now + 20})), true},
		"expired":                       {sign(t, jose.ES256, ecKey, "e", e.claims(map[string]any{"exp": now - 60})), false},
		"from the future":               {sign(t, jose.ES256, ecKey, "e", e.claims(map[string]any{"iat": now + 600})), false},
		"not before long":               {sign(t, jose.ES256, ecKey, "e", e.claims(map[string]any{"nbf": now + 3600})), false},
		"not before a while":            {sign(t, jose.ES256, ecKey, "e", e.claims(map[string]any{"nbf": now + 120})), false},
		"signed with the public key":    {sign(t, jose.HS256, public, "e", e.claims(nil)), false},
		"for others":                    {sign(t, jose.ES256, ecKey, "e", e.claims(map[string]any{"aud": "otra"})), false},
		"for nobody":                    {sign(t, jose.ES256, ecKey, "e", e.claims(map[string]any{"aud": nil})), false},
		"of another issuer":             {sign(t, jose.ES256, ecKey, "e", e.claims(map[string]any{"iss": "https://otro"})), false},
		"without exp":                   {sign(t, jose.ES256, ecKey, "e", e.claims(map[string]any{"exp": nil})), false},
		"without sub":                   {sign(t, jose.ES256, ecKey, "e", e.claims(map[string]any{"sub": nil})), false},
		"with a sub that cannot be":     {sign(t, jose.ES256, ecKey, "e", e.claims(map[string]any{"sub": "a\tb"})), false},
		"of another key":                {sign(t, jose.ES256, foreign, "e", e.claims(nil)), false},
		"of a key that nobody has":      {sign(t, jose.ES256, foreign, "x", e.claims(nil)), false},
		"with a shared secret":          {sign(t, jose.HS256, []byte(strings.Repeat("k", 32)), "e", e.claims(nil)), false},
		"altered":                       {parts[0] + "." + strings.Replace(parts[1], "a", "b", 1) + "." + parts[2], false},
		"unsigned":                      {"eyJhbGciOiJub25lIn0." + parts[1] + ".", false},
		"signed with ES384 in its name": {strings.Replace(good, parts[0], "eyJhbGciOiJFUzM4NCIsImtpZCI6ImUifQ", 1), false},
		"nothing":                       {"", false},
	} {
		p, err := v.Verify(context.Background(), c.token)
		if c.isValid != (err == nil) || err != nil && errs.Of(err) != errs.NoIdentity {
			t.Errorf("%s: %+v %v", name, p, err)
		}
		if c.isValid && (p.Usuario != "ana" || !slices.Equal(p.Roles, []string{Operador})) {
			t.Errorf("%s: %+v", name, p)
		}
	}
}

// The issuer may start after the bff, rotate its keys, and be away for a while. Known keys stay valid meanwhile.
func TestIssuerChangesItsKeysAndLeaves(t *testing.T) {
	first, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	second, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	e := newTestIssuer(t)
	e.putKey("1", "ES256", first)
	v := NewIssuer(Settings{Issuer: e.URL, Audience: "entregas", Roles: "realm_access.roles"})
	fromFirst := sign(t, jose.ES256, first, "1", e.claims(map[string]any{"realm_access": map[string]any{"roles": []string{"cliente"}}}))
	for range 3 {
		if p, err := v.Verify(t.Context(), fromFirst); err != nil || !p.Is(Cliente) {
			t.Fatalf("%+v %v", p, err)
		}
	}
	if e.requested != 1 {
		t.Errorf("the keys were requested %d times", e.requested)
	}
	e.mu.Lock()
	e.keys.Keys = nil
	e.mu.Unlock()
	e.putKey("2", "ES256", second)
	if _, err := v.Verify(t.Context(), sign(t, jose.ES256, second, "2", e.claims(nil))); err != nil {
		t.Errorf("new key: %v", err)
	}
	if _, err := v.Verify(t.Context(), fromFirst); errs.Of(err) != errs.NoIdentity {
		t.Errorf("removed key: %v", err)
	}
	e.mu.Lock()
	e.down = true
	e.mu.Unlock()
	if _, err := v.Verify(t.Context(), sign(t, jose.ES256, second, "2", e.claims(nil))); err != nil {
		t.Errorf("known key, issuer down: %v", err)
	}
	if _, err := v.Verify(t.Context(), fromFirst); errs.Of(err) != errs.Unavailable {
		t.Errorf("unknown key, issuer down: %v", err)
	}
	e.Close()
	if _, err := NewIssuer(Settings{Issuer: e.URL, Audience: "entregas", Roles: "roles"}).Verify(t.Context(), fromFirst); errs.Of(err) != errs.Unavailable {
		t.Errorf("without an issuer: %v", err)
	}
}

// Anybody can write tokens with invented key ids. The bff does not request the issuer's keys for each of them.
func TestInventedKeys(t *testing.T) {
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	e := newTestIssuer(t)
	e.putKey("1", "ES256", key)
	v := NewIssuer(Settings{Issuer: e.URL, Audience: "entregas", Roles: "roles"})
	for i := range 100 {
		if _, err := v.Verify(t.Context(), sign(t, jose.ES256, key, fmt.Sprint("x", i), e.claims(nil))); errs.Of(err) != errs.NoIdentity {
			t.Fatal(err)
		}
	}
	if _, err := v.Verify(t.Context(), sign(t, jose.ES256, key, "1", e.claims(nil))); err != nil {
		t.Errorf("valid token: %v", err)
	}
	if e.requested > keysAtOnce {
		t.Errorf("the keys were requested %d times", e.requested)
	}
}

// Requests that wait for an issuer that hangs share one attempt, and do not wait one after the other.
func TestIssuerThatDoesNotAnswer(t *testing.T) {
	var questions atomic.Int32
	hung := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		questions.Add(1)
		<-r.Context().Done()
	}))
	defer hung.Close()
	v := NewIssuer(Settings{Issuer: hung.URL, Audience: "entregas", Roles: "roles", HTTP: &http.Client{Timeout: 300 * time.Millisecond}})
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			if _, err := v.Verify(t.Context(), "a.b.c"); errs.Of(err) != errs.Unavailable {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := questions.Load(); n >= 10 {
		t.Errorf("each request asked on its own: %d times", n)
	}
}

func TestOwn(t *testing.T) {
	for returnTo, want := range map[string]string{
		"/compras/1?a=b": "/compras/1?a=b", "": "/", "compras": "/", "//otro/x": "/", "https://otro/x": "/", `/\otro`: "/", "javascript:alert(1)": "/", "/%0d%0ax": "/%0d%0ax",
		"////otro": "/", "/\t/otro": "/", "/a?volver=//otro": "/a?volver=//otro", "/" + strings.Repeat("a", maxReturnTo): "/",
	} {
		if got := ownPath(returnTo); got != want {
			t.Errorf("%q: got %q, want %q", returnTo, got, want)
		}
	}
}
