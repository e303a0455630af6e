// Package reconciliacion looks for units that are reserved for a purchase which ended without them, and puts them back.
// The saga releases what it reserved, so there are none, unless somebody's disk was lost or a hand was in the books.
package reconciliacion

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"entregas/contracts"
	"entregas/services/internal/errores"
	"entregas/services/internal/registro"
)

// Almacen has the reservations.
type Almacen interface {
	Reservadas(ctx context.Context, edad time.Duration, despues string, limite int) ([]string, error)
	Soltar(ctx context.Context, idCompra string, estado contracts.Estado) (bool, error)
}

// Compras tells where a purchase stands. Error: NoEncontrado, which is said by its owner and by nobody in between.
type Compras interface {
	Estado(ctx context.Context, idCompra string) (contracts.Estado, error)
}

// Reconciliador goes through the reservations, so many at a time, and begins again at their end.
type Reconciliador struct {
	almacen Almacen
	compras Compras
	edad    time.Duration
	ultima  string
}

// Nuevo looks at what a has reserved for longer than edad.
func Nuevo(a Almacen, c Compras, edad time.Duration) *Reconciliador {
	return &Reconciliador{almacen: a, compras: c, edad: edad}
}

const porVuelta = 50

// sinReserva are the states in which a purchase has nothing reserved any more.
var sinReserva = []contracts.Estado{contracts.EstadoRechazada, contracts.EstadoCancelada}

// Revisar looks at the next few. A service that does not answer is asked another time: silence is no reason to release anything.
func (r *Reconciliador) Revisar(ctx context.Context) error {
	ids, err := r.almacen.Reservadas(ctx, r.edad, r.ultima, porVuelta)
	if err != nil {
		return err
	}
	var failures []error
	for _, id := range ids {
		estado, err := r.compras.Estado(ctx, id)
		switch {
		case errores.De(err) == errores.NoEncontrado:
			estado = ""
		case err != nil:
			return err
		case !slices.Contains(sinReserva, estado):
			r.ultima = id
			continue
		}
		r.ultima = id
		soltada, err := r.almacen.Soltar(ctx, id, estado)
		if err != nil { // a row of it is held by somebody: it comes again, and the others now
			failures = append(failures, fmt.Errorf("compra %s: %w", id, err))
			continue
		}
		slog.WarnContext(registro.ConCompra(ctx, id), "reconciliación", "hallazgo", "reservada", "estado", estado, "liberada", soltada)
	}
	if len(ids) < porVuelta {
		r.ultima = ""
	}
	return errors.Join(failures...)
}
