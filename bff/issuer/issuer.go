// Package issuer is the OIDC issuer of the development mode. It signs in anybody with any name and role, so that the same checks
// as in production run without a real issuer. It must never be served in production.
package issuer

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

	"entregas/internal/rest"
)

// The audience and the client of the tokens of this issuer.
const (
	Audience = "entregas"       // claim aud of the tokens for the bff
	ClientID = "entregas-pages" // the only client: the pages
)

const (
	// tokenTTL is how long a token of the development issuer is valid.
	tokenTTL = 12 * time.Hour
	// codeTTL is how long a code of the development issuer is valid.
	codeTTL = time.Minute
)

// Issuer issues codes and tokens. It is written by hand because it is small: an issuer such as Dex or Keycloak is a further
// program to run in development, and has accounts to set up.
type Issuer struct {
	url     string
	key     *ecdsa.PrivateKey
	kid     string
	signer  jose.Signer
	codes   CodeStore
	page    Form
	returns []string // the addresses to which a code may be sent
}

// CodeStore remembers the codes that were redeemed, for all replicas.
type CodeStore interface {
	// Create writes a key that does not exist. Error: compras.ErrChanged where it exists.
	Create(ctx context.Context, key string, text []byte, ttl time.Duration) error
}

// New returns an Issuer whose URL is address. file names a file with a secret, from which all replicas derive the same signing key;
// "" makes a random key. publicURL is the address of the bff, "" where no setting has it. codes may be nil for a program that only
// makes tokens; page too, which answers the form of the sign-in.
func New(address, file, publicURL string, codes CodeStore, page Form) (*Issuer, error) {
	key, err := readKey(file)
	if err != nil {
		return nil, fmt.Errorf("key of the development issuer: %w", err)
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return nil, err
	}
	fingerprint := sha256.Sum256(der)
	e := &Issuer{url: strings.TrimSuffix(address, "/"), key: key, kid: hex.EncodeToString(fingerprint[:8]), codes: codes, page: page}
	e.returns = returnAddresses(e.url, publicURL)
	e.signer, err = jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: e.kid}}, (&jose.SignerOptions{}).WithType("JWT"))
	return e, err
}

// readKey derives the signing key from the secret in file, so that replicas need to share no more than the file.
func readKey(file string) (*ecdsa.PrivateKey, error) {
	if file == "" {
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	text, err := os.ReadFile(file) // #nosec G304 -- a setting
	if err != nil {
		return nil, err
	}
	secret := strings.TrimSpace(string(text))
	if len(secret) < minSecret {
		return nil, fmt.Errorf("%s has fewer than %d characters", file, minSecret)
	}
	seed := sha256.Sum256([]byte("development issuer " + secret))
	return ecdsa.ParseRawPrivateKey(elliptic.P256(), seed[:])
}

// minSecret is the least length of the secret, in bytes.
const minSecret = 20

// claims are the claims of a token or of a code. Those with omitempty are of a code or of an ID token.
type claims struct {
	Issuer    string   `json:"iss"`
	Audience  []string `json:"aud"`
	Usuario   string   `json:"sub"`
	Roles     []string `json:"roles"`
	IssuedAt  int64    `json:"iat"`
	Expires   int64    `json:"exp"`
	Nonce     string   `json:"nonce,omitempty"`
	Challenge string   `json:"challenge,omitempty"`
	ReturnTo  string   `json:"return_to,omitempty"`
	ID        string   `json:"jti,omitempty"`
}

// Token returns a signed token of usuario with roles and the claim aud. It is valid for ttl.
func (i *Issuer) Token(usuario string, roles []string, ttl time.Duration, aud ...string) (string, error) {
	return i.sign(claims{Usuario: usuario, Roles: roles, Audience: aud}, ttl)
}

// sign returns d as a signed JWT that is valid for ttl.
func (i *Issuer) sign(d claims, ttl time.Duration) (string, error) {
	now := time.Now()
	d.Issuer, d.IssuedAt, d.Expires = i.url, now.Unix(), now.Add(ttl).Unix()
	text, err := json.Marshal(d)
	if err != nil {
		return "", err
	}
	signed, err := i.signer.Sign(text)
	if err != nil {
		return "", err
	}
	return signed.CompactSerialize()
}

// Register adds the issuer's endpoints to routes, under the path of its URL.
func (i *Issuer) Register(routes *mux.Router) {
	u, err := url.Parse(i.url)
	if err != nil {
		return // the verifier has the same URL, and reports the error
	}
	routes.HandleFunc(u.Path+"/.well-known/openid-configuration", i.configuration).Methods(http.MethodGet)
	routes.HandleFunc(u.Path+"/claves", i.keys).Methods(http.MethodGet)
	routes.Handle(u.Path+"/entrar", rest.Route(i.form)).Methods(http.MethodGet)
	routes.Handle(u.Path+"/entrar", rest.Route(i.authorize)).Methods(http.MethodPost)
	routes.HandleFunc(u.Path+"/token", i.redeem).Methods(http.MethodPost)
}

func (i *Issuer) configuration(w http.ResponseWriter, _ *http.Request) {
	rest.Write(w, http.StatusOK, map[string]any{
		"issuer": i.url, "authorization_endpoint": i.url + "/entrar", "token_endpoint": i.url + "/token", "jwks_uri": i.url + "/claves",
		"response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"},
		"id_token_signing_alg_values_supported": []string{"ES256"}, "code_challenge_methods_supported": []string{"S256"},
		"grant_types_supported": []string{grantType}, "token_endpoint_auth_methods_supported": []string{"none", "client_secret_basic"},
	})
}

func (i *Issuer) keys(w http.ResponseWriter, _ *http.Request) {
	rest.Write(w, http.StatusOK, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &i.key.PublicKey, KeyID: i.kid, Algorithm: "ES256", Use: "sig"}}})
}

// returnAddresses returns the addresses of /volver: at publicURL, and at the host of issuer. A loopback host stands for each name
// of the loopback.
func returnAddresses(issuer, publicURL string) []string {
	var all []string
	for _, address := range []string{issuer, publicURL} {
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
