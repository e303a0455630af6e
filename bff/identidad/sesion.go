package identidad

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

	"entregas/services/bff/compras"
	"entregas/services/internal/errores"
	"entregas/services/internal/rest"
)

// How long a session lasts, and how long a sign-in may take.
const (
	// vidaDeSesion is how long a session of the pages lasts.
	vidaDeSesion = 8 * time.Hour
	// vidaDeIngreso is how long a customer may take to sign in with the issuer.
	vidaDeIngreso = 10 * time.Minute
)

// The cookies. The session's is never sent from another site's page; the sign-in's has to come back from the issuer's.
const (
	galletaSesion  = "entregas_sesion"
	galletaIngreso = "entregas_ingreso"
)

// CabeceraCSRF is what a write that comes with the session's cookie must say: another site's page cannot.
const CabeceraCSRF = "X-CSRF-Token"

// sesion is what the state store has under sesion/<hash of the cookie>.
type sesion struct {
	Persona
	CSRF  string    `json:"csrf"`
	Hasta time.Time `json:"hasta"`

	clave, version string // where the store has it
}

// Sesiones signs people of the pages in and out.
type Sesiones struct {
	emisor  *Emisor
	almacen compras.Almacen
	ahora   func() time.Time
	max     int
}

// NuevasSesiones keeps sessions in almacen of people whom e knows: at most limite of each, a further one ends the oldest. 0 is as
// many as they like.
func NuevasSesiones(e *Emisor, almacen compras.Almacen, limite int) *Sesiones {
	return &Sesiones{emisor: e, almacen: almacen, ahora: time.Now, max: limite}
}

// Registrar adds GET /sesion, /entrar and /volver, and POST /salir.
func (s *Sesiones) Registrar(rutas *mux.Router) {
	rutas.Handle("/sesion", rest.Ruta(s.cual)).Methods(http.MethodGet)
	rutas.Handle("/entrar", rest.Ruta(s.entrar)).Methods(http.MethodGet)
	rutas.Handle("/volver", rest.Ruta(s.volver)).Methods(http.MethodGet)
	rutas.Handle("/salir", rest.Ruta(s.salir)).Methods(http.MethodPost)
}

// cual tells whose session it is, with the token for writes.
func (s *Sesiones) cual(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Cache-Control", "no-store")
	leida, err := s.leer(r)
	if err != nil {
		return err
	}
	if leida == nil {
		return errores.Nuevo(errores.SinIdentidad, "No hay una sesión. Entre en /entrar.")
	}
	rest.Escribir(w, http.StatusOK, map[string]any{"usuario": leida.Usuario, "roles": leida.Roles, "csrf": leida.CSRF})
	return nil
}

// ingresando is what the browser keeps while it is at the issuer.
type ingresando struct {
	Estado, Verificador, Nonce, Volver string
}

// entrar begins the code flow with PKCE.
func (s *Sesiones) entrar(w http.ResponseWriter, r *http.Request) error {
	flujo, err := s.emisor.ingreso(r.Context(), s.direccionDeVuelta(r))
	if err != nil {
		return err
	}
	i := ingresando{Estado: rand.Text(), Verificador: oauth2.GenerateVerifier(), Nonce: rand.Text(), Volver: propia(r.URL.Query().Get("volver"))}
	texto, err := json.Marshal(i)
	if err != nil {
		return err
	}
	s.galleta(w, galletaIngreso, base64.RawURLEncoding.EncodeToString(texto), http.SameSiteLaxMode, vidaDeIngreso)
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, flujo.AuthCodeURL(i.Estado, oauth2.S256ChallengeOption(i.Verificador), oidc.Nonce(i.Nonce)), http.StatusFound) // #nosec G710 -- to the issuer that the settings name
	return nil
}

// maxVolver bounds the path to come back to, in bytes: it travels in a cookie, and a browser drops one of more than 4 kB.
const maxVolver = 1 << 10

// propia is a path of ours to come back to: never another site's address.
func propia(volver string) string {
	u, err := url.Parse(volver)
	if err != nil || len(volver) > maxVolver || u.Scheme != "" || u.Host != "" || !strings.HasPrefix(u.Path, "/") || strings.HasPrefix(u.Path, "//") || strings.Contains(volver, `\`) {
		return "/"
	}
	return u.RequestURI()
}

func (s *Sesiones) direccionDeVuelta(r *http.Request) string {
	if s.emisor.ajustes.Publica != "" {
		return strings.TrimSuffix(s.emisor.ajustes.Publica, "/") + "/volver"
	}
	return "http://" + r.Host + "/volver"
}

// seguir goes on by a page of our own: a browser that was sent here from the issuer's site would not bring the session's
// cookie along on a redirect.
var seguir = template.Must(template.New("").Parse(`<!doctype html><html lang="es"><head><meta charset="utf-8"><title>Entregas de los Alpes</title>
<meta http-equiv="refresh" content="0;url={{.}}"></head><body><p><a href="{{.}}">Seguir</a></p></body></html>
`))

// volver ends the code flow: the issuer sent the browser back.
func (s *Sesiones) volver(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Cache-Control", "no-store")
	var i ingresando
	galleta, err := r.Cookie(galletaIngreso)
	if err == nil {
		texto, _ := base64.RawURLEncoding.DecodeString(galleta.Value)
		err = json.Unmarshal(texto, &i)
	}
	q := r.URL.Query()
	if err != nil || i.Estado == "" || subtle.ConstantTimeCompare([]byte(q.Get("state")), []byte(i.Estado)) != 1 {
		return errores.Nuevo(errores.SinIdentidad, "Este ingreso no se empezó aquí, o ya venció. Entre de nuevo en /entrar.")
	}
	s.galleta(w, galletaIngreso, "", http.SameSiteLaxMode, -time.Second)
	if q.Get("error") != "" {
		return errores.Nuevo(errores.SinIdentidad, "El emisor de identidades no dejó entrar: %.200s", q.Get("error"))
	}
	persona, err := s.emisor.canjear(r.Context(), s.direccionDeVuelta(r), q.Get("code"), i.Verificador, i.Nonce)
	if err != nil {
		return err
	}
	secreto := rand.Text()
	hasta := s.ahora().Add(vidaDeSesion)
	texto, err := json.Marshal(sesion{Persona: persona, CSRF: rand.Text(), Hasta: hasta})
	if err != nil {
		return err
	}
	if err := s.inscribir(r.Context(), persona.Usuario, abierta{Clave: claveDeSesion(secreto), Hasta: hasta}); err != nil {
		return err
	}
	if err := s.almacen.Crear(r.Context(), claveDeSesion(secreto), texto, vidaDeSesion); err != nil {
		return err
	}
	s.galleta(w, galletaSesion, secreto, http.SameSiteStrictMode, vidaDeSesion)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; base-uri 'none'; frame-ancestors 'none'")
	return seguir.Execute(w, propia(i.Volver))
}

// salir ends the session, for every replica.
func (s *Sesiones) salir(w http.ResponseWriter, r *http.Request) error {
	leida, err := s.leer(r)
	if err != nil {
		return err
	}
	if leida != nil {
		if err := leida.consiente(r); err != nil {
			return err
		}
		if err := s.almacen.Borrar(r.Context(), leida.clave, leida.version); err != nil && !errors.Is(err, compras.ErrYaCambio) {
			return err
		}
		s.borrarDeLista(r.Context(), leida.Usuario, leida.clave)
	}
	s.galleta(w, galletaSesion, "", http.SameSiteStrictMode, -time.Second)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// leer gives the session of a request, nil when it has none.
func (s *Sesiones) leer(r *http.Request) (*sesion, error) {
	galleta, err := r.Cookie(galletaSesion)
	if err != nil || galleta.Value == "" {
		return nil, nil //nolint:nilerr // no cookie is no session
	}
	return s.read(r.Context(), claveDeSesion(galleta.Value))
}

// read gives the session that the store has under clave, nil where it has none.
func (s *Sesiones) read(ctx context.Context, clave string) (*sesion, error) {
	valores, err := s.almacen.Leer(ctx, clave)
	if err != nil || valores[0].Version == "" {
		return nil, err
	}
	leida := sesion{clave: clave, version: valores[0].Version}
	if err := json.Unmarshal(valores[0].Texto, &leida); err != nil {
		return nil, fmt.Errorf("sesión: %w", err)
	}
	if s.ahora().After(leida.Hasta) {
		return nil, nil
	}
	return &leida, nil
}

// consiente requires of a write that it comes from a page of ours.
func (s *sesion) consiente(r *http.Request) error {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return nil
	}
	if subtle.ConstantTimeCompare([]byte(r.Header.Get(CabeceraCSRF)), []byte(s.CSRF)) != 1 {
		return errores.Nuevo(errores.SinPermiso, "Falta la cabecera %s con el valor que da /sesion.", CabeceraCSRF)
	}
	return nil
}

// claveDeSesion: the store holds a hash, so that who reads the store cannot take up a session.
func claveDeSesion(secreto string) string {
	h := sha256.Sum256([]byte(secreto))
	return "sesion/" + hex.EncodeToString(h[:])
}

func (s *Sesiones) galleta(w http.ResponseWriter, nombre, valor string, sitio http.SameSite, vida time.Duration) {
	http.SetCookie(w, &http.Cookie{ // #nosec G124 -- Secure where our own address is; on the loopback there is no TLS
		Name: nombre, Value: valor, Path: "/", HttpOnly: true, SameSite: sitio, MaxAge: int(vida / time.Second),
		Secure: strings.HasPrefix(s.emisor.ajustes.Publica, "https://"),
	})
}

// Quien identifies the caller by the token or by the session; the zero Persona where there is neither. Errors: SinIdentidad for a token
// that is not valid, SinPermiso for a write without the session's CSRF token, NoDisponible.
func (s *Sesiones) Quien(r *http.Request) (Persona, error) {
	if cabecera := r.Header.Get("Authorization"); cabecera != "" {
		esquema, token, _ := strings.Cut(cabecera, " ")
		if !strings.EqualFold(esquema, "Bearer") || token == "" {
			return Persona{}, errores.Nuevo(errores.SinIdentidad, "La cabecera Authorization debe ser: Bearer <token>.")
		}
		return s.emisor.Verificar(r.Context(), strings.TrimSpace(token))
	}
	leida, err := s.leer(r)
	if err != nil || leida == nil {
		return Persona{}, err
	}
	persona := leida.Persona
	persona.Hasta = leida.Hasta
	persona.still = func(ctx context.Context) error { return s.still(ctx, leida) }
	return persona, leida.consiente(r)
}

// still tells whether a session that was read before is there, and the same person's with the same roles.
func (s *Sesiones) still(ctx context.Context, before *sesion) error {
	now, err := s.read(ctx, before.clave)
	if err != nil {
		return err
	}
	if now == nil || now.Usuario != before.Usuario || !slices.Equal(now.Roles, before.Roles) {
		return errores.Nuevo(errores.SinIdentidad, "La sesión terminó.")
	}
	return nil
}

// ExigirDe refuses who is not one of roles; with none, anybody who is known is enough.
func ExigirDe(ctx context.Context, roles ...string) error {
	p := De(ctx)
	if !p.Conocida() {
		return errores.Nuevo(errores.SinIdentidad, "Hace falta un token (Authorization: Bearer …) o entrar en /entrar.")
	}
	for _, rol := range roles {
		if p.Es(rol) {
			return nil
		}
	}
	if len(roles) == 0 && len(p.Roles) > 0 {
		return nil
	}
	return errores.Nuevo(errores.SinPermiso, "Esto no lo puede hacer quien pregunta: hace falta otro rol.")
}
