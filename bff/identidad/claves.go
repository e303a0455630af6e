package identidad

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"golang.org/x/time/rate"
)

// How often the issuer is asked for its keys: each token that names a key which nobody knows asks for them, and anybody can
// write such a token. A change of keys is seen at once, or after entreClaves when somebody does that.
const (
	// entreClaves is the least time between two requests for the issuer's keys, once clavesDeGolpe of them came at once.
	entreClaves   = 5 * time.Second
	clavesDeGolpe = 5
	maxClaves     = 1 << 20 // bytes
	// entreIntentos is the pause before an issuer that did not answer is asked again.
	entreIntentos = time.Second
)

// errOtraFirma says that a token is signed by nobody whom the issuer knows.
var errOtraFirma = errors.New("no lo firma ninguna de las claves del emisor")

// claves are the issuer's keys, as they were last told. The OIDC library's own asks for them without end, and for a moment takes those that it had before for those that it got.
type claves struct {
	url      string
	cliente  *http.Client
	ritmo    *rate.Limiter
	pidiendo sync.Mutex // held while they are asked for: requests that come meanwhile wait for the same answer
	mu       sync.Mutex
	dichas   *jose.JSONWebKeySet
	fallo    error
	fallado  time.Time
}

func nuevasClaves(url string, cliente *http.Client) *claves {
	return &claves{url: url, cliente: cliente, ritmo: rate.NewLimiter(rate.Every(entreClaves), clavesDeGolpe), dichas: &jose.JSONWebKeySet{}}
}

// comprobacion is one look at a signature, and what came of it: the library that asks for it keeps of an error its words only.
type comprobacion struct {
	claves *claves
	err    error
}

// VerifySignature implements oidc.KeySet.
func (c *comprobacion) VerifySignature(ctx context.Context, token string) (texto []byte, err error) {
	texto, c.err = c.claves.comprobar(ctx, token)
	return texto, c.err
}

// comprobar gives what the token says. Errors: errOtraFirma; NoDisponible when the issuer does not answer.
func (c *claves) comprobar(ctx context.Context, token string) ([]byte, error) {
	firmado, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.RS256, jose.ES256})
	if err != nil || len(firmado.Signatures) != 1 {
		return nil, errOtraFirma
	}
	c.mu.Lock()
	conocidas := c.dichas
	c.mu.Unlock()
	if texto, es := deAlguna(conocidas, firmado); es {
		return texto, nil
	}
	nuevas, err := c.pedir(ctx, conocidas)
	if err != nil {
		return nil, err
	}
	if texto, es := deAlguna(nuevas, firmado); es {
		return texto, nil
	}
	return nil, errOtraFirma
}

func deAlguna(conjunto *jose.JSONWebKeySet, firmado *jose.JSONWebSignature) ([]byte, bool) {
	kid := firmado.Signatures[0].Header.KeyID
	for _, clave := range conjunto.Keys {
		if kid != "" && clave.KeyID != kid || clave.Use != "" && clave.Use != "sig" {
			continue
		}
		if texto, err := firmado.Verify(&clave); err == nil {
			return texto, true
		}
	}
	return nil, false
}

// pedir gives newer keys than antes, or the same where they were asked for too often.
func (c *claves) pedir(ctx context.Context, antes *jose.JSONWebKeySet) (*jose.JSONWebKeySet, error) {
	c.pidiendo.Lock()
	defer c.pidiendo.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.dichas != antes:
		return c.dichas, nil
	case c.fallo != nil && time.Since(c.fallado) < entreIntentos:
		return nil, c.fallo
	case !c.ritmo.Allow():
		return c.dichas, nil
	}
	c.mu.Unlock()
	nuevas, err := c.leer(context.WithoutCancel(ctx)) // for all who wait; the client has its own time limit
	c.mu.Lock()
	if c.fallo, c.fallado = err, time.Now(); err != nil {
		return nil, err
	}
	c.dichas = nuevas
	return nuevas, nil
}

func (c *claves) leer(ctx context.Context) (*jose.JSONWebKeySet, error) {
	peticion, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url, nil)
	if err != nil {
		return nil, noResponde(err)
	}
	res, err := c.cliente.Do(peticion)
	if err != nil {
		return nil, noResponde(err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return nil, noResponde(fmt.Errorf("%s responde %d", c.url, res.StatusCode))
	}
	var crudas struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, maxClaves)).Decode(&crudas); err != nil {
		return nil, noResponde(err)
	}
	conjunto := &jose.JSONWebKeySet{}
	for _, cruda := range crudas.Keys {
		var clave jose.JSONWebKey
		if json.Unmarshal(cruda, &clave) == nil { // a kind that is not known is none of ours
			conjunto.Keys = append(conjunto.Keys, clave)
		}
	}
	return conjunto, nil
}
