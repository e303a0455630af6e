package issuer

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"entregas/bff/compras"
	"entregas/contracts"
	"entregas/internal/errs"
	"entregas/internal/rest"
)

const (
	grantType    = "authorization_code"
	codeAudience = "code"  // claim aud of a code, so that it is no token
	maxForm      = 1 << 14 // bytes of a form
)

// The forms of PKCE (RFC 7636). A challenge is the hash of a verifier.
var (
	formOfChallenge = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)
	formOfVerifier  = regexp.MustCompile(`^[A-Za-z0-9._~-]{43,128}$`)
)

// signInFields are the parameters that the sign-in page copies from its URL into its form. It copies no others, so that a URL
// cannot fill in the name or the role of the person.
var signInFields = []string{"client_id", "response_type", "redirect_uri", "scope", "state", "nonce", "code_challenge", "code_challenge_method"}

// Form answers the page of the sign-in. hidden are its hidden fields. wrong says, in Spanish, what was wrong with usuario, the name
// that the person sent; both are "" at first.
type Form func(w http.ResponseWriter, r *http.Request, hidden map[string]string, usuario, wrong string) error

// form serves the sign-in page. It handles GET on the authorization endpoint.
func (i *Issuer) form(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	if err := i.check(q); err != nil {
		return err
	}
	return i.page(w, r, hiddenFields(q), "", "")
}

// hiddenFields returns what the form carries from the URL of the sign-in to its answer.
func hiddenFields(q url.Values) map[string]string {
	fields := map[string]string{}
	for _, name := range signInFields {
		fields[name] = q.Get(name)
	}
	return fields
}

// check refuses a sign-in that our own pages did not begin. A code that is sent to another site could open a session there.
func (i *Issuer) check(q url.Values) error {
	if !slices.Contains(i.returns, q.Get("redirect_uri")) {
		return errs.New(errs.Invalid, "redirect_uri no es de este sistema.")
	}
	for _, name := range signInFields {
		if len(q[name]) > 1 {
			return errs.New(errs.Invalid, "%s debe venir una sola vez.", name)
		}
	}
	if q.Get("client_id") != ClientID || q.Get("response_type") != "code" || q.Get("state") == "" ||
		q.Get("code_challenge_method") != "S256" || !formOfChallenge.MatchString(q.Get("code_challenge")) {
		return errs.New(errs.Invalid, "El ingreso no se empezó bien. Entre de nuevo en /entrar.")
	}
	return nil
}

// authorize takes the form of the sign-in page and sends the browser back with a code.
func (i *Issuer) authorize(w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		return errs.New(errs.Invalid, "No se pudo leer el formulario.")
	}
	if err := i.check(r.PostForm); err != nil {
		return err
	}
	usuario, role := strings.TrimSpace(r.PostForm.Get("usuario")), r.PostForm.Get("rol")
	var v contracts.Validator
	v.Identifier("usuario", usuario)
	if role != "cliente" && role != "operador" {
		v.Fail("rol", "debe ser cliente u operador")
	}
	if err := v.Error(); err != nil {
		if !strings.Contains(r.Header.Get("Accept"), "text/html") {
			return err
		}
		return i.page(w, r, hiddenFields(r.PostForm), usuario, wrongIn(err))
	}
	returnTo := r.PostForm.Get("redirect_uri")
	code, err := i.sign(claims{
		Usuario: usuario, Roles: []string{role}, Audience: []string{codeAudience}, Nonce: r.PostForm.Get("nonce"),
		Challenge: r.PostForm.Get("code_challenge"), ReturnTo: returnTo, ID: rand.Text(),
	}, codeTTL)
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, returnTo+"?"+url.Values{"code": {code}, "state": {r.PostForm.Get("state")}}.Encode(), http.StatusSeeOther) // #nosec G710 -- check allows our own addresses only
	return nil
}

// wrongIn returns what is wrong with the fields of err, in Spanish.
func wrongIn(err error) string {
	var invalid *contracts.ValidationError
	if !errors.As(err, &invalid) {
		return ""
	}
	var all []string
	for _, f := range invalid.Errores {
		all = append(all, f.Field+": "+f.Detalle)
	}
	return strings.Join(all, "; ")
}

// oauthError is an error answer of the token endpoint (RFC 6749, section 5.2). Its description is for the developer of a client.
type oauthError struct {
	Code        string `json:"error"`
	Description string `json:"error_description"`
}

func (o oauthError) Error() string { return o.Description }

// status returns the HTTP status of the error.
func (o oauthError) status() int {
	if o.Code == "invalid_client" {
		return http.StatusUnauthorized
	}
	return http.StatusBadRequest
}

// redeem answers tokens for a code (the token endpoint). The code is signed and has all data, so that any replica can redeem it.
// The store remembers which codes were redeemed.
func (i *Issuer) redeem(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	w.Header().Set("Cache-Control", "no-store")
	tokens, err := i.exchange(r)
	var refused oauthError
	switch {
	case errors.As(err, &refused):
		rest.Write(w, refused.status(), refused)
	case err != nil:
		rest.WriteError(w, r, err)
	default:
		rest.Write(w, http.StatusOK, tokens)
	}
}

// exchange returns the tokens for the code of r. It redeems a code once. Errors: oauthError; those of the store.
func (i *Issuer) exchange(r *http.Request) (map[string]any, error) {
	d, err := i.readCode(r)
	if err != nil {
		return nil, err
	}
	err = i.codes.Create(r.Context(), "code/"+d.ID, []byte(`"redeemed"`), 2*codeTTL)
	if errors.Is(err, compras.ErrChanged) {
		return nil, oauthError{"invalid_grant", "the code was redeemed before"}
	} else if err != nil {
		return nil, err
	}
	access, err := i.Token(d.Usuario, d.Roles, tokenTTL, Audience)
	if err != nil {
		return nil, err
	}
	id, err := i.sign(claims{Usuario: d.Usuario, Roles: d.Roles, Audience: []string{ClientID}, Nonce: d.Nonce}, tokenTTL)
	return map[string]any{
		"access_token": access, "id_token": id, "token_type": "Bearer", "expires_in": int(tokenTTL.Seconds()),
	}, err
}

// readCode verifies the code of r and returns its claims. Error: oauthError.
func (i *Issuer) readCode(r *http.Request) (d claims, err error) {
	if err := r.ParseForm(); err != nil {
		return d, oauthError{"invalid_request", "the form cannot be read"}
	}
	client := r.PostForm.Get("client_id")
	if user, _, is := r.BasicAuth(); is {
		client = user
	}
	switch {
	case r.PostForm.Get("grant_type") != grantType:
		return d, oauthError{"unsupported_grant_type", "grant_type must be " + grantType}
	case client != ClientID:
		return d, oauthError{"invalid_client", "unknown client_id"}
	case !formOfVerifier.MatchString(r.PostForm.Get("code_verifier")):
		return d, oauthError{"invalid_request", "code_verifier is missing or malformed"}
	}
	signed, err := jose.ParseSignedCompact(r.PostForm.Get("code"), []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		return d, oauthError{"invalid_grant", "not a code of this issuer"}
	}
	text, err := signed.Verify(&i.key.PublicKey)
	if err != nil || json.Unmarshal(text, &d) != nil || !slices.Equal(d.Audience, []string{codeAudience}) || d.Issuer != i.url || d.ID == "" {
		return d, oauthError{"invalid_grant", "not a code of this issuer"}
	}
	challenge := sha256.Sum256([]byte(r.PostForm.Get("code_verifier")))
	switch {
	case time.Now().Unix() > d.Expires:
		return d, oauthError{"invalid_grant", "the code has expired"}
	case subtle.ConstantTimeCompare([]byte(base64.RawURLEncoding.EncodeToString(challenge[:])), []byte(d.Challenge)) != 1:
		return d, oauthError{"invalid_grant", "the code_verifier is not that of the code"}
	case r.PostForm.Get("redirect_uri") != d.ReturnTo:
		return d, oauthError{"invalid_grant", "the redirect_uri is not that of the code"}
	}
	return d, nil
}
