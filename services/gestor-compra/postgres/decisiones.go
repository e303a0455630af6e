package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Decision is what was decided about a purchase that awaits approval.
type Decision struct {
	Decision string
	Motivo   string
}

// The decisions. Ninguna: nothing yet.
const (
	Ninguna   = ""
	Aprobada  = "aprobada"
	Rechazada = "rechazada"
	Cancelada = "cancelada"
	Expirada  = "expirada"
)

// Decidir records a decision if it is the first, and gives the one that holds: decision 10.
func (a *Almacen) Decidir(ctx context.Context, idCompra string, d Decision) (vigente Decision, primera bool, err error) {
	var lote pgx.Batch
	lote.Queue(`insert into decision (id_compra, decision, motivo) values ($1, $2, $3) on conflict do nothing`, idCompra, d.Decision, d.Motivo).
		Exec(func(hecho pgconn.CommandTag) error { primera = hecho.RowsAffected() == 1; return nil })
	lote.Queue(`select decision, motivo from decision where id_compra = $1`, idCompra).
		QueryRow(func(fila pgx.Row) error { return fila.Scan(&vigente.Decision, &vigente.Motivo) })
	if err := a.pool.SendBatch(ctx, &lote).Close(); err != nil {
		return vigente, false, fmt.Errorf("decidir: %w", err)
	}
	return vigente, primera, nil
}

// EntregarDecision gives the decision to the workflow that waits for it, and notes that it has it.
func (a *Almacen) EntregarDecision(ctx context.Context, idCompra string) (Decision, error) {
	var d Decision
	err := a.pool.QueryRow(ctx, `update decision set entregada = true where id_compra = $1 returning decision, motivo`, idCompra).
		Scan(&d.Decision, &d.Motivo)
	if errors.Is(err, pgx.ErrNoRows) {
		return d, nil
	}
	if err != nil {
		return d, fmt.Errorf("entregar la decisión: %w", err)
	}
	return d, nil
}
