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

// via is the transport of an operation.
type via int

const (
	perRequest via = iota // a POST with its answer
	perStream             // a POST that is answered by server-sent events
	perSocket             // one of many on a websocket
)

type viaContextKey struct{}

// viaOf returns the transport of the operation of ctx.
func viaOf(ctx context.Context) via {
	v, _ := ctx.Value(viaContextKey{}).(via)
	return v
}

// WithLimit refuses a request that is no GraphQL request, or is too large, with an error in the shape of GraphQL. Pages of origins
// may open a websocket, as our own pages may.
func WithLimit(next http.Handler, origins ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Header.Get("Upgrade") != "" && r.Method == http.MethodGet:
			if err := upgradable(r, origins); err != nil {
				respond(w, err)
				return
			}
			if !fromOurPages(r) && r.Header.Get("Authorization") == "" { // the cookie is for our own pages; others send a token in connection_init
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
		r.Header.Del("Upgrade") // it has no meaning with a POST
		if edge.OnlyEvents(r) {
			r.Header.Set("Accept", "text/event-stream")                    // gqlgen chooses the transport by it
			_ = http.NewResponseController(w).SetReadDeadline(time.Time{}) // the body was read, and a stream lasts longer; a test's recorder has no deadline
			w.Header().Set("X-Accel-Buffering", "no")                      // a proxy that buffers would hold events back
			r = with(r, perStream)
		} else {
			r.Header.Set("Accept", "application/json")
			s := &statusWriter{ResponseWriter: w}
			w, r = s, r.WithContext(context.WithValue(r.Context(), statusKey{}, s))
		}
		next.ServeHTTP(w, r)
	})
}

// with returns r with the transport v in its context.
func with(r *http.Request, v via) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), viaContextKey{}, v))
}

// read returns the body of r, or an error if gqlgen cannot decode the body. gqlgen itself would copy such a body into its answer
// and its log.
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

// Changes reports whether the operation in the body of a request is a mutation. It reports false for a body that cannot be
// parsed.
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

// FieldKey returns the key under which one field of a mutation is done once: the Idempotency-Key of the request with the path of
// the field, "" without an Idempotency-Key. A client may send a mutation again because another of its fields failed.
func FieldKey(ctx context.Context) string {
	if clave := edge.Key(ctx); clave != "" {
		return clave + " " + graphql.GetPath(ctx).String()
	}
	return ""
}

// Key returns the key under which one field of a mutation is done once: clave where the client gave it as an argument, else
// FieldKey. Error: Invalid for a clave that is no valid Idempotency-Key.
func Key(ctx context.Context, clave *string) (string, error) {
	if clave == nil {
		return FieldKey(ctx), nil
	}
	var v contracts.Validator
	v.IdempotencyKey("clave", *clave)
	return *clave, v.Error()
}

// respond answers err in the shape of GraphQL.
func respond(w http.ResponseWriter, err error) {
	p := rest.ProblemOf(err)
	rest.SetHeaders(w.Header(), p)
	rest.Write(w, p.Status, graphql.Response{Errors: gqlerror.List{{Message: p.Detail, Extensions: extensions(err, p)}}})
}
