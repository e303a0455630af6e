// Package memory bounds the heap that requests in flight hold: of all requests, of each client, and of each answer. It refuses
// what does not fit, so that no set of requests takes the process over its memory limit.
//
// A charge is the heap that data is expected to take until the request ends, not its length on the wire: see Weight.
// golang.org/x/sync/semaphore is not used, since it has no share for each client. docs/adr/bounded-memory.md has the limits.
package memory

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"entregas/internal/errs"
)

// Weight is how many bytes of heap a byte of JSON takes: the text, the value decoded from it, and the answer made of that.
const Weight = 6

// Limits are the limits on memory, in bytes, and on the wait for it. 0 bytes means no limit.
type Limits struct {
	Total   int64         // heap of all requests in flight; one client may hold a quarter of it
	Answer  int64         // length of an answer to a client, and of an answer of a service to the bff
	Waiting time.Duration // how long Reserve waits for room
}

// Pool is the memory that requests share.
type Pool struct {
	limits Limits
	mu     sync.Mutex
	used   int64
	held   map[string]int64 // by client
	freed  chan struct{}    // closed and replaced when memory is given back
}

// New returns a Pool of which nothing is held.
func New(l Limits) *Pool {
	return &Pool{limits: l, held: map[string]int64{}, freed: make(chan struct{})}
}

// share is the divisor of Total for one client: a client may hold a quarter of Total.
const share = 4

// Lease is the memory that one request holds of a Pool. The methods of a nil Lease bound nothing: a call outside of a request has
// no Lease.
type Lease struct {
	pool   *Pool
	client string
	mu     sync.Mutex
	held   int64
	closed bool
}

// Lease returns an empty Lease of client.
func (p *Pool) Lease(client string) *Lease { return &Lease{pool: p, client: client} }

// Reserve takes n bytes, and waits at most Limits.Waiting for other requests to give memory back. Errors: those of Take.
func (l *Lease) Reserve(ctx context.Context, n int64) error {
	if l == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, l.pool.limits.Waiting)
	defer cancel()
	for {
		freed, err := l.take(n)
		if err == nil || errs.Of(err) != errs.Busy {
			return err
		}
		select {
		case <-freed:
		case <-ctx.Done():
			return err
		}
	}
}

// Take takes n further bytes without waiting, since two requests that hold memory must not wait for each other. It does not queue
// behind requests that wait in Reserve. Errors: TooMany if the client holds too much already; Busy if all clients together hold
// too much.
func (l *Lease) Take(n int64) error {
	_, err := l.take(n)
	return err
}

// take is Take. Where the error is Busy, freed is closed when memory is given back next.
func (l *Lease) take(n int64) (freed chan struct{}, err error) {
	if l == nil || l.pool.limits.Total <= 0 || n <= 0 {
		return nil, nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed { // nobody would give the bytes back
		return nil, nil
	}
	if freed, err = l.pool.charge(l.client, n); err == nil {
		l.held += n
	}
	return freed, err
}

func (p *Pool) charge(client string, n int64) (freed chan struct{}, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.held[client]+n > max(p.limits.Total/share, 1) {
		return nil, errs.New(errs.TooMany, "Sus peticiones en curso ocupan demasiado. Espere la respuesta de alguna.")
	}
	if p.used+n > p.limits.Total {
		return p.freed, errs.New(errs.Busy, "Hay demasiadas peticiones grandes a la vez. Intente de nuevo en un segundo.")
	}
	p.used += n
	p.held[client] += n
	return nil, nil
}

func (p *Pool) giveBack(client string, n int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.used -= n
	if p.held[client] -= n; p.held[client] <= 0 {
		delete(p.held, client)
	}
	close(p.freed)
	p.freed = make(chan struct{})
}

// Release gives back all that l holds. l may take again.
func (l *Lease) Release() { l.release(false) }

// Close gives back all that l holds. Later calls of Take charge nothing.
func (l *Lease) Close() { l.release(true) }

func (l *Lease) release(closing bool) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = l.closed || closing
	if l.held > 0 {
		l.pool.giveBack(l.client, l.held)
		l.held = 0
	}
}

// Held returns how many bytes all leases of p hold.
func (p *Pool) Held() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.used
}

// MaxAnswer returns how long an answer may be, in bytes; 0 is no bound.
func (l *Lease) MaxAnswer() int64 {
	if l == nil {
		return 0
	}
	return l.pool.limits.Answer
}

type leaseKey struct{}

// With returns a context whose Lease is l.
func With(ctx context.Context, l *Lease) context.Context {
	return context.WithValue(ctx, leaseKey{}, l)
}

// From returns the Lease of ctx, nil where it has none.
func From(ctx context.Context) *Lease {
	l, _ := ctx.Value(leaseKey{}).(*Lease)
	return l
}

// chunk is how many bytes a Reader reads before it charges them.
const chunk = 16 << 10

// Reader charges Lease with Weight for each byte that is read through it.
type Reader struct {
	io.Reader
	Lease  *Lease
	Weight int64
	unpaid int64
}

// Read implements io.Reader. Errors: those of the source; those of Take.
func (r *Reader) Read(b []byte) (int, error) {
	n, err := r.Reader.Read(b)
	if r.unpaid += int64(n); r.unpaid >= chunk || err != nil {
		if full := r.Lease.Take(r.unpaid * r.Weight); full != nil {
			return n, full
		}
		r.unpaid = 0
	}
	return n, err
}

// Uncharged returns a context in which nothing is charged; the bound of an answer still holds. It is for operations that are
// done: a lack of memory must not make them look refused.
func Uncharged(ctx context.Context) context.Context {
	l := From(ctx)
	if l == nil {
		return ctx
	}
	return With(ctx, &Lease{pool: l.pool, client: l.client, closed: true})
}

// Limited returns a reader of source, the answer of a service, that charges the Lease of ctx. Errors of reading: those of source;
// those of Take; TooLarge where source is longer than most bytes, or than an answer may be.
func Limited(ctx context.Context, source io.Reader, most int64) io.Reader {
	l := From(ctx)
	if answer := l.MaxAnswer(); answer > 0 {
		most = min(most, answer)
	}
	return &limited{Reader: Reader{Reader: source, Lease: l, Weight: Weight}, most: most, left: most}
}

// limited is the reader of Limited.
type limited struct {
	Reader
	most, left int64
}

// Read implements io.Reader.
func (l *limited) Read(b []byte) (int, error) {
	n, err := l.Reader.Read(b[:min(int64(len(b)), l.left+1)]) // one byte more shows that source is too long
	if l.left -= int64(n); l.left < 0 && (err == nil || errors.Is(err, io.EOF)) {
		err = TooLarge(l.most)
	}
	return n, err
}

// TooLarge returns the error for an answer of more than most bytes.
func TooLarge(most int64) error {
	return errs.New(errs.TooLarge, "La respuesta tendría más de %d bytes. Pida menos: menos campos, o una página con un límite menor.", most)
}
