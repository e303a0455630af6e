package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"entregas/contracts"
	"entregas/services/gestor-compra/compras"
)

// mover changes the state and writes the history, or does nothing.
const move = `
with moved as (
    update compra set estado = @a, numero = numero + 1, actualizada_en = clock_timestamp(),
        motivo = coalesce(nullif(@motivo, ''), motivo), id_orden = coalesce(nullif(@orden, ''), id_orden),
        faltantes = coalesce(@faltantes, faltantes)
    where id = @id and estado = any(@from_any) and (not @unless_cancelled or cancelacion_pedida is null)
    returning id, numero, round
)
insert into historia (id_compra, numero, paso, tipo, detalle, round)
select id, numero, @a, @tipo, @detalle, round from moved
on conflict do nothing`

func queueChange(batch *pgx.Batch, k compras.Change, moved *bool) {
	var faltantes any
	if len(k.Faltantes) > 0 {
		faltantes = k.Faltantes
	}
	batch.Queue(move, pgx.NamedArgs{
		"id": k.IDCompra, "a": k.To, "from_any": k.From, "tipo": k.Tipo, "detalle": k.Detalle, "motivo": k.Motivo,
		"orden": k.IDOrden, "faltantes": faltantes, "unless_cancelled": k.UnlessCancelled,
	}).Exec(func(done pgconn.CommandTag) error { *moved = done.RowsAffected() == 1; return nil })
}

// Move makes the changes in order, each if it may be made, in one transaction, and gives the purchase as it stands then.
// moved tells whether any was made.
func (a *Store) Move(ctx context.Context, changes ...compras.Change) (c contracts.Compra, moved bool, err error) {
	var batch pgx.Batch
	results := make([]bool, len(changes))
	for i, k := range changes {
		queueChange(&batch, k, &results[i])
	}
	batch.Queue(view+`where c.id = $1`, changes[0].IDCompra).Query(oneCompra(&c))
	if err := a.pool.SendBatch(ctx, &batch).Close(); err != nil {
		return c, false, fmt.Errorf("pasar a %s: %w", changes[0].To, err)
	}
	for _, done := range results {
		moved = moved || done
	}
	return c, moved, nil
}

// Pose makes a change of state and records the question command, in one transaction: the question is recorded when
// the purchase then is in one of en and (unless always) nobody asked to cancel. It is one round trip.
func (a *Store) Pose(ctx context.Context, k compras.Change, command contracts.MessageType, inAnyOf []contracts.Estado, always bool) (compras.Posed, error) {
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
	if err := a.pool.SendBatch(ctx, &batch).Close(); err != nil {
		return p, fmt.Errorf("preguntar %s: %w", command, err)
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

// LoadStep gives a question and its reply; nil when it was never asked.
func (a *Store) LoadStep(ctx context.Context, idCompra string, command contracts.MessageType) (*compras.Step, error) {
	rows, err := a.pool.Query(ctx, loadStep, idCompra, command)
	if err != nil {
		return nil, fmt.Errorf("leer el paso %s: %w", command, err)
	}
	var p *compras.Step
	return p, oneStep(&p)(rows)
}

// Abandon ends the wait for a reply, unless it has come: then it is in the Paso that is returned.
func (a *Store) Abandon(ctx context.Context, idCompra string, command contracts.MessageType) (*compras.Step, error) {
	_, err := a.pool.Exec(ctx, `update paso set abandonada_en = clock_timestamp()
where id_compra = $1 and comando = $2 and respuesta is null and abandonada_en is null`, idCompra, command)
	if err != nil {
		return nil, fmt.Errorf("abandonar el paso %s: %w", command, err)
	}
	return a.LoadStep(ctx, idCompra, command)
}

// Reopen puts the reply of a question among the late ones, so that the question is asked again and the next reply counts. It is a
// sign of life: a participant that refuses at once leaves the workflow no other.
func (a *Store) Reopen(ctx context.Context, idCompra string, command contracts.MessageType) error {
	_, err := a.pool.Exec(ctx, `update paso set respuesta = null, datos = null, respondida_en = null, alive_at = clock_timestamp(),
    tardias = case when jsonb_array_length(tardias) < 10
        then tardias || jsonb_build_object('tipo', respuesta, 'datos', datos, 'en', respondida_en) else tardias end
where id_compra = $1 and comando = $2 and respuesta is not null`, idCompra, command)
	if err != nil {
		return fmt.Errorf("reabrir el paso %s: %w", command, err)
	}
	return nil
}

// record records the first reply in time; another reply of the question is kept beside it as late.
const record = `
with first as (
    update paso set respuesta = $3, datos = $4, respondida_en = clock_timestamp()
    where id_compra = $1 and comando = $2 and respuesta is null and abandonada_en is null
    returning 'first'
), late as (
    update paso set tardias = tardias || jsonb_build_object('tipo', $3::text, 'datos', $4::jsonb, 'en', clock_timestamp())
    where id_compra = $1 and comando = $2 and (respuesta <> $3 or (respuesta is null and abandonada_en is not null))
      and jsonb_array_length(tardias) < 10
    returning 'late'
)
select coalesce((select * from first), (select * from late),
    (select 'repeated' from paso where id_compra = $1 and comando = $2), 'unknown')`

// RecordReply records a reply to command. Waking the waiter is a statement of its own, after the commit: a NOTIFY inside
// holds a cluster-wide lock over the fsync (docs/adr/a-step-asks-and-waits.md).
func (a *Store) RecordReply(ctx context.Context, idCompra string, command contracts.MessageType, r compras.Reply) (compras.Recorded, error) {
	data, err := json.Marshal(r)
	if err != nil {
		return "", err
	}
	var recorded compras.Recorded
	if err := a.pool.QueryRow(ctx, record, idCompra, command, r.Tipo, data).Scan(&recorded); err != nil {
		return "", fmt.Errorf("anotar %s: %w", r.Tipo, err)
	}
	if recorded == compras.First {
		if _, err := a.pool.Exec(ctx, `select pg_notify($1, $2)`, repliesChannel, stepKey(idCompra, command)); err != nil {
			return "", fmt.Errorf("avisar de %s: %w", r.Tipo, err)
		}
	}
	return recorded, nil
}

// RecordFact adds to the history something that is not a change of state, once.
func (a *Store) RecordFact(ctx context.Context, idCompra, step string, kind contracts.MessageType, detail string) (contracts.Compra, error) {
	var c contracts.Compra
	var batch pgx.Batch
	// Two that note the same at once take turns: the second would not see the first's entry, and count without adding one.
	batch.Queue(`select from compra where id = $1 for no key update`, idCompra)
	batch.Queue(`
with moved as (
    update compra set numero = numero + 1, actualizada_en = clock_timestamp()
    where id = $1 and not exists (select from historia h where h.id_compra = $1 and h.paso = $2 and h.round = compra.round)
    returning id, numero, round
)
insert into historia (id_compra, numero, paso, tipo, detalle, round) select id, numero, $2, $3, $4, round from moved
on conflict do nothing`, idCompra, step, kind, detail)
	batch.Queue(view+`where c.id = $1`, idCompra).Query(oneCompra(&c))
	if err := a.pool.SendBatch(ctx, &batch).Close(); err != nil {
		return c, fmt.Errorf("anotar %s: %w", step, err)
	}
	return c, nil
}
