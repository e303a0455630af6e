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

// tokensDapr are what sidecar and app say to each other, in both directions. An instance has one of each, made once.
type tokensDapr struct{ app, dapr string }

// tokens reads them, or makes them: two files of the instance that nobody else reads.
func (in *Instancia) tokens() (t tokensDapr, err error) {
	if t.app, err = in.secreto("token-app"); err != nil {
		return t, err
	}
	t.dapr, err = in.secreto("token-dapr")
	return t, err
}

// secreto is what the instance's file says. Where there is none it is made, and the first writer wins.
func (in *Instancia) secreto(nombre string) (string, error) {
	ruta := in.ruta(nombre)
	texto, err := os.ReadFile(ruta)
	if err == nil {
		return strings.TrimSpace(string(texto)), nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	if err := os.MkdirAll(filepath.Dir(ruta), 0o755); err != nil {
		return "", err
	}
	suelto, err := os.CreateTemp(filepath.Dir(ruta), nombre+".*")
	if err != nil {
		return "", err
	}
	defer os.Remove(suelto.Name())
	if _, err = suelto.WriteString(rand.Text() + "\n"); err == nil {
		err = suelto.Close()
	}
	if err != nil {
		return "", err
	}
	if err := os.Link(suelto.Name(), ruta); err != nil && !errors.Is(err, os.ErrExist) {
		return "", err
	}
	texto, err = os.ReadFile(ruta)
	return strings.TrimSpace(string(texto)), err
}

// secretLoopback is an address of this machine's loopback that belongs to the instance alone and is drawn once. The scheduler's
// etcd asks nobody for anything and lets every page in a browser read and write (it allows every origin): such a page would
// have to guess the address. For the users of this machine it is no secret.
func (in *Instancia) secretLoopback() (string, error) {
	secret, err := in.secreto("loopback")
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(secret))
	return fmt.Sprintf("127.%d.%d.%d", 1+sum[0]%254, sum[1], 1+sum[2]%254), nil
}

// claveEmisor is the file with the secret of which the development issuer's key is made. The bff's replicas share it.
func (in *Instancia) claveEmisor() (string, error) {
	_, err := in.secreto("emisor")
	return in.ruta("emisor"), err
}

// emisor is the development issuer's URL, as dapr.yaml gives it to the bff.
func (in *Instancia) emisor() string {
	return fmt.Sprintf("http://127.0.0.1:%d/desarrollo", in.puerto("BFF"))
}

// vidaDeToken is how long a token of `make token` is good for.
const vidaDeToken = 12 * time.Hour

// imprimirToken prints a token of the development issuer.
func (in *Instancia) imprimirToken(args []string) error {
	if len(args) != 2 || args[1] == "" || (args[0] != "cliente" && args[0] != "operador") {
		return errors.New("diga de quién: make token ROL=cliente|operador USUARIO=ana")
	}
	token, err := in.token(args[1], args[0])
	if err == nil {
		fmt.Println(token)
	}
	return err
}

// token is signed here, with the issuer's key, so that it needs nothing to be up. It is what bff/emisor would give.
func (in *Instancia) token(usuario, rol string) (string, error) {
	secreto, err := in.secreto("emisor")
	if err != nil {
		return "", err
	}
	semilla := sha256.Sum256([]byte("emisor de desarrollo " + secreto))
	clave, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), semilla[:])
	if err != nil {
		return "", err
	}
	publica, err := x509.MarshalPKIXPublicKey(&clave.PublicKey)
	if err != nil {
		return "", err
	}
	huella, ahora := sha256.Sum256(publica), time.Now()
	cabecera, err := json.Marshal(map[string]string{"alg": "ES256", "typ": "JWT", "kid": hex.EncodeToString(huella[:8])})
	if err != nil {
		return "", err
	}
	datos, err := json.Marshal(map[string]any{
		"iss": in.emisor(), "aud": []string{"entregas"}, "sub": usuario, "roles": []string{rol}, "iat": ahora.Unix(), "exp": ahora.Add(vidaDeToken).Unix(),
	})
	if err != nil {
		return "", err
	}
	sin := base64.RawURLEncoding
	firmado := sin.EncodeToString(cabecera) + "." + sin.EncodeToString(datos)
	resumen := sha256.Sum256([]byte(firmado))
	r, s, err := ecdsa.Sign(rand.Reader, clave, resumen[:])
	if err != nil {
		return "", err
	}
	firma := make([]byte, 64)
	r.FillBytes(firma[:32])
	s.FillBytes(firma[32:])
	return firmado + "." + sin.EncodeToString(firma), nil
}
