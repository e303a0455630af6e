package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"entregas/contracts"
	"entregas/internal/actor"
	"entregas/internal/audit"
	"entregas/internal/errs"
	"entregas/internal/logging"
	"entregas/services/gestor-compra/compras"
)

type batcher interface {
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}

// decide records a decision if the purchase has none yet, and returns the valid decision
// (docs/adr/who-owns-a-fact-decides.md). A purchase that does not wait for approval gets no decision.
func decide(ctx context.Context, db batcher, idCompra string, d compras.Decision) (current compras.Decision, first bool, err error) {
	var batch pgx.Batch
	batch.Queue(`
insert into decision (id_compra, decision, motivo, sujeto, rol, traza)
select id, $2, $3, $4, $5, $6 from compra where id = $1 and estado = 'POR_APROBAR' on conflict do nothing`, idCompra, d.Decision, d.Motivo, d.By.Sujeto, d.By.Rol, logging.Trace(ctx)).
		Exec(func(done pgconn.CommandTag) error { first = done.RowsAffected() == 1; return nil })
	batch.Queue(`select decision, motivo from decision where id_compra = $1`, idCompra).
		QueryRow(func(row pgx.Row) error {
			if err := row.Scan(&current.Decision, &current.Motivo); !errors.Is(err, pgx.ErrNoRows) {
				return err
			}
			return nil
		})
	if err := db.SendBatch(ctx, &batch).Close(); err != nil {
		return current, false, fmt.Errorf("decide: %w", err)
	}
	return current, first, nil
}

// Decide records a decision if the purchase has none yet, and returns the valid decision, or NoDecision.
func (s *Store) Decide(ctx context.Context, idCompra string, d compras.Decision) (current compras.Decision, first bool, err error) {
	return decide(ctx, s.pool, idCompra, d)
}

// Aprobar records the decision of the operator who acts in ctx and returns the purchase. A repeated decision with the same reason changes nothing
// and is no error. Errors: NotFound; Conflict when the purchase waits for no decision, or when another one was made before.
func (s *Store) Aprobar(ctx context.Context, idCompra string, d compras.Decision) (contracts.Compra, error) {
	d.By = actor.Of(ctx)
	var current compras.Decision
	var first bool
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) (err error) {
		if current, first, err = decide(ctx, tx, idCompra, d); err != nil || !first {
			return err
		}
		tipo := contracts.ActoRechazo
		if d.Decision == compras.Aprobada {
			tipo = contracts.ActoAprobacion
		}
		return audit.Record(ctx, tx, contracts.Acto{Tipo: tipo, Objeto: idCompra, IDCompra: idCompra, Motivo: d.Motivo})
	})
	if err != nil {
		return contracts.Compra{}, err
	}
	c, err := s.Load(ctx, idCompra)
	switch {
	case err != nil:
		return c, err
	case first, current.IsSame(d):
		return c, nil
	case current.Decision != compras.NoDecision:
		return c, errs.New(errs.Conflict, "La compra ya fue %s.", current.Decision)
	default:
		return c, errs.New(errs.Conflict, "La compra está %s: no espera aprobación.", c.Estado)
	}
}

// DeliverDecision returns the decision about a purchase, or NoDecision, and records that its workflow has it.
func (s *Store) DeliverDecision(ctx context.Context, idCompra string) (compras.Decision, error) {
	var d compras.Decision
	err := s.pool.QueryRow(ctx, `update decision set delivered = true where id_compra = $1 returning decision, motivo, sujeto, rol`, idCompra).
		Scan(&d.Decision, &d.Motivo, &d.By.Sujeto, &d.By.Rol)
	if errors.Is(err, pgx.ErrNoRows) {
		return d, nil
	}
	if err != nil {
		return d, fmt.Errorf("deliver the decision: %w", err)
	}
	return d, nil
}

// AwaitingWakeup returns at most limit purchases in POR_APROBAR with a decision that is older than age and has not reached its
// workflow.
func (s *Store) AwaitingWakeup(ctx context.Context, age time.Duration, limit int) ([]string, error) {
	rows, err := s.pool.Query(ctx, `select d.id_compra from decision d join compra c on c.id = d.id_compra
where not d.delivered and d.tomada_en < now() - $1::interval and c.estado = 'POR_APROBAR' order by d.tomada_en limit $2`, age, limit)
	if err != nil {
		return nil, fmt.Errorf("find workflows to wake: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// undecided selects the purchases that wait for a decision of an operator.
const undecided = `c.estado = 'POR_APROBAR' and not exists (select from decision d where d.id_compra = c.id)`

// PorAprobar returns at most limit purchases that wait for a decision of an operator, the oldest first, after the place after. total
// is the number of all of them.
func (s *Store) PorAprobar(ctx context.Context, after contracts.Cursor, limit int) (list []contracts.Compra, total int, err error) {
	var batch pgx.Batch
	batch.Queue(view+`where `+undecided+` and (c.creada_en, c.id) > ($1, $2) order by c.creada_en, c.id limit $3`, after.CreadaEn, after.ID, limit).
		Query(func(rows pgx.Rows) error {
			list, err = pgx.CollectRows(rows, loadView)
			return err
		})
	batch.Queue(`select count(*) from compra c where ` + undecided).QueryRow(func(row pgx.Row) error { return row.Scan(&total) })
	if err := s.pool.SendBatch(ctx, &batch).Close(); err != nil {
		return nil, 0, fmt.Errorf("list the purchases that await approval: %w", err)
	}
	return list, total, nil
}

// Pendientes counts the purchases that wait for a decision of an operator, and those that are FALLIDA.
func (s *Store) Pendientes(ctx context.Context) (p contracts.PendientesDeOperacion, err error) {
	const count = `select (select count(*) from compra c where ` + undecided + `), (select count(*) from compra where estado = 'FALLIDA')`
	if err := s.pool.QueryRow(ctx, count).Scan(&p.PorAprobar, &p.Fallidas); err != nil {
		return p, fmt.Errorf("count what waits for an operator: %w", err)
	}
	return p, nil
}
