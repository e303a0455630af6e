package access

import (
	"context"

	"entregas/bff/identity"
	"entregas/contracts"
)

// Resumen returns how many purchases are in each state, and the throughput of the last seconds, for operators.
func (g Gate) Resumen(ctx context.Context, seconds int) (contracts.Resumen, error) {
	if err := identity.Require(ctx, operador); err != nil {
		return contracts.Resumen{}, err
	}
	if seconds < 1 || seconds > 24*60*60 {
		return contracts.Resumen{}, contracts.BadField("segundos", SecondsForm)
	}
	return g.Operation.Resumen(ctx, seconds)
}

// Colas returns the queues now and over the last minutes, for operators.
func (g Gate) Colas(ctx context.Context, minutes int) (contracts.Colas, error) {
	if err := identity.Require(ctx, operador); err != nil {
		return contracts.Colas{}, err
	}
	if minutes < 1 || minutes > 15 {
		return contracts.Colas{}, contracts.BadField("minutos", MinutesForm)
	}
	return g.Monitor.Colas(ctx, minutes)
}

// DeadLetters returns the dead letters that f selects, for operators.
func (g Gate) DeadLetters(ctx context.Context, f contracts.MensajesMuertosFilter) ([]contracts.MensajeMuerto, error) {
	if err := identity.Require(ctx, operador); err != nil {
		return nil, err
	}
	if err := f.Validate(); err != nil {
		return nil, err
	}
	return g.Monitor.DeadLetters(ctx, f)
}

// DeadLetter returns one dead letter with its whole record, for operators.
func (g Gate) DeadLetter(ctx context.Context, id string) (contracts.MensajeMuerto, error) {
	if err := g.letter(ctx, id, nil); err != nil {
		return contracts.MensajeMuerto{}, err
	}
	return g.Monitor.DeadLetter(ctx, id)
}

// PutBackDeadLetters returns several dead letters to their topics, each with its own result, for operators.
func (g Gate) PutBackDeadLetters(ctx context.Context, ids []string) ([]contracts.ResultadoDeDevolucion, error) {
	if err := identity.Require(ctx, operador); err != nil {
		return nil, err
	}
	if err := (contracts.DevolucionDeMensajes{IDs: ids}).Validate(); err != nil {
		return nil, err
	}
	results, err := g.Monitor.PutBackDeadLetters(ctx, ids)
	return results, doubted(err)
}

// Discard moves a dead letter to the discarded ones, with the reason motivo, for operators.
func (g Gate) Discard(ctx context.Context, id, motivo string) (contracts.MensajeMuerto, error) {
	if err := g.letter(ctx, id, contracts.DescarteDeMensaje{Motivo: motivo}.Validate); err != nil {
		return contracts.MensajeMuerto{}, err
	}
	one, err := g.Monitor.Discard(ctx, id, motivo)
	return one, doubted(err)
}

// PutBackDeadLetter returns a dead letter to its topic, for operators.
func (g Gate) PutBackDeadLetter(ctx context.Context, id string) (contracts.MensajeMuerto, error) {
	return g.onLetter(ctx, id, g.Monitor.PutBackDeadLetter)
}

// SetAside makes a dead letter of a message that no service can read, for operators.
func (g Gate) SetAside(ctx context.Context, id string) (contracts.MensajeMuerto, error) {
	return g.onLetter(ctx, id, g.Monitor.SetAside)
}

// onLetter calls do for the message id.
func (g Gate) onLetter(ctx context.Context, id string, do func(context.Context, string) (contracts.MensajeMuerto, error)) (contracts.MensajeMuerto, error) {
	if err := g.letter(ctx, id, nil); err != nil {
		return contracts.MensajeMuerto{}, err
	}
	one, err := do(ctx, id)
	return one, doubted(err)
}

// letter refuses a caller that is no operator, an id that cannot be, and what further refuses; further may be nil.
func (g Gate) letter(ctx context.Context, id string, further func() error) error {
	if err := identity.Require(ctx, operador); err != nil {
		return err
	}
	var v contracts.Validator
	v.Identifier("id", id)
	if err := v.Error(); err != nil || further == nil {
		return err
	}
	return further()
}

// doubted returns the error of an operation on dead letters. Where the outcome is unknown it does not repeat the operation: a second
// try could put a message back twice.
func doubted(err error) error {
	return unknownOutcome(err, "/api/mensajes-muertos", "repítalo solo si el mensaje sigue en la lista.")
}
