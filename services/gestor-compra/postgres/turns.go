package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"entregas/services/gestor-compra/compras"
	"entregas/workflows/compra"
)

// turnsLock is the advisory lock under which a replica gives out places.
const turnsLock = 0x7475726e6f73 // "turns"

// takePlaces counts the places that are taken, by customer, and stamps a lease on the purchases that start next. Their order is
// that of docs/adr/fair-admission.md: class 0 is overdue, class 1 has home delivery, class 2 is the rest. @places are the states
// in which a purchase has a place.
//
// It is one statement, so that it counts and gives out at the same instant. It skips purchases whose row another transaction has
// locked, so it considers 16 more than it needs. It checks the state again under the lock: the purchase may be cancelled by then.
const takePlaces = `
with in_flight as materialized (
    select id_usuario, count(*)::int as n from (
        select id_usuario from compra where estado = any(@places::text[])
        union all
        select id_usuario from compra where estado = 'RECIBIDA' and leased_until > clock_timestamp()
    ) taken group by id_usuario
), places as materialized (
    select greatest(0, @total - coalesce(sum(n), 0))::int as free from in_flight
), waiting as (
    select id, id_usuario, creada_en - case when domicilio then @head_start::interval else interval '0' end as since,
        case when creada_en < now() - @head_start::interval then 0 when domicilio then 1 else 2 end as class
    from compra where estado = 'RECIBIDA' and (leased_until is null or leased_until <= clock_timestamp()) and (select free > 0 from places)
), numbered as (
    select id, class, since, coalesce(n, 0) + row_number() over (partition by id_usuario collate "C" order by class, since) as position
    from waiting left join in_flight using (id_usuario)
), candidate as materialized (
    select id, class, case when class > 0 then position end as position, since
    from numbered where class = 0 or position <= @per_customer order by class, 3, since, id limit (select free + 16 from places)
), taken as (
    select id from compra where id = any (array(select id from candidate)) and estado = 'RECIBIDA'
    order by array_position(array(select id from candidate order by class, position, since, id), id)
    limit (select free from places) for no key update skip locked
)
update compra set leased_until = clock_timestamp() + @lease::interval where id = any (array(select id from taken))
returning ` + withoutDireccion

// planWithValues has the server plan each further statement of the transaction with the values of its parameters. It keeps no plan for
// any states: such a plan cannot use a partial index, and one that was made while the table was small would later read every purchase.
const planWithValues = `select set_config('plan_cache_mode', 'force_custom_plan', true)`

// TakeTurns returns the purchases whose workflow must be started now. With them at most p.Total purchases are in flight, and at
// most p.PerCustomer of one customer. No other call returns them until p.Lease has passed; then a purchase that has not started
// is given out again.
func (s *Store) TakeTurns(ctx context.Context, p compras.Places) ([]compras.Turn, error) {
	var turns []compras.Turn
	var batch pgx.Batch
	batch.Queue(planWithValues)
	batch.Queue(`select pg_advisory_xact_lock($1)`, turnsLock)
	batch.Queue(takePlaces, pgx.NamedArgs{
		"places": compras.OccupiedPlaces, "total": p.Total, "per_customer": p.PerCustomer, "head_start": p.HeadStart, "lease": p.Lease,
	}).Query(func(rows pgx.Rows) (err error) {
		turns, err = pgx.CollectRows(rows, loadSolicitud)
		return err
	})
	if err := s.pool.SendBatch(ctx, &batch).Close(); err != nil {
		return nil, fmt.Errorf("take turns: %w", err)
	}
	return turns, nil
}

// takeTramites stamps a lease on the tramites that have none and have not ended. A dispatch waits until the purchase is
// CONFIRMADA: the order may leave the warehouse before the saga has recorded that state.
const takeTramites = `
update tramite t set leased_until = clock_timestamp() + $1::interval
from compra c
where c.id = t.id_compra and (t.id_compra, t.tipo) in (
    select p.id_compra, p.tipo from tramite p join compra e on e.id = p.id_compra
    where p.terminado_en is null and (p.leased_until is null or p.leased_until <= clock_timestamp())
      and (p.tipo = 'cancelacion' or e.estado = 'CONFIRMADA')
    order by p.pedido_en limit $2 for update of p skip locked)
returning ` + withoutDireccion + `, t.tipo, t.motivo`

// TakeTramites returns at most limit tramites whose workflow must be started now. A tramite that has not ended when lease has
// passed is returned again; its workflow then exists already, or does what is left.
func (s *Store) TakeTramites(ctx context.Context, lease time.Duration, limit int) ([]compras.Tramite, error) {
	rows, err := s.pool.Query(ctx, takeTramites, lease, limit)
	if err != nil {
		return nil, fmt.Errorf("take tramites: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[compras.Tramite])
}

// FinishTramite records that a tramite has ended, and whether it was done.
func (s *Store) FinishTramite(ctx context.Context, t compra.Tramite) error {
	_, err := s.pool.Exec(ctx, `update tramite set terminado_en = clock_timestamp(), hecho = $3
where id_compra = $1 and tipo = $2 and terminado_en is null`, t.IDCompra, t.Tipo, t.Done)
	if err != nil {
		return fmt.Errorf("finish the tramite: %w", err)
	}
	return nil
}
