package live

import (
	"context"

	"entregas/bff/identity"
	"entregas/internal/errs"
)

// maxStreams is how many streams one subject may have open here: each looks at the read model every second, for as long as its
// purchase can change. A person has a tab for each.
const maxStreams = 200

// streamOf returns the context of one more stream of the caller. Errors: TooMany.
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

// whileServing is the request's context, ended also when the program stops, and when the token or the session of the caller ends:
// the client connects again with new credentials.
func (s *Server) whileServing(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	unbind := context.AfterFunc(s.stopping, cancel)
	expire := func() {}
	if until := identity.Of(ctx).Until; !until.IsZero() {
		ctx, expire = context.WithDeadline(ctx, until)
	}
	return ctx, func() { unbind(); expire(); cancel() }
}
