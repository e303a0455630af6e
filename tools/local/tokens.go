package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// daprTokens has the token that a sidecar sends to its app, and the token that an app sends to its sidecar.
type daprTokens struct{ app, dapr string }

// tokens returns the instance's tokens. It makes them the first time.
func (in *Instance) tokens() (t daprTokens, err error) {
	if t.app, err = in.secret("token-app"); err != nil {
		return t, err
	}
	t.dapr, err = in.secret("token-dapr")
	return t, err
}

// secret returns the content of the instance's file name. If the file does not exist, secret writes a random text to it. If two
// processes do so at once, both return the same text.
func (in *Instance) secret(name string) (string, error) {
	path := in.path(name)
	text, err := os.ReadFile(path)
	if err == nil {
		return strings.TrimSpace(string(text)), nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return "", err
	}
	tempFile, err := os.CreateTemp(filepath.Dir(path), name+".*")
	if err != nil {
		return "", err
	}
	defer os.Remove(tempFile.Name())
	if _, err = tempFile.WriteString(rand.Text() + "\n"); err == nil {
		err = tempFile.Close()
	}
	if err != nil {
		return "", err
	}
	if err := os.Link(tempFile.Name(), path); err != nil && !errors.Is(err, os.ErrExist) {
		return "", err
	}
	text, err = os.ReadFile(path)
	return strings.TrimSpace(string(text)), err
}

// secretLoopback returns a random address of the loopback, which the instance keeps. The scheduler's etcd has no authentication
// and allows every origin, so a page in a browser could read and write it. Such a page must now guess the address. The users of
// this machine can find it.
func (in *Instance) secretLoopback() (string, error) {
	secret, err := in.secret("loopback")
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(secret))
	return fmt.Sprintf("127.%d.%d.%d", 1+sum[0]%254, sum[1], 1+sum[2]%254), nil
}

// issuerKey returns the path of the secret from which the development issuer derives its key. The replicas of bff share it.
func (in *Instance) issuerKey() (string, error) {
	_, err := in.secret("issuer-secret")
	return in.path("issuer-secret"), err
}

// issuer returns the development issuer's URL, which dapr.yaml also gives to bff.
func (in *Instance) issuer() string {
	return fmt.Sprintf("http://127.0.0.1:%d/desarrollo", in.port("BFF"))
}

// tokenTTL is how long a token of `make token` is valid.
const tokenTTL = 12 * time.Hour

// printToken prints a token of the development issuer. args are the role and the user.
func (in *Instance) printToken(args []string) error {
	if len(args) != 2 || args[1] == "" || (args[0] != "cliente" && args[0] != "operador") {
		return errors.New("name the role and the user: make token ROL=cliente|operador USUARIO=ana")
	}
	token, err := in.token(args[1], args[0])
	if err == nil {
		fmt.Println(token)
	}
	return err
}

// token returns a token like that of bff/issuer. It signs the token itself with the issuer's key, so that bff need not run. The
// one signature needs no JWT library in this module.
func (in *Instance) token(usuario, role string) (string, error) {
	secret, err := in.secret("issuer-secret")
	if err != nil {
		return "", err
	}
	seed := sha256.Sum256([]byte("development issuer " + secret))
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), seed[:])
	if err != nil {
		return "", err
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return "", err
	}
	fingerprint, now := sha256.Sum256(public), time.Now()
	header, err := json.Marshal(map[string]string{"alg": "ES256", "typ": "JWT", "kid": hex.EncodeToString(fingerprint[:8])})
	if err != nil {
		return "", err
	}
	data, err := json.Marshal(map[string]any{
		"iss": in.issuer(), "aud": []string{"entregas"}, "sub": usuario, "roles": []string{role}, "iat": now.Unix(), "exp": now.Add(tokenTTL).Unix(),
	})
	if err != nil {
		return "", err
	}
	unpadded := base64.RawURLEncoding
	signed := unpadded.EncodeToString(header) + "." + unpadded.EncodeToString(data)
	digest := sha256.Sum256([]byte(signed))
	r, s, err := ecdsa.Sign(rand.Reader, key, digest[:])
	if err != nil {
		return "", err
	}
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return signed + "." + unpadded.EncodeToString(signature), nil
}
