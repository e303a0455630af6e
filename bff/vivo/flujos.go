package vivo

import (
	"context"

	"entregas/services/bff/identidad"
	"entregas/services/internal/errores"
)

// maxFlujos is how many streams one subject may have open here: each looks at the read model every second, for as long as its
// purchase can change. A person has a tab for each.
const maxFlujos = 200

// flujoDe returns the context of one more stream of the caller. Errors: Demasiadas.
func (s *Servidor) flujoDe(ctx context.Context) (context.Context, func(), error) {
	quien := identidad.De(ctx).Usuario
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.abiertos[quien] >= maxFlujos {
		return nil, nil, errores.Nuevo(errores.Demasiadas, "Tiene %d flujos abiertos, que es lo más que puede tener a la vez. Cierre alguno.", maxFlujos)
	}
	s.abiertos[quien]++
	ctx, soltar := s.mientras(ctx)
	return ctx, func() {
		soltar()
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.abiertos[quien]--; s.abiertos[quien] == 0 {
			delete(s.abiertos, quien)
		}
	}, nil
}

// mientras is the request's context, ended also when the program stops, and when the token or the session of the caller ends:
// the client connects again with new credentials.
func (s *Servidor) mientras(ctx context.Context) (context.Context, func()) {
	ctx, soltar := context.WithCancel(ctx)
	desatar := context.AfterFunc(s.parada, soltar)
	vencer := func() {}
	if hasta := identidad.De(ctx).Hasta; !hasta.IsZero() {
		ctx, vencer = context.WithDeadline(ctx, hasta)
	}
	return ctx, func() { desatar(); vencer(); soltar() }
}
