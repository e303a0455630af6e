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

// How streams pass the time.
const (
	// lookEvery is how often a stream reads the read model, even if no event tells of a change.
	lookEvery = time.Second
	// soonLook is how long a stream waits for a change in the read model of which an event told; each further wait is twice as long.
	soonLook = 20 * time.Millisecond
)

// Compras is what streams read.
type Compras interface {
	Load(ctx context.Context, id string) (compras.Loaded, error)
	Known(ctx context.Context, id string) (*contracts.Compra, error)
}

// Server serves streams until stopping ends: a stop of the program waits for no client.
type Server struct {
	stopping    context.Context
	compras     Compras
	wakeups     *Wakeups
	mu          sync.Mutex
	openStreams map[string]int // streams of one purchase, by subject
}

// NewServer serves what c knows and wakeups tells.
func NewServer(stopping context.Context, c Compras, wakeups *Wakeups) *Server {
	return &Server{stopping: stopping, compras: c, wakeups: wakeups, openStreams: map[string]int{}}
}

// OneCompra streams the changes of purchase id: `id:` is the change's number, `event:` is estado, `data:` the purchase as
// it was left. lastID is the number after which to go on, "" for all. It ends when the purchase can change no more.
func (s *Server) OneCompra(w http.ResponseWriter, r *http.Request, id, lastID string) {
	id = contracts.CanonicalID(id) // the name under which its changes are told
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
	listener, leave := s.wakeups.listen(id) // before the first look: what changes after it is heard
	defer leave()
	loaded, err := s.compras.Load(ctx, id)
	if err != nil {
		rest.WriteError(w, r, err)
		return
	}
	last = known(loaded.Compra, last)
	if compras.IsFinal(loaded.Compra.Estado) && len(compras.ChangesSince(loaded.Compra, last)) == 0 {
		w.WriteHeader(http.StatusNoContent) // tells an EventSource not to come back
		return
	}
	output := open(w)
	s.tell(ctx, output, listener, loaded.Compra, last)
	s.sayStopping(output)
}

// sayStopping tells the client of a stream that the program ended to come back soon: another replica goes on from where it was.
func (s *Server) sayStopping(w *output) {
	if s.stopping.Err() != nil {
		_ = w.write(": se detiene, vuelva\nretry: 500\n\n") // the client may be gone
	}
}

// Cambios gives the changes of purchase id after the number last (-1 for all), until ctx ends, the program stops, or there
// can be no more. Errors: Invalid for a number that is none.
func (s *Server) Changes(ctx context.Context, id string, last int) (<-chan compras.Change, error) {
	id = contracts.CanonicalID(id)
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

// known is the number after which a client is told what happens. One that names a later change than there is gets what comes
// from now on: else it would wait in silence until there are as many.
func known(c contracts.Compra, last int) int { return min(last, c.Numero()) }

// target is where changes go.
type target interface {
	// changes sends what of c is newer than last, and gives the number it is at then.
	changes(c contracts.Compra, last int) (int, error)
	// beat says that the stream is alive, when that is due.
	beat() error
}

// channel is a target within the program. Who reads it shows by itself that it is alive.
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

// tell sends what c has after last, and then what changes.
func (s *Server) tell(ctx context.Context, toward target, o *listener, c contracts.Compra, last int) {
	ctx = logging.WithCompra(ctx, c.ID)
	last, err := toward.changes(c, last)
	if err == nil {
		err = s.follow(ctx, toward, o, c.ID, last, compras.IsFinal(c.Estado))
	}
	if err != nil && ctx.Err() == nil {
		slog.InfoContext(ctx, "flujo cortado", "error", err)
	}
}

// follow sends what changes after last, until fin, the client's leaving or the program's stop.
func (s *Server) follow(ctx context.Context, output target, o *listener, id string, last int, end bool) error {
	delay, checked := lookEvery, time.Now()
	for !end {
		select {
		case <-ctx.Done():
			return nil
		case <-o.wakeup:
			delay = soonLook
		case <-time.After(delay):
		}
		compra, err := s.compras.Known(ctx, id)
		if news := err == nil && compra != nil && len(compras.ChangesSince(*compra, last)) > 0; news || time.Since(checked) >= streams.Heartbeat {
			checked = time.Now()
			if err = identity.StillValid(ctx); errs.Of(err) == errs.NoIdentity {
				return nil // after a sign-out nothing more is told; the client comes back and is asked who it is
			}
		}
		switch {
		case err != nil: // nothing is told that cannot be checked: it is looked at again
			slog.WarnContext(ctx, "el almacén de estado no responde", "error", err)
		case compra != nil:
			if last, err = output.changes(*compra, last); err != nil {
				return err
			}
			end = compras.IsFinal(compra.Estado) && last >= compra.Numero()
		}
		if err := output.beat(); err != nil {
			return err
		}
		if last < s.wakeups.announced(o) { // told, and not yet written by whichever replica writes it
			delay = min(2*delay, lookEvery)
		} else {
			delay = lookEvery
		}
	}
	return nil
}

// output writes server-sent events.
type output struct {
	w    http.ResponseWriter
	last time.Time
}

func open(w http.ResponseWriter) *output {
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // a proxy that gathers would hold events back
	w.WriteHeader(http.StatusOK)
	return &output{w: w, last: time.Now()}
}

// changes sends what of c is newer than last, and gives the number it is at then.
func (s *output) changes(c contracts.Compra, last int) (int, error) {
	for _, change := range compras.ChangesSince(c, last) {
		text, err := rest.Encode(change.Compra)
		if err != nil {
			return last, err
		}
		if err := s.write(fmt.Sprintf("id: %d\nevent: estado\ndata: %s\n\n", change.Numero, text)); err != nil {
			return last, err
		}
		last = change.Numero
	}
	return last, nil
}

func (s *output) beat() error {
	if time.Since(s.last) < streams.Heartbeat {
		return nil
	}
	return s.write(": sigue\n\n")
}

func (s *output) write(text string) error {
	control := http.NewResponseController(s.w)
	if err := control.SetWriteDeadline(time.Now().Add(streams.Take)); err != nil {
		return err
	}
	if _, err := fmt.Fprint(s.w, text); err != nil {
		return err
	}
	s.last = time.Now()
	return control.Flush()
}
