// Package rest serves the public REST interface, as contracts/openapi.yaml describes it.
package rest

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/gorilla/mux"

	"entregas/bff/access"
	"entregas/bff/compras"
	"entregas/bff/identity"
	"entregas/bff/rest/contract"
	"entregas/internal/errs"
	"entregas/internal/rest"
)

// Server implements the operations of the contract.
type Server struct {
	Gate access.Gate
	Live Live
}

var _ contract.ServerInterface = Server{}

// Register adds the operations under /api to routes.
func (s Server) Register(routes *mux.Router) {
	contract.HandlerWithOptions(s, contract.GorillaServerOptions{
		BaseURL: "/api", BaseRouter: routes, ErrorHandlerFunc: rest.BadParameter(accepted), Middlewares: []contract.MiddlewareFunc{requireContract},
	})
}

// requireContract refuses a caller that has no role of the operation's security in the contract, before the body is read.
// Package access checks whose a purchase is.
func requireContract(next http.Handler) http.Handler {
	return rest.Route(func(w http.ResponseWriter, r *http.Request) error {
		roles, protected := r.Context().Value(contract.OidcScopes).([]string)
		if protected {
			if err := identity.Require(r.Context(), roles...); err != nil {
				return err
			}
		}
		if _, err := url.ParseQuery(r.URL.RawQuery); err != nil { // the router ignores parameters that it cannot parse
			return errs.New(errs.Invalid, "Los parámetros de la dirección no están bien escritos (RFC 3986).")
		}
		next.ServeHTTP(w, r)
		return nil
	})
}

// respond answers v with status, or the problem of err. A GET has an ETag, and is 304 for a client that has it already.
func respond(w http.ResponseWriter, r *http.Request, status int, v any, err error) {
	if err != nil {
		rest.WriteError(w, r, err)
		return
	}
	if r.Method != http.MethodGet {
		rest.Write(w, status, v)
		return
	}
	text, err := rest.Encode(v)
	if err != nil {
		rest.WriteError(w, r, err)
		return
	}
	fingerprint := sha256.Sum256(text)
	etag := `"` + hex.EncodeToString(fingerprint[:16]) + `"`
	w.Header().Set("ETag", etag)
	w.Header().Set("Cache-Control", "private, no-cache")
	if hasIt(r.Header.Get("If-None-Match"), etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n')) // #nosec G705 -- JSON, and said to be; the client is gone when this fails
}

// hasIt reports whether the header If-None-Match names etag.
func hasIt(ifNoneMatch, etag string) bool {
	for one := range strings.SplitSeq(ifNoneMatch, ",") {
		if one = strings.TrimPrefix(strings.TrimSpace(one), "W/"); one == etag || one == "*" {
			return true
		}
	}
	return false
}

// sayAge sets the header Age where the answer does not come from the owner.
func sayAge(w http.ResponseWriter, e compras.Age) {
	if e.SecondHand {
		w.Header().Set("Age", strconv.Itoa(e.Seconds))
	}
}

// accepted has the values, in Spanish, that each parameter of the contract may have. It leaves out parameters that are texts.
var accepted = map[string]string{
	"limite": compras.LimitForm, "segundos": access.SecondsForm, "minutos": access.MinutesForm, "domicilio": "debe ser true o false",
	"desde": instant, "hasta": instant, "avisado_en": instant, "descartados": "debe ser true o false",
	"contar": "debe ser true o false",
	"bajas":  "debe ser true o false",
}

const instant = "debe ser un instante de RFC 3339, por ejemplo 2026-01-31T08:00:00Z"
