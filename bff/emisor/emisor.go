// Package emisor is the OIDC issuer of the development mode: it believes whatever name and role a person types. The same checks as
// with a real one then run everywhere. It must never be served in production.
package emisor

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/gorilla/mux"

	"entregas/services/internal/rest"
)

// What tokens are for.
const (
	Audiencia = "entregas"
	Cliente   = "entregas-paginas"
)

const (
	// vidaDeToken is how long a token of the development issuer is good.
	vidaDeToken = 12 * time.Hour
	// vidaDeCodigo is how long after a sign-in its code can be exchanged for a token.
	vidaDeCodigo = time.Minute
)

// Emisor issues tokens.
type Emisor struct {
	url      string
	clave    *ecdsa.PrivateKey
	kid      string
	firmante jose.Signer
	codes    CodeStore
	returns  []string // the only addresses to which a code is sent
}

// CodeStore remembers the codes that were exchanged, for all replicas.
type CodeStore interface {
	// Crear writes the key where there is nothing, and gives compras.ErrYaCambio where there is something.
	Crear(ctx context.Context, clave string, texto []byte, vida time.Duration) error
}

// Nuevo issues in the name of direccion, where its routes are. archivo holds a secret text of which the key is made, which the
// replicas share; "" makes a key that nobody shares. publica is our own address where it is a setting, else "". codes may be nil
// for a program that only makes tokens.
func Nuevo(direccion, archivo, publica string, codes CodeStore) (*Emisor, error) {
	clave, err := leerClave(archivo)
	if err != nil {
		return nil, fmt.Errorf("clave del emisor de desarrollo: %w", err)
	}
	der, err := x509.MarshalPKIXPublicKey(&clave.PublicKey)
	if err != nil {
		return nil, err
	}
	huella := sha256.Sum256(der)
	e := &Emisor{url: strings.TrimSuffix(direccion, "/"), clave: clave, kid: hex.EncodeToString(huella[:8]), codes: codes}
	e.returns = returnAddresses(e.url, publica)
	e.firmante, err = jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: clave, KeyID: e.kid}}, (&jose.SignerOptions{}).WithType("JWT"))
	return e, err
}

// leerClave makes the key of a secret text, so that who has the text has the key: a file is all that replicas must share.
func leerClave(archivo string) (*ecdsa.PrivateKey, error) {
	if archivo == "" {
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	texto, err := os.ReadFile(archivo) // #nosec G304 -- a setting
	if err != nil {
		return nil, err
	}
	secreto := strings.TrimSpace(string(texto))
	if len(secreto) < minSecreto {
		return nil, fmt.Errorf("%s tiene menos de %d caracteres", archivo, minSecreto)
	}
	semilla := sha256.Sum256([]byte("emisor de desarrollo " + secreto))
	return ecdsa.ParseRawPrivateKey(elliptic.P256(), semilla[:])
}

const minSecreto = 20

// datos are a token's claims; of a code also what it was given for.
type datos struct {
	Emisor    string   `json:"iss"`
	Audiencia []string `json:"aud"`
	Usuario   string   `json:"sub"`
	Roles     []string `json:"roles"`
	Emitido   int64    `json:"iat"`
	Vence     int64    `json:"exp"`
	Nonce     string   `json:"nonce,omitempty"`
	Reto      string   `json:"reto,omitempty"`
	Volver    string   `json:"volver,omitempty"`
	ID        string   `json:"jti,omitempty"`
}

// Token is a token of usuario with the roles, for aud.
func (e *Emisor) Token(usuario string, roles []string, vida time.Duration, aud ...string) (string, error) {
	return e.firmar(datos{Usuario: usuario, Roles: roles, Audiencia: aud}, vida)
}

func (e *Emisor) firmar(d datos, vida time.Duration) (string, error) {
	ahora := time.Now()
	d.Emisor, d.Emitido, d.Vence = e.url, ahora.Unix(), ahora.Add(vida).Unix()
	texto, err := json.Marshal(d)
	if err != nil {
		return "", err
	}
	firmado, err := e.firmante.Sign(texto)
	if err != nil {
		return "", err
	}
	return firmado.CompactSerialize()
}

// Registrar adds the issuer's routes, under the path of its URL.
func (e *Emisor) Registrar(rutas *mux.Router) {
	u, err := url.Parse(e.url)
	if err != nil {
		return // Nuevo's caller gave it to the verifier too, which says so
	}
	rutas.HandleFunc(u.Path+"/.well-known/openid-configuration", e.configuracion).Methods(http.MethodGet)
	rutas.HandleFunc(u.Path+"/claves", e.claves).Methods(http.MethodGet)
	rutas.Handle(u.Path+"/entrar", rest.Ruta(e.formulario)).Methods(http.MethodGet)
	rutas.Handle(u.Path+"/entrar", rest.Ruta(e.autorizar)).Methods(http.MethodPost)
	rutas.HandleFunc(u.Path+"/token", e.canjear).Methods(http.MethodPost)
}

func (e *Emisor) configuracion(w http.ResponseWriter, _ *http.Request) {
	rest.Escribir(w, http.StatusOK, map[string]any{
		"issuer": e.url, "authorization_endpoint": e.url + "/entrar", "token_endpoint": e.url + "/token", "jwks_uri": e.url + "/claves",
		"response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"},
		"id_token_signing_alg_values_supported": []string{"ES256"}, "code_challenge_methods_supported": []string{"S256"},
		"grant_types_supported": []string{grantType}, "token_endpoint_auth_methods_supported": []string{"none", "client_secret_basic"},
	})
}

func (e *Emisor) claves(w http.ResponseWriter, _ *http.Request) {
	rest.Escribir(w, http.StatusOK, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &e.clave.PublicKey, KeyID: e.kid, Algorithm: "ES256", Use: "sig"}}})
}

// returnAddresses are the addresses of /volver: at our public address, and at the issuer's own, which a browser on the same
// machine may call by any of its names.
func returnAddresses(issuer, publica string) []string {
	var all []string
	for _, address := range []string{issuer, publica} {
		u, err := url.Parse(address)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" {
			continue
		}
		hosts := []string{u.Host}
		if loopback := []string{"127.0.0.1", "localhost", "::1"}; slices.Contains(loopback, u.Hostname()) {
			for _, name := range loopback {
				host := strings.TrimSuffix(net.JoinHostPort(name, u.Port()), ":")
				hosts = append(hosts, host)
			}
		}
		for _, host := range hosts {
			all = append(all, u.Scheme+"://"+host+"/volver")
		}
	}
	return all
}
