package comun

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"

	"entregas/contracts"
	"entregas/services/bff/borde"
	"entregas/services/bff/identidad"
	"entregas/services/internal/errores"
	"entregas/services/internal/rest"
)

// via is how an operation comes.
type via int

const (
	porPeticion via = iota // a POST with its answer
	porFlujo               // a POST that is answered by server-sent events
	porSocket              // one of many on a websocket
)

type claveDeVia struct{}

func deVia(ctx context.Context) via {
	v, _ := ctx.Value(claveDeVia{}).(via)
	return v
}

// ConLimite refuses what is no GraphQL request, or too large, in the shape that a GraphQL client reads. Pages of these origins may open
// a websocket too.
func ConLimite(siguiente http.Handler, origins ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Header.Get("Upgrade") != "" && r.Method == http.MethodGet:
			if err := upgradable(r, origins); err != nil {
				responder(w, err)
				return
			}
			if !fromOurPages(r) && r.Header.Get("Authorization") == "" { // the cookie is for our pages only: the token comes with the greeting
				r = r.WithContext(identidad.Con(r.Context(), identidad.Persona{}))
			}
			r = con(r, porSocket)
			siguiente.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), socketKey{}, &socketSlot{})))
			return
		case r.Method != http.MethodPost:
			w.Header().Set("Allow", http.MethodPost)
			responder(w, errores.Nuevo(errores.NoPermitido, "GraphQL se pide por POST; las suscripciones, también por websocket."))
			return
		}
		cuerpo, err := leer(w, r)
		if err != nil {
			responder(w, err)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(cuerpo))
		r.Header.Del("Upgrade") // asked of a POST it says nothing
		if borde.OnlyEvents(r) {
			r.Header.Set("Accept", "text/event-stream")                    // by which the library chooses how it answers
			_ = http.NewResponseController(w).SetReadDeadline(time.Time{}) // it was read; a stream lasts. A recorder in a test has none
			w.Header().Set("X-Accel-Buffering", "no")                      // a proxy that gathers would hold events back
			r = con(r, porFlujo)
		} else {
			r.Header.Set("Accept", "application/json")
			s := &statusWriter{ResponseWriter: w}
			w, r = s, r.WithContext(context.WithValue(r.Context(), statusKey{}, s))
		}
		siguiente.ServeHTTP(w, r)
	})
}

func con(r *http.Request, v via) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), claveDeVia{}, v))
}

// leer gives a body that the library can decode: of one that it cannot, it would repeat every word in its answer and the log.
func leer(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if err := rest.RequireJSON(r); err != nil {
		return nil, err
	}
	cuerpo, err := rest.LeerCuerpo(w, r)
	if err != nil {
		return nil, err
	}
	_, err = rest.Decode[struct {
		Query         string         `json:"query"`
		Variables     map[string]any `json:"variables"`
		OperationName string         `json:"operationName"`
		Extensions    map[string]any `json:"extensions"`
	}](cuerpo)
	return cuerpo, err
}

// Changes tells that a request's body has an operation that may change something. One that cannot be read changes nothing.
func Changes(body []byte) bool {
	var p graphql.RawParams
	if err := json.Unmarshal(body, &p); err != nil || len(p.Query) > maxConsulta {
		return false
	}
	d, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: p.Query}, maxSimbolos)
	if err != nil {
		return false
	}
	op := d.Operations.ForName(p.OperationName)
	return op != nil && op.Operation == ast.Mutation
}

// ClaveDeCampo is the name of one field of a request that came with an Idempotency-Key, "" without: a mutation of which another
// field failed comes again, and what was done of it must not be done again.
func ClaveDeCampo(ctx context.Context) string {
	if clave := borde.Clave(ctx); clave != "" {
		return clave + " " + graphql.GetPath(ctx).String()
	}
	return ""
}

// Key is the name of one field of a mutation: clave where the client gave one, by the rule of an Idempotency-Key, else
// ClaveDeCampo. Errors: Invalido.
func Key(ctx context.Context, clave *string) (string, error) {
	if clave == nil {
		return ClaveDeCampo(ctx), nil
	}
	var v contracts.Validador
	v.IdempotencyKey("clave", *clave)
	return *clave, v.Error()
}

func responder(w http.ResponseWriter, err error) {
	p := rest.ProblemaDe(err)
	rest.SetHeaders(w.Header(), p)
	rest.Escribir(w, p.Status, graphql.Response{Errors: gqlerror.List{{Message: p.Detail, Extensions: extensiones(err, p)}}})
}
