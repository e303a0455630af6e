package mensajes

import (
	"context"
	"time"
)

// Ritmo makes reserving slow on purpose, to see a queue fill and more replicas empty it.
type Ritmo struct {
	demora time.Duration
	sitios chan struct{} // nil: no limit of ours
}

// NuevoRitmo lets each reservation take demora longer, and at most manejadores of them be at work at once in this
// replica; 0 is no limit.
func NuevoRitmo(demora time.Duration, manejadores int) *Ritmo {
	r := &Ritmo{demora: demora}
	if manejadores > 0 {
		r.sitios = make(chan struct{}, manejadores)
	}
	return r
}

// Libre tells that nothing is slowed.
func (r *Ritmo) Libre() bool { return r.demora <= 0 && r.sitios == nil }

// Entrar waits for a place and then for the delay; salir gives the place back. When ctx ends first, the message was not
// handled and comes again.
func (r *Ritmo) Entrar(ctx context.Context) (salir func(), err error) {
	salir = func() {}
	if r.sitios != nil {
		select {
		case r.sitios <- struct{}{}:
			salir = func() { <-r.sitios }
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	reloj := time.NewTimer(r.demora)
	defer reloj.Stop()
	select {
	case <-reloj.C:
		return salir, nil
	case <-ctx.Done():
		salir()
		return nil, ctx.Err()
	}
}
