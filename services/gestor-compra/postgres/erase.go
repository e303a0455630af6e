package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"entregas/contracts"
	"entregas/internal/actor"
	"entregas/internal/audit"
	"entregas/services/gestor-compra/compras"
)

// ended says that nothing more happens to purchase c. A FALLIDA may be retried, and a tramite may still go on.
const ended = `c.estado in ('DESPACHADA', 'RECHAZADA', 'CANCELADA')
    and not exists (select from tramite t where t.id_compra = c.id and t.terminado_en is null)`

// reasons selects what the customer @usuario wrote about each purchase: the reasons of the cancellations, which several tables have. The words
// of an operator are not the customer's, unless they are the same person.
// @own are the texts that no customer wrote.
const reasons = `
select id_compra, motivo from (
    select c.id as id_compra, c.cancelacion_pedida as motivo from compra c where c.id_usuario = @usuario and (c.cancelacion_rol <> 'operador' or c.cancelacion_sujeto = @usuario)
  union
    select t.id_compra, t.motivo from compra c join tramite t on t.id_compra = c.id
    where c.id_usuario = @usuario and t.tipo = 'cancelacion' and (t.rol <> 'operador' or t.sujeto = @usuario)
  union
    select d.id_compra, d.motivo from compra c join decision d on d.id_compra = c.id
    where c.id_usuario = @usuario and d.decision = 'cancelada' and (d.rol <> 'operador' or d.sujeto = @usuario)
  union
    select a.id_compra, a.motivo from compra c join acto a on a.id_compra = c.id and a.id_compra <> ''
    where c.id_usuario = @usuario and a.tipo = 'cancelacion' and (a.rol <> 'operador' or a.sujeto = @usuario)
  union
    select h.id_compra, h.detalle from compra c join historia h on h.id_compra = c.id
    where c.id_usuario = @usuario and h.tipo = 'CancelarCompra' and (h.rol <> 'operador' or h.sujeto = @usuario)
) r where motivo <> all(@own)`

const toErase = `
select c.id, r.id_compra is not null as motivo, count(*) over () as total
from compra c left join (select distinct id_compra from (` + reasons + `) r) r on r.id_compra = c.id
where c.id_usuario = @usuario and ` + ended + ` and (c.direccion is not null or r.id_compra is not null)
order by c.id limit @limit`

// ToErase returns at most limit purchases of a customer that have ended and have personal data, and the number of all of them.
func (s *Store) ToErase(ctx context.Context, idUsuario string, limit int) (list []compras.ToErase, total int, err error) {
	rows, err := s.pool.Query(ctx, toErase, pgx.NamedArgs{"usuario": idUsuario, "own": compras.OwnTexts, "limit": limit})
	if err != nil {
		return nil, 0, fmt.Errorf("find personal data: %w", err)
	}
	var one compras.ToErase
	_, err = pgx.ForEachRow(rows, []any{&one.ID, &one.Motivo, &total}, func() error { list = append(list, one); return nil })
	if err != nil {
		return nil, 0, fmt.Errorf("find personal data: %w", err)
	}
	return list, total, nil
}

// erase erases the personal data of the purchases @ids in one statement, whose parts all see the rows as they were. A reason of the customer
// is erased wherever the same text stands. The text of a FALLIDA has the reason after its first sentence.
const erase = `
with written as materialized (` + reasons + `), doomed as materialized (
    select c.id from compra c where c.id = any(@ids) and c.id_usuario = @usuario and ` + ended + `
        and (c.direccion is not null or c.id in (select id_compra from written)) for no key update of c
), reason as materialized (
    select id_compra, motivo from written where id_compra in (select id from doomed)
), h as (
    update historia h set detalle = case when h.paso = 'FALLIDA' then split_part(h.detalle, '. ', 1) || '. ' || @erased else @erased end
    where h.id_compra in (select id_compra from reason) and (h.paso = 'FALLIDA' and h.detalle like 'No se pudo deshacer: %. %'
        or exists (select from reason r where r.id_compra = h.id_compra and r.motivo = h.detalle))
), t as (
    update tramite t set motivo = @erased from reason r
    where t.id_compra = r.id_compra and t.motivo = r.motivo and t.tipo = 'cancelacion' and (t.rol <> 'operador' or t.sujeto = @usuario)
), d as (
    update decision d set motivo = @erased from reason r
    where d.id_compra = r.id_compra and d.motivo = r.motivo and d.decision = 'cancelada' and (d.rol <> 'operador' or d.sujeto = @usuario)
), a as (
    update acto a set motivo = @erased from reason r
    where a.id_compra = r.id_compra and a.motivo = r.motivo and a.tipo = 'cancelacion' and (a.rol <> 'operador' or a.sujeto = @usuario)
), changed as (
    update compra c set direccion = null, borrada_en = coalesce(c.borrada_en, clock_timestamp()),
        motivo = case when exists (select from reason r where r.id_compra = c.id and r.motivo = c.motivo) then @erased else c.motivo end,
        cancelacion_pedida = case when exists (select from reason r where r.id_compra = c.id and r.motivo = c.cancelacion_pedida)
            then @erased else c.cancelacion_pedida end,
        numero = c.numero + case when exists (select from historia h where h.id_compra = c.id and h.paso = @paso and h.round = c.round) then 0 else 1 end
    from doomed where c.id = doomed.id
    returning c.id, c.numero, c.round
), told as (
    insert into historia (id_compra, numero, paso, tipo, detalle, round, sujeto, rol)
    select id, numero, @paso, @tipo, @detalle, round, @sujeto, @rol from changed
    on conflict do nothing
)
select id from changed`

// eraseEarly erases the reasons of the customer's cancellations that came before their purchases.
const eraseEarly = `
with early as (
    update cancelacion_anticipada e set motivo = @erased
    where id_usuario = @usuario and (rol <> 'operador' or sujeto = @usuario) and motivo <> all(@own)
        and not exists (select from compra c where c.id = e.id_compra and not (` + ended + `))
    returning id_compra
)
update acto set motivo = @erased where id_compra in (select id_compra from early) and tipo = 'cancelacion' and (rol <> 'operador' or sujeto = @usuario) and motivo <> all(@own)`

// Erase erases the personal data of the purchases ids of a customer, those that have ended and have such data, and returns them. open is the number of the
// customer's purchases that have not ended: they keep their data. An erasure that had an effect is an act of the person who acts in ctx.
func (s *Store) Erase(ctx context.Context, idUsuario string, ids []string) (erased []contracts.Compra, open int, err error) {
	who := actor.Of(ctx)
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		args := pgx.NamedArgs{
			"usuario": idUsuario, "own": compras.OwnTexts, "ids": ids, "erased": contracts.TextoBorrado,
			"paso": contracts.PasoBorrado, "tipo": contracts.BorrarDatos, "detalle": compras.Detalle(contracts.BorrarDatos), "sujeto": who.Sujeto, "rol": who.Rol,
		}
		rows, err := tx.Query(ctx, erase, args)
		if err != nil {
			return err
		}
		done, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return err
		}
		early, err := tx.Exec(ctx, eraseEarly, args)
		if err != nil {
			return err
		}
		if len(done) > 0 || early.RowsAffected() > 0 {
			act := contracts.Acto{Tipo: contracts.ActoBorradoDePersona, Objeto: idUsuario}.Telling(contracts.TextoComprasBorradas, contracts.NumeroDeActo("compras", len(done)))
			if err := audit.Record(ctx, tx, act); err != nil {
				return err
			}
		}
		if rows, err = tx.Query(ctx, view+`where c.id = any($1)`, done); err != nil {
			return err
		}
		if erased, err = pgx.CollectRows(rows, loadView); err != nil {
			return err
		}
		return tx.QueryRow(ctx, `select count(*) from compra c where id_usuario = $1 and not (`+ended+`)`, idUsuario).Scan(&open)
	})
	if err != nil {
		return nil, 0, fmt.Errorf("erase personal data: %w", err)
	}
	return erased, open, nil
}
