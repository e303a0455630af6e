// Package borde is what every request passes before it is anybody's operation: how often, how large, how long, from where, and
// whether it was answered before.
package borde

import (
	"context"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"entregas/services/bff/identidad"
	"entregas/services/internal/errores"
)

// Ritmo is how many requests a second one may send, and how many at once.
type Ritmo struct {
	PorSegundo float64
	DeGolpe    int
}

// olvido is the time without a request after which the rate limiter of a subject or an address is forgotten. By then it is full again.
const olvido = 5 * time.Minute

// forgetEvery is the least time between two looks for rate limiters to forget.
const forgetEvery = time.Minute

// maxConocidos bounds how many are remembered: beyond it everybody new shares one limiter, which a flood of addresses fills.
const maxConocidos = 100_000

// limites are the limiters of one kind of asker, in this replica.
type limites struct {
	ritmo    Ritmo
	mu       sync.Mutex
	de       map[string]*limite
	limpiado time.Time
}

type limite struct {
	*rate.Limiter
	visto time.Time
}

func nuevosLimites(r Ritmo) *limites {
	return &limites{ritmo: r, de: map[string]*limite{}, limpiado: time.Now()}
}

// pasa counts a request of quien.
func (l *limites) pasa(quien string) bool { return l.pasan(quien, 1) }

// pasan counts n requests of quien at once: all or none.
func (l *limites) pasan(quien string, n int) bool {
	if l.ritmo.PorSegundo <= 0 || n <= 0 {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	ahora := time.Now()
	if ahora.Sub(l.limpiado) > forgetEvery {
		for k, uno := range l.de {
			if ahora.Sub(uno.visto) > olvido {
				delete(l.de, k)
			}
		}
		l.limpiado = ahora
	}
	uno := l.de[quien]
	if uno == nil && len(l.de) >= maxConocidos {
		quien = ""
		uno = l.de[quien]
	}
	if uno == nil {
		uno = &limite{Limiter: rate.NewLimiter(rate.Limit(l.ritmo.PorSegundo), l.ritmo.DeGolpe)}
		l.de[quien] = uno
	}
	uno.visto = ahora
	return uno.AllowN(ahora, n)
}

// agotado tells that quien may ask nothing now, and counts nothing.
func (l *limites) agotado(quien string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	uno := l.de[quien]
	return uno != nil && uno.Tokens() < 1
}

// Limites counts requests: by subject where the caller is identified, else by address. An address also pays for tokens that
// are not valid, so that guessing is not free.
type Limites struct {
	sujetos, direcciones *limites
	requests, streams    *tally
	proxies              int
}

// Open is how much one address may have open at once. 0 is no limit.
type Open struct {
	Connections int // see LimitConnections; behind proxies, requests under way
	Streams     int // live streams and websockets
}

// NuevosLimites with these rates; 0 a second is no limit. proxies is how many of ours each request passes before it is here.
func NuevosLimites(sujeto, direccion Ritmo, open Open, proxies int) *Limites {
	l := &Limites{sujetos: nuevosLimites(sujeto), direcciones: nuevosLimites(direccion), streams: newTally(open.Streams), requests: newTally(0), proxies: proxies}
	if proxies > 0 { // the connections are the proxy's, for many customers
		l.requests = newTally(open.Connections)
	}
	return l
}

// LimitOpen refuses what an address asks while it has too much open.
func (l *Limites) LimitOpen(siguiente http.Handler) http.Handler {
	return route(func(w http.ResponseWriter, r *http.Request) error {
		from := l.direccion(r)
		leave, ok := l.requests.enter(from, 0)
		if !ok {
			return errores.Nuevo(errores.Demasiadas, "Hay %d peticiones en curso desde su dirección, que es lo más que puede haber a la vez.", l.requests.max)
		}
		defer leave()
		if esFlujo(r) {
			leave, ok := l.streams.enter(from, 0)
			if !ok {
				return errores.Nuevo(errores.Demasiadas, "Hay %d flujos abiertos desde su dirección, que es lo más que puede haber a la vez. Cierre alguno.", l.streams.max)
			}
			defer leave()
		}
		siguiente.ServeHTTP(w, r)
		return nil
	})
}

// PorDireccion refuses addresses that are over their rate, on routes that are for any caller.
func (l *Limites) PorDireccion(siguiente http.Handler) http.Handler {
	return route(func(w http.ResponseWriter, r *http.Request) error {
		de := l.direccion(r)
		if !l.direcciones.pasa(de) {
			return Demasiadas
		}
		siguiente.ServeHTTP(w, r.WithContext(conCobro(r.Context(), func(n int) bool { return l.direcciones.pasan(de, n) })))
		return nil
	})
}

// Quien identifies the caller.
type Quien func(r *http.Request) (identidad.Persona, error)

// Identificar puts the caller into the request's context, and refuses a caller that is over its rate.
func (l *Limites) Identificar(quien Quien) func(http.Handler) http.Handler {
	return func(siguiente http.Handler) http.Handler {
		return route(func(w http.ResponseWriter, r *http.Request) error {
			cuenta, de := l.direcciones, l.direccion(r)
			if r.Header.Get("Authorization") == "" && cuenta.agotado(de) {
				return Demasiadas // before a session is looked for: anybody can write a cookie, and the state store is everybody's
			}
			p, err := quien(r)
			if err == nil && p.Conocida() {
				cuenta, de = l.sujetos, p.Usuario
			}
			if !cuenta.pasa(de) {
				return Demasiadas
			}
			if err != nil {
				return err
			}
			ctx := conCobro(r.Context(), func(n int) bool { return cuenta.pasan(de, n) })
			siguiente.ServeHTTP(w, r.WithContext(identidad.Con(ctx, p)))
			return nil
		})
	}
}

// Identify gives the context in which the owner of a token asks and pays, for a request that shows it later than by a header. A
// token that is not valid counts against the request's earlier caller. Errors: SinIdentidad, Demasiadas, NoDisponible.
func (l *Limites) Identify(verify func(ctx context.Context, token string) (identidad.Persona, error)) func(context.Context, string) (context.Context, error) {
	return func(ctx context.Context, token string) (context.Context, error) {
		p, err := verify(ctx, token)
		switch {
		case err != nil && !Cobrar(ctx, 1), err == nil && !l.sujetos.pasa(p.Usuario):
			return nil, Demasiadas
		case err != nil:
			return nil, err
		}
		ctx = conCobro(ctx, func(n int) bool { return l.sujetos.pasan(p.Usuario, n) })
		return identidad.Con(ctx, p), nil
	}
}

type claveDeCobro struct{}

func conCobro(ctx context.Context, cobro func(n int) bool) context.Context {
	return context.WithValue(ctx, claveDeCobro{}, cobro)
}

// Cobrar counts n further requests of the caller in ctx, for a request that asks for much at once; false says that they are too many.
func Cobrar(ctx context.Context, n int) bool {
	cobro, hay := ctx.Value(claveDeCobro{}).(func(n int) bool)
	return !hay || cobro(n)
}

// Demasiadas is the error for a client that is over its rate.
var Demasiadas = errores.Nuevo(errores.Demasiadas, "Demasiadas peticiones seguidas. Intente de nuevo en un segundo.")

// direccion is the client's address. Behind proxies of ours it is what the first of them wrote into X-Forwarded-For. Each proxy adds
// to the header's end the address of its own client; what the client itself wrote stands before that.
func (l *Limites) direccion(r *http.Request) string {
	if pasos := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ","); l.proxies > 0 && len(pasos) >= l.proxies {
		if paso := strings.TrimSpace(pasos[len(pasos)-l.proxies]); net.ParseIP(paso) != nil {
			return network(paso)
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
