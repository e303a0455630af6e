package identity

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
// write such a token. A change of keys is seen at once, or after betweenKeys when somebody does that.
const (
	// betweenKeys is the least time between two requests for the issuer's keys, once keysAtOnce of them came at once.
	betweenKeys = 5 * time.Second
	keysAtOnce  = 5
	maxKeys     = 1 << 20 // bytes
	// betweenAttempts is the pause before an issuer that did not answer is asked again.
	betweenAttempts = time.Second
)

// errOtherSignature says that a token is signed by nobody whom the issuer knows.
var errOtherSignature = errors.New("no lo firma ninguna de las claves del emisor")

// keys are the issuer's keys, as they were last told. The OIDC library's own asks for them without end, and for a moment takes those that it had before for those that it got.
type keys struct {
	url      string
	client   *http.Client
	pace     *rate.Limiter
	asking   sync.Mutex // held while they are asked for: requests that come meanwhile wait for the same answer
	mu       sync.Mutex
	stated   *jose.JSONWebKeySet
	failure  error
	failedAt time.Time
}

func newKeys(url string, client *http.Client) *keys {
	return &keys{url: url, client: client, pace: rate.NewLimiter(rate.Every(betweenKeys), keysAtOnce), stated: &jose.JSONWebKeySet{}}
}

// verification is one look at a signature, and what came of it: the library that asks for it keeps of an error its words only.
type verification struct {
	keys *keys
	err  error
}

// VerifySignature implements oidc.KeySet.
func (c *verification) VerifySignature(ctx context.Context, token string) (text []byte, err error) {
	text, c.err = c.keys.check(ctx, token)
	return text, c.err
}

// check gives what the token says. Errors: errOtherSignature; Unavailable when the issuer does not answer.
func (c *keys) check(ctx context.Context, token string) ([]byte, error) {
	signed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.RS256, jose.ES256})
	if err != nil || len(signed.Signatures) != 1 {
		return nil, errOtherSignature
	}
	c.mu.Lock()
	knownOnes := c.stated
	c.mu.Unlock()
	if text, es := byAnyKey(knownOnes, signed); es {
		return text, nil
	}
	fresh, err := c.fetch(ctx, knownOnes)
	if err != nil {
		return nil, err
	}
	if text, es := byAnyKey(fresh, signed); es {
		return text, nil
	}
	return nil, errOtherSignature
}

func byAnyKey(keySet *jose.JSONWebKeySet, signed *jose.JSONWebSignature) ([]byte, bool) {
	kid := signed.Signatures[0].Header.KeyID
	for _, key := range keySet.Keys {
		if kid != "" && key.KeyID != kid || key.Use != "" && key.Use != "sig" {
			continue
		}
		if text, err := signed.Verify(&key); err == nil {
			return text, true
		}
	}
	return nil, false
}

// fetch gives newer keys than earlier, or the same where they were asked for too often.
func (c *keys) fetch(ctx context.Context, earlier *jose.JSONWebKeySet) (*jose.JSONWebKeySet, error) {
	c.asking.Lock()
	defer c.asking.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.stated != earlier:
		return c.stated, nil
	case c.failure != nil && time.Since(c.failedAt) < betweenAttempts:
		return nil, c.failure
	case !c.pace.Allow():
		return c.stated, nil
	}
	c.mu.Unlock()
	fresh, err := c.sessionAt(context.WithoutCancel(ctx)) // for all who wait; the client has its own time limit
	c.mu.Lock()
	if c.failure, c.failedAt = err, time.Now(); err != nil {
		return nil, err
	}
	c.stated = fresh
	return fresh, nil
}

func (c *keys) sessionAt(ctx context.Context) (*jose.JSONWebKeySet, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url, nil)
	if err != nil {
		return nil, noReply(err)
	}
	res, err := c.client.Do(request)
	if err != nil {
		return nil, noReply(err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return nil, noReply(fmt.Errorf("%s responde %d", c.url, res.StatusCode))
	}
	var rawKeys struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, maxKeys)).Decode(&rawKeys); err != nil {
		return nil, noReply(err)
	}
	keySet := &jose.JSONWebKeySet{}
	for _, rawKey := range rawKeys.Keys {
		var key jose.JSONWebKey
		if json.Unmarshal(rawKey, &key) == nil { // a kind that is not known is none of ours
			keySet.Keys = append(keySet.Keys, key)
		}
	}
	return keySet, nil
}
