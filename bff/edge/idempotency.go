package edge

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"entregas/bff/compras"
	"entregas/bff/identity"
	"entregas/bff/memory"
	"entregas/contracts"
	"entregas/internal/errs"
	"entregas/internal/rest"
)

const (
	// firstWait is how long the second of two requests with one Idempotency-Key waits for the answer of the first, before it
	// calls the service itself.
	//
	// The service does the operation once, whichever of the two calls it. See onlyByFirst for those of which that is not so.
	firstWait = 2 * time.Second
	// firstLook is how often the second of two requests with one Idempotency-Key looks for the answer of the first.
	firstLook = 50 * time.Millisecond
	// keepTimeout bounds the write of an answer under its Idempotency-Key, whether the client still waits or not.
	keepTimeout = 3 * time.Second
)

// answered is an answer as it was given.
type answered struct {
	Estado  int               `json:"estado"`
	Headers map[string]string `json:"cabeceras"`
	Body    []byte            `json:"cuerpo"`
	failed  bool              // whatever its status says
	unknown bool              // it may have been done, and must not be done by who waits for this answer: the key stays taken
}

// replayedHeaders are the headers that are part of an answer.
var replayedHeaders = []string{"Content-Type", "Location", "Retry-After"}

// Keys is what Idempotency keeps, and how much of it.
type Keys struct {
	Store   compras.Store
	Quota   *Quota
	Largest int                    // bytes of an answer that is kept whole; 0 is any
	Changes func(body []byte) bool // tells that a GraphQL request may change something
}

// Idempotency gives a POST that comes again with its Idempotency-Key the first one's answer, and 422 when the body is another
// (docs/adr/answers-under-a-key.md).
// A key is its subject's own, for one path. Only what was done is kept: what was refused, or failed, is asked again at once
// under the same key. On what changes nothing a key says nothing: a GraphQL query is answered anew each time. In the store:
//
//	submission-http/<hash>       the body's hash, marked as free once its answer was of the second kind: the first writer wins
//	reply-http/<hash>   the answer: the first writer wins
func Idempotency(keys Keys) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return route(func(w http.ResponseWriter, r *http.Request) error {
			idempotencyKeys := r.Header.Values("Idempotency-Key")
			if r.Method != http.MethodPost || !withKey(r) || len(idempotencyKeys) == 0 || !identity.Of(r.Context()).Known() {
				next.ServeHTTP(w, r) // an unknown caller is refused there, and nothing is kept
				return nil
			}
			key := idempotencyKeys[0]
			var v contracts.Validator
			v.IdempotencyKey("Idempotency-Key", strings.Join(idempotencyKeys, "\n")) // more than one is none
			if err := v.Error(); err != nil {                                        // not passed over: a client that sends one relies on it
				return err
			}
			body, err := rest.ReadBody(w, r)
			if err != nil {
				return err
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
			if isGraphQL(r) && !keys.Changes(body) {
				next.ServeHTTP(w, r)
				return nil
			}
			r = r.WithContext(context.WithValue(r.Context(), keyContextKey{}, &sentKey{key: key}))
			usuario := identity.Of(r.Context()).Usuario
			name := compras.Fingerprint(usuario, r.URL.Path, key)
			earlier, err := keys.first(r.Context(), usuario, name, compras.Fingerprint(string(body)), onlyByFirst(r, body))
			if err != nil {
				return err
			}
			if earlier == nil {
				recorded := &recorder{ResponseWriter: w, status: http.StatusOK}
				next.ServeHTTP(recorded, r)
				given := recorded.answered()
				if isGraphQL(r) && bytes.HasPrefix(given.Body, []byte(`{"errors"`)) {
					given.failed = true
				}
				if onlyByFirst(r, body) && bytes.Contains(given.Body, []byte(errs.OutcomeUnknown)) {
					given.unknown = true
				}
				if earlier, err = keys.remember(r.Context(), usuario, name, compras.Fingerprint(string(body)), given); err != nil {
					return err
				}
			}
			for k, v := range earlier.Headers {
				w.Header().Set(k, v)
			}
			w.WriteHeader(earlier.Estado)
			_, _ = w.Write(earlier.Body) // the client is gone when this fails
			return nil
		})
	}
}

type keyContextKey struct{}

// Key is the Idempotency-Key of the request of ctx, "" where it has none: what is behind does it once under that name too,
// for when the answer could not be kept.
func Key(ctx context.Context) string {
	if sent, is := ctx.Value(keyContextKey{}).(*sentKey); is {
		return sent.key
	}
	return ""
}

// sentKey is the Idempotency-Key of a request. It pays for one row under it: each further field of a mutation is a key of its own.
type sentKey struct {
	key  string
	used atomic.Bool
}

func paidByHeader(ctx context.Context) bool {
	sent, is := ctx.Value(keyContextKey{}).(*sentKey)
	return is && !sent.used.Swap(true)
}

// withKey tells that the request is one whose answer may be kept: not a live stream.
func withKey(r *http.Request) bool {
	return strings.HasPrefix(r.URL.Path, "/api/") || isGraphQL(r) && !isStream(r)
}

func isGraphQL(r *http.Request) bool { return r.URL.Path == "/graphql" || r.URL.Path == "/v1" }

// onlyByFirst tells that what r asks would be done twice if the second of two alike asked for it too: a dead letter put back, or
// set aside. The second then waits for as long as its request may take, and is told that nobody knows where the first has no
// answer even then, like one whose program was killed.
func onlyByFirst(r *http.Request, body []byte) bool {
	return strings.HasPrefix(r.URL.Path, letters+"/") ||
		isGraphQL(r) && (bytes.Contains(body, []byte("reponerMensaje")) || bytes.Contains(body, []byte("apartarMensaje")))
}

const letters = "/api/mensajes-muertos"

// first writes down that this is the first with its name, within the subject's quota, and else is anyOf.
func (k Keys) first(ctx context.Context, usuario, name, body string, onlyByFirst bool) (*answered, error) {
	full := k.Quota.Take(ctx, usuario, 1)
	if full != nil && errs.Of(full) != errs.Quota {
		return nil, full
	}
	if full == nil {
		err := k.Store.Create(ctx, "envio-http/"+name, []byte(`"`+body+`"`), compras.SubmissionTTL)
		if err == nil {
			return nil, nil
		}
		k.Quota.Return(usuario)
		if !errors.Is(err, compras.ErrChanged) {
			return nil, err
		}
	} else if values, err := k.Store.Load(ctx, "envio-http/"+name); err != nil || values[0].Version == "" {
		return nil, cmp.Or(err, full) // a key that is there already takes no more room
	}
	return anyOf(ctx, k.Store, name, body, onlyByFirst)
}

// anyOf gives the answer that there is already, nil when the first has none. Where onlyByFirst, OutcomeUnknown when the first has
// none for as long as ctx lasts.
func anyOf(ctx context.Context, store compras.Store, name, body string, onlyByFirst bool) (*answered, error) {
	for limit := time.Now().Add(firstWait); ; {
		values, err := store.Load(ctx, "envio-http/"+name, "respuesta-http/"+name)
		if err != nil {
			return nil, err
		}
		if values[0].Version != "" && string(values[0].Text) != `"`+body+`"` && string(values[0].Text) != freed(body) {
			return nil, errs.New(errs.OtherBody, "La Idempotency-Key ya se usó con otro contenido. Use otra clave, o envíe lo mismo.")
		}
		if values[1].Version != "" {
			var earlier answered
			return &earlier, json.Unmarshal(values[1].Text, &earlier)
		}
		if values[0].Version != "" && string(values[0].Text) == freed(body) {
			err := store.Replace(ctx, "envio-http/"+name, values[0].Version, []byte(`"`+body+`"`), compras.SubmissionTTL)
			if !errors.Is(err, compras.ErrChanged) { // else another of the same took it: that one's answer is waited for
				return nil, err
			}
		}
		if !onlyByFirst && time.Now().After(limit) {
			return nil, nil
		}
		select {
		case <-ctx.Done():
			if onlyByFirst {
				return nil, compras.OutcomeUnknown(letters, "repítalo solo si el mensaje sigue en la lista, con otra Idempotency-Key.", ctx.Err())
			}
			return nil, ctx.Err()
		case <-time.After(firstLook):
		}
	}
}

// remember keeps an answer, and gives the one that holds: the first.
func (k Keys) remember(ctx context.Context, usuario, name, body string, r answered) (*answered, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keepTimeout)
	defer cancel()
	ctx = memory.Uncharged(ctx) // it is done: the answer must not say otherwise for want of room
	if r.unknown {
		return &r, nil
	}
	if r.failed || r.Estado >= http.StatusBadRequest {
		release(ctx, k.Store, name, body)
		return &r, nil
	}
	kept := r
	if k.Largest > 0 && len(r.Body) > k.Largest {
		kept = doneButLong(r)
	}
	text, err := json.Marshal(kept)
	if err != nil {
		return nil, err
	}
	err = k.Store.Create(ctx, "respuesta-http/"+name, text, compras.SubmissionTTL)
	if errors.Is(err, compras.ErrChanged) {
		values, err := k.Store.Load(ctx, "respuesta-http/"+name)
		if err != nil || values[0].Version == "" {
			slog.WarnContext(ctx, "no se pudo leer la primera respuesta", "error", err)
			return &r, nil
		}
		var first answered
		return &first, json.Unmarshal(values[0].Text, &first)
	}
	if err == nil {
		err = k.Quota.Charge(ctx, usuario, len(text)/keptPerKey)
	}
	if err != nil { // it was done, and a repetition does it no second time: that its answer may differ is worth no error
		slog.WarnContext(ctx, "no se pudo guardar una respuesta", "error", err)
	}
	return &r, nil
}

// freed is how the mark of a key is written that came with a body of this hash, and may be asked with it again at once.
func freed(body string) string { return `"` + body + ` libre"` }

// release frees the key. Where that fails, a repetition of the request waits for firstWait.
func release(ctx context.Context, store compras.Store, name, body string) {
	values, err := store.Load(ctx, "envio-http/"+name)
	if err == nil && values[0].Version != "" {
		err = store.Replace(ctx, "envio-http/"+name, values[0].Version, []byte(freed(body)), compras.SubmissionTTL)
	}
	if err != nil && !errors.Is(err, compras.ErrChanged) {
		slog.WarnContext(ctx, "no se pudo soltar una clave", "error", err)
	}
}

// doneButLong is the answer to a repetition where the first answer was too long to be kept: it says only that it was done.
func doneButLong(r answered) answered {
	p := rest.ProblemOf(errs.New(errs.Conflict,
		"Lo pedido con esta Idempotency-Key ya se hizo y se respondió %d. La respuesta, de %d bytes, era demasiado larga para guardarla: lea cómo quedó.", r.Estado, len(r.Body)))
	text, _ := json.Marshal(p) // texts and a number
	return answered{Estado: p.Status, Headers: map[string]string{"Content-Type": "application/problem+json"}, Body: text}
}

// recorder holds an answer back.
type recorder struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (g *recorder) WriteHeader(status int)      { g.status = status }
func (g *recorder) Write(b []byte) (int, error) { return g.body.Write(b) }

func (g *recorder) answered() answered {
	r := answered{Estado: g.status, Body: g.body.Bytes(), Headers: map[string]string{}}
	for _, k := range replayedHeaders {
		if v := g.Header().Get(k); v != "" {
			r.Headers[k] = v
		}
	}
	return r
}
