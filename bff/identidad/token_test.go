package identidad

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

	"entregas/services/internal/errores"
)

// emisorDePrueba is an issuer whose keys and answers a test changes.
type emisorDePrueba struct {
	*httptest.Server
	mu       sync.Mutex
	claves   jose.JSONWebKeySet
	caido    bool
	pedidas  int
	firmante map[string]any // private keys by kid
}

func nuevoEmisorDePrueba(t *testing.T) *emisorDePrueba {
	t.Helper()
	e := &emisorDePrueba{firmante: map[string]any{}}
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{"issuer": e.URL, "jwks_uri": e.URL + "/claves", "authorization_endpoint": e.URL + "/a", "token_endpoint": e.URL + "/t"})
	})
	mux.HandleFunc("/claves", func(w http.ResponseWriter, _ *http.Request) {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.pedidas++
		if e.caido {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		_ = json.NewEncoder(w).Encode(e.claves)
	})
	e.Server = httptest.NewServer(mux)
	t.Cleanup(e.Close)
	return e
}

// ponerClave makes the issuer sign with a key of its own under kid, and tell it.
func (e *emisorDePrueba) ponerClave(kid, alg string, clave crypto.Signer) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.firmante[kid] = clave
	e.claves.Keys = append(e.claves.Keys, jose.JSONWebKey{Key: clave.Public(), KeyID: kid, Algorithm: alg, Use: "sig"})
}

func firmar(t *testing.T, alg jose.SignatureAlgorithm, clave any, kid string, datos map[string]any) string {
	t.Helper()
	f, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: jose.JSONWebKey{Key: clave, KeyID: kid}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	texto, err := json.Marshal(datos)
	if err != nil {
		t.Fatal(err)
	}
	firmado, err := f.Sign(texto)
	if err != nil {
		t.Fatal(err)
	}
	token, err := firmado.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func (e *emisorDePrueba) datos(cambios map[string]any) map[string]any {
	ahora := time.Now().Unix()
	d := map[string]any{"iss": e.URL, "aud": []string{"otra", "entregas"}, "sub": "ana", "roles": []string{"operador", "jefe"}, "iat": ahora, "exp": ahora + 60}
	for k, v := range cambios {
		if d[k] = v; v == nil {
			delete(d, k)
		}
	}
	return d
}

func TestVerificar(t *testing.T) {
	deRSA, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	deEC, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ajena, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	publica, err := x509.MarshalPKIXPublicKey(deRSA.Public())
	if err != nil {
		t.Fatal(err)
	}
	e := nuevoEmisorDePrueba(t)
	e.ponerClave("r", "RS256", deRSA)
	e.ponerClave("e", "ES256", deEC)
	v := NuevoEmisor(Ajustes{Emisor: e.URL, Audiencia: "entregas", Roles: "roles"})
	ahora := time.Now().Unix()
	bueno := firmar(t, jose.ES256, deEC, "e", e.datos(nil))
	partes := strings.Split(bueno, ".")
	for nombre, c := range map[string]struct {
		token string
		vale  bool
	}{
		"ES256":                         {bueno, true},
		"RS256":                         {firmar(t, jose.RS256, deRSA, "r", e.datos(nil)), true},
		"aud that is one text":          {firmar(t, jose.ES256, deEC, "e", e.datos(map[string]any{"aud": "entregas"})), true},
		"expired within the skew":       {firmar(t, jose.ES256, deEC, "e", e.datos(map[string]any{"exp": ahora - 20})), true},
		"from a clock ahead of ours":    {firmar(t, jose.ES256, deEC, "e", e.datos(map[string]any{"iat": ahora + 20, "nbf": ahora + 20})), true},
		"expired":                       {firmar(t, jose.ES256, deEC, "e", e.datos(map[string]any{"exp": ahora - 60})), false},
		"from the future":               {firmar(t, jose.ES256, deEC, "e", e.datos(map[string]any{"iat": ahora + 600})), false},
		"not before long":               {firmar(t, jose.ES256, deEC, "e", e.datos(map[string]any{"nbf": ahora + 3600})), false},
		"not before a while":            {firmar(t, jose.ES256, deEC, "e", e.datos(map[string]any{"nbf": ahora + 120})), false},
		"signed with the public key":    {firmar(t, jose.HS256, publica, "e", e.datos(nil)), false},
		"for others":                    {firmar(t, jose.ES256, deEC, "e", e.datos(map[string]any{"aud": "otra"})), false},
		"for nobody":                    {firmar(t, jose.ES256, deEC, "e", e.datos(map[string]any{"aud": nil})), false},
		"of another issuer":             {firmar(t, jose.ES256, deEC, "e", e.datos(map[string]any{"iss": "https://otro"})), false},
		"without exp":                   {firmar(t, jose.ES256, deEC, "e", e.datos(map[string]any{"exp": nil})), false},
		"without sub":                   {firmar(t, jose.ES256, deEC, "e", e.datos(map[string]any{"sub": nil})), false},
		"with a sub that cannot be":     {firmar(t, jose.ES256, deEC, "e", e.datos(map[string]any{"sub": "a\tb"})), false},
		"of another key":                {firmar(t, jose.ES256, ajena, "e", e.datos(nil)), false},
		"of a key that nobody has":      {firmar(t, jose.ES256, ajena, "x", e.datos(nil)), false},
		"with a shared secret":          {firmar(t, jose.HS256, []byte(strings.Repeat("k", 32)), "e", e.datos(nil)), false},
		"altered":                       {partes[0] + "." + strings.Replace(partes[1], "a", "b", 1) + "." + partes[2], false},
		"unsigned":                      {"eyJhbGciOiJub25lIn0." + partes[1] + ".", false},
		"signed with ES384 in its name": {strings.Replace(bueno, partes[0], "eyJhbGciOiJFUzM4NCIsImtpZCI6ImUifQ", 1), false},
		"nothing":                       {"", false},
	} {
		p, err := v.Verificar(context.Background(), c.token)
		if c.vale != (err == nil) || err != nil && errores.De(err) != errores.SinIdentidad {
			t.Errorf("%s: %+v %v", nombre, p, err)
		}
		if c.vale && (p.Usuario != "ana" || !slices.Equal(p.Roles, []string{Operador})) {
			t.Errorf("%s: %+v", nombre, p)
		}
	}
}

// The issuer may start after us, change its keys, and be away for a while: keys that are known go on being good.
func TestElEmisorCambiaSusClavesYSeVa(t *testing.T) {
	primera, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	segunda, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	e := nuevoEmisorDePrueba(t)
	e.ponerClave("1", "ES256", primera)
	v := NuevoEmisor(Ajustes{Emisor: e.URL, Audiencia: "entregas", Roles: "realm_access.roles"})
	deLaPrimera := firmar(t, jose.ES256, primera, "1", e.datos(map[string]any{"realm_access": map[string]any{"roles": []string{"cliente"}}}))
	for range 3 {
		if p, err := v.Verificar(t.Context(), deLaPrimera); err != nil || !p.Es(Cliente) {
			t.Fatalf("%+v %v", p, err)
		}
	}
	if e.pedidas != 1 {
		t.Errorf("se pidieron las claves %d veces", e.pedidas)
	}
	e.mu.Lock()
	e.claves.Keys = nil
	e.mu.Unlock()
	e.ponerClave("2", "ES256", segunda)
	if _, err := v.Verificar(t.Context(), firmar(t, jose.ES256, segunda, "2", e.datos(nil))); err != nil {
		t.Errorf("la clave nueva: %v", err)
	}
	if _, err := v.Verificar(t.Context(), deLaPrimera); errores.De(err) != errores.SinIdentidad {
		t.Errorf("la clave retirada: %v", err)
	}
	e.mu.Lock()
	e.caido = true
	e.mu.Unlock()
	if _, err := v.Verificar(t.Context(), firmar(t, jose.ES256, segunda, "2", e.datos(nil))); err != nil {
		t.Errorf("una clave conocida, con el emisor caído: %v", err)
	}
	if _, err := v.Verificar(t.Context(), deLaPrimera); errores.De(err) != errores.NoDisponible {
		t.Errorf("una que no se conoce, con el emisor caído: %v", err)
	}
	e.Close()
	if _, err := NuevoEmisor(Ajustes{Emisor: e.URL, Audiencia: "entregas", Roles: "roles"}).Verificar(t.Context(), deLaPrimera); errores.De(err) != errores.NoDisponible {
		t.Errorf("sin emisor: %v", err)
	}
}

// Anybody can write tokens that name keys which nobody has: the issuer is not asked for each.
func TestClavesInventadas(t *testing.T) {
	clave, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	e := nuevoEmisorDePrueba(t)
	e.ponerClave("1", "ES256", clave)
	v := NuevoEmisor(Ajustes{Emisor: e.URL, Audiencia: "entregas", Roles: "roles"})
	for i := range 100 {
		if _, err := v.Verificar(t.Context(), firmar(t, jose.ES256, clave, fmt.Sprint("x", i), e.datos(nil))); errores.De(err) != errores.SinIdentidad {
			t.Fatal(err)
		}
	}
	if _, err := v.Verificar(t.Context(), firmar(t, jose.ES256, clave, "1", e.datos(nil))); err != nil {
		t.Errorf("uno bueno: %v", err)
	}
	if e.pedidas > clavesDeGolpe {
		t.Errorf("se pidieron las claves %d veces", e.pedidas)
	}
}

// An issuer that hangs makes its waiting requests wait once, not one after the other.
func TestElEmisorQueNoContesta(t *testing.T) {
	var preguntas atomic.Int32
	colgado := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		preguntas.Add(1)
		<-r.Context().Done()
	}))
	defer colgado.Close()
	v := NuevoEmisor(Ajustes{Emisor: colgado.URL, Audiencia: "entregas", Roles: "roles", HTTP: &http.Client{Timeout: 300 * time.Millisecond}})
	var todos sync.WaitGroup
	for range 10 {
		todos.Go(func() {
			if _, err := v.Verificar(t.Context(), "a.b.c"); errores.De(err) != errores.NoDisponible {
				t.Error(err)
			}
		})
	}
	todos.Wait()
	if n := preguntas.Load(); n >= 10 {
		t.Errorf("cada uno preguntó por su lado: %d veces", n)
	}
}

func TestPropia(t *testing.T) {
	for volver, quiero := range map[string]string{
		"/compras/1?a=b": "/compras/1?a=b", "": "/", "compras": "/", "//otro/x": "/", "https://otro/x": "/", `/\otro`: "/", "javascript:alert(1)": "/", "/%0d%0ax": "/%0d%0ax",
		"////otro": "/", "/\t/otro": "/", "/a?volver=//otro": "/a?volver=//otro", "/" + strings.Repeat("a", maxVolver): "/",
	} {
		if got := propia(volver); got != quiero {
			t.Errorf("%q: %q, quiero %q", volver, got, quiero)
		}
	}
}
