package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"entregas/contracts"
	"entregas/services/gestor-compra/compras"
	"entregas/workflows/compra"
)

// forCancelacion tells whether purchase c is rolled back because of a requested cancellation.
const forCancelacion = `(c.cancelacion_pedida is not null
       or exists (select from tramite t where t.id_compra = c.id and t.tipo = 'cancelacion')
       or exists (select from decision d where d.id_compra = c.id and d.decision = 'cancelada')
       or exists (select from historia h where h.id_compra = c.id and h.paso = 'COMPENSANDO' and h.tipo = 'CancelarCompra'))`

// movingTramite is the kind of the workflow that should move purchase c on: the kind of a tramite that has not ended, or empty
// for the saga.
const movingTramite = `coalesce((select min(t.tipo) from tramite t where t.id_compra = c.id and t.terminado_en is null
    and (c.estado = any(@settled::text[]) or c.estado = 'COMPENSANDO' and t.tipo = 'cancelacion')), '')`

// since is when purchase c entered its state. Other entries in its history do not change that instant.
const since = `coalesce((select max(h.en) from historia h where h.id_compra = c.id and h.paso = c.estado), c.actualizada_en)`

// stalled finds, by the partial indexes, workflows that should go on and have shown no sign of life for @quiet. A sign of life is
// a change of the purchase, a command that is posed, or a beat of a step that waits. A wait for approval may last @approval
// longer. @id is a purchase, or null for all purchases.
//
// The sets of states are parameters. In @places a purchase has a place, in @dispatched the workflow of a dispatch goes on, and in
// @settled that of any tramite.
//
// A RECIBIDA is stalled when its workflow exists and has not done its first step. The caller asks the engine whether it exists.
const stalled = `
with quiet as (
    select c.id, ` + movingTramite + ` as tramite from compra c
    where c.estado = any(@places::text[])
  union
    select c.id, ` + movingTramite + ` from compra c
    where c.replacement_asked and (c.estado = 'POR_APROBAR' or c.estado = any(@places::text[])
        or ` + movingTramite + ` <> '')
  union
    select id, '' from compra where estado = 'RECIBIDA' and leased_until is not null and creada_en < clock_timestamp() - @quiet::interval
  union
    select c.id, '' from compra c where c.estado = 'POR_APROBAR' and ` + since + ` < clock_timestamp() - @quiet::interval - @approval::interval
  union
    select c.id, '' from compra c join decision d on d.id_compra = c.id
    where c.estado = 'POR_APROBAR' and d.tomada_en < clock_timestamp() - @quiet::interval
  union
    select t.id_compra, t.tipo from tramite t join compra c on c.id = t.id_compra
    where t.terminado_en is null and t.pedido_en < clock_timestamp() - @quiet::interval
      and (t.tipo = 'cancelacion' and c.estado <> 'COMPENSANDO' or t.tipo = 'despacho' and c.estado = any(@dispatched::text[]))
)
select ` + withoutDireccion + `, c.estado, ` + since + ` as since,
       coalesce(nullif(c.motivo, ''), c.cancelacion_pedida, (select motivo from tramite t where t.id_compra = c.id and t.tipo = q.tramite),
           (select motivo from decision d where d.id_compra = c.id and d.decision = 'cancelada'), '') as motivo,
       ` + forCancelacion + ` as cancelled,
       coalesce((select h.tipo from historia h where h.id_compra = c.id and h.paso = 'COMPENSANDO' order by h.numero limit 1), '') as cause,
       coalesce((select p.datos->'faltantes' from paso p where p.id_compra = c.id and p.datos->'faltantes' is not null limit 1), '[]') as faltantes,
       q.tramite, c.replacement_asked as asked
from quiet q join compra c using (id)
where (@id::text is null or c.id = @id) and (c.replacement_asked or
    c.actualizada_en < clock_timestamp() - @quiet::interval
    and coalesce(c.replaced_at < clock_timestamp() - @quiet::interval, true)
    and not exists (select from paso p where p.id_compra = c.id
        and greatest(p.preguntada_en, p.alive_at) > clock_timestamp() - @quiet::interval))`

// stalledArgs returns the parameters of stalled; id is nil for all purchases.
func stalledArgs(quiet, approval time.Duration, id *string, limit int) pgx.NamedArgs {
	dispatched := append(slices.Clone(compra.Salida.In), compra.Salida.Then)
	return pgx.NamedArgs{
		"places": compras.OccupiedPlaces, "dispatched": dispatched, "settled": append(dispatched, contracts.EstadoCancelada),
		"quiet": quiet, "approval": approval, "id": id, "limit": limit,
	}
}

// Stalled returns at most limit workflows that have shown no sign of life for longer than quiet, and those whose replacement an
// operator requested. A workflow that waits for approval is stalled only after quiet plus approval. The order is random, so that
// workflows that cannot be replaced now do not hide the others. Purchases in RECIBIDA come last: they wait for places, and the other
// purchases hold these places.
func (s *Store) Stalled(ctx context.Context, quiet, approval time.Duration, limit int) ([]compras.Stalled, error) {
	// CacheDescribe has the server plan with the values, for the reason of planWithValues.
	rows, err := s.pool.Query(ctx, `select * from (`+stalled+`) s order by estado = 'RECIBIDA', random() limit @limit`,
		pgx.QueryExecModeCacheDescribe, stalledArgs(quiet, approval, nil, limit))
	if err != nil {
		return nil, fmt.Errorf("stalled purchases: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByName[compras.Stalled])
	if err != nil {
		return nil, fmt.Errorf("stalled purchases: %w", err)
	}
	return found, nil
}

// Alive records a sign of life of the step that waits for the reply to command.
func (s *Store) Alive(ctx context.Context, idCompra string, command contracts.MessageType) error {
	_, err := s.pool.Exec(ctx, `update paso set alive_at = clock_timestamp() where id_compra = $1 and comando = $2`, idCompra, command)
	if err != nil {
		return fmt.Errorf("record a sign of life of %s: %w", command, err)
	}
	return nil
}

// ClaimReplacement claims the replacement of a workflow for one replica. A claim succeeds at most once within quiet, unless an
// operator requested it. n is the number of replacements since the last request of an operator, with this one; 0 means that the
// claim failed.
func (s *Store) ClaimReplacement(ctx context.Context, idCompra string, quiet time.Duration) (n int, err error) {
	err = s.pool.QueryRow(ctx, `
update compra set replaced_at = clock_timestamp(), replacement_asked = false,
    replacements = case when replacement_asked then 1 else replacements + 1 end
where id = $1 and (replacement_asked or replaced_at is null or replaced_at < clock_timestamp() - $2::interval)
returning replacements`, idCompra, quiet).Scan(&n)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return 0, fmt.Errorf("claim a replacement: %w", err)
	}
	return n, nil
}

// ReleaseReplacement undoes a claim whose replacement failed; asked tells whether an operator had requested it.
func (s *Store) ReleaseReplacement(ctx context.Context, idCompra string, asked bool) error {
	_, err := s.pool.Exec(ctx, `
update compra set replaced_at = null, replacement_asked = $2, replacements = greatest(0, replacements - 1) where id = $1`, idCompra, asked)
	if err != nil {
		return fmt.Errorf("release a replacement: %w", err)
	}
	return nil
}

// GiveUp makes a purchase FALLIDA whose workflow was replaced too often. It returns false when its saga had ended.
func (s *Store) GiveUp(ctx context.Context, idCompra string) (bool, error) {
	_, moved, err := s.Move(ctx, compras.Change{
		IDCompra: idCompra, To: contracts.EstadoFallida, From: compras.InTheSaga,
		Tipo: "CompraDetenida", Detalle: "La compra se detuvo varias veces y no se pudo completar.",
	})
	return moved, err
}

// RecordFinding stores a finding, once for each purchase, kind and state.
func (s *Store) RecordFinding(ctx context.Context, idCompra string, f compras.Finding) error {
	_, err := s.pool.Exec(ctx, `insert into finding (id_compra, what, estado, done) values ($1, $2, $3, $4) on conflict do nothing`,
		idCompra, f.What, f.Estado, f.Done)
	if err != nil {
		return fmt.Errorf("record a finding: %w", err)
	}
	return nil
}
