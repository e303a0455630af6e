package identity

import (
	"context"
	"errors"
	"fmt"
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

// slack is how far the clocks of the issuer and the bff may be apart.
const slack = 30 * time.Second

// issuerDeadline bounds one request to the OIDC issuer.
const issuerDeadline = 5 * time.Second

// Settings say whose tokens are taken.
type Settings struct {
	Issuer    string // the issuer's URL, as tokens have it in iss
	Audience  string // what tokens have in aud
	Cliente   string // our own client id with the issuer, for the pages; their tokens have it in aud
	Secret    string // and its secret, where it has one
	Roles     string // the claim that holds the roles: a list, or a path to one, as in realm_access.roles
	PublicURL string // our own address as browsers see it; "" is what each request says
	HTTP      *http.Client
}

// Issuer is the OIDC issuer as we see it. What it says of itself and its keys are asked for when they are first needed, and the
// keys again when a token names one that is not known: so it may start after us, and change its keys.
type Issuer struct {
	settings Settings
	mu       sync.Mutex
	provider *oidc.Provider
	keys     *keys
	failure  error // of the last try to connect, at
	failedAt time.Time
	now      func() time.Time
}

// NewIssuer trusts the issuer of a.
func NewIssuer(a Settings) *Issuer {
	if a.HTTP == nil {
		a.HTTP = &http.Client{Timeout: issuerDeadline}
	}
	return &Issuer{settings: a, now: time.Now}
}

func (e *Issuer) connect(ctx context.Context) (*oidc.Provider, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.provider != nil {
		return e.provider, nil
	}
	if e.failure != nil && time.Since(e.failedAt) < betweenAttempts {
		return nil, e.failure // the requests that waited for that try do not each wait for one of their own
	}
	p, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), e.settings.HTTP), e.settings.Issuer)
	var said struct {
		Keys string `json:"jwks_uri"`
	}
	if err == nil {
		err = p.Claims(&said)
	}
	if err != nil {
		e.failure, e.failedAt = noReply(err), time.Now()
		return nil, e.failure
	}
	e.provider, e.keys = p, newKeys(said.Keys, e.settings.HTTP)
	return p, nil
}

func noReply(cause error) error {
	return &errs.Error{Codigo: errs.Unavailable, Mensaje: "El emisor de identidades no responde. Intente de nuevo en unos segundos.", Cause: cause}
}

// algorithms are those with which a token may be signed. Never none, and none with a shared secret.
var algorithms = []string{oidc.RS256, oidc.ES256}

// Verify gives who a bearer token is of. Errors: NoIdentity; Unavailable when the issuer does not answer.
func (e *Issuer) Verify(ctx context.Context, token string) (Person, error) {
	return e.verify(ctx, token, e.settings.Audience, "")
}

func (e *Issuer) verify(ctx context.Context, token, audience, nonce string) (Person, error) {
	if _, err := e.connect(ctx); err != nil {
		return Person{}, err
	}
	signature := &verification{keys: e.keys}
	readBack, err := oidc.NewVerifier(e.settings.Issuer, signature, &oidc.Config{
		ClientID: audience, SupportedSigningAlgs: algorithms,
		Now: func() time.Time { return e.now().Add(-slack) }, // for exp; of nbf it forgives five minutes
	}).Verify(ctx, token)
	if err != nil {
		if errs.Of(signature.err) == errs.Unavailable {
			return Person{}, signature.err
		}
		return Person{}, &errs.Error{Codigo: errs.NoIdentity, Mensaje: why(err), Cause: err}
	}
	if readBack.Nonce != nonce && nonce != "" {
		return Person{}, errs.New(errs.NoIdentity, "El token no es de este ingreso.")
	}
	if readBack.IssuedAt.After(e.now().Add(slack)) {
		return Person{}, errs.New(errs.NoIdentity, "El token es del futuro.")
	}
	var claims map[string]any
	if err := readBack.Claims(&claims); err != nil {
		return Person{}, &errs.Error{Codigo: errs.NoIdentity, Mensaje: "El token no se entiende.", Cause: err}
	}
	if desde, found := claims["nbf"].(float64); found && desde > float64(e.now().Add(slack).Unix()) {
		return Person{}, errs.New(errs.NoIdentity, "El token es del futuro.")
	}
	p := Person{Usuario: readBack.Subject, Roles: roles(claims, e.settings.Roles), Until: readBack.Expiry.Add(slack)}
	var v contracts.Validator
	v.Identifier("sub", p.Usuario)
	if err := v.Error(); err != nil {
		return Person{}, &errs.Error{Codigo: errs.NoIdentity, Mensaje: "El token no dice de quién es.", Cause: err}
	}
	return p, nil
}

func why(err error) string {
	var expired *oidc.TokenExpiredError
	if errors.As(err, &expired) {
		return "El token venció."
	}
	return "El token no vale: no es de quien debe, no es para este sistema o fue alterado."
}

// roles are those of ours that the claim at path has.
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

// signIn is the code flow with returnTo as the address to which the issuer sends the browser back.
func (e *Issuer) signIn(ctx context.Context, returnTo string) (*oauth2.Config, error) {
	p, err := e.connect(ctx)
	if err != nil {
		return nil, err
	}
	return &oauth2.Config{
		ClientID: e.settings.Cliente, ClientSecret: e.settings.Secret, Endpoint: p.Endpoint(), RedirectURL: returnTo,
		Scopes: []string{oidc.ScopeOpenID, "profile"},
	}, nil
}

// exchange exchanges the code that the issuer gave for who it is.
func (e *Issuer) exchange(ctx context.Context, returnTo, code, verifier, nonce string) (Person, error) {
	flow, err := e.signIn(ctx, returnTo)
	if err != nil {
		return Person{}, err
	}
	t, err := flow.Exchange(oidc.ClientContext(ctx, e.settings.HTTP), code, oauth2.VerifierOption(verifier))
	if err != nil {
		var refusal *oauth2.RetrieveError
		if errors.As(err, &refusal) && refusal.Response.StatusCode < http.StatusInternalServerError {
			return Person{}, &errs.Error{Codigo: errs.NoIdentity, Mensaje: "El ingreso no vale o ya venció. Intente de nuevo.", Cause: err}
		}
		return Person{}, noReply(err)
	}
	id, ok := t.Extra("id_token").(string)
	if !ok {
		return Person{}, noReply(fmt.Errorf("no hay id_token en la respuesta"))
	}
	return e.verify(ctx, id, e.settings.Cliente, nonce)
}
