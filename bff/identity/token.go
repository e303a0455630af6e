package identity

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"entregas/contracts"
	"entregas/internal/errs"
)

// slack is the difference that the clocks of the issuer and the bff may have.
const slack = 30 * time.Second

// issuerDeadline bounds one request to the OIDC issuer.
const issuerDeadline = 5 * time.Second

// Settings say which tokens an Issuer accepts.
type Settings struct {
	Issuer    string       // URL of the issuer, as the claim iss has it
	Audience  string       // value that the claim aud must have
	ClientID  string       // client id of the pages with the issuer; the claim aud of their ID tokens
	Secret    string       // client secret of the pages; "" for a public client
	Roles     string       // name of the claim that lists the roles, or a path to it, such as realm_access.roles
	PublicURL string       // address of the bff as browsers see it; "" takes the Host of each request
	HTTP      *http.Client // sends the requests to the issuer; nil makes one with issuerDeadline
}

// Issuer verifies the tokens of an OIDC issuer. It loads the issuer's configuration with the first token, and the keys again
// for a token with an unknown key id. So the issuer may start after the bff, and may rotate its keys.
type Issuer struct {
	settings Settings
	mu       sync.Mutex
	provider *oidc.Provider
	keys     *keys
	failure  error // of the last attempt to connect, at failedAt
	failedAt time.Time
	now      func() time.Time
}

// NewIssuer returns an Issuer for the issuer of s. It sends no request yet.
func NewIssuer(s Settings) *Issuer {
	if s.HTTP == nil {
		s.HTTP = &http.Client{Timeout: issuerDeadline}
	}
	return &Issuer{settings: s, now: time.Now}
}

// connect loads the configuration of the issuer once. Error: Unavailable.
func (i *Issuer) connect(ctx context.Context) (*oidc.Provider, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.provider != nil {
		return i.provider, nil
	}
	if i.failure != nil && time.Since(i.failedAt) < betweenAttempts {
		return nil, i.failure // the requests that waited for this attempt must not each make one of their own
	}
	p, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), i.settings.HTTP), i.settings.Issuer)
	var metadata struct {
		Keys string `json:"jwks_uri"`
	}
	if err == nil {
		err = p.Claims(&metadata)
	}
	if err != nil {
		i.failure, i.failedAt = noReply(err), time.Now()
		return nil, i.failure
	}
	i.provider, i.keys = p, newKeys(metadata.Keys, i.settings.HTTP)
	return p, nil
}

func noReply(cause error) error {
	return &errs.Error{Code: errs.Unavailable, Message: "El emisor de identidades no responde. Intente de nuevo en unos segundos.", Cause: cause}
}

// algorithms are the signature algorithms of a valid token: never "none", and none with a shared secret.
var algorithms = []string{oidc.RS256, oidc.ES256}

// Verify returns the subject and the roles of a bearer token. Errors: NoIdentity for a token that is not valid; Unavailable
// when the issuer does not answer.
func (i *Issuer) Verify(ctx context.Context, token string) (Person, error) {
	return i.verify(ctx, token, i.settings.Audience, "")
}

// verify is Verify for another audience. It also requires the claim nonce, unless nonce is "".
func (i *Issuer) verify(ctx context.Context, token, audience, nonce string) (Person, error) {
	if _, err := i.connect(ctx); err != nil {
		return Person{}, err
	}
	signature := &verification{keys: i.keys}
	idToken, err := oidc.NewVerifier(i.settings.Issuer, signature, &oidc.Config{
		ClientID: audience, SupportedSigningAlgs: algorithms,
		Now: func() time.Time { return i.now().Add(-slack) }, // the library applies it to exp; it allows nbf five minutes, so that nbf is checked below
	}).Verify(ctx, token)
	if err != nil {
		if errs.Of(signature.err) == errs.Unavailable {
			return Person{}, signature.err
		}
		return Person{}, &errs.Error{Code: errs.NoIdentity, Message: why(err), Cause: err}
	}
	if idToken.Nonce != nonce && nonce != "" {
		return Person{}, errs.New(errs.NoIdentity, "El token no es de este ingreso.")
	}
	if idToken.IssuedAt.After(i.now().Add(slack)) {
		return Person{}, errs.New(errs.NoIdentity, "El token es del futuro.")
	}
	var claims map[string]any
	if err := idToken.Claims(&claims); err != nil {
		return Person{}, &errs.Error{Code: errs.NoIdentity, Message: "El token no se entiende.", Cause: err}
	}
	if notBefore, found := claims["nbf"].(float64); found && notBefore > float64(i.now().Add(slack).Unix()) {
		return Person{}, errs.New(errs.NoIdentity, "El token es del futuro.")
	}
	p := Person{Usuario: idToken.Subject, Roles: roles(claims, i.settings.Roles), Until: idToken.Expiry.Add(slack)}
	var v contracts.Validator
	v.Identifier("sub", p.Usuario)
	if err := v.Error(); err != nil {
		return Person{}, &errs.Error{Code: errs.NoIdentity, Message: "El token no dice de quién es.", Cause: err}
	}
	return p, nil
}

// why says in Spanish why a token is refused with err.
func why(err error) string {
	var expired *oidc.TokenExpiredError
	if errors.As(err, &expired) {
		return "El token venció."
	}
	return "El token no vale: no es de quien debe, no es para este sistema o fue alterado."
}

// roles returns the roles of this system that the claim at path lists. Dots in path separate nested claims.
func roles(claims map[string]any, path string) []string {
	var value any = claims
	for part := range strings.SplitSeq(path, ".") {
		m, _ := value.(map[string]any)
		value = m[part]
	}
	list, _ := value.([]any)
	own := []string{}
	for _, role := range []string{Cliente, Operador} {
		if slices.Contains(list, any(role)) {
			own = append(own, role)
		}
	}
	return own
}

// signIn returns the authorization code flow at whose end the issuer sends the browser to returnTo. Error: Unavailable.
func (i *Issuer) signIn(ctx context.Context, returnTo string) (*oauth2.Config, error) {
	p, err := i.connect(ctx)
	if err != nil {
		return nil, err
	}
	return &oauth2.Config{
		ClientID: i.settings.ClientID, ClientSecret: i.settings.Secret, Endpoint: p.Endpoint(), RedirectURL: returnTo,
		Scopes: []string{oidc.ScopeOpenID, "profile"},
	}, nil
}

// exchange redeems the code of a sign-in and returns the person that signed in. Errors: NoIdentity for a code that is not
// valid; Unavailable.
func (i *Issuer) exchange(ctx context.Context, returnTo, code, verifier, nonce string) (Person, error) {
	flow, err := i.signIn(ctx, returnTo)
	if err != nil {
		return Person{}, err
	}
	t, err := flow.Exchange(oidc.ClientContext(ctx, i.settings.HTTP), code, oauth2.VerifierOption(verifier))
	if err != nil {
		var refusal *oauth2.RetrieveError
		if errors.As(err, &refusal) && refusal.Response.StatusCode < http.StatusInternalServerError {
			return Person{}, &errs.Error{Code: errs.NoIdentity, Message: "El ingreso no vale o ya venció. Intente de nuevo.", Cause: err}
		}
		return Person{}, noReply(err)
	}
	id, ok := t.Extra("id_token").(string)
	if !ok {
		return Person{}, noReply(errors.New("the answer has no id_token"))
	}
	return i.verify(ctx, id, i.settings.ClientID, nonce)
}
