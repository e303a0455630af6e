package compras

import (
	"context"
	"errors"
	"time"

	"entregas/internal/errs"
)

// ErrNotDone is in the chain of a Unavailable that certainly left nothing done: the call never reached the service.
var ErrNotDone = errors.New("no se hizo")

// settleTime bounds the second try of a write that nobody answered, however long its request may still take.
const settleTime = 3 * time.Second

// InDoubt tells that a call that failed with err may have been done: it was sent, and not answered.
func InDoubt(err error) bool {
	return err != nil && errs.Of(err) == errs.Unavailable && !errors.Is(err, ErrNotDone)
}

// lookAfter is the Retry-After of a 504: nobody knows whether the write was done.
const lookAfter = 5 * time.Second

// OutcomeUnknown is the error of a write of which nobody knows whether it was done. see is the path where a client can look.
// repeat says in Spanish how to repeat it, where sent again as it was it might be done twice; "" where the same may be sent again:
// only then the client is told to, with a Retry-After.
func OutcomeUnknown(see, repeat string, cause error) error {
	e := &errs.Error{Codigo: errs.OutcomeUnknown, See: see, Cause: cause}
	look := "No se sabe si se hizo: quien lo hace no respondió a tiempo. Mire en unos segundos cómo quedó, en " + see
	if repeat != "" {
		e.Mensaje = look + ". Enviado otra vez igual podría hacerse dos veces: " + repeat
		return e
	}
	e.Mensaje, e.Wait = look+", o envíelo otra vez igual, con la misma Idempotency-Key si la tenía.", lookAfter
	return e
}

// definite tells that err answers what a write in doubt asked: it was refused for what it is. Every other error is trouble on
// the way to ask once more (no room, no answer), and says nothing about the first try.
func definite(err error) bool {
	switch errs.Of(err) {
	case errs.Invalid, errs.NotFound, errs.Conflict, errs.OtherBody, errs.NoPermission, errs.NoIdentity:
		return true
	default:
		return false
	}
}

// Settle runs do, which done twice is done once. When the first try is in doubt, what became of it is asked by running do once
// more, with again true, in a time of its own; when that has no definite answer either, the error is OutcomeUnknown with see and
// repeat. No answer says that nothing was done where something may have been.
func Settle[T any](ctx context.Context, see, repeat string, do func(ctx context.Context, again bool) (T, error)) (T, error) {
	v, err := do(ctx, false)
	if !InDoubt(err) {
		return v, err
	}
	var none T
	if errors.Is(ctx.Err(), context.Canceled) { // the client left: nobody hears what became of it
		return none, OutcomeUnknown(see, repeat, err)
	}
	own, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTime)
	defer cancel()
	v, second := do(own, true)
	if second != nil && !definite(second) {
		return none, OutcomeUnknown(see, repeat, errors.Join(err, second))
	}
	return v, second
}
