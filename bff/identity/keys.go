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

// The limits on requests for the issuer's keys. A token with an unknown key id causes such a request, and anybody can write such
// a token. The bff sees a rotation of the keys at once, or after betweenKeys while somebody sends such tokens.
const (
	// betweenKeys is the least time between two requests for the issuer's keys, once keysAtOnce of them came at once.
	betweenKeys = 5 * time.Second
	keysAtOnce  = 5
	maxKeys     = 1 << 20 // bytes of the issuer's answer
	// betweenAttempts is the pause after a request that the issuer did not answer.
	betweenAttempts = time.Second
)

// errOtherSignature is the error of a token that none of the issuer's keys signed.
var errOtherSignature = errors.New("no key of the issuer signed the token")

// keys caches the keys of the issuer, as RemoteKeySet of coreos/go-oidc does. RemoteKeySet (v3.21.0) is not used:
//   - It requests the keys again for each token with an unknown key id, without a limit. A change that adds one was closed
//     without a merge: https://github.com/coreos/go-oidc/pull/482
//   - It publishes the result of a request before it ends the request. A caller in between gets keys from before a rotation.
//   - Its error does not tell whether the issuer is away (503) or the token is bad (401).
type keys struct {
	url      string
	client   *http.Client
	pace     *rate.Limiter
	fetching sync.Mutex // held during a request, so that all callers wait for the same one
	mu       sync.Mutex // guards the fields below
	current  *jose.JSONWebKeySet
	failure  error
	failedAt time.Time
}

func newKeys(url string, client *http.Client) *keys {
	return &keys{url: url, client: client, pace: rate.NewLimiter(rate.Every(betweenKeys), keysAtOnce), current: &jose.JSONWebKeySet{}}
}

// verification is an oidc.KeySet for one token. It keeps the error of the check, since the library passes on only its text.
type verification struct {
	keys *keys
	err  error
}

// VerifySignature implements oidc.KeySet.
func (c *verification) VerifySignature(ctx context.Context, token string) (text []byte, err error) {
	text, c.err = c.keys.check(ctx, token)
	return text, c.err
}

// check verifies the signature of a token and returns its payload. It requests the keys again where no known key fits. Errors:
// errOtherSignature; Unavailable when the issuer does not answer.
func (k *keys) check(ctx context.Context, token string) ([]byte, error) {
	signed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.RS256, jose.ES256})
	if err != nil || len(signed.Signatures) != 1 {
		return nil, errOtherSignature
	}
	k.mu.Lock()
	known := k.current
	k.mu.Unlock()
	if text, ok := byAnyKey(known, signed); ok {
		return text, nil
	}
	fresh, err := k.fetch(ctx, known)
	if err != nil {
		return nil, err
	}
	if text, ok := byAnyKey(fresh, signed); ok {
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

// fetch returns newer keys than earlier, or the same ones while requests are over their rate. Error: Unavailable.
func (k *keys) fetch(ctx context.Context, earlier *jose.JSONWebKeySet) (*jose.JSONWebKeySet, error) {
	k.fetching.Lock()
	defer k.fetching.Unlock()
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case k.current != earlier:
		return k.current, nil
	case k.failure != nil && time.Since(k.failedAt) < betweenAttempts:
		return nil, k.failure
	case !k.pace.Allow():
		return k.current, nil
	}
	k.mu.Unlock()
	fresh, err := k.download(context.WithoutCancel(ctx)) // every waiting caller needs the answer; the HTTP client bounds the time
	k.mu.Lock()
	if k.failure, k.failedAt = err, time.Now(); err != nil {
		return nil, err
	}
	k.current = fresh
	return fresh, nil
}

// download requests the keys from the issuer. Error: Unavailable.
func (k *keys) download(ctx context.Context) (*jose.JSONWebKeySet, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, k.url, nil)
	if err != nil {
		return nil, noReply(err)
	}
	res, err := k.client.Do(request)
	if err != nil {
		return nil, noReply(err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return nil, noReply(fmt.Errorf("%s answers %d", k.url, res.StatusCode))
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
		if json.Unmarshal(rawKey, &key) == nil { // a key of an unknown type must not hide the others
			keySet.Keys = append(keySet.Keys, key)
		}
	}
	return keySet, nil
}
