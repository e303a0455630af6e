package edge

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"entregas/bff/compras"
	"entregas/bff/identity"
	"entregas/contracts"
	"entregas/internal/errs"
	"entregas/internal/rest"
)

const (
	// firstWait is how long the second of two requests with one Idempotency-Key waits for the answer of the first, before it
	// calls the service itself. The service does the operation once even if both call it; see onlyByFirst for the exceptions.
	firstWait = 2 * time.Second
	// firstLook is how often the second of two requests with one Idempotency-Key looks for the answer of the first.
	firstLook = 50 * time.Millisecond
	// keepTimeout bounds the write of an answer under its Idempotency-Key, whether the client still waits or not.
	keepTimeout = 3 * time.Second
)

// answered is an answer that a handler gave.
type answered struct {
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers"`
	Body    []byte            `json:"body"`
	failed  bool              // a failure although the status is 200, as in GraphQL
	unknown bool              // nobody knows whether it was done, and it must not be done twice: the key stays taken
}

// replayedHeaders are the headers that are kept with an answer.
var replayedHeaders = []string{"Content-Type", "Location", "Retry-After"}

// Keys keeps answers under Idempotency-Keys.
type Keys struct {
	Store   compras.Store
	Quota   *Quota
	Largest int                    // bytes of an answer that is kept whole; 0 is no bound
	Changes func(body []byte) bool // reports whether a GraphQL request may change something
}

// The prefixes of the keys in the store. The first writer of a key wins.
const (
	submissionPrefix = "submission-http/" // then a hash: the hash of a request's body, marked as free after a refusal or a failure
	replyPrefix      = "reply-http/"      // then the same hash: the answer
)

// Idempotency answers a POST that repeats an Idempotency-Key with the answer of the first one, or with 422 where the body is
// another (docs/adr/answers-under-a-key.md). A key belongs to its subject and to one path. Only the answer of a request that
// was done is kept: after a refusal or a failure the same key may be sent again at once. A request that changes nothing, such
// as a GraphQL query, is answered anew each time.
//
// It is written by hand because these rules, the store that all replicas share, and the quota of each subject are this system's own.
func Idempotency(keys Keys) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return route(func(w http.ResponseWriter, r *http.Request) error {
			sent := r.Header.Values("Idempotency-Key")
			if r.Method != http.MethodPost || !withKey(r) || len(sent) == 0 || !identity.Of(r.Context()).Known() {
				next.ServeHTTP(w, r) // next refuses an unknown caller
				return nil
			}
			var v contracts.Validator
			v.IdempotencyKey("Idempotency-Key", strings.Join(sent, "\n")) // two headers are no valid key
			if err := v.Error(); err != nil {                             // a client that sends a key relies on it
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
			reply, err := keys.answer(w, r, next, sent[0], body)
			if err != nil {
				return err
			}
			for name, value := range reply.Headers {
				w.Header().Set(name, value)
			}
			w.WriteHeader(reply.Status)
			_, _ = w.Write(reply.Body) // the client is gone when this fails
			return nil
		})
	}
}

// answer returns the answer to a request with an Idempotency-Key: the stored answer, or else the answer of next.
func (k Keys) answer(w http.ResponseWriter, r *http.Request, next http.Handler, key string, body []byte) (*answered, error) {
	r = r.WithContext(context.WithValue(r.Context(), keyContextKey{}, &sentKey{key: key}))
	usuario := identity.Of(r.Context()).Usuario
	name, hash := compras.Fingerprint(usuario, r.URL.Path, key), compras.Fingerprint(string(body))
	alone := onlyByFirst(r, body)
	earlier, err := k.first(r.Context(), usuario, name, hash, alone)
	if err != nil || earlier != nil {
		return earlier, err
	}
	recorded := &recorder{ResponseWriter: w, status: http.StatusOK}
	next.ServeHTTP(recorded, r)
	given := recorded.answered()
	given.failed = isGraphQL(r) && bytes.HasPrefix(given.Body, []byte(`{"errors"`))
	given.unknown = alone != nil && bytes.Contains(given.Body, []byte(errs.OutcomeUnknown))
	return k.remember(r.Context(), usuario, name, hash, given)
}

type keyContextKey struct{}

// Key returns the Idempotency-Key of the request of ctx, "" if it has none. The service does an operation once under that key
// too, even if the bff could not store the answer.
func Key(ctx context.Context) string {
	if sent, is := ctx.Value(keyContextKey{}).(*sentKey); is {
		return sent.key
	}
	return ""
}

// sentKey is the Idempotency-Key of a request. It counts as one key of the subject's quota; each further field of a mutation
// counts as one more key.
type sentKey struct {
	key  string
	used atomic.Bool
}

// paidByHeader reports whether the Idempotency-Key in the header already counts for the next key in the store. It reports true
// once for each request.
func paidByHeader(ctx context.Context) bool {
	sent, is := ctx.Value(keyContextKey{}).(*sentKey)
	return is && !sent.used.Swap(true)
}

// withKey reports whether the answer to r may be stored: r calls an operation, and its answer is no live stream.
func withKey(r *http.Request) bool {
	return strings.HasPrefix(r.URL.Path, "/api/") || isGraphQL(r) && !isStream(r)
}

// isGraphQL reports whether r is for a GraphQL interface.
func isGraphQL(r *http.Request) bool { return r.URL.Path == "/graphql" || r.URL.Path == "/v1" }

// once is a group of operations that the service would do twice. So only the first of two equal requests may call the service. The
// second one waits for the answer of the first until its own deadline. If there is still no answer, for example because the first
// one's replica was killed, its error is OutcomeUnknown with see and repeat.
type once struct {
	prefix      string // of the paths of REST
	mutations   []string
	see, repeat string
}

var onces = []once{
	{"/api/mensajes-muertos/", []string{"devolverMensaje", "apartarMensaje", "descartarMensaje"}, "/api/mensajes-muertos", "repítalo solo si el mensaje sigue en la lista, con otra Idempotency-Key."},
	{"/api/avisos/", []string{"crearDireccion", "renovarSecreto", "probarDireccion", "reenviarEntrega"}, "/api/avisos/direcciones", "repítalo solo si no se hizo, con otra Idempotency-Key."},
}

// onlyByFirst returns the group of the operation of r, or nil if the service does the operation once even if two requests call it.
func onlyByFirst(r *http.Request, body []byte) *once {
	for i, o := range onces {
		if strings.HasPrefix(r.URL.Path, o.prefix) || isGraphQL(r) && slices.ContainsFunc(o.mutations, func(m string) bool { return bytes.Contains(body, []byte(m)) }) {
			return &onces[i]
		}
	}
	return nil
}

// recorder is a ResponseWriter that holds the answer back.
type recorder struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (rec *recorder) WriteHeader(status int)      { rec.status = status }
func (rec *recorder) Write(b []byte) (int, error) { return rec.body.Write(b) }

func (rec *recorder) answered() answered {
	r := answered{Status: rec.status, Body: rec.body.Bytes(), Headers: map[string]string{}}
	for _, k := range replayedHeaders {
		if v := rec.Header().Get(k); v != "" {
			r.Headers[k] = v
		}
	}
	return r
}
