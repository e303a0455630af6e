// Package errs has the one error type that crosses our layers: a code, and words that a person may read.
// An error without a code is internal: it is logged, and never shown.
package errs

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"entregas/contracts"
)

// Codigo classifies an error. Package rest turns it into an HTTP status, in one place.
type Code string

// The codes.
const (
	Invalid   Code = "invalido"      // the input is wrong
	NotFound  Code = "no-encontrado" // there is no such thing
	Conflict  Code = "conflicto"     // it is not in a state in which this can be done
	OtherBody Code = "otro-cuerpo"   // the same idempotency key came with another body
	TooLarge  Code = "demasiado"     // the input is too large
	// UnsupportedType: the body is not plain JSON by its headers.
	UnsupportedType Code = "tipo-no-admitido"
	NotAllowed      Code = "no-permitido"   // there is such a thing, but not this operation on it
	Unavailable     Code = "no-disponible"  // something we need does not answer; try again later
	BadMessage      Code = "mensaje-malo"   // a message that will never be handled: a dead letter
	NoIdentity      Code = "no-autenticado" // the caller is unknown
	NoPermission    Code = "sin-permiso"    // the caller may not do this
	TooMany         Code = "demasiadas"     // too many requests of the same subject or address
	Quota           Code = "cuota"          // the subject has as many of something as it may have
	Busy            Code = "ocupado"        // there is no room for one more now; try again in a second
	// OutcomeUnknown: what was asked for may have been done or not.
	OutcomeUnknown Code = "resultado-desconocido"
	Internal       Code = "interno" // everything else
)

// Error is an error with a code. Mensaje is in Spanish, for a person; Fields says which fields are wrong.
type Error struct {
	Codigo  Code
	Mensaje string
	Fields  []contracts.InvalidField
	See     string // the path of the public interface where a client can look what became of it; "" where there is none
	Cause   error
	Wait    time.Duration // after how long it makes sense to try again; 0 where nobody knows
}

func (e *Error) Error() string {
	if e.Cause != nil {
		return e.Mensaje + ": " + e.Cause.Error()
	}
	return e.Mensaje
}

func (e *Error) Unwrap() error { return e.Cause }

// New makes an error with a code and words for a person.
func New(code Code, format string, args ...any) *Error {
	return &Error{Codigo: code, Mensaje: fmt.Sprintf(format, args...)}
}

// NotResponding is what a person is told of trouble that passes.
const NotResponding = "Algo de lo que dependemos no responde. Intente de nuevo en unos segundos."

// Transient says of an error that names itself in words only that it is trouble which passes. nil stays nil.
func Transient(err error) error {
	if err == nil {
		return nil
	}
	return &Error{Codigo: Unavailable, Mensaje: NotResponding, Cause: err}
}

// Of gives the code of err: its own, Invalid for a validation, BadMessage for what cannot be read,
// Unavailable for trouble that passes, else Internal.
func Of(err error) Code {
	var own *Error
	var validation *contracts.ValidationError
	switch {
	case errors.As(err, &own):
		return own.Codigo
	case errors.As(err, &validation):
		return Invalid
	case errors.Is(err, contracts.ErrUnreadable):
		return BadMessage
	case isTransient(err):
		return Unavailable
	default:
		return Internal
	}
}

// isTransient tells infrastructure's trouble (a database, broker or sidecar that does not answer, a time-out,
// a stop, a deadlock) from a mistake: only the first goes away by trying again.
func isTransient(err error) bool {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return true
	}
	var netErr net.Error
	var connectErr *pgconn.ConnectError
	if errors.As(err, &netErr) || errors.As(err, &connectErr) || pgconn.SafeToRetry(err) {
		return true
	}
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) {
		// 08 connection, 40 rollback (deadlock), 53 resources, 57 operator (shutdown), 58 system.
		// Of other classes: 25P03 and 25P04 a transaction that was idle or open for too long, 55P03 a lock that was not had in time.
		for _, class := range []string{"08", "25P03", "25P04", "40", "53", "55P03", "57", "58"} {
			if strings.HasPrefix(pgErr.Code, class) {
				return true
			}
		}
		return false
	}
	if grpcStatus, ok := status.FromError(err); ok {
		switch grpcStatus.Code() {
		case codes.Unavailable, codes.DeadlineExceeded, codes.Canceled, codes.ResourceExhausted, codes.Aborted:
			return true
		case codes.Internal: // daprd answers a publish to a broker that is down, and a store that is down, with this
			return true
		default:
			return false
		}
	}
	message := err.Error() // pgx names a closed connection in words only
	return strings.Contains(message, "conn closed") || strings.Contains(message, "closed pool") || strings.Contains(message, "unexpected EOF")
}
