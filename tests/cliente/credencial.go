package cliente

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// operadores is among how many subjects what a Cliente asks of the bff is spread: each has a rate of its own, as many people
// would. A tool that makes the load of a thousand customers is not one customer.
const operadores = 512

// vida of a token that is made here: longer than the longest run of any test.
const vida = 12 * time.Hour

// credenciales of the addresses that an Entorno named: whoever asks one of them says what it wants to hear.
var credenciales sync.Map // address → func(*http.Request) error

func acreditar(r *http.Request, base string) error {
	if r.Header.Get("Authorization") != "" {
		return nil
	}
	if poner, hay := credenciales.Load(base); hay {
		return poner.(func(*http.Request) error)(r)
	}
	return nil
}

// recordar notes what the addresses of e want to hear: the bff a token, the services the app API token.
func (e Entorno) recordar() error {
	if e.TokenApp != "" {
		deApp := func(r *http.Request) error { r.Header.Set("dapr-api-token", e.TokenApp); return nil }
		for _, base := range []string{e.Gestor, e.Admin, e.Ordenes, e.Monitor} {
			credenciales.Store(base, deApp)
		}
	}
	if e.ClaveEmisor == "" {
		return nil
	}
	f, err := nuevoFirmante(e.Emisor, e.ClaveEmisor)
	if err != nil {
		return fmt.Errorf("clave del emisor de desarrollo: %w", err)
	}
	var tokens [operadores]struct {
		una   sync.Once
		token string
		err   error
	}
	var turno atomic.Uint64
	credenciales.Store(e.BFF, func(r *http.Request) error {
		n := turno.Add(1) % operadores
		if clave := r.Header.Get("Idempotency-Key"); clave != "" { // which is its subject's own: the same sending, the same subject
			n = uint64(crc32.ChecksumIEEE([]byte(clave))) % operadores
		}
		t := &tokens[n]
		t.una.Do(func() { t.token, t.err = f.firmar(fmt.Sprintf("prueba-%d", n), "operador") })
		r.Header.Set("Authorization", "Bearer "+t.token)
		return t.err
	})
	return nil
}

// Token is a token of the development issuer for usuario, in the role cliente or operador.
func (e Entorno) Token(usuario, rol string) (string, error) {
	f, err := nuevoFirmante(e.Emisor, e.ClaveEmisor)
	if err != nil {
		return "", err
	}
	return f.firmar(usuario, rol)
}

// Como is a client of the bff in the name of usuario, in that role alone.
func (e Entorno) Como(usuario, rol string) (*Cliente, error) {
	token, err := e.Token(usuario, rol)
	if err != nil {
		return nil, err
	}
	c := Nuevo(e.BFF)
	c.acreditar = func(r *http.Request) error { r.Header.Set("Authorization", "Bearer "+token); return nil }
	return c, nil
}

// Through is a client of the bff behind another address, as a balancer's.
func (e Entorno) Through(address string) (*Cliente, error) {
	e.BFF = address
	return Nuevo(address), e.recordar()
}

// Anonimo is a client of the bff that says nothing of itself.
func (e Entorno) Anonimo() *Cliente {
	c := Nuevo(e.BFF)
	c.acreditar = func(*http.Request) error { return nil }
	return c
}

// firmante signs as the development issuer does (bff/emisor), with the key that is made of its secret.
type firmante struct {
	emisor, kid string
	clave       *ecdsa.PrivateKey
}

func nuevoFirmante(emisor, archivo string) (*firmante, error) {
	texto, err := os.ReadFile(archivo) // #nosec G304 -- the environment names it
	if err != nil {
		return nil, err
	}
	semilla := sha256.Sum256([]byte("emisor de desarrollo " + strings.TrimSpace(string(texto))))
	clave, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), semilla[:])
	if err != nil {
		return nil, err
	}
	publica, err := x509.MarshalPKIXPublicKey(&clave.PublicKey)
	if err != nil {
		return nil, err
	}
	huella := sha256.Sum256(publica)
	return &firmante{emisor, hex.EncodeToString(huella[:8]), clave}, nil
}

func (f *firmante) firmar(usuario, rol string) (string, error) {
	ahora := time.Now()
	cabecera, err := json.Marshal(map[string]string{"alg": "ES256", "typ": "JWT", "kid": f.kid})
	if err != nil {
		return "", err
	}
	datos, err := json.Marshal(map[string]any{
		"iss": f.emisor, "aud": []string{"entregas"}, "sub": usuario, "roles": []string{rol}, "iat": ahora.Unix(), "exp": ahora.Add(vida).Unix(),
	})
	if err != nil {
		return "", err
	}
	texto := base64.RawURLEncoding.EncodeToString(cabecera) + "." + base64.RawURLEncoding.EncodeToString(datos)
	resumen := sha256.Sum256([]byte(texto))
	r, s, err := ecdsa.Sign(rand.Reader, f.clave, resumen[:])
	if err != nil {
		return "", err
	}
	firma := make([]byte, 64)
	r.FillBytes(firma[:32])
	s.FillBytes(firma[32:])
	return texto + "." + base64.RawURLEncoding.EncodeToString(firma), nil
}
