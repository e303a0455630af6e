package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"entregas/contracts"
	"entregas/services/gestor-compra/compras"
	"entregas/services/internal/errores"
)

type lotes interface {
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}

// decidir records a decision if it is the first, and gives the one that holds (docs/adr/who-owns-a-fact-decides.md). Only a
// purchase that awaits approval takes one.
func decidir(ctx context.Context, db lotes, idCompra string, d compras.Decision) (vigente compras.Decision, primera bool, err error) {
	var lote pgx.Batch
	lote.Queue(`
insert into decision (id_compra, decision, motivo)
select id, $2, $3 from compra where id = $1 and estado = 'POR_APROBAR' on conflict do nothing`, idCompra, d.Decision, d.Motivo).
		Exec(func(hecho pgconn.CommandTag) error { primera = hecho.RowsAffected() == 1; return nil })
	lote.Queue(`select decision, motivo from decision where id_compra = $1`, idCompra).
		QueryRow(func(fila pgx.Row) error {
			if err := fila.Scan(&vigente.Decision, &vigente.Motivo); !errors.Is(err, pgx.ErrNoRows) {
				return err
			}
			return nil
		})
	if err := db.SendBatch(ctx, &lote).Close(); err != nil {
		return vigente, false, fmt.Errorf("decidir: %w", err)
	}
	return vigente, primera, nil
}

// Decidir records a decision if it is the first, and gives the one that holds, or Ninguna.
func (a *Almacen) Decidir(ctx context.Context, idCompra string, d compras.Decision) (vigente compras.Decision, primera bool, err error) {
	return decidir(ctx, a.pool, idCompra, d)
}

// Aprobar records an operator's decision and gives the purchase. The same decision with the same reason again changes nothing
// and is no mistake: it is asked again where the answer was lost. Errors: NoEncontrado; Conflicto when it awaits none, or
// something else was decided before.
func (a *Almacen) Aprobar(ctx context.Context, idCompra string, d compras.Decision) (contracts.Compra, error) {
	vigente, primera, err := a.Decidir(ctx, idCompra, d)
	if err != nil {
		return contracts.Compra{}, err
	}
	c, err := a.Leer(ctx, idCompra)
	switch {
	case err != nil:
		return c, err
	case primera, vigente == d:
		return c, nil
	case vigente.Decision != compras.Ninguna:
		return c, errores.Nuevo(errores.Conflicto, "La compra ya fue %s.", vigente.Decision)
	default:
		return c, errores.Nuevo(errores.Conflicto, "La compra está %s: no espera aprobación.", c.Estado)
	}
}

// EntregarDecision gives the decision to the workflow that waits for it, and notes that it has it.
func (a *Almacen) EntregarDecision(ctx context.Context, idCompra string) (compras.Decision, error) {
	var d compras.Decision
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

// PorDespertar gives the purchases that await a decision, where it is older than edad and has not reached its workflow.
func (a *Almacen) PorDespertar(ctx context.Context, edad time.Duration, limite int) ([]string, error) {
	filas, err := a.pool.Query(ctx, `select d.id_compra from decision d join compra c on c.id = d.id_compra
where not d.entregada and d.tomada_en < now() - $1::interval and c.estado = 'POR_APROBAR' order by d.tomada_en limit $2`, edad, limite)
	if err != nil {
		return nil, fmt.Errorf("por despertar: %w", err)
	}
	return pgx.CollectRows(filas, pgx.RowTo[string])
}
