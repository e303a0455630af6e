// Package edge has the middleware that a request passes before its handler: rates, connections, memory, deadlines, origins, and
// answers that are kept under an Idempotency-Key.
package edge

import (
	"context"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"golang.org/x/time/rate"

	"entregas/bff/identity"
	"entregas/internal/errs"
	"entregas/internal/telemetry"
)

// Pace is the rate of one client.
type Pace struct {
	PerSecond float64 // requests a second; 0 is no limit
	Burst     int     // requests that may come at once
}

// forgetAfter is the time without a request after which a limiter is dropped. By then its bucket is full again.
const forgetAfter = 5 * time.Minute

// forgetEvery is the least time between two searches for limiters to drop.
const forgetEvery = time.Minute

// maxKnown bounds the number of limiters. Beyond it all new clients share one, so that a flood of addresses cannot fill the heap.
const maxKnown = 100_000

// limits has the limiters of one kind of client, subjects or addresses, in this replica. A limiter of golang.org/x/time/rate
// serves one client only. So limits has a map from each client to its limiter, and bounds the number of limiters.
type limits struct {
	pace      Pace
	mu        sync.Mutex
	from      map[string]*limit
	cleanedAt time.Time
}

// limit is the limiter of one client.
type limit struct {
	*rate.Limiter
	seen time.Time
}

func newLimits(r Pace) *limits {
	return &limits{pace: r, from: map[string]*limit{}, cleanedAt: time.Now()}
}

// allows counts a request of client, and reports whether its rate permits it.
func (l *limits) allows(client string) bool { return l.allowsN(client, 1) }

// allowsN counts n requests of client, all or none, and reports whether its rate permits them.
func (l *limits) allowsN(client string, n int) bool {
	if l.pace.PerSecond <= 0 || n <= 0 {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if now.Sub(l.cleanedAt) > forgetEvery {
		for k, one := range l.from {
			if now.Sub(one.seen) > forgetAfter {
				delete(l.from, k)
			}
		}
		l.cleanedAt = now
	}
	one := l.from[client]
	if one == nil && len(l.from) >= maxKnown {
		client = ""
		one = l.from[client]
	}
	if one == nil {
		one = &limit{Limiter: rate.NewLimiter(rate.Limit(l.pace.PerSecond), l.pace.Burst)}
		l.from[client] = one
	}
	one.seen = now
	return one.AllowN(now, n)
}

// exhausted reports whether the rate of client permits no request now. It does not count a request.
func (l *limits) exhausted(client string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	one := l.from[client]
	return one != nil && one.Tokens() < 1
}

// Limits counts requests: by subject where the caller is identified, else by address. A token that is not valid counts against
// the address, so that guessing is not free.
type Limits struct {
	subjects, addresses *limits
	requests, streams   *tally
	proxies             int
}

// Open is the number of connections and of streams that one address may have open at once. 0 is no limit.
type Open struct {
	Connections int // see LimitConnections; behind proxies, requests under way
	Streams     int // live streams and websockets
}

// NewLimits returns Limits with these rates. proxies is the number of our own proxies that each request passes before the bff.
func NewLimits(subject, address Pace, open Open, proxies int) *Limits {
	l := &Limits{subjects: newLimits(subject), addresses: newLimits(address), streams: newTally(open.Streams), requests: newTally(0), proxies: proxies}
	if proxies > 0 { // a connection of a proxy carries requests of many customers
		l.requests = newTally(open.Connections)
	}
	return l
}

// LimitOpen refuses a request of an address that has too many requests or streams open. Error: TooMany.
func (l *Limits) LimitOpen(next http.Handler) http.Handler {
	return route(func(w http.ResponseWriter, r *http.Request) error {
		from := l.address(r)
		leave, ok := l.requests.enter(from, 0)
		if !ok {
			return errs.New(errs.TooMany, "Hay %d peticiones en curso desde su dirección, que es lo más que puede haber a la vez.", l.requests.max)
		}
		defer leave()
		if isStream(r) {
			leave, ok := l.streams.enter(from, 0)
			if !ok {
				return errs.New(errs.TooMany, "Hay %d flujos abiertos desde su dirección, que es lo más que puede haber a la vez. Cierre alguno.", l.streams.max)
			}
			defer leave()
			kind := metric.WithAttributes(attribute.String("kind", streamKind(r)))
			liveConnections.Add(r.Context(), 1, kind)
			defer liveConnections.Add(context.WithoutCancel(r.Context()), -1, kind)
		}
		next.ServeHTTP(w, r)
		return nil
	})
}

// The kinds of streams, as a label of their metric.
const (
	kindEvents    = "sse"
	kindGraphQL   = "graphql-sse"
	kindWebsocket = "websocket"
)

var liveConnections = telemetry.OpenOf("entregas_live_connections", "Live streams that clients have open: server-sent events, subscriptions of GraphQL as such events, and websockets.",
	"kind", kindEvents, kindGraphQL, kindWebsocket)

// streamKind returns the kind of the stream for which r asks.
func streamKind(r *http.Request) string {
	switch {
	case r.URL.Path != "/graphql":
		return kindEvents
	case r.Method == http.MethodGet:
		return kindWebsocket
	default:
		return kindGraphQL
	}
}

// PerAddress refuses a request of an address that is over its rate. It is for routes that identify no caller. Error: TooMany.
func (l *Limits) PerAddress(next http.Handler) http.Handler {
	return route(func(w http.ResponseWriter, r *http.Request) error {
		from := l.address(r)
		if !l.addresses.allows(from) {
			return TooMany
		}
		next.ServeHTTP(w, r.WithContext(withCharge(r.Context(), func(n int) bool { return l.addresses.allowsN(from, n) })))
		return nil
	})
}

// Who is a function that returns the caller of a request, or the zero Person for a request without credentials.
type Who func(r *http.Request) (identity.Person, error)

// Identification puts the caller into the context of the request, and refuses a caller that is over its rate. Errors: TooMany;
// those of who.
func (l *Limits) Identification(who Who) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return route(func(w http.ResponseWriter, r *http.Request) error {
			counter, from := l.addresses, l.address(r)
			if r.Header.Get("Authorization") == "" && counter.exhausted(from) {
				return TooMany // before the session is read: anybody can write a cookie, and all clients share the state store
			}
			p, err := who(r)
			if err == nil && p.Known() {
				counter, from = l.subjects, p.Usuario
			}
			if !counter.allows(from) {
				return TooMany
			}
			if err != nil {
				return err
			}
			ctx := withCharge(r.Context(), func(n int) bool { return counter.allowsN(from, n) })
			next.ServeHTTP(w, r.WithContext(identity.With(ctx, p)))
			return nil
		})
	}
}

// Identify returns a function for a token that comes after the headers, such as in a message of a websocket. The function returns
// a context whose caller is the owner of the token, and counts one request of this owner. If the token is not valid, it counts the
// request against the caller that the context had before. Errors: NoIdentity, TooMany, Unavailable.
func (l *Limits) Identify(verify func(ctx context.Context, token string) (identity.Person, error)) func(context.Context, string) (context.Context, error) {
	return func(ctx context.Context, token string) (context.Context, error) {
		p, err := verify(ctx, token)
		switch {
		case err != nil && !Charge(ctx, 1), err == nil && !l.subjects.allows(p.Usuario):
			return nil, TooMany
		case err != nil:
			return nil, err
		}
		ctx = withCharge(ctx, func(n int) bool { return l.subjects.allowsN(p.Usuario, n) })
		return identity.With(ctx, p), nil
	}
}

type chargeContextKey struct{}

// withCharge returns a context in which Charge calls charge.
func withCharge(ctx context.Context, charge func(n int) bool) context.Context {
	return context.WithValue(ctx, chargeContextKey{}, charge)
}

// Charge counts n further requests of the caller in ctx, and reports whether its rate permits them. It is for a request that
// asks for much at once, such as a GraphQL operation.
func Charge(ctx context.Context, n int) bool {
	charge, found := ctx.Value(chargeContextKey{}).(func(n int) bool)
	return !found || charge(n)
}

// TooMany is the error for a client that is over its rate.
var TooMany = errs.New(errs.TooMany, "Demasiadas peticiones seguidas. Intente de nuevo en un segundo.")

// address returns the client's network. Behind our proxies it is the address that the first of them wrote into X-Forwarded-For.
// Each proxy appends the address of its own client. The client may have invented the addresses further left.
func (l *Limits) address(r *http.Request) string {
	if hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ","); l.proxies > 0 && len(hops) >= l.proxies {
		if hop := strings.TrimSpace(hops[len(hops)-l.proxies]); net.ParseIP(hop) != nil {
			return network(hop)
		}
	}
	return network(r.RemoteAddr)
}

// network returns address without its port. For an IPv6 address it returns the /64 network, because one customer has the whole
// network.
func network(address string) string {
	if host, _, err := net.SplitHostPort(address); err == nil {
		address = host
	}
	if ip := net.ParseIP(address); ip != nil && ip.To4() == nil {
		return ip.Mask(net.CIDRMask(64, 128)).String()
	}
	return address
}
