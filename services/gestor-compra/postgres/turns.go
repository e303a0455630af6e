package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"entregas/services/gestor-compra/compras"
	"entregas/workflows/compra"
)

// turnsLock serialises the giving out of places over all replicas.
const turnsLock = 0x7475726e6f73 // "turns"

// takePlaces counts the places that are taken, by customer, and stamps a lease on the purchases that start next, in the order
// of docs/adr/fair-admission.md: class 0 are the overdue, 1 home delivery, 2 the others. It is one statement, so that what it
// counts and what it gives out are of one instant. A purchase whose row somebody else holds is passed over, so a few more than
// needed are looked at; each is looked at again when its row is had, since it may have been cancelled meanwhile.
// @places are the states in which a purchase has a place.
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
returning ` + requestColumns

// TakeTurns gives the purchases whose workflow is to be started now, so that with them at most p.Total are in flight, and at
// most p.PerCustomer of one customer. Until p.Lease has passed no other call gives them out; a purchase that has not started
// by then comes again. It is one round trip.
func (a *Store) TakeTurns(ctx context.Context, p compras.Places) ([]compras.Turn, error) {
	var turns []compras.Turn
	var batch pgx.Batch
	batch.Queue(`select pg_advisory_xact_lock($1)`, turnsLock)
	batch.Queue(takePlaces, pgx.NamedArgs{
		"places": compras.OccupiedPlaces, "total": p.Total, "per_customer": p.PerCustomer, "head_start": p.HeadStart, "lease": p.Lease,
	}).Query(func(rows pgx.Rows) (err error) {
		turns, err = pgx.CollectRows(rows, loadSolicitud)
		return err
	})
	if err := a.pool.SendBatch(ctx, &batch).Close(); err != nil {
		return nil, fmt.Errorf("tomar turnos: %w", err)
	}
	return turns, nil
}

// takeTramites takes what a person began and nobody is at. A dispatch waits until the purchase is confirmed: the order may
// leave while the saga is still writing that down.
const takeTramites = `
update tramite t set leased_until = clock_timestamp() + $1::interval
from compra c
where c.id = t.id_compra and (t.id_compra, t.tipo) in (
    select p.id_compra, p.tipo from tramite p join compra e on e.id = p.id_compra
    where p.terminado_en is null and (p.leased_until is null or p.leased_until <= clock_timestamp())
      and (p.tipo = 'cancelacion' or e.estado = 'CONFIRMADA')
    order by p.pedido_en limit $2 for update of p skip locked)
returning ` + requestColumns + `, t.tipo, t.motivo`

// TakeTramites gives the Tramites whose workflow is to be started now. One that has not ended when lease has passed
// comes again, and its workflow then is there already or does what is left.
func (a *Store) TakeTramites(ctx context.Context, lease time.Duration, limit int) ([]compras.Tramite, error) {
	rows, err := a.pool.Query(ctx, takeTramites, lease, limit)
	if err != nil {
		return nil, fmt.Errorf("tomar trámites: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[compras.Tramite])
}

// FinishTramite notes that a Tramite has come to its end.
func (a *Store) FinishTramite(ctx context.Context, t compra.Tramite) error {
	_, err := a.pool.Exec(ctx, `update tramite set terminado_en = clock_timestamp(), hecho = $3
where id_compra = $1 and tipo = $2 and terminado_en is null`, t.IDCompra, t.Tipo, t.Done)
	if err != nil {
		return fmt.Errorf("terminar el trámite: %w", err)
	}
	return nil
}
