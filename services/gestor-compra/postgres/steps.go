package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"entregas/contracts"
	"entregas/internal/actor"
	"entregas/services/gestor-compra/compras"
	"entregas/workflows/compra"
)

// move changes the state of a purchase and writes its history, or does nothing when the change is not allowed.
const move = moved + `
insert into historia (id_compra, numero, paso, tipo, detalle, round, sujeto, rol)
select id, numero, @a, @tipo, @detalle, round, @sujeto, @rol from moved
on conflict do nothing`

// moveForPerson is move for a change that the saga makes because a person asked for it: the history names that person.
const moveForPerson = moved + `
insert into historia (id_compra, numero, paso, tipo, detalle, round, sujeto, rol)
select m.id, m.numero, @a, @tipo, @detalle, m.round, coalesce(p.sujeto, ''), coalesce(p.rol, '')
from moved m left join lateral (
    select d.sujeto, d.rol from decision d where d.id_compra = m.id
        and (@tipo = 'AprobacionNegada' and d.decision = 'rechazada' or @tipo = 'CancelarCompra' and d.decision = 'cancelada')
    union all
    select m.cancelacion_sujeto, m.cancelacion_rol where @tipo = 'CancelarCompra' and m.cancelacion_pedida is not null
    union all
    select t.sujeto, t.rol from tramite t where t.id_compra = m.id
        and (@tipo = 'CancelarCompra' and t.tipo = 'cancelacion' or @tipo = 'ReservaDespachada' and t.tipo = 'despacho')
    limit 1) p on true
on conflict do nothing`

// forPerson are the messages that the history has as the reason of a change for which a person asked.
var forPerson = []contracts.MessageType{contracts.CancelarCompra, compras.AprobacionDenied, compra.Salida.Accepted.Type}

const moved = `
with moved as (
    update compra set estado = @a, numero = numero + 1, actualizada_en = clock_timestamp(),
        motivo = coalesce(nullif(@motivo, ''), motivo), id_orden = coalesce(nullif(@orden, ''), id_orden),
        faltantes = coalesce(@faltantes, faltantes)
    where id = @id and estado = any(@from_any) and (not @unless_cancelled or cancelacion_pedida is null)
    returning id, numero, round, cancelacion_pedida, cancelacion_sujeto, cancelacion_rol
)`

func queueChange(batch *pgx.Batch, k compras.Change, moved *bool) {
	var faltantes any
	if len(k.Faltantes) > 0 {
		faltantes = k.Faltantes
	}
	statement := move
	if k.By == (contracts.Actor{}) && slices.Contains(forPerson, k.Tipo) {
		statement = moveForPerson
	}
	batch.Queue(statement, pgx.NamedArgs{
		"id": k.IDCompra, "a": k.To, "from_any": k.From, "tipo": k.Tipo, "detalle": k.Detalle, "motivo": k.Motivo,
		"orden": k.IDOrden, "faltantes": faltantes, "unless_cancelled": k.UnlessCancelled,
		"sujeto": k.By.Sujeto, "rol": k.By.Rol,
	}).Exec(func(done pgconn.CommandTag) error { *moved = done.RowsAffected() == 1; return nil })
}

// Move makes each of the changes that is allowed, in order and in one transaction, and returns the purchase as it is then. moved
// tells whether any change was made.
func (s *Store) Move(ctx context.Context, changes ...compras.Change) (c contracts.Compra, moved bool, err error) {
	var batch pgx.Batch
	results := make([]bool, len(changes))
	for i, k := range changes {
		queueChange(&batch, k, &results[i])
	}
	batch.Queue(view+`where c.id = $1`, changes[0].IDCompra).Query(oneCompra(&c))
	if err := s.pool.SendBatch(ctx, &batch).Close(); err != nil {
		return c, false, fmt.Errorf("change to %s: %w", changes[0].To, err)
	}
	for _, done := range results {
		moved = moved || done
	}
	return c, moved, nil
}

// Pose makes a change of state if it is allowed, and records the step of command, in one transaction and one round trip. The step
// is recorded if the purchase is then in one of inAnyOf and, unless always is set, no cancellation is requested.
func (s *Store) Pose(ctx context.Context, k compras.Change, command contracts.MessageType, inAnyOf []contracts.Estado, always bool) (compras.Posed, error) {
	var p compras.Posed
	var batch pgx.Batch
	queueChange(&batch, k, &p.Moved)
	batch.Queue(`
insert into paso (id_compra, comando)
select id, $2 from compra where id = $1 and estado = any($3) and ($4 or cancelacion_pedida is null)
on conflict do nothing`, k.IDCompra, command, inAnyOf, always)
	batch.Queue(loadStep, k.IDCompra, command).Query(oneStep(&p.Step))
	batch.Queue(`select cancelacion_pedida is not null, coalesce(cancelacion_pedida, '') from compra where id = $1`, k.IDCompra).
		QueryRow(func(row pgx.Row) error { return row.Scan(&p.CancelacionAsked, &p.CancelacionMotivo) })
	batch.Queue(view+`where c.id = $1`, k.IDCompra).Query(oneCompra(&p.Compra))
	if err := s.pool.SendBatch(ctx, &batch).Close(); err != nil {
		return p, fmt.Errorf("pose %s: %w", command, err)
	}
	return p, nil
}

const loadStep = `select preguntada_en, abandonada_en is not null, respuesta, datos from paso where id_compra = $1 and comando = $2`

func oneStep(p **compras.Step) func(pgx.Rows) error {
	return func(rows pgx.Rows) error {
		readBack, err := pgx.CollectExactlyOneRow(rows, func(row pgx.CollectableRow) (compras.Step, error) {
			var p compras.Step
			var kind *contracts.MessageType
			var data []byte
			if err := row.Scan(&p.PreguntadaEn, &p.Abandoned, &kind, &data); err != nil || kind == nil {
				return p, err
			}
			p.Reply = &compras.Reply{}
			err := json.Unmarshal(data, p.Reply)
			p.Reply.Tipo = *kind
			return p, err
		})
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		*p = &readBack
		return err
	}
}

// LoadStep returns the step of command, or nil when Pose has not recorded one.
func (s *Store) LoadStep(ctx context.Context, idCompra string, command contracts.MessageType) (*compras.Step, error) {
	rows, err := s.pool.Query(ctx, loadStep, idCompra, command)
	if err != nil {
		return nil, fmt.Errorf("read step %s: %w", command, err)
	}
	var p *compras.Step
	return p, oneStep(&p)(rows)
}

// Abandon ends the wait for the reply to command, unless it has come, and returns the step.
func (s *Store) Abandon(ctx context.Context, idCompra string, command contracts.MessageType) (*compras.Step, error) {
	_, err := s.pool.Exec(ctx, `update paso set abandonada_en = clock_timestamp()
where id_compra = $1 and comando = $2 and respuesta is null and abandonada_en is null`, idCompra, command)
	if err != nil {
		return nil, fmt.Errorf("abandon step %s: %w", command, err)
	}
	return s.LoadStep(ctx, idCompra, command)
}

// Reopen moves the reply to command to the late replies, so that the command is sent again and its next reply counts. It is also
// a sign of life: when a participant refuses at once, the workflow has no other.
func (s *Store) Reopen(ctx context.Context, idCompra string, command contracts.MessageType) error {
	_, err := s.pool.Exec(ctx, `update paso set respuesta = null, datos = null, respondida_en = null, alive_at = clock_timestamp(),
    tardias = case when jsonb_array_length(tardias) < 10
        then tardias || jsonb_build_object('tipo', respuesta, 'datos', datos, 'en', respondida_en) else tardias end
where id_compra = $1 and comando = $2 and respuesta is not null`, idCompra, command)
	if err != nil {
		return fmt.Errorf("reopen step %s: %w", command, err)
	}
	return nil
}

// record stores the first reply that comes in time, and the amounts of the purchase that this reply has. It appends any other reply that
// differs from it to the late replies of the step, once of each type: a redelivery changes nothing. A step that has late replies before its
// first one was reopened: how long that one took says nothing.
const record = `
with first as (
    update paso set respuesta = $3, datos = $4, respondida_en = clock_timestamp()
    where id_compra = $1 and comando = $2 and respuesta is null and abandonada_en is null
    returning case when tardias = '[]' then respondida_en - preguntada_en end as waited
), late as (
    update paso set tardias = tardias || jsonb_build_object('tipo', $3::text, 'datos', $4::jsonb, 'en', clock_timestamp())
    where id_compra = $1 and comando = $2 and (respuesta <> $3 or (respuesta is null and abandonada_en is not null))
      and jsonb_array_length(tardias) < 10 and not tardias @> jsonb_build_array(jsonb_build_object('tipo', $3::text))
    returning 'late'
), priced as (
    update compra set moneda = $5, total = $6, precios = $7 where id = $1 and $5 <> '' and exists (select from first)
)
select coalesce((select 'first' from first), (select * from late),
    (select 'repeated' from paso where id_compra = $1 and comando = $2), 'unknown'),
    coalesce((select waited from first), interval '0')`

// RecordReply records a reply to command, with the amounts of the purchase that it has, and wakes the step that waits for it. The NOTIFY is a statement after the commit: within
// the transaction it would hold a lock of the whole cluster during the fsync (docs/adr/a-step-asks-and-waits.md). waited is how long after its
// command a First reply came, or 0 where the step was reopened. Where the NOTIFY fails, recorded and waited are returned beside the error:
// the reply is stored, and a redelivery is Repeated. Error: Invalid, where the amounts are not those of the lines of the purchase.
func (s *Store) RecordReply(ctx context.Context, idCompra string, command contracts.MessageType, r compras.Reply) (recorded compras.Recorded, waited time.Duration, err error) {
	if err := s.checkImportes(ctx, idCompra, r.Importes); err != nil {
		return "", 0, err
	}
	data, err := json.Marshal(r)
	if err != nil {
		return "", 0, err
	}
	precios := r.Precios
	if precios == nil {
		precios = []contracts.PrecioFijado{}
	}
	if err := s.pool.QueryRow(ctx, record, idCompra, command, r.Tipo, data, r.Moneda, r.Total, precios).Scan(&recorded, &waited); err != nil {
		return "", 0, fmt.Errorf("record %s: %w", r.Tipo, err)
	}
	if recorded == compras.First {
		if _, err := s.pool.Exec(ctx, `select pg_notify($1, $2)`, repliesChannel, stepKey(idCompra, command)); err != nil {
			return recorded, waited, fmt.Errorf("notify of %s: %w", r.Tipo, err)
		}
	}
	return recorded, waited, nil
}

// checkImportes refuses amounts that are not those of the lines of the purchase. The lines of a purchase never change. It does not refuse
// amounts of an unknown purchase.
func (s *Store) checkImportes(ctx context.Context, idCompra string, i contracts.Importes) error {
	if i.None() {
		return nil
	}
	var lineas []contracts.Linea
	err := s.pool.QueryRow(ctx, `select productos from compra where id = $1`, idCompra).Scan(&lineas)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil
	case err != nil:
		return fmt.Errorf("read the lines of the purchase: %w", err)
	}
	var v contracts.Validator
	v.Importes(i, lineas)
	return v.Error()
}

// RecordFact adds an entry to the history that is no change of state, once for each step and round. Its author is the person who acts in
// ctx.
func (s *Store) RecordFact(ctx context.Context, idCompra, step string, kind contracts.MessageType, detail string) (contracts.Compra, error) {
	who := actor.Of(ctx)
	var c contracts.Compra
	var batch pgx.Batch
	// Of two transactions with the same entry the second waits. Without the lock it would not see that entry, and would increase
	// the number of the purchase without an entry for it.
	batch.Queue(`select from compra where id = $1 for no key update`, idCompra)
	batch.Queue(`
with moved as (
    update compra set numero = numero + 1, actualizada_en = clock_timestamp()
    where id = $1 and not exists (select from historia h where h.id_compra = $1 and h.paso = $2 and h.round = compra.round)
    returning id, numero, round
)
insert into historia (id_compra, numero, paso, tipo, detalle, round, sujeto, rol) select id, numero, $2, $3, $4, round, $5, $6 from moved
on conflict do nothing`, idCompra, step, kind, detail, who.Sujeto, who.Rol)
	batch.Queue(view+`where c.id = $1`, idCompra).Query(oneCompra(&c))
	if err := s.pool.SendBatch(ctx, &batch).Close(); err != nil {
		return c, fmt.Errorf("record %s: %w", step, err)
	}
	return c, nil
}
