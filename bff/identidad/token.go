package identidad

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
	"entregas/services/internal/errores"
)

// holgura is how far the clocks of the issuer and the bff may be apart.
const holgura = 30 * time.Second

// plazoEmisor bounds one request to the OIDC issuer.
const plazoEmisor = 5 * time.Second

// Ajustes say whose tokens are taken.
type Ajustes struct {
	Emisor    string // the issuer's URL, as tokens have it in iss
	Audiencia string // what tokens have in aud
	Cliente   string // our own client id with the issuer, for the pages; their tokens have it in aud
	Secreto   string // and its secret, where it has one
	Roles     string // the claim that holds the roles: a list, or a path to one, as in realm_access.roles
	Publica   string // our own address as browsers see it; "" is what each request says
	HTTP      *http.Client
}

// Emisor is the OIDC issuer as we see it. What it says of itself and its keys are asked for when they are first needed, and the
// keys again when a token names one that is not known: so it may start after us, and change its keys.
type Emisor struct {
	ajustes   Ajustes
	mu        sync.Mutex
	proveedor *oidc.Provider
	claves    *claves
	fallo     error // of the last try to connect, at
	fallado   time.Time
	ahora     func() time.Time
}

// NuevoEmisor trusts the issuer of a.
func NuevoEmisor(a Ajustes) *Emisor {
	if a.HTTP == nil {
		a.HTTP = &http.Client{Timeout: plazoEmisor}
	}
	return &Emisor{ajustes: a, ahora: time.Now}
}

func (e *Emisor) conectar(ctx context.Context) (*oidc.Provider, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.proveedor != nil {
		return e.proveedor, nil
	}
	if e.fallo != nil && time.Since(e.fallado) < entreIntentos {
		return nil, e.fallo // the requests that waited for that try do not each wait for one of their own
	}
	p, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), e.ajustes.HTTP), e.ajustes.Emisor)
	var dicho struct {
		Claves string `json:"jwks_uri"`
	}
	if err == nil {
		err = p.Claims(&dicho)
	}
	if err != nil {
		e.fallo, e.fallado = noResponde(err), time.Now()
		return nil, e.fallo
	}
	e.proveedor, e.claves = p, nuevasClaves(dicho.Claves, e.ajustes.HTTP)
	return p, nil
}

func noResponde(causa error) error {
	return &errores.Error{Codigo: errores.NoDisponible, Mensaje: "El emisor de identidades no responde. Intente de nuevo en unos segundos.", Causa: causa}
}

// algoritmos are those with which a token may be signed. Never none, and none with a shared secret.
var algoritmos = []string{oidc.RS256, oidc.ES256}

// Verificar gives who a bearer token is of. Errors: SinIdentidad; NoDisponible when the issuer does not answer.
func (e *Emisor) Verificar(ctx context.Context, token string) (Persona, error) {
	return e.verificar(ctx, token, e.ajustes.Audiencia, "")
}

func (e *Emisor) verificar(ctx context.Context, token, audiencia, nonce string) (Persona, error) {
	if _, err := e.conectar(ctx); err != nil {
		return Persona{}, err
	}
	firma := &comprobacion{claves: e.claves}
	leido, err := oidc.NewVerifier(e.ajustes.Emisor, firma, &oidc.Config{
		ClientID: audiencia, SupportedSigningAlgs: algoritmos,
		Now: func() time.Time { return e.ahora().Add(-holgura) }, // for exp; of nbf it forgives five minutes
	}).Verify(ctx, token)
	if err != nil {
		if errores.De(firma.err) == errores.NoDisponible {
			return Persona{}, firma.err
		}
		return Persona{}, &errores.Error{Codigo: errores.SinIdentidad, Mensaje: porque(err), Causa: err}
	}
	if leido.Nonce != nonce && nonce != "" {
		return Persona{}, errores.Nuevo(errores.SinIdentidad, "El token no es de este ingreso.")
	}
	if leido.IssuedAt.After(e.ahora().Add(holgura)) {
		return Persona{}, errores.Nuevo(errores.SinIdentidad, "El token es del futuro.")
	}
	var datos map[string]any
	if err := leido.Claims(&datos); err != nil {
		return Persona{}, &errores.Error{Codigo: errores.SinIdentidad, Mensaje: "El token no se entiende.", Causa: err}
	}
	if desde, hay := datos["nbf"].(float64); hay && desde > float64(e.ahora().Add(holgura).Unix()) {
		return Persona{}, errores.Nuevo(errores.SinIdentidad, "El token es del futuro.")
	}
	p := Persona{Usuario: leido.Subject, Roles: roles(datos, e.ajustes.Roles), Hasta: leido.Expiry.Add(holgura)}
	var v contracts.Validador
	v.Identificador("sub", p.Usuario)
	if err := v.Error(); err != nil {
		return Persona{}, &errores.Error{Codigo: errores.SinIdentidad, Mensaje: "El token no dice de quién es.", Causa: err}
	}
	return p, nil
}

func porque(err error) string {
	var vencido *oidc.TokenExpiredError
	if errors.As(err, &vencido) {
		return "El token venció."
	}
	return "El token no vale: no es de quien debe, no es para este sistema o fue alterado."
}

// roles are those of ours that the claim at ruta has.
func roles(datos map[string]any, ruta string) []string {
	var valor any = datos
	for parte := range strings.SplitSeq(ruta, ".") {
		m, _ := valor.(map[string]any)
		valor = m[parte]
	}
	lista, _ := valor.([]any)
	suyos := []string{}
	for _, rol := range []string{Cliente, Operador} {
		if slices.Contains(lista, any(rol)) {
			suyos = append(suyos, rol)
		}
	}
	return suyos
}

// ingreso is the code flow with volver as the address to which the issuer sends the browser back.
func (e *Emisor) ingreso(ctx context.Context, volver string) (*oauth2.Config, error) {
	p, err := e.conectar(ctx)
	if err != nil {
		return nil, err
	}
	return &oauth2.Config{
		ClientID: e.ajustes.Cliente, ClientSecret: e.ajustes.Secreto, Endpoint: p.Endpoint(), RedirectURL: volver,
		Scopes: []string{oidc.ScopeOpenID, "profile"},
	}, nil
}

// canjear exchanges the code that the issuer gave for who it is.
func (e *Emisor) canjear(ctx context.Context, volver, codigo, verificador, nonce string) (Persona, error) {
	flujo, err := e.ingreso(ctx, volver)
	if err != nil {
		return Persona{}, err
	}
	t, err := flujo.Exchange(oidc.ClientContext(ctx, e.ajustes.HTTP), codigo, oauth2.VerifierOption(verificador))
	if err != nil {
		var rechazo *oauth2.RetrieveError
		if errors.As(err, &rechazo) && rechazo.Response.StatusCode < http.StatusInternalServerError {
			return Persona{}, &errores.Error{Codigo: errores.SinIdentidad, Mensaje: "El ingreso no vale o ya venció. Intente de nuevo.", Causa: err}
		}
		return Persona{}, noResponde(err)
	}
	id, ok := t.Extra("id_token").(string)
	if !ok {
		return Persona{}, noResponde(fmt.Errorf("no hay id_token en la respuesta"))
	}
	return e.verificar(ctx, id, e.ajustes.Cliente, nonce)
}
