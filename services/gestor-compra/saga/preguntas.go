package saga

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"entregas/contracts"
	"entregas/services/gestor-compra/compras"
)

// espera is how long a question waits for its reply.
type espera struct {
	plazo time.Time
	// ultima: who does not answer by then is not asked any more, and a reply that comes later has no effect. Else the
	// workflow asks again later.
	ultima bool
}

// delPaso is a step's patience: counted from the first ask, so that a restart does not renew it
// (docs/adr/steps-outwait-outages.md).
func (s *Saga) delPaso(paso *compras.Paso) espera {
	return espera{plazo: paso.PreguntadaEn.Add(s.ajustes.Paciencia), ultima: true}
}

// deUnaVuelta is one turn of what goes on until it is answered.
func deUnaVuelta(cuanto time.Duration) espera { return espera{plazo: time.Now().Add(cuanto)} }

// LookEvery is how often a step that waits looks for its reply by itself, should a wake-up get lost.
//
// It is less than compras.Beat, so that a step that waits says in time that it is alive.
const LookEvery = compras.Beat / 2

// publishAgain is the pause before a step sends its command again that could not be published.
const publishAgain = time.Second

// preguntarYEsperar sends the command and waits for its reply. What it returns has no Respuesta when there was none in
// time. An activity that is restarted finds the reply at once, else asks again: the participant answers a command that it
// knows with the stored reply.
func (s *Saga) preguntarYEsperar(ctx context.Context, c contracts.SolicitudCompra, comando contracts.Tipo, paso *compras.Paso, aviso <-chan struct{}, e espera) (*compras.Paso, error) {
	siguientePregunta := time.Time{} // now
	insistencia := s.ajustes.Insistencia
	beat := time.Now().Add(compras.Beat)
	for paso.Respuesta == nil && !paso.Abandonada {
		ahora := time.Now()
		if !ahora.Before(e.plazo) {
			slog.WarnContext(ctx, "sin respuesta a tiempo", "comando", comando, "preguntada_en", paso.PreguntadaEn)
			if !e.ultima {
				return paso, nil
			}
			return s.almacen.Abandonar(ctx, c.ID, comando)
		}
		if !ahora.Before(siguientePregunta) {
			if err := s.participants.Ask(ctx, c, comando); err == nil {
				siguientePregunta, insistencia = time.Now().Add(insistencia), 2*insistencia
			} else if errors.Is(err, compras.ErrNobodyAsked) {
				return nil, err
			} else { // the broker is away: it counts on our patience, not on the engine's tries
				slog.WarnContext(ctx, "no se pudo preguntar", "comando", comando, "error", err)
				siguientePregunta = time.Now().Add(publishAgain)
			}
		}
		if err := esperar(ctx, aviso, min(s.ajustes.VueltaRevision, time.Until(siguientePregunta), time.Until(e.plazo))); err != nil {
			return nil, err
		}
		if time.Now().After(beat) {
			if err := s.almacen.Alive(ctx, c.ID, comando); err != nil {
				return nil, err
			}
			beat = time.Now().Add(compras.Beat)
		}
		leido, err := s.almacen.LeerPaso(ctx, c.ID, comando)
		if err != nil {
			return nil, err
		}
		if leido == nil {
			return nil, fmt.Errorf("desapareció la pregunta %s de la compra %s", comando, c.ID)
		}
		paso = leido
	}
	return paso, nil
}

// esperar returns when there is a wake-up or cuanto has passed. When the worker stops it returns the context's error,
// and the engine runs the activity again, here or elsewhere.
func esperar(ctx context.Context, aviso <-chan struct{}, cuanto time.Duration) error {
	reloj := time.NewTimer(cuanto)
	defer reloj.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-aviso:
	case <-reloj.C:
	}
	return nil
}
