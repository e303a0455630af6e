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

// How long a session lasts, and how long a sign-in may take.
const (
	// sessionTTL is how long a session of the pages lasts.
	sessionTTL = 8 * time.Hour
	// signInTTL is how long a customer may take to sign in with the issuer.
	signInTTL = 10 * time.Minute
)

// The cookies. The session's is never sent from another site's page; the sign-in's has to come back from the issuer's.
const (
	sessionCookie = "entregas_sesion"
	signInCookie  = "entregas_ingreso"
)

// CSRFHeader is what a write that comes with the session's cookie must say: another site's page cannot.
const CSRFHeader = "X-CSRF-Token"

// session is what the state store has under session/<hash of the cookie>.
type session struct {
	Person
	CSRF  string    `json:"csrf"`
	Until time.Time `json:"hasta"`

	key, version string // where the store has it
}

// Sessions signs people of the pages in and out.
type Sessions struct {
	issuer *Issuer
	store  compras.Store
	now    func() time.Time
	max    int
}

// NewSessions keeps sessions in store of people whom e knows: at most limit of each, a further one ends the oldest. 0 is as
// many as they like.
func NewSessions(e *Issuer, store compras.Store, limit int) *Sessions {
	return &Sessions{issuer: e, store: store, now: time.Now, max: limit}
}

// Register adds GET /session, /signIn and /returnTo, and POST /signOut.
func (s *Sessions) Register(routes *mux.Router) {
	routes.Handle("/sesion", rest.Route(s.whose)).Methods(http.MethodGet)
	routes.Handle("/entrar", rest.Route(s.signIn)).Methods(http.MethodGet)
	routes.Handle("/volver", rest.Route(s.returnTo)).Methods(http.MethodGet)
	routes.Handle("/salir", rest.Route(s.signOut)).Methods(http.MethodPost)
}

// whose tells whose session it is, with the token for writes.
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

// signingIn is what the browser keeps while it is at the issuer.
type signingIn struct {
	Estado, Verifier, Nonce, ReturnTo string
}

// signIn begins the code flow with PKCE.
func (s *Sessions) signIn(w http.ResponseWriter, r *http.Request) error {
	flow, err := s.issuer.signIn(r.Context(), s.returnAddress(r))
	if err != nil {
		return err
	}
	i := signingIn{Estado: rand.Text(), Verifier: oauth2.GenerateVerifier(), Nonce: rand.Text(), ReturnTo: ownPath(r.URL.Query().Get("volver"))}
	text, err := json.Marshal(i)
	if err != nil {
		return err
	}
	s.cookie(w, signInCookie, base64.RawURLEncoding.EncodeToString(text), http.SameSiteLaxMode, signInTTL)
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, flow.AuthCodeURL(i.Estado, oauth2.S256ChallengeOption(i.Verifier), oidc.Nonce(i.Nonce)), http.StatusFound) // #nosec G710 -- to the issuer that the settings name
	return nil
}

// maxReturnTo bounds the path to come back to, in bytes: it travels in a cookie, and a browser drops one of more than 4 kB.
const maxReturnTo = 1 << 10

// ownPath is a path of ours to come back to: never another site's address.
func ownPath(returnTo string) string {
	u, err := url.Parse(returnTo)
	if err != nil || len(returnTo) > maxReturnTo || u.Scheme != "" || u.Host != "" || !strings.HasPrefix(u.Path, "/") || strings.HasPrefix(u.Path, "//") || strings.Contains(returnTo, `\`) {
		return "/"
	}
	return u.RequestURI()
}

func (s *Sessions) returnAddress(r *http.Request) string {
	if s.issuer.settings.PublicURL != "" {
		return strings.TrimSuffix(s.issuer.settings.PublicURL, "/") + "/volver"
	}
	return "http://" + r.Host + "/volver"
}

// proceed goes on by a page of our own: a browser that was sent here from the issuer's site would not bring the session's
// cookie along on a redirect.
var proceed = template.Must(template.New("").Parse(`<!doctype html><html lang="es"><head><meta charset="utf-8"><title>Entregas de los Alpes</title>
<meta http-equiv="refresh" content="0;url={{.}}"></head><body><p><a href="{{.}}">Seguir</a></p></body></html>
`))

// returnTo ends the code flow: the issuer sent the browser back.
func (s *Sessions) returnTo(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Cache-Control", "no-store")
	var i signingIn
	cookie, err := r.Cookie(signInCookie)
	if err == nil {
		text, _ := base64.RawURLEncoding.DecodeString(cookie.Value)
		err = json.Unmarshal(text, &i)
	}
	q := r.URL.Query()
	if err != nil || i.Estado == "" || subtle.ConstantTimeCompare([]byte(q.Get("state")), []byte(i.Estado)) != 1 {
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
	return proceed.Execute(w, ownPath(i.ReturnTo))
}

// signOut ends the session, for every replica.
func (s *Sessions) signOut(w http.ResponseWriter, r *http.Request) error {
	loaded, err := s.sessionAt(r)
	if err != nil {
		return err
	}
	if loaded != nil {
		if err := loaded.consents(r); err != nil {
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

// sessionAt gives the session of a request, nil when it has none.
func (s *Sessions) sessionAt(r *http.Request) (*session, error) {
	cookie, err := r.Cookie(sessionCookie)
	if err != nil || cookie.Value == "" {
		return nil, nil //nolint:nilerr // no cookie is no session
	}
	return s.read(r.Context(), sessionKey(cookie.Value))
}

// read gives the session that the store has under key, nil where it has none.
func (s *Sessions) read(ctx context.Context, key string) (*session, error) {
	values, err := s.store.Load(ctx, key)
	if err != nil || values[0].Version == "" {
		return nil, err
	}
	loaded := session{key: key, version: values[0].Version}
	if err := json.Unmarshal(values[0].Text, &loaded); err != nil {
		return nil, fmt.Errorf("sesión: %w", err)
	}
	if s.now().After(loaded.Until) {
		return nil, nil
	}
	return &loaded, nil
}

// consents requires of a write that it comes from a page of ours.
func (s *session) consents(r *http.Request) error {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return nil
	}
	if subtle.ConstantTimeCompare([]byte(r.Header.Get(CSRFHeader)), []byte(s.CSRF)) != 1 {
		return errs.New(errs.NoPermission, "Falta la cabecera %s con el valor que da /sesion.", CSRFHeader)
	}
	return nil
}

// sessionKey: the store holds a hash, so that who reads the store cannot take up a session.
func sessionKey(secret string) string {
	h := sha256.Sum256([]byte(secret))
	return "sesion/" + hex.EncodeToString(h[:])
}

func (s *Sessions) cookie(w http.ResponseWriter, name, value string, site http.SameSite, ttl time.Duration) {
	http.SetCookie(w, &http.Cookie{ // #nosec G124 -- Secure where our own address is; on the loopback there is no TLS
		Name: name, Value: value, Path: "/", HttpOnly: true, SameSite: site, MaxAge: int(ttl / time.Second),
		Secure: strings.HasPrefix(s.issuer.settings.PublicURL, "https://"),
	})
}

// Who identifies the caller by the token or by the session; the zero Person where there is neither. Errors: NoIdentity for a token
// that is not valid, NoPermission for a write without the session's CSRF token, Unavailable.
func (s *Sessions) Who(r *http.Request) (Person, error) {
	if header := r.Header.Get("Authorization"); header != "" {
		schema, token, _ := strings.Cut(header, " ")
		if !strings.EqualFold(schema, "Bearer") || token == "" {
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
	return person, loaded.consents(r)
}

// still tells whether a session that was read before is there, and the same person's with the same roles.
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

// Require refuses who is not one of roles; with none, anybody who is known is enough.
func Require(ctx context.Context, roles ...string) error {
	p := Of(ctx)
	if !p.Known() {
		return errs.New(errs.NoIdentity, "Hace falta un token (Authorization: Bearer …) o entrar en /entrar.")
	}
	for _, role := range roles {
		if p.Is(role) {
			return nil
		}
	}
	if len(roles) == 0 && len(p.Roles) > 0 {
		return nil
	}
	return errs.New(errs.NoPermission, "Esto no lo puede hacer quien pregunta: hace falta otro rol.")
}
