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

// daprTokens are what sidecar and app say to each other, in both directions. An instance has one of each, made once.
type daprTokens struct{ app, dapr string }

// tokens reads them, or makes them: two files of the instance that nobody else reads.
func (in *Instance) tokens() (t daprTokens, err error) {
	if t.app, err = in.secret("token-app"); err != nil {
		return t, err
	}
	t.dapr, err = in.secret("token-dapr")
	return t, err
}

// secret is what the instance's file says. Where there is none it is made, and the first writer wins.
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

// secretLoopback is an address of this machine's loopback that belongs to the instance alone and is drawn once. The scheduler's
// etcd asks nobody for anything and lets every page in a browser read and write (it allows every origin): such a page would
// have to guess the address. For the users of this machine it is no secret.
func (in *Instance) secretLoopback() (string, error) {
	secret, err := in.secret("loopback")
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(secret))
	return fmt.Sprintf("127.%d.%d.%d", 1+sum[0]%254, sum[1], 1+sum[2]%254), nil
}

// issuerKey is the file with the secret of which the development issuer's key is made. The bff's replicas share it.
func (in *Instance) issuerKey() (string, error) {
	_, err := in.secret("emisor")
	return in.path("emisor"), err
}

// issuer is the development issuer's URL, as dapr.yaml gives it to the bff.
func (in *Instance) issuer() string {
	return fmt.Sprintf("http://127.0.0.1:%d/desarrollo", in.port("BFF"))
}

// tokenTTL is how long a token of `make token` is good for.
const tokenTTL = 12 * time.Hour

// printToken prints a token of the development issuer.
func (in *Instance) printToken(args []string) error {
	if len(args) != 2 || args[1] == "" || (args[0] != "cliente" && args[0] != "operador") {
		return errors.New("diga de quién: make token ROL=cliente|operador USUARIO=ana")
	}
	token, err := in.token(args[1], args[0])
	if err == nil {
		fmt.Println(token)
	}
	return err
}

// token is signed here, with the issuer's key, so that it needs nothing to be up. It is what bff/issuer would give.
func (in *Instance) token(usuario, role string) (string, error) {
	secret, err := in.secret("emisor")
	if err != nil {
		return "", err
	}
	seed := sha256.Sum256([]byte("emisor de desarrollo " + secret))
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
