// Package edge is what every request passes before it is anybody's operation: how often, how large, how long, from where, and
// whether it was answered before.
package edge

import (
	"context"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"entregas/bff/identity"
	"entregas/internal/errs"
)

// Pace is how many requests a second one may send, and how many at once.
type Pace struct {
	PorSegundo float64
	Burst      int
}

// forgetAfter is the time without a request after which the rate limiter of a subject or an address is forgotten. By then it is full again.
const forgetAfter = 5 * time.Minute

// forgetEvery is the least time between two looks for rate limiters to forget.
const forgetEvery = time.Minute

// maxKnown bounds how many are remembered: beyond it everybody new shares one limiter, which a flood of addresses fills.
const maxKnown = 100_000

// limits are the limiters of one kind of asker, in this replica.
type limits struct {
	pace      Pace
	mu        sync.Mutex
	from      map[string]*limit
	cleanedAt time.Time
}

type limit struct {
	*rate.Limiter
	seen time.Time
}

func newLimits(r Pace) *limits {
	return &limits{pace: r, from: map[string]*limit{}, cleanedAt: time.Now()}
}

// allows counts a request of who.
func (l *limits) allows(who string) bool { return l.allowsN(who, 1) }

// allowsN counts n requests of who at once: all or none.
func (l *limits) allowsN(who string, n int) bool {
	if l.pace.PorSegundo <= 0 || n <= 0 {
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
	one := l.from[who]
	if one == nil && len(l.from) >= maxKnown {
		who = ""
		one = l.from[who]
	}
	if one == nil {
		one = &limit{Limiter: rate.NewLimiter(rate.Limit(l.pace.PorSegundo), l.pace.Burst)}
		l.from[who] = one
	}
	one.seen = now
	return one.AllowN(now, n)
}

// exhausted tells that who may ask nothing now, and counts nothing.
func (l *limits) exhausted(who string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	one := l.from[who]
	return one != nil && one.Tokens() < 1
}

// Limits counts requests: by subject where the caller is identified, else by address. An address also pays for tokens that
// are not valid, so that guessing is not free.
type Limits struct {
	subjects, addresses *limits
	requests, streams   *tally
	proxies             int
}

// Open is how much one address may have open at once. 0 is no limit.
type Open struct {
	Connections int // see LimitConnections; behind proxies, requests under way
	Streams     int // live streams and websockets
}

// NewLimits with these rates; 0 a second is no limit. proxies is how many of ours each request passes before it is here.
func NewLimits(subject, address Pace, open Open, proxies int) *Limits {
	l := &Limits{subjects: newLimits(subject), addresses: newLimits(address), streams: newTally(open.Streams), requests: newTally(0), proxies: proxies}
	if proxies > 0 { // the connections are the proxy's, for many customers
		l.requests = newTally(open.Connections)
	}
	return l
}

// LimitOpen refuses what an address asks while it has too much open.
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
		}
		next.ServeHTTP(w, r)
		return nil
	})
}

// PerAddress refuses addresses that are over their rate, on routes that are for any caller.
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

// Who identifies the caller.
type Who func(r *http.Request) (identity.Person, error)

// Identification puts the caller into the request's context, and refuses a caller that is over its rate.
func (l *Limits) Identification(who Who) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return route(func(w http.ResponseWriter, r *http.Request) error {
			counter, from := l.addresses, l.address(r)
			if r.Header.Get("Authorization") == "" && counter.exhausted(from) {
				return TooMany // before a session is looked for: anybody can write a cookie, and the state store is everybody's
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

// Identify gives the context in which the owner of a token asks and pays, for a request that shows it later than by a header. A
// token that is not valid counts against the request's earlier caller. Errors: NoIdentity, TooMany, Unavailable.
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

func withCharge(ctx context.Context, charge func(n int) bool) context.Context {
	return context.WithValue(ctx, chargeContextKey{}, charge)
}

// Charge counts n further requests of the caller in ctx, for a request that asks for much at once; false says that they are too many.
func Charge(ctx context.Context, n int) bool {
	charge, found := ctx.Value(chargeContextKey{}).(func(n int) bool)
	return !found || charge(n)
}

// TooMany is the error for a client that is over its rate.
var TooMany = errs.New(errs.TooMany, "Demasiadas peticiones seguidas. Intente de nuevo en un segundo.")

// address is the client's address. Behind proxies of ours it is what the first of them wrote into X-Forwarded-For. Each proxy adds
// to the header's end the address of its own client; what the client itself wrote stands before that.
func (l *Limits) address(r *http.Request) string {
	if hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ","); l.proxies > 0 && len(hops) >= l.proxies {
		if hop := strings.TrimSpace(hops[len(hops)-l.proxies]); net.ParseIP(hop) != nil {
			return network(hop)
		}
	}
	return network(r.RemoteAddr)
}

// network is what counts as one address of an IP, with or without its port: a customer with IPv6 has a whole /64.
func network(address string) string {
	if host, _, err := net.SplitHostPort(address); err == nil {
		address = host
	}
	if ip := net.ParseIP(address); ip != nil && ip.To4() == nil {
		return ip.Mask(net.CIDRMask(64, 128)).String()
	}
	return address
}
