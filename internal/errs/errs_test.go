package errs_test

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
	"entregas/internal/errs"
)

func TestCodeOf(t *testing.T) {
	cases := map[string]struct {
		err     error
		becomes errs.Code
	}{
		"its own code":                 {errs.New(errs.Conflict, "ya está cancelada"), errs.Conflict},
		"its own code, wrapped":        {fmt.Errorf("dispatch: %w", errs.New(errs.NotFound, "no hay")), errs.NotFound},
		"its own code over its cause":  {&errs.Error{Code: errs.Internal, Cause: context.Canceled}, errs.Internal},
		"a validation":                 {fmt.Errorf("compra: %w", &contracts.ValidationError{}), errs.Invalid},
		"what cannot be read":          {fmt.Errorf("%w: not JSON", contracts.ErrUnreadable), errs.BadMessage},
		"a time-out":                   {fmt.Errorf("leer: %w", context.DeadlineExceeded), errs.Unavailable},
		"a stop":                       {context.Canceled, errs.Unavailable},
		"the network":                  {&net.OpError{Op: "dial", Err: errors.New("connection refused")}, errs.Unavailable},
		"PostgreSQL does not answer":   {&pgconn.ConnectError{}, errs.Unavailable},
		"PostgreSQL stops":             {&pgconn.PgError{Code: "57P01"}, errs.Unavailable},
		"PostgreSQL starts":            {&pgconn.PgError{Code: "57P03"}, errs.Unavailable},
		"too many connections":         {&pgconn.PgError{Code: "53300"}, errs.Unavailable},
		"a deadlock":                   {fmt.Errorf("reservar: %w", &pgconn.PgError{Code: "40P01"}), errs.Unavailable},
		"a lost connection":            {&pgconn.PgError{Code: "08006"}, errs.Unavailable},
		"a connection cut in the text": {fmt.Errorf("leer: %w", io.ErrUnexpectedEOF), errs.Unavailable},
		"a violated check":             {&pgconn.PgError{Code: "23514"}, errs.Internal},
		"wrong SQL":                    {&pgconn.PgError{Code: "42601"}, errs.Internal},
		"no rows":                      {pgx.ErrNoRows, errs.Internal},
		"the sidecar is away":          {status.Error(codes.Unavailable, "connection refused"), errs.Unavailable},
		"the broker is away":           {fmt.Errorf("publish: %w", status.Error(codes.Internal, "error when publish")), errs.Unavailable},
		"the sidecar says no":          {status.Error(codes.InvalidArgument, "no such pubsub"), errs.Internal},
		"anything else":                {errors.New("¿?"), errs.Internal},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if code := errs.Of(c.err); code != c.becomes {
				t.Errorf("Of(%v) = %s, want %s", c.err, code, c.becomes)
			}
		})
	}
}

func TestErrorTellsItsCause(t *testing.T) {
	cause := errors.New("no network")
	err := &errs.Error{Code: errs.Unavailable, Message: "No se pudo", Cause: cause}
	if err.Error() != "No se pudo: no network" || !errors.Is(err, cause) {
		t.Errorf("%v", err)
	}
}
