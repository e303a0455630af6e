package common

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

	"entregas/bff/edge"
	"entregas/bff/identity"
	"entregas/contracts"
	"entregas/internal/errs"
	"entregas/internal/rest"
)

// via is how an operation comes.
type via int

const (
	perRequest via = iota // a POST with its answer
	perStream             // a POST that is answered by server-sent events
	perSocket             // one of many on a websocket
)

type viaContextKey struct{}

func viaOf(ctx context.Context) via {
	v, _ := ctx.Value(viaContextKey{}).(via)
	return v
}

// WithLimit refuses what is no GraphQL request, or too large, in the shape that a GraphQL client reads. Pages of these origins may open
// a websocket too.
func WithLimit(next http.Handler, origins ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Header.Get("Upgrade") != "" && r.Method == http.MethodGet:
			if err := upgradable(r, origins); err != nil {
				respond(w, err)
				return
			}
			if !fromOurPages(r) && r.Header.Get("Authorization") == "" { // the cookie is for our pages only: the token comes with the greeting
				r = r.WithContext(identity.With(r.Context(), identity.Person{}))
			}
			r = with(r, perSocket)
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), socketKey{}, &socketSlot{})))
			return
		case r.Method != http.MethodPost:
			w.Header().Set("Allow", http.MethodPost)
			respond(w, errs.New(errs.NotAllowed, "GraphQL se pide por POST; las suscripciones, también por websocket."))
			return
		}
		body, err := read(w, r)
		if err != nil {
			respond(w, err)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		r.Header.Del("Upgrade") // asked of a POST it says nothing
		if edge.OnlyEvents(r) {
			r.Header.Set("Accept", "text/event-stream")                    // by which the library chooses how it answers
			_ = http.NewResponseController(w).SetReadDeadline(time.Time{}) // it was read; a stream lasts. A recorder in a test has none
			w.Header().Set("X-Accel-Buffering", "no")                      // a proxy that gathers would hold events back
			r = with(r, perStream)
		} else {
			r.Header.Set("Accept", "application/json")
			s := &statusWriter{ResponseWriter: w}
			w, r = s, r.WithContext(context.WithValue(r.Context(), statusKey{}, s))
		}
		next.ServeHTTP(w, r)
	})
}

func with(r *http.Request, v via) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), viaContextKey{}, v))
}

// read gives a body that the library can decode: of one that it cannot, it would repeat every word in its answer and the log.
func read(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if err := rest.RequireJSON(r); err != nil {
		return nil, err
	}
	body, err := rest.ReadBody(w, r)
	if err != nil {
		return nil, err
	}
	_, err = rest.Decode[struct {
		Query         string         `json:"query"`
		Variables     map[string]any `json:"variables"`
		OperationName string         `json:"operationName"`
		Extensions    map[string]any `json:"extensions"`
	}](body)
	return body, err
}

// Changes tells that a request's body has an operation that may change something. One that cannot be read changes nothing.
func Changes(body []byte) bool {
	var p graphql.RawParams
	if err := json.Unmarshal(body, &p); err != nil || len(p.Query) > maxQuery {
		return false
	}
	d, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: p.Query}, maxTokens)
	if err != nil {
		return false
	}
	op := d.Operations.ForName(p.OperationName)
	return op != nil && op.Operation == ast.Mutation
}

// FieldKey is the name of one field of a request that came with an Idempotency-Key, "" without: a mutation of which another
// field failed comes again, and what was done of it must not be done again.
func FieldKey(ctx context.Context) string {
	if clave := edge.Key(ctx); clave != "" {
		return clave + " " + graphql.GetPath(ctx).String()
	}
	return ""
}

// Key is the name of one field of a mutation: clave where the client gave one, by the rule of an Idempotency-Key, else
// FieldKey. Errors: Invalid.
func Key(ctx context.Context, clave *string) (string, error) {
	if clave == nil {
		return FieldKey(ctx), nil
	}
	var v contracts.Validator
	v.IdempotencyKey("clave", *clave)
	return *clave, v.Error()
}

func respond(w http.ResponseWriter, err error) {
	p := rest.ProblemOf(err)
	rest.SetHeaders(w.Header(), p)
	rest.Write(w, p.Status, graphql.Response{Errors: gqlerror.List{{Message: p.Detail, Extensions: extensions(err, p)}}})
}
