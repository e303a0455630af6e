package live

import (
	"context"

	"entregas/bff/identity"
	"entregas/internal/errs"
)

// maxStreams bounds the streams that one subject has open in this replica. Each stream reads the read model every second, until
// its purchase can change no more. A person needs one browser tab for each stream.
const maxStreams = 200

// streamOf counts one more stream of the caller. It returns the context of the stream, and a function that ends it. Error: TooMany.
func (s *Server) streamOf(ctx context.Context) (context.Context, func(), error) {
	who := identity.Of(ctx).Usuario
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.openStreams[who] >= maxStreams {
		return nil, nil, errs.New(errs.TooMany, "Tiene %d flujos abiertos, que es lo más que puede tener a la vez. Cierre alguno.", maxStreams)
	}
	s.openStreams[who]++
	ctx, cancel := s.whileServing(ctx)
	return ctx, func() {
		cancel()
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.openStreams[who]--; s.openStreams[who] == 0 {
			delete(s.openStreams, who)
		}
	}, nil
}

// whileServing returns a context that ends with ctx, when the program stops, and when the token or the session of the caller
// expires. The client then connects again with new credentials.
func (s *Server) whileServing(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	unbind := context.AfterFunc(s.stopping, cancel)
	expire := func() {}
	if until := identity.Of(ctx).Until; !until.IsZero() {
		ctx, expire = context.WithDeadline(ctx, until)
	}
	return ctx, func() { unbind(); expire(); cancel() }
}
