package live

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"time"

	"entregas/bff/compras"
	"entregas/bff/identity"
	"entregas/bff/streams"
	"entregas/contracts"
	"entregas/internal/errs"
	"entregas/internal/logging"
	"entregas/internal/rest"
)

const (
	// lookEvery is how often a stream reads the read model where nothing wakes it.
	lookEvery = time.Second
	// soonLook is the first pause of a stream before it reads a change that was announced; each further pause is twice as long.
	soonLook = 20 * time.Millisecond
)

// Compras are the purchases that streams read. Load reads from the owner, Known from the read model.
type Compras interface {
	// Resolve returns the id of the purchase that name names.
	Resolve(ctx context.Context, name string) (string, error)
	Load(ctx context.Context, id string) (compras.Loaded, error)
	Known(ctx context.Context, id string) (*contracts.Compra, error)
	// Shown returns c as the caller in ctx may see it.
	Shown(ctx context.Context, c contracts.Compra) contracts.Compra
}

// Server serves streams until stopping ends, so that a stop of the program waits for no client.
type Server struct {
	stopping    context.Context
	compras     Compras
	wakeups     *Wakeups
	mu          sync.Mutex
	openStreams map[string]int // streams of one purchase, by subject
}

// NewServer returns a Server of the purchases of c. wakeups wakes its streams, and the end of stopping ends them.
func NewServer(stopping context.Context, c Compras, wakeups *Wakeups) *Server {
	return &Server{stopping: stopping, compras: c, wakeups: wakeups, openStreams: map[string]int{}}
}

// OneCompra streams the changes of the purchase id as server-sent events: `id:` is the number of the change, `event:` is estado,
// `data:` is the purchase after the change. lastID is the number after which the stream begins, "" for all changes. The stream
// ends when the purchase can change no more.
func (s *Server) OneCompra(w http.ResponseWriter, r *http.Request, id, lastID string) {
	id, err := s.compras.Resolve(r.Context(), id) // events wake listeners by the canonical id
	if err != nil {
		rest.WriteError(w, r, err)
		return
	}
	last := -1
	if lastID != "" {
		n, err := strconv.ParseUint(lastID, 10, 31)
		if err != nil {
			rest.WriteError(w, r, contracts.BadField("Last-Event-ID", "debe ser el id de un evento de esta compra: un número"))
			return
		}
		last = int(n)
	}
	ctx, cancel, err := s.streamOf(r.Context())
	if err != nil {
		rest.WriteError(w, r, err)
		return
	}
	defer cancel()
	listener, leave := s.wakeups.listen(id) // before the first read, so that no later change is missed
	defer leave()
	loaded, err := s.compras.Load(ctx, id)
	if err != nil {
		rest.WriteError(w, r, err)
		return
	}
	last = known(loaded.Compra, last)
	if compras.IsFinal(loaded.Compra.Estado) && len(compras.ChangesSince(loaded.Compra, last)) == 0 {
		w.WriteHeader(http.StatusNoContent) // an EventSource then does not connect again
		return
	}
	output := open(w)
	s.tell(ctx, output, listener, loaded.Compra, last)
	s.sayStopping(output)
}

// sayStopping tells the client of a stream that ended because the program stops to connect again soon. Another replica goes on
// where this one ended.
func (s *Server) sayStopping(w *output) {
	if s.stopping.Err() != nil {
		_ = w.write(": se detiene, vuelva\nretry: 500\n\n") // the client may be gone
	}
}

// Changes returns the changes of the purchase id after the number last; -1 is for all. The channel is closed when ctx ends, the
// program stops, or the purchase can change no more. Errors: Invalid for a number below -1; TooMany; those of Load.
func (s *Server) Changes(ctx context.Context, id string, last int) (<-chan compras.Change, error) {
	id, err := s.compras.Resolve(ctx, id)
	if err != nil {
		return nil, err
	}
	if last < -1 {
		return nil, contracts.BadField("desde", "debe ser el número de un cambio de esta compra, o -1")
	}
	ctx, cancel, err := s.streamOf(ctx)
	if err != nil {
		return nil, err
	}
	listener, leave := s.wakeups.listen(id)
	loaded, err := s.compras.Load(ctx, id)
	if err != nil {
		leave()
		cancel()
		return nil, err
	}
	channel := channel{ctx: ctx, toward: make(chan compras.Change, 1)}
	go func() {
		defer close(channel.toward)
		defer cancel()
		defer leave()
		s.tell(ctx, channel, listener, loaded.Compra, known(loaded.Compra, last))
	}()
	return channel.toward, nil
}

// known returns the number after which a client gets changes: last, or the newest number of c if last is beyond it. Otherwise the
// client would get nothing until the purchase has that many changes.
func known(c contracts.Compra, last int) int { return min(last, c.Numero()) }

// target is the destination to which a stream sends changes.
type target interface {
	// changes sends the changes of c after the number last, and returns the number of the last one sent.
	changes(c contracts.Compra, last int) (int, error)
	// beat sends a heartbeat where one is due.
	beat() error
}

// channel is a target within the program. It needs no heartbeat: the websocket or event stream of GraphQL sends its own.
type channel struct {
	ctx    context.Context
	toward chan compras.Change
}

func (c channel) changes(compra contracts.Compra, last int) (int, error) {
	for _, change := range compras.ChangesSince(compra, last) {
		select {
		case c.toward <- change:
			last = change.Numero
		case <-c.ctx.Done():
			return last, c.ctx.Err()
		}
	}
	return last, nil
}

func (channel) beat() error { return nil }

// tell sends the changes of c after the number last, and then the later changes of the purchase.
func (s *Server) tell(ctx context.Context, toward target, l *listener, c contracts.Compra, last int) {
	ctx = logging.WithCompra(ctx, c.ID)
	last, err := toward.changes(c, last)
	if err == nil {
		err = s.follow(ctx, toward, l, c.ID, last, compras.IsFinal(c.Estado))
	}
	if err != nil && ctx.Err() == nil {
		slog.InfoContext(ctx, "stream broke off", "error", err)
	}
}

// follow sends changes of the purchase id after the number last. It returns when the purchase can change no more, the client leaves
// or is signed out, or the program stops. end says that the purchase can change no more already.
func (s *Server) follow(ctx context.Context, output target, l *listener, id string, last int, end bool) error {
	delay, checked := lookEvery, time.Now()
	for !end {
		select {
		case <-ctx.Done():
			return nil
		case <-l.wakeup:
			delay = soonLook
		case <-time.After(delay):
		}
		compra, err := s.compras.Known(ctx, id)
		if news := err == nil && compra != nil && len(compras.ChangesSince(*compra, last)) > 0; news || time.Since(checked) >= streams.Heartbeat {
			checked = time.Now()
			if err = identity.StillValid(ctx); errs.Of(err) == errs.NoIdentity {
				return nil // after a sign-out nothing more is sent
			}
		}
		switch {
		case err != nil: // try again, and send nothing unchecked
			slog.WarnContext(ctx, "the state store does not answer", "error", err)
		case compra != nil:
			if last, err = output.changes(*compra, last); err != nil {
				return err
			}
			end = compras.IsFinal(compra.Estado) && last >= compra.Numero()
		}
		if err := output.beat(); err != nil {
			return err
		}
		if last < s.wakeups.announced(l) { // announced, but the replica that got the event has not written it yet
			delay = min(2*delay, lookEvery)
		} else {
			delay = lookEvery
		}
	}
	return nil
}

// output is a target that writes server-sent events to a client.
type output struct {
	w    http.ResponseWriter
	last time.Time
}

// open begins the answer of a stream.
func open(w http.ResponseWriter) *output {
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // a proxy that buffers would hold events back
	w.WriteHeader(http.StatusOK)
	return &output{w: w, last: time.Now()}
}

// changes implements target.
func (o *output) changes(c contracts.Compra, last int) (int, error) {
	for _, change := range compras.ChangesSince(c, last) {
		text, err := rest.Encode(change.Compra)
		if err != nil {
			return last, err
		}
		if err := o.write(fmt.Sprintf("id: %d\nevent: estado\ndata: %s\n\n", change.Numero, text)); err != nil {
			return last, err
		}
		last = change.Numero
	}
	return last, nil
}

// beat implements target.
func (o *output) beat() error {
	if time.Since(o.last) < streams.Heartbeat {
		return nil
	}
	return o.write(": sigue\n\n")
}

// write sends text. A client has streams.Take to read it.
func (o *output) write(text string) error {
	control := http.NewResponseController(o.w)
	if err := control.SetWriteDeadline(time.Now().Add(streams.Take)); err != nil {
		return err
	}
	if _, err := fmt.Fprint(o.w, text); err != nil {
		return err
	}
	o.last = time.Now()
	return control.Flush()
}
