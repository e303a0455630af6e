package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"entregas/contracts"
)

// The queries of the summary. Each is answered by an index alone, since pages ask every few seconds. now() is the same instant in all of
// them; clock_timestamp() may change within a statement, so no index can answer a comparison with it.
const (
	countEstados   = `select estado, count(*) from compra group by estado`
	countRecibidas = `select count(*) from compra where creada_en > now() - $1::interval`
	countOutcomes  = `
select paso, count(*) from historia
where paso in ('CONFIRMADA', 'DESPACHADA', 'COMPENSANDO', 'RECHAZADA', 'CANCELADA', 'FALLIDA') and en > now() - $1::interval
group by paso`
	// The percentiles read the purchases themselves, so they are of the newest ones only.
	percentiles = `
with newest as (
    select id_compra, en from historia where paso = 'CONFIRMADA' and en > now() - $1::interval order by en desc limit 10000
), tardaron as (
    select extract(epoch from n.en - c.creada_en) * 1000 as ms from newest n join compra c on c.id = n.id_compra
)
select percentile_cont(0.5) within group (order by ms), percentile_cont(0.9) within group (order by ms),
       percentile_cont(0.95) within group (order by ms), percentile_cont(0.99) within group (order by ms) from tardaron`
)

// Resumen returns the number of purchases in each state, what those of the last window came to, and how long they took.
func (s *Store) Resumen(ctx context.Context, window time.Duration) (contracts.Resumen, error) {
	r := contracts.Resumen{Estados: map[contracts.Estado]int{}, VentanaS: int(window.Seconds())}
	outcomes := map[contracts.Estado]int{}
	var batch pgx.Batch
	batch.Queue(planWithValues)
	batch.Queue(countEstados).Query(counts(r.Estados))
	batch.Queue(countRecibidas, window).QueryRow(func(row pgx.Row) error { return row.Scan(&r.Recibidas) })
	batch.Queue(countOutcomes, window).Query(counts(outcomes))
	batch.Queue(percentiles, window).QueryRow(func(row pgx.Row) error { return row.Scan(&r.P50, &r.P90, &r.P95, &r.P99) })
	if err := s.pool.SendBatch(ctx, &batch).Close(); err != nil {
		return r, fmt.Errorf("summarise: %w", err)
	}
	r.Confirmadas, r.Despachadas, r.Rechazadas = outcomes[contracts.EstadoConfirmada], outcomes[contracts.EstadoDespachada], outcomes[contracts.EstadoRechazada]
	r.Canceladas, r.Fallidas, r.Deshechas = outcomes[contracts.EstadoCancelada], outcomes[contracts.EstadoFallida], outcomes[contracts.EstadoCompensando]
	r.PorSegundo = float64(r.Confirmadas) / window.Seconds()
	return r, nil
}

// counts returns a function that reads rows of a state and a number into m.
func counts(m map[contracts.Estado]int) func(pgx.Rows) error {
	return func(rows pgx.Rows) error {
		var estado contracts.Estado
		var n int
		_, err := pgx.ForEachRow(rows, []any{&estado, &n}, func() error { m[estado] = n; return nil })
		return err
	}
}
