// Package recepcion is how a purchase comes in, by whichever door, and what may be done to one from outside.
package recepcion

import (
	"context"
	"log/slog"

	"entregas/contracts"
	"entregas/services/internal/registro"
)

// Almacen keeps the purchases.
type Almacen interface {
	Aceptar(ctx context.Context, s contracts.SolicitudCompra) (c contracts.Compra, nueva bool, err error)
}

// Difusor tells the world of a purchase's new state, without being waited for.
type Difusor interface{ Difundir(c contracts.Compra) }

// Recepcion takes purchases in.
type Recepcion struct {
	almacen  Almacen
	difusor  Difusor
	alEntrar func()
}

// Nueva takes purchases into a and calls alEntrar after each.
func Nueva(a Almacen, d Difusor, alEntrar func()) *Recepcion {
	return &Recepcion{almacen: a, difusor: d, alEntrar: alEntrar}
}

// Aceptar takes a purchase in, once: the same one again gives it as it stands. It checks everything but stock.
// Errors: Invalido; Conflicto when the id has another owner or content.
func (r *Recepcion) Aceptar(ctx context.Context, s contracts.SolicitudCompra) (contracts.Compra, error) {
	if err := s.Validar(); err != nil {
		return contracts.Compra{}, err
	}
	ctx = registro.ConCompra(ctx, s.ID)
	c, nueva, err := r.almacen.Aceptar(ctx, s)
	if err != nil {
		return c, err
	}
	if nueva {
		slog.InfoContext(ctx, "compra recibida", "lineas", len(s.Productos), "domicilio", s.Domicilio)
		r.difusor.Difundir(c)
		r.alEntrar()
	}
	return c, nil
}
