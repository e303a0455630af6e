// Package errs has the error type that crosses the layers of a program: a code, and a message in Spanish for a person.
// An error without a code is internal: it is logged and never shown.
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

// Code classifies an error. Package rest maps it to an HTTP status. Its values are part of the public interface.
type Code string

// The codes.
const (
	Invalid         Code = "invalido"              // the input is wrong
	NotFound        Code = "no-encontrado"         // the resource does not exist
	Conflict        Code = "conflicto"             // the state of the resource does not allow the operation
	OtherBody       Code = "otro-cuerpo"           // the idempotency key was used before with another body
	WrongCodigo     Code = "codigo-mal-escrito"    // the short code of a purchase has a wrong character
	TooLarge        Code = "demasiado"             // the input is too large
	UnsupportedType Code = "tipo-no-admitido"      // by its headers the body is not plain JSON
	NotAllowed      Code = "no-permitido"          // the resource exists, but does not have this method
	Unavailable     Code = "no-disponible"         // a dependency does not answer; try again later
	BadMessage      Code = "mensaje-malo"          // no retry can handle the message: it becomes a dead letter
	NoIdentity      Code = "no-autenticado"        // the caller is not authenticated
	NoPermission    Code = "sin-permiso"           // the caller is authenticated and may not do this
	TooMany         Code = "demasiadas"            // the subject or address is over its request rate
	Quota           Code = "cuota"                 // the subject has reached its quota
	Busy            Code = "ocupado"               // the service is at its limit; try again in a second
	OutcomeUnknown  Code = "resultado-desconocido" // the operation may or may not have been carried out
	Internal        Code = "interno"               // every other error
)

// Error is an error with a code. Message is in Spanish, for a person. Fields names the invalid fields.
type Error struct {
	Code    Code
	Message string
	Fields  []contracts.InvalidField
	See     string // the path of the public interface at which a client can read the outcome; may be empty
	Cause   error
	Wait    time.Duration // the pause before a retry; 0 when it is unknown
}

func (e *Error) Error() string {
	if e.Cause != nil {
		return e.Message + ": " + e.Cause.Error()
	}
	return e.Message
}

func (e *Error) Unwrap() error { return e.Cause }

// New returns an Error with a code and a message in Spanish for a person.
func New(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// NotResponding is the message of an Unavailable error when the client must not see the cause.
const NotResponding = "Algo de lo que dependemos no responde. Intente de nuevo en unos segundos."

// Transient wraps err as Unavailable, for an error that Of does not recognise as transient. nil stays nil.
func Transient(err error) error {
	if err == nil {
		return nil
	}
	return &Error{Code: Unavailable, Message: NotResponding, Cause: err}
}

// Of returns the code of err: that of its Error, Invalid for a ValidationError, BadMessage for contracts.ErrUnreadable,
// Unavailable for a transient error, and Internal for every other error.
func Of(err error) Code {
	var own *Error
	var validation *contracts.ValidationError
	switch {
	case errors.As(err, &own):
		return own.Code
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

// isTransient tells whether a retry can succeed. A retry can succeed after trouble of the infrastructure: a database, broker
// or sidecar that does not answer, a timeout, a shutdown, a deadlock.
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
		// Of other classes: 25P03 and 25P04, a transaction that was idle or open for too long; 55P03, a lock timeout.
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
		case codes.Internal: // the answer of daprd when the broker or the state store is down
			return true
		default:
			return false
		}
	}
	message := err.Error() // pgx has no error type for a closed connection
	return strings.Contains(message, "conn closed") || strings.Contains(message, "closed pool") || strings.Contains(message, "unexpected EOF")
}
