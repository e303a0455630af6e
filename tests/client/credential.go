package client

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

// subjects is the number of subjects that share the requests of a Client to the bff. The bff limits the rate of each subject, and a
// load of a thousand customers must not count as one customer.
const subjects = 512

// ttl is the lifetime of the tokens that this package signs. It is longer than the longest run of a test.
const ttl = 12 * time.Hour

// credentials maps each address that an Env contained to a function that adds the credentials to a request.
var credentials sync.Map // address → func(*http.Request) error

// addCredentials adds the credentials of address baseURL to a request that has none.
func addCredentials(r *http.Request, baseURL string) error {
	if r.Header.Get("Authorization") != "" {
		return nil
	}
	if put, found := credentials.Load(baseURL); found {
		return put.(func(*http.Request) error)(r)
	}
	return nil
}

// remember stores the credentials of the addresses of e: a bearer token for the bff, the app API token for the services.
func (e Env) remember() error {
	if e.AppToken != "" {
		withAppToken := func(r *http.Request) error { r.Header.Set("dapr-api-token", e.AppToken); return nil }
		for _, baseURL := range []string{e.Manager, e.Admin, e.Ordenes, e.Monitor} {
			credentials.Store(baseURL, withAppToken)
		}
	}
	if e.IssuerKey == "" {
		return nil
	}
	f, err := newSigner(e.Issuer, e.IssuerKey)
	if err != nil {
		return fmt.Errorf("key of the development issuer: %w", err)
	}
	var tokens [subjects]struct {
		one   sync.Once
		token string
		err   error
	}
	var turn atomic.Uint64
	credentials.Store(e.BFF, func(r *http.Request) error {
		n := turn.Add(1) % subjects
		if key := r.Header.Get("Idempotency-Key"); key != "" { // the bff stores a key for its subject, so the same key must have the same subject
			n = uint64(crc32.ChecksumIEEE([]byte(key))) % subjects
		}
		t := &tokens[n]
		t.one.Do(func() { t.token, t.err = f.sign(fmt.Sprintf("test-%d", n), "operador") })
		r.Header.Set("Authorization", "Bearer "+t.token)
		return t.err
	})
	return nil
}

// Token returns a token of the development issuer for usuario in role cliente or operador.
func (e Env) Token(usuario, role string) (string, error) {
	f, err := newSigner(e.Issuer, e.IssuerKey)
	if err != nil {
		return "", err
	}
	return f.sign(usuario, role)
}

// As returns a client of the bff that asks as usuario in role.
func (e Env) As(usuario, role string) (*Client, error) {
	token, err := e.Token(usuario, role)
	if err != nil {
		return nil, err
	}
	c := New(e.BFF)
	c.addCredentials = func(r *http.Request) error { r.Header.Set("Authorization", "Bearer "+token); return nil }
	return c, nil
}

// Through returns a client of the bff at address instead of the usual one, for example at the address of a balancer.
func (e Env) Through(address string) (*Client, error) {
	e.BFF = address
	return New(address), e.remember()
}

// Anonymous returns a client of the bff that sends no credentials.
func (e Env) Anonymous() *Client {
	c := New(e.BFF)
	c.addCredentials = func(*http.Request) error { return nil }
	return c
}

// signer signs tokens with the key of the development issuer (bff/issuer), which is derived from its secret.
type signer struct {
	issuer, kid string
	key         *ecdsa.PrivateKey
}

// newSigner derives the key from the secret in file.
func newSigner(issuer, file string) (*signer, error) {
	text, err := os.ReadFile(file) // #nosec G304 -- the environment names the file
	if err != nil {
		return nil, err
	}
	seed := sha256.Sum256([]byte("development issuer " + strings.TrimSpace(string(text))))
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), seed[:])
	if err != nil {
		return nil, err
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return nil, err
	}
	fingerprint := sha256.Sum256(public)
	return &signer{issuer, hex.EncodeToString(fingerprint[:8]), key}, nil
}

// sign returns a JWT for usuario in role.
func (f *signer) sign(usuario, role string) (string, error) {
	now := time.Now()
	header, err := json.Marshal(map[string]string{"alg": "ES256", "typ": "JWT", "kid": f.kid})
	if err != nil {
		return "", err
	}
	data, err := json.Marshal(map[string]any{
		"iss": f.issuer, "aud": []string{"entregas"}, "sub": usuario, "roles": []string{role}, "iat": now.Unix(), "exp": now.Add(ttl).Unix(),
	})
	if err != nil {
		return "", err
	}
	text := base64.RawURLEncoding.EncodeToString(header) + "." + base64.RawURLEncoding.EncodeToString(data)
	digest := sha256.Sum256([]byte(text))
	r, s, err := ecdsa.Sign(rand.Reader, f.key, digest[:])
	if err != nil {
		return "", err
	}
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return text + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}
