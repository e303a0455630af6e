// Package memory bounds the bytes that requests in flight hold, over all of them, for each asker and for each request. What
// does not fit is refused at once, so that no set of requests takes the process over its memory limit.
//
// A charge is what something is expected to weigh in the heap until the request ends, not its length on the wire: see Weight.
// docs/adr/bounded-memory.md has the limits.
package memory

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"entregas/internal/errs"
)

// Weight is how many bytes of heap a byte of JSON takes: its text, what it is decoded into, and the answer made of that.
const Weight = 6

// Limits are the bounds, in bytes. 0 is no bound.
type Limits struct {
	Total   int64         // heap of all requests in flight; one asker may hold a quarter of it
	Answer  int64         // length of one answer, and of what a service answers to us
	Waiting time.Duration // how long Reserve waits for room
}

// Pool is the room that requests share.
type Pool struct {
	limits Limits
	mu     sync.Mutex
	used   int64
	held   map[string]int64 // by asker
	freed  chan struct{}    // closed, and made anew, when room is given back
}

// New makes an empty Pool.
func New(l Limits) *Pool {
	return &Pool{limits: l, held: map[string]int64{}, freed: make(chan struct{})}
}

// share is the part of the room that one asker may hold.
const share = 4

// Lease is what one request holds of a Pool. The methods of a nil Lease bound nothing: so are calls outside of a request.
type Lease struct {
	pool   *Pool
	client string
	mu     sync.Mutex
	held   int64
	closed bool
}

// Lease is an empty Lease in the name of asker.
func (p *Pool) Lease(client string) *Lease { return &Lease{pool: p, client: client} }

// Reserve takes n bytes, and waits for them a little while there are too many requests. Errors as of Take.
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

// Take takes n bytes more without waiting: two requests that hold some must not wait for each other. A request that waits in
// Reserve does not stand before it. Errors: TooMany when the asker holds too much already, Busy when all do.
func (l *Lease) Take(n int64) error {
	_, err := l.take(n)
	return err
}

// take is Take. freed is closed when room is given back next.
func (l *Lease) take(n int64) (freed chan struct{}, err error) {
	if l == nil || l.pool.limits.Total <= 0 || n <= 0 {
		return nil, nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed { // nobody would give it back
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

// Release gives back all that l holds. It may be used again.
func (l *Lease) Release() { l.release(false) }

// Close gives back all that l holds, for good: what is taken afterwards is not charged.
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

// MaxAnswer is how long an answer may be, 0 for any length.
func (l *Lease) MaxAnswer() int64 {
	if l == nil {
		return 0
	}
	return l.pool.limits.Answer
}

type leaseKey struct{}

// With gives a context that carries l.
func With(ctx context.Context, l *Lease) context.Context {
	return context.WithValue(ctx, leaseKey{}, l)
}

// From is the Lease of ctx, nil where it has none.
func From(ctx context.Context) *Lease {
	l, _ := ctx.Value(leaseKey{}).(*Lease)
	return l
}

// chunk is how much is read or written before it is charged.
const chunk = 16 << 10

// Reader charges what is read through it: Weight for each byte.
type Reader struct {
	io.Reader
	Lease  *Lease
	Weight int64
	unpaid int64
}

// Read implements io.Reader. Besides its source's errors it has those of Take.
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

// Uncharged gives a context in which nothing more is charged: what was done must not look refused for want of room. How long an
// answer may be holds on.
func Uncharged(ctx context.Context) context.Context {
	l := From(ctx)
	if l == nil {
		return ctx
	}
	return With(ctx, &Lease{pool: l.pool, client: l.client, closed: true})
}

// Limited returns what a service answers, charged to the Lease of ctx. Errors of reading, besides those of source: those of Take;
// TooLarge when source is longer than an answer may be, or than most bytes.
func Limited(ctx context.Context, source io.Reader, most int64) io.Reader {
	l := From(ctx)
	if answer := l.MaxAnswer(); answer > 0 {
		most = min(most, answer)
	}
	return &limited{Reader: Reader{Reader: source, Lease: l, Weight: Weight}, most: most, left: most}
}

type limited struct {
	Reader
	most, left int64
}

// Read implements io.Reader.
func (l *limited) Read(b []byte) (int, error) {
	n, err := l.Reader.Read(b[:min(int64(len(b)), l.left+1)]) // one byte more tells that there is too much
	if l.left -= int64(n); l.left < 0 && (err == nil || errors.Is(err, io.EOF)) {
		err = TooLarge(l.most)
	}
	return n, err
}

// TooLarge is the error for an answer of more than most bytes.
func TooLarge(most int64) error {
	return errs.New(errs.TooLarge, "La respuesta tendría más de %d bytes. Pida menos: menos campos, o una página con un límite menor.", most)
}
