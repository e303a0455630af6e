package vivo

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"entregas/contracts"
	"entregas/services/bff/identidad"
	"entregas/services/bff/streams"
	"entregas/services/internal/errores"
	"entregas/services/internal/rest"
)

// How a stream of all purchases is told under a session, which may end (docs/adr/streams-end-with-their-session.md): a look at
// the session stands before each telling, and the changes of checkEvery are told together, so that many of them are few looks.
const (
	// checkEvery is how often a stream of all purchases looks at its session, and tells the changes since then.
	checkEvery = 250 * time.Millisecond
	maxPending = 4 * colaDeTodas // a client whose session nobody can look at is cut off with so many untold
)

// Todas streams the changes of all purchases from now on, each the purchase's JSON: the earlier system's /stream.
func (s *Servidor) Todas(w http.ResponseWriter, r *http.Request) {
	ctx, soltar := s.mientras(r.Context())
	defer soltar()
	cola, dejar := s.avisos.oirTodas()
	defer dejar()
	salida := abrir(w)
	defer s.sayStopping(salida)
	err := salida.escribir(": conectado\n\n")
	reloj := time.NewTicker(streams.Heartbeat)
	defer reloj.Stop()
	var pending []contracts.Compra
	var due <-chan time.Time // when pending is told
	var told time.Time
	for err == nil && len(pending) < maxPending {
		select {
		case <-ctx.Done():
			return
		case <-reloj.C:
			if errores.De(identidad.StillValid(ctx)) == errores.SinIdentidad {
				return
			}
			err = salida.latir()
		case c, sigue := <-cola:
			if !sigue {
				return
			}
			if pending = append(pending, c); due == nil {
				due = time.After(wait(ctx, told))
			}
		case <-due:
			told, due = time.Now(), nil
			switch valid := identidad.StillValid(ctx); {
			case valid == nil:
				err = salida.todas(pending)
				pending = nil
			case errores.De(valid) == errores.SinIdentidad:
				return
			default: // nothing is told that cannot be checked
				due = time.After(mirada)
			}
		}
	}
}

// wait is how long until the next event is sent: zero for a caller that cannot be signed out.
func wait(ctx context.Context, told time.Time) time.Duration {
	if !identidad.De(ctx).Revocable() {
		return 0
	}
	return max(0, checkEvery-time.Since(told))
}

func (s *salida) todas(cambios []contracts.Compra) error {
	for _, c := range cambios {
		texto, err := rest.Encode(c)
		if err != nil {
			return err
		}
		if err := s.escribir(fmt.Sprintf("data: %s\n\n", texto)); err != nil {
			return err
		}
	}
	return nil
}
