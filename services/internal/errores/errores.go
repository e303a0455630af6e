// Package errores has the one error type that crosses our layers: a code, and words that a person may read.
// An error without a code is internal: it is logged, and never shown.
package errores

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
type Codigo string

// The codes.
const (
	Invalido     Codigo = "invalido"      // the input is wrong
	NoEncontrado Codigo = "no-encontrado" // there is no such thing
	Conflicto    Codigo = "conflicto"     // it is not in a state in which this can be done
	OtroCuerpo   Codigo = "otro-cuerpo"   // the same idempotency key came with another body
	Demasiado    Codigo = "demasiado"     // the input is too large
	// UnsupportedType: the body is not plain JSON by its headers.
	UnsupportedType Codigo = "tipo-no-admitido"
	NoPermitido     Codigo = "no-permitido"   // there is such a thing, but not this operation on it
	NoDisponible    Codigo = "no-disponible"  // something we need does not answer; try again later
	MensajeMalo     Codigo = "mensaje-malo"   // a message that will never be handled: a dead letter
	SinIdentidad    Codigo = "no-autenticado" // the caller is unknown
	SinPermiso      Codigo = "sin-permiso"    // the caller may not do this
	Demasiadas      Codigo = "demasiadas"     // too many requests of the same subject or address
	Cuota           Codigo = "cuota"          // the subject has as many of something as it may have
	Ocupado         Codigo = "ocupado"        // there is no room for one more now; try again in a second
	// OutcomeUnknown: what was asked for may have been done or not.
	OutcomeUnknown Codigo = "resultado-desconocido"
	Interno        Codigo = "interno" // everything else
)

// Error is an error with a code. Mensaje is in Spanish, for a person; Campos says which fields are wrong.
type Error struct {
	Codigo  Codigo
	Mensaje string
	Campos  []contracts.CampoInvalido
	See     string // the path of the public interface where a client can look what became of it; "" where there is none
	Causa   error
	Espera  time.Duration // after how long it makes sense to try again; 0 where nobody knows
}

func (e *Error) Error() string {
	if e.Causa != nil {
		return e.Mensaje + ": " + e.Causa.Error()
	}
	return e.Mensaje
}

func (e *Error) Unwrap() error { return e.Causa }

// Nuevo makes an error with a code and words for a person.
func Nuevo(codigo Codigo, formato string, args ...any) *Error {
	return &Error{Codigo: codigo, Mensaje: fmt.Sprintf(formato, args...)}
}

// NoResponde is what a person is told of trouble that passes.
const NoResponde = "Algo de lo que dependemos no responde. Intente de nuevo en unos segundos."

// Pasajero says of an error that names itself in words only that it is trouble which passes. nil stays nil.
func Pasajero(err error) error {
	if err == nil {
		return nil
	}
	return &Error{Codigo: NoDisponible, Mensaje: NoResponde, Causa: err}
}

// De gives the code of err: its own, Invalido for a validation, MensajeMalo for what cannot be read,
// NoDisponible for trouble that passes, else Interno.
func De(err error) Codigo {
	var propio *Error
	var validacion *contracts.ErrorDeValidacion
	switch {
	case errors.As(err, &propio):
		return propio.Codigo
	case errors.As(err, &validacion):
		return Invalido
	case errors.Is(err, contracts.ErrIlegible):
		return MensajeMalo
	case esPasajero(err):
		return NoDisponible
	default:
		return Interno
	}
}

// esPasajero tells infrastructure's trouble (a database, broker or sidecar that does not answer, a time-out,
// a stop, a deadlock) from a mistake: only the first goes away by trying again.
func esPasajero(err error) bool {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return true
	}
	var deRed net.Error
	var alConectar *pgconn.ConnectError
	if errors.As(err, &deRed) || errors.As(err, &alConectar) || pgconn.SafeToRetry(err) {
		return true
	}
	var dePostgres *pgconn.PgError
	if errors.As(err, &dePostgres) {
		// 08 connection, 40 rollback (deadlock), 53 resources, 57 operator (shutdown), 58 system.
		// Of other classes: 25P03 and 25P04 a transaction that was idle or open for too long, 55P03 a lock that was not had in time.
		for _, clase := range []string{"08", "25P03", "25P04", "40", "53", "55P03", "57", "58"} {
			if strings.HasPrefix(dePostgres.Code, clase) {
				return true
			}
		}
		return false
	}
	if estado, ok := status.FromError(err); ok {
		switch estado.Code() {
		case codes.Unavailable, codes.DeadlineExceeded, codes.Canceled, codes.ResourceExhausted, codes.Aborted:
			return true
		case codes.Internal: // daprd answers a publish to a broker that is down, and a store that is down, with this
			return true
		default:
			return false
		}
	}
	mensaje := err.Error() // pgx names a closed connection in words only
	return strings.Contains(mensaje, "conn closed") || strings.Contains(mensaje, "closed pool") || strings.Contains(mensaje, "unexpected EOF")
}
