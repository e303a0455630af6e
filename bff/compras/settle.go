package compras

import (
	"context"
	"errors"
	"time"

	"entregas/services/internal/errores"
)

// ErrNotDone is in the chain of a NoDisponible that certainly left nothing done: the call never reached who was to do it.
var ErrNotDone = errors.New("no se hizo")

// settleTime bounds the second try of a write that nobody answered, independent of the time that its request had left.
const settleTime = 3 * time.Second

// InDoubt tells that a call that failed with err may have been done: it was sent, and not answered.
func InDoubt(err error) bool {
	return errores.De(err) == errores.NoDisponible && !errors.Is(err, ErrNotDone)
}

// OutcomeUnknown is the error of a write of which nobody knows whether it was done. see is the path where a client can look.
func OutcomeUnknown(see string, cause error) error {
	return &errores.Error{
		Codigo: errores.OutcomeUnknown, See: see, Causa: cause,
		Mensaje: "No se sabe si se hizo: quien lo hace no respondió a tiempo. Mire en unos segundos cómo quedó, en " + see + ", o envíelo otra vez igual, con la misma Idempotency-Key si la tenía.",
	}
}

// Settle runs do, which done twice is done once. When the first try is in doubt, what became of it is asked by running do once
// more, with again true, in a time of its own; when that is not answered either, the error is OutcomeUnknown. No answer says
// that nothing was done where something may have been.
func Settle[T any](ctx context.Context, see string, do func(ctx context.Context, again bool) (T, error)) (T, error) {
	v, err := do(ctx, false)
	if !InDoubt(err) {
		return v, err
	}
	var none T
	if errors.Is(ctx.Err(), context.Canceled) { // the client left: nobody hears what became of it
		return none, OutcomeUnknown(see, err)
	}
	own, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTime)
	defer cancel()
	v, second := do(own, true)
	if errores.De(second) == errores.NoDisponible {
		return none, OutcomeUnknown(see, errors.Join(err, second))
	}
	return v, second
}
