package errores_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"entregas/contracts"
	"entregas/services/internal/errores"
)

func TestDe(t *testing.T) {
	casos := map[string]struct {
		err  error
		sera errores.Codigo
	}{
		"its own code":                 {errores.Nuevo(errores.Conflicto, "ya está cancelada"), errores.Conflicto},
		"its own code, wrapped":        {fmt.Errorf("despachar: %w", errores.Nuevo(errores.NoEncontrado, "no hay")), errores.NoEncontrado},
		"its own code over its cause":  {&errores.Error{Codigo: errores.Interno, Causa: context.Canceled}, errores.Interno},
		"a validation":                 {fmt.Errorf("compra: %w", &contracts.ErrorDeValidacion{}), errores.Invalido},
		"what cannot be read":          {fmt.Errorf("%w: no es JSON", contracts.ErrIlegible), errores.MensajeMalo},
		"a time-out":                   {fmt.Errorf("leer: %w", context.DeadlineExceeded), errores.NoDisponible},
		"a stop":                       {context.Canceled, errores.NoDisponible},
		"the network":                  {&net.OpError{Op: "dial", Err: errors.New("connection refused")}, errores.NoDisponible},
		"PostgreSQL does not answer":   {&pgconn.ConnectError{}, errores.NoDisponible},
		"PostgreSQL stops":             {&pgconn.PgError{Code: "57P01"}, errores.NoDisponible},
		"PostgreSQL starts":            {&pgconn.PgError{Code: "57P03"}, errores.NoDisponible},
		"too many connections":         {&pgconn.PgError{Code: "53300"}, errores.NoDisponible},
		"a deadlock":                   {fmt.Errorf("reservar: %w", &pgconn.PgError{Code: "40P01"}), errores.NoDisponible},
		"a lost connection":            {&pgconn.PgError{Code: "08006"}, errores.NoDisponible},
		"a connection cut in the text": {fmt.Errorf("leer: %w", io.ErrUnexpectedEOF), errores.NoDisponible},
		"a violated check":             {&pgconn.PgError{Code: "23514"}, errores.Interno},
		"wrong SQL":                    {&pgconn.PgError{Code: "42601"}, errores.Interno},
		"no rows":                      {pgx.ErrNoRows, errores.Interno},
		"the sidecar is away":          {status.Error(codes.Unavailable, "connection refused"), errores.NoDisponible},
		"the broker is away":           {fmt.Errorf("publicar: %w", status.Error(codes.Internal, "error when publish")), errores.NoDisponible},
		"the sidecar says no":          {status.Error(codes.InvalidArgument, "pubsub no existe"), errores.Interno},
		"anything else":                {errors.New("¿?"), errores.Interno},
	}
	for nombre, c := range casos {
		t.Run(nombre, func(t *testing.T) {
			if codigo := errores.De(c.err); codigo != c.sera {
				t.Errorf("De(%v) = %s, se esperaba %s", c.err, codigo, c.sera)
			}
		})
	}
}

func TestElErrorCuentaSuCausa(t *testing.T) {
	causa := errors.New("sin red")
	err := &errores.Error{Codigo: errores.NoDisponible, Mensaje: "No se pudo", Causa: causa}
	if err.Error() != "No se pudo: sin red" || !errors.Is(err, causa) {
		t.Errorf("%v", err)
	}
}
