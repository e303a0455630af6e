// Package emisor is the OIDC issuer of the development mode: it believes whatever name and role a person types. The same checks as
// with a real one then run everywhere. It must never be served in production.
package emisor

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"embed"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/gorilla/mux"

	"entregas/contracts"
	"entregas/services/internal/errores"
	"entregas/services/internal/rest"
)

// What tokens are for.
const (
	Audiencia = "entregas"
	Cliente   = "entregas-paginas"
)

const (
	vidaDeToken  = 12 * time.Hour
	vidaDeCodigo = time.Minute
)

// Emisor issues tokens.
type Emisor struct {
	url      string
	clave    *ecdsa.PrivateKey
	kid      string
	firmante jose.Signer
}

// Nuevo issues in the name of direccion, where its routes are. archivo holds a secret text of which the key is made, which the
// replicas share; "" makes a key that nobody shares.
func Nuevo(direccion, archivo string) (*Emisor, error) {
	clave, err := leerClave(archivo)
	if err != nil {
		return nil, fmt.Errorf("clave del emisor de desarrollo: %w", err)
	}
	publica, err := x509.MarshalPKIXPublicKey(&clave.PublicKey)
	if err != nil {
		return nil, err
	}
	huella := sha256.Sum256(publica)
	e := &Emisor{url: strings.TrimSuffix(direccion, "/"), clave: clave, kid: hex.EncodeToString(huella[:8])}
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
	})
}

func (e *Emisor) claves(w http.ResponseWriter, _ *http.Request) {
	rest.Escribir(w, http.StatusOK, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &e.clave.PublicKey, KeyID: e.kid, Algorithm: "ES256", Use: "sig"}}})
}

//go:embed entrar.html
var archivos embed.FS

var pagina = template.Must(template.ParseFS(archivos, "entrar.html"))

func (e *Emisor) formulario(w http.ResponseWriter, r *http.Request) error {
	if err := comprobar(r.URL.Query()); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	return pagina.Execute(w, r.URL.Query())
}

// comprobar refuses what is not our own page's: a code sent to another site would be somebody else's session.
func comprobar(q url.Values) error {
	volver, err := url.Parse(q.Get("redirect_uri"))
	switch {
	case err != nil || volver.Path != "/volver" || !deAqui(volver.Hostname()):
		return errores.Nuevo(errores.Invalido, "redirect_uri no es de este sistema.")
	case q.Get("client_id") != Cliente || q.Get("response_type") != "code" || q.Get("code_challenge_method") != "S256" || q.Get("code_challenge") == "":
		return errores.Nuevo(errores.Invalido, "El ingreso no se empezó bien. Entre de nuevo en /entrar.")
	}
	return nil
}

func deAqui(servidor string) bool {
	return servidor == "127.0.0.1" || servidor == "localhost" || servidor == "::1"
}

func (e *Emisor) autorizar(w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, 1<<14)
	if err := r.ParseForm(); err != nil {
		return errores.Nuevo(errores.Invalido, "No se pudo leer el formulario.")
	}
	if err := comprobar(r.PostForm); err != nil {
		return err
	}
	usuario, rol := strings.TrimSpace(r.PostForm.Get("usuario")), r.PostForm.Get("rol")
	var v contracts.Validador
	v.Identificador("usuario", usuario)
	if rol != "cliente" && rol != "operador" {
		v.Falla("rol", "debe ser cliente u operador")
	}
	if err := v.Error(); err != nil {
		return err
	}
	codigo, err := e.firmar(datos{
		Usuario: usuario, Roles: []string{rol}, Audiencia: []string{"codigo"}, Nonce: r.PostForm.Get("nonce"),
		Reto: r.PostForm.Get("code_challenge"), Volver: r.PostForm.Get("redirect_uri"),
	}, vidaDeCodigo)
	if err != nil {
		return err
	}
	destino := r.PostForm.Get("redirect_uri") + "?" + url.Values{"code": {codigo}, "state": {r.PostForm.Get("state")}}.Encode()
	http.Redirect(w, r, destino, http.StatusSeeOther) // #nosec G710 -- comprobar says that it is ours
	return nil
}

// canjear gives tokens for a code: it carries all that is needed, signed, so that any replica takes it.
func (e *Emisor) canjear(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 1<<14)
	d, err := e.leerCodigo(r)
	if err != nil {
		rest.Escribir(w, http.StatusBadRequest, map[string]string{"error": "invalid_grant", "error_description": err.Error()})
		return
	}
	acceso, err := e.Token(d.Usuario, d.Roles, vidaDeToken, Audiencia)
	if err == nil {
		var id string
		if id, err = e.firmar(datos{Usuario: d.Usuario, Roles: d.Roles, Audiencia: []string{Cliente}, Nonce: d.Nonce}, vidaDeToken); err == nil {
			w.Header().Set("Cache-Control", "no-store")
			rest.Escribir(w, http.StatusOK, map[string]any{
				"access_token": acceso, "id_token": id, "token_type": "Bearer", "expires_in": int(vidaDeToken.Seconds()),
			})
			return
		}
	}
	rest.EscribirError(w, r, err)
}

func (e *Emisor) leerCodigo(r *http.Request) (d datos, err error) {
	if err := r.ParseForm(); err != nil {
		return d, err
	}
	firmado, err := jose.ParseSigned(r.PostForm.Get("code"), []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		return d, err
	}
	texto, err := firmado.Verify(&e.clave.PublicKey)
	if err != nil {
		return d, err
	}
	if err := json.Unmarshal(texto, &d); err != nil {
		return d, err
	}
	reto := sha256.Sum256([]byte(r.PostForm.Get("code_verifier")))
	switch {
	case len(d.Audiencia) != 1 || d.Audiencia[0] != "codigo":
		return d, fmt.Errorf("no es un código")
	case time.Now().Unix() > d.Vence:
		return d, fmt.Errorf("el código venció")
	case base64.RawURLEncoding.EncodeToString(reto[:]) != d.Reto:
		return d, fmt.Errorf("el code_verifier no es el de este código")
	case r.PostForm.Get("redirect_uri") != d.Volver:
		return d, fmt.Errorf("el redirect_uri no es el de este código")
	}
	return d, nil
}

// EnProceso is a client whose calls the issuer answers here: the program trusts its own issuer as it would one far away,
// and need not serve yet.
func (e *Emisor) EnProceso() *http.Client {
	rutas := mux.NewRouter()
	e.Registrar(rutas)
	return &http.Client{Transport: enProceso{rutas}}
}

type enProceso struct{ rutas http.Handler }

// RoundTrip implements http.RoundTripper.
func (p enProceso) RoundTrip(r *http.Request) (*http.Response, error) {
	w := &grabado{cabeceras: http.Header{}, estado: http.StatusOK}
	if r.Body == nil {
		r = r.Clone(context.WithoutCancel(r.Context()))
		r.Body = http.NoBody
	}
	p.rutas.ServeHTTP(w, r)
	return &http.Response{
		StatusCode: w.estado, Status: http.StatusText(w.estado), Header: w.cabeceras, Body: io.NopCloser(&w.cuerpo), Request: r, ProtoMajor: 1, ProtoMinor: 1,
	}, nil
}

type grabado struct {
	cabeceras http.Header
	estado    int
	cuerpo    bytes.Buffer
}

func (g *grabado) Header() http.Header         { return g.cabeceras }
func (g *grabado) Write(b []byte) (int, error) { return g.cuerpo.Write(b) }
func (g *grabado) WriteHeader(estado int)      { g.estado = estado }
