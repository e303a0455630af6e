package identity

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/gorilla/mux"

	"entregas/bff/compras"
	"entregas/internal/errs"
	"entregas/internal/rest"
)

const (
	// sessionTTL is how long a session of the pages lasts.
	sessionTTL = 8 * time.Hour
	// signInTTL is how long a customer may take to sign in with the issuer.
	signInTTL = 10 * time.Minute
)

// The cookies. A browser sends sessionCookie only with requests of our own pages (SameSite=Strict). It sends signInCookie also
// when the issuer's page sends it back (SameSite=Lax).
const (
	sessionCookie = "entregas_sesion"
	signInCookie  = "entregas_ingreso"
)

// CSRFHeader is the header that a write with the session's cookie must have. Its value is the token that GET /sesion answers,
// which a page of another site cannot read.
const CSRFHeader = "X-CSRF-Token"

// session is the value that the state store has under session/<hash of the cookie>.
type session struct {
	Person
	CSRF  string    `json:"csrf"`
	Until time.Time `json:"until"`

	key, version string // of the value in the store
}

// Sessions signs the users of the pages in and out, and identifies the caller of each request.
type Sessions struct {
	issuer *Issuer
	store  compras.Store
	now    func() time.Time
	max    int
}

// NewSessions returns Sessions that signs people in with issuer and keeps their sessions in store. One subject has at most
// limit sessions, and a further one ends the oldest; 0 is no limit.
func NewSessions(issuer *Issuer, store compras.Store, limit int) *Sessions {
	return &Sessions{issuer: issuer, store: store, now: time.Now, max: limit}
}

// Register adds GET /sesion, /entrar and /volver, and POST /salir to routes.
func (s *Sessions) Register(routes *mux.Router) {
	routes.Handle("/sesion", rest.Route(s.whose)).Methods(http.MethodGet)
	routes.Handle("/entrar", rest.Route(s.signIn)).Methods(http.MethodGet)
	routes.Handle("/volver", rest.Route(s.returnTo)).Methods(http.MethodGet)
	routes.Handle("/salir", rest.Route(s.signOut)).Methods(http.MethodPost)
}

// whose answers the subject and the roles of the caller's session, and its CSRF token.
func (s *Sessions) whose(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Cache-Control", "no-store")
	loaded, err := s.sessionAt(r)
	if err != nil {
		return err
	}
	if loaded == nil {
		return errs.New(errs.NoIdentity, "No hay una sesión. Entre en /entrar.")
	}
	rest.Write(w, http.StatusOK, map[string]any{"usuario": loaded.Usuario, "roles": loaded.Roles, "csrf": loaded.CSRF})
	return nil
}

// signingIn is the value of signInCookie, which the browser keeps while it is at the issuer's page.
type signingIn struct {
	State, Verifier, Nonce, ReturnTo string
}

// signIn begins the authorization code flow with PKCE (RFC 7636).
func (s *Sessions) signIn(w http.ResponseWriter, r *http.Request) error {
	flow, err := s.issuer.signIn(r.Context(), s.returnAddress(r))
	if err != nil {
		return err
	}
	i := signingIn{State: rand.Text(), Verifier: oauth2.GenerateVerifier(), Nonce: rand.Text(), ReturnTo: ownPath(r.URL.Query().Get("volver"))}
	text, err := json.Marshal(i)
	if err != nil {
		return err
	}
	s.cookie(w, signInCookie, base64.RawURLEncoding.EncodeToString(text), http.SameSiteLaxMode, signInTTL)
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, flow.AuthCodeURL(i.State, oauth2.S256ChallengeOption(i.Verifier), oidc.Nonce(i.Nonce)), http.StatusFound) // #nosec G710 -- to the issuer that the settings name
	return nil
}

// maxReturnTo bounds the path to which a sign-in returns, in bytes. A cookie holds it, and a browser drops a cookie of more
// than 4 kB.
const maxReturnTo = 1 << 10

// ownPath returns the path and query of returnTo where it is a path of this system, else "/". It never returns the address of
// another site.
func ownPath(returnTo string) string {
	u, err := url.Parse(returnTo)
	if err != nil || len(returnTo) > maxReturnTo || u.Scheme != "" || u.Host != "" || !strings.HasPrefix(u.Path, "/") || strings.HasPrefix(u.Path, "//") || strings.Contains(returnTo, `\`) {
		return "/"
	}
	return u.RequestURI()
}

// landing returns the path to which the sign-in of person leads: returnTo, or the desk for an operator who asked for no other page.
func landing(returnTo string, person Person) string {
	if to := ownPath(returnTo); to != "/" || !person.Is(Operador) {
		return to
	}
	return "/operador"
}

// returnAddress returns the address to which the issuer sends the browser back.
func (s *Sessions) returnAddress(r *http.Request) string {
	if s.issuer.settings.PublicURL != "" {
		return strings.TrimSuffix(s.issuer.settings.PublicURL, "/") + "/volver"
	}
	return "http://" + r.Host + "/volver"
}

// proceed is the page that leads on after a sign-in. A redirect does not work: a browser that comes from the issuer's site
// follows it without the SameSite=Strict cookie.
var proceed = template.Must(template.New("").Parse(`<!doctype html><html lang="es"><head><meta charset="utf-8"><title>Entregas de los Alpes</title>
<meta http-equiv="refresh" content="0;url={{.}}"></head><body><p><a href="{{.}}">Entregas de los Alpes</a></p></body></html>
`))

// returnTo ends the code flow when the issuer has sent the browser back, and begins the session.
func (s *Sessions) returnTo(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Cache-Control", "no-store")
	var i signingIn
	cookie, err := r.Cookie(signInCookie)
	if err == nil {
		text, _ := base64.RawURLEncoding.DecodeString(cookie.Value)
		err = json.Unmarshal(text, &i)
	}
	q := r.URL.Query()
	if err != nil || i.State == "" || subtle.ConstantTimeCompare([]byte(q.Get("state")), []byte(i.State)) != 1 {
		return errs.New(errs.NoIdentity, "Este ingreso no se empezó aquí, o ya venció. Entre de nuevo en /entrar.")
	}
	s.cookie(w, signInCookie, "", http.SameSiteLaxMode, -time.Second)
	if q.Get("error") != "" {
		return errs.New(errs.NoIdentity, "El emisor de identidades no dejó entrar: %.200s", q.Get("error"))
	}
	person, err := s.issuer.exchange(r.Context(), s.returnAddress(r), q.Get("code"), i.Verifier, i.Nonce)
	if err != nil {
		return err
	}
	secret := rand.Text()
	until := s.now().Add(sessionTTL)
	text, err := json.Marshal(session{Person: person, CSRF: rand.Text(), Until: until})
	if err != nil {
		return err
	}
	if err := s.enroll(r.Context(), person.Usuario, opened{Key: sessionKey(secret), Until: until}); err != nil {
		return err
	}
	if err := s.store.Create(r.Context(), sessionKey(secret), text, sessionTTL); err != nil {
		return err
	}
	s.cookie(w, sessionCookie, secret, http.SameSiteStrictMode, sessionTTL)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; base-uri 'none'; frame-ancestors 'none'")
	return proceed.Execute(w, landing(i.ReturnTo, person))
}

// signOut ends the caller's session in every replica.
func (s *Sessions) signOut(w http.ResponseWriter, r *http.Request) error {
	loaded, err := s.sessionAt(r)
	if err != nil {
		return err
	}
	if loaded != nil {
		if err := loaded.checkCSRF(r); err != nil {
			return err
		}
		if err := s.store.Delete(r.Context(), loaded.key, loaded.version); err != nil && !errors.Is(err, compras.ErrChanged) {
			return err
		}
		s.deleteFromList(r.Context(), loaded.Usuario, loaded.key)
	}
	s.cookie(w, sessionCookie, "", http.SameSiteStrictMode, -time.Second)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// sessionAt returns the session of a request, or nil if the request has no session.
func (s *Sessions) sessionAt(r *http.Request) (*session, error) {
	cookie, err := r.Cookie(sessionCookie)
	if err != nil || cookie.Value == "" {
		return nil, nil //nolint:nilerr // no cookie is no session
	}
	return s.read(r.Context(), sessionKey(cookie.Value))
}

// read returns the session that the store has under key. It returns nil if there is no session or the time of the session is
// over.
func (s *Sessions) read(ctx context.Context, key string) (*session, error) {
	values, err := s.store.Load(ctx, key)
	if err != nil || values[0].Version == "" {
		return nil, err
	}
	loaded := session{key: key, version: values[0].Version}
	if err := json.Unmarshal(values[0].Text, &loaded); err != nil {
		return nil, fmt.Errorf("session: %w", err)
	}
	if s.now().After(loaded.Until) {
		return nil, nil
	}
	return &loaded, nil
}

// checkCSRF refuses a write without the session's CSRF token: a page of another site may have sent it.
func (s *session) checkCSRF(r *http.Request) error {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return nil
	}
	if subtle.ConstantTimeCompare([]byte(r.Header.Get(CSRFHeader)), []byte(s.CSRF)) != 1 {
		return errs.New(errs.NoPermission, "Falta la cabecera %s con el valor que da /sesion.", CSRFHeader)
	}
	return nil
}

// sessionKey returns the store's key of a session. It has a hash of the secret, so that a reader of the store cannot use the
// session.
func sessionKey(secret string) string {
	h := sha256.Sum256([]byte(secret))
	return "session/" + hex.EncodeToString(h[:])
}

// cookie sets a cookie that lasts for ttl; a negative ttl deletes it.
func (s *Sessions) cookie(w http.ResponseWriter, name, value string, site http.SameSite, ttl time.Duration) {
	http.SetCookie(w, &http.Cookie{ // #nosec G124 -- Secure where PUBLIC_URL is https; on the loopback there is no TLS
		Name: name, Value: value, Path: "/", HttpOnly: true, SameSite: site, MaxAge: int(ttl / time.Second),
		Secure: strings.HasPrefix(s.issuer.settings.PublicURL, "https://"),
	})
}

// Who identifies the caller of r by its bearer token or its session. It returns the zero Person where r has neither. Errors:
// NoIdentity for a token that is not valid; NoPermission for a write without the session's CSRF token; Unavailable.
func (s *Sessions) Who(r *http.Request) (Person, error) {
	if header := r.Header.Get("Authorization"); header != "" {
		scheme, token, _ := strings.Cut(header, " ")
		if !strings.EqualFold(scheme, "Bearer") || token == "" {
			return Person{}, errs.New(errs.NoIdentity, "La cabecera Authorization debe ser: Bearer <token>.")
		}
		return s.issuer.Verify(r.Context(), strings.TrimSpace(token))
	}
	loaded, err := s.sessionAt(r)
	if err != nil || loaded == nil {
		return Person{}, err
	}
	person := loaded.Person
	person.Until = loaded.Until
	person.still = func(ctx context.Context) error { return s.still(ctx, loaded) }
	return person, loaded.checkCSRF(r)
}

// still checks that a session still exists, with the same subject and roles as before. Errors: NoIdentity; Unavailable.
func (s *Sessions) still(ctx context.Context, before *session) error {
	now, err := s.read(ctx, before.key)
	if err != nil {
		return err
	}
	if now == nil || now.Usuario != before.Usuario || !slices.Equal(now.Roles, before.Roles) {
		return errs.New(errs.NoIdentity, "La sesión terminó.")
	}
	return nil
}
