package compras

import (
	"context"
	"errors"
	"time"

	"entregas/internal/errs"
)

// ErrNotDone is in the chain of an error Unavailable where certainly nothing was done: the call never reached the service.
var ErrNotDone = errors.New("not done")

// settleTime bounds the second try of a write that had no answer, whatever time its request has left.
const settleTime = 3 * time.Second

// InDoubt reports whether a call that failed with err may have been done: it was sent and not answered.
func InDoubt(err error) bool {
	return err != nil && errs.Of(err) == errs.Unavailable && !errors.Is(err, ErrNotDone)
}

// lookAfter is the Retry-After of a 504: nobody knows whether the write was done.
const lookAfter = 5 * time.Second

// OutcomeUnknown returns the error of a write of which nobody knows whether it was done. see is the path at which the client can
// look. repeat is "" where the client may send the same request again; then the error has a Retry-After. Else the same request
// could be done twice, and repeat says in Spanish how to repeat it.
func OutcomeUnknown(see, repeat string, cause error) error {
	e := &errs.Error{Code: errs.OutcomeUnknown, See: see, Cause: cause}
	look := "No se sabe si se hizo: quien lo hace no respondió a tiempo. Mire en unos segundos cómo quedó, en " + see
	if repeat != "" {
		e.Message = look + ". Enviado otra vez igual podría hacerse dos veces: " + repeat
		return e
	}
	e.Message, e.Wait = look+", o envíelo otra vez igual, con la misma Idempotency-Key si la tenía.", lookAfter
	return e
}

// definite reports whether err settles a write that was in doubt: the service refused it. Any other error is trouble of the
// second try, such as no memory or no answer, and says nothing about the first.
func definite(err error) bool {
	switch errs.Of(err) {
	case errs.Invalid, errs.NotFound, errs.Conflict, errs.OtherBody, errs.NoPermission, errs.NoIdentity:
		return true
	default:
		return false
	}
}

// Settle runs do, which must be idempotent. Where the first run is in doubt, Settle runs do once more, with again true and
// settleTime as its deadline. Where that has no definite result either, the error is OutcomeUnknown with see and repeat. So no
// error says that nothing was done where something may have been.
func Settle[T any](ctx context.Context, see, repeat string, do func(ctx context.Context, again bool) (T, error)) (T, error) {
	v, err := do(ctx, false)
	if !InDoubt(err) {
		return v, err
	}
	var none T
	if errors.Is(ctx.Err(), context.Canceled) { // the client left: nobody waits for the outcome
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
