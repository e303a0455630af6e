package compras

import (
	"context"
	"errors"
	"time"

	"entregas/internal/errs"
)

// ErrNotDone is in the chain of an Unavailable error if the call certainly never reached the service, so that nothing was done.
var ErrNotDone = errors.New("not done")

// settleTime bounds the further tries of a write whose first try had no answer. The deadline of the request does not shorten it.
const settleTime = 3 * time.Second

const (
	settlePause = 100 * time.Millisecond // the wait before the third try of a write; it doubles before each further one
	quickFail   = 500 * time.Millisecond // a try that failed sooner was not slow: it is worth another one
)

// InDoubt reports whether the service may have done the call that failed with err: the call was sent, and no answer came.
func InDoubt(err error) bool {
	return err != nil && errs.Of(err) == errs.Unavailable && !errors.Is(err, ErrNotDone)
}

// lookAfter is the Retry-After of a 504, the answer to a write with an unknown outcome.
const lookAfter = 5 * time.Second

// OutcomeUnknown returns the error for a write that may or may not have been done. see is the path at which the client can look.
// repeat is "" if the client may send the same request again; then the error has a Retry-After. Otherwise a second request could
// do the write twice, and repeat says in Spanish how to repeat the write.
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

// definite reports whether err settles a write that was in doubt: err is a refusal of the service. Any other error is a problem
// of the second try, such as no memory or no answer, and says nothing about the first try.
func definite(err error) bool {
	switch errs.Of(err) {
	case errs.Invalid, errs.NotFound, errs.Conflict, errs.OtherBody, errs.NoPermission, errs.NoIdentity:
		return true
	default:
		return false
	}
}

// Settle runs do, which must be idempotent. If the first run is in doubt, Settle runs do once more, with again true and settleTime
// as the deadline. It goes on while runs fail with Unavailable sooner than quickFail: for about a second after a service has
// started, the sidecars of its callers fail each call at once. If the last run has no definite result, the error is OutcomeUnknown
// with see and repeat. So no error claims that nothing was done while the write may have been done.
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
	started := time.Now()
	v, last := do(own, true)
	for pause := settlePause; errs.Of(last) == errs.Unavailable && time.Since(started) < quickFail && waited(own, pause); pause *= 2 {
		started = time.Now()
		v, last = do(own, true)
	}
	if last != nil && !definite(last) {
		return none, OutcomeUnknown(see, repeat, errors.Join(err, last))
	}
	return v, last
}

// waited waits for d. It reports false, at once, if ctx ends before.
func waited(ctx context.Context, d time.Duration) bool {
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= d {
		return false
	}
	time.Sleep(d)
	return true
}
