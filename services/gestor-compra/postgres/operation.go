package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"entregas/contracts"
	"entregas/internal/actor"
	"entregas/internal/audit"
	"entregas/internal/errs"
	"entregas/workflows/compra"
)

// Mensajes returns every command that the saga posed for a purchase, with its replies, oldest first. Error: NotFound.
func (s *Store) Mensajes(ctx context.Context, idCompra string) ([]contracts.MensajeDeSaga, error) {
	if _, err := s.Load(ctx, idCompra); err != nil {
		return nil, err
	}
	rows, err := s.pool.Query(ctx, `
select comando, preguntada_en, abandonada_en, coalesce(respuesta, ''), coalesce(datos->>'motivo', ''), respondida_en, tardias
from paso where id_compra = $1 order by preguntada_en, comando`, idCompra)
	if err != nil {
		return nil, fmt.Errorf("read the messages of the purchase: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (contracts.MensajeDeSaga, error) {
		m := contracts.MensajeDeSaga{}
		var lateReplies []byte
		if err := row.Scan(&m.Comando, &m.PreguntadaEn, &m.AbandonadaEn, &m.Respuesta, &m.Motivo, &m.RespondidaEn, &lateReplies); err != nil {
			return m, err
		}
		return m, json.Unmarshal(lateReplies, &m.Tardias)
	})
}

const retry = `
with resumed as (
    update compra set estado = 'COMPENSANDO', round = round + 1, numero = numero + 1, actualizada_en = clock_timestamp(), replacement_asked = true
    where id = $1 and estado = 'FALLIDA' returning id, numero, round
)
insert into historia (id_compra, numero, paso, tipo, detalle, round, sujeto, rol)
select id, numero, 'COMPENSANDO', 'Reintento', 'Se intenta de nuevo deshacerla.', round, $2, $3 from resumed`

// manualQuiet is how long a purchase must show no sign of life before an operator may have its workflow replaced.
const manualQuiet = compra.LongestSleep

// Reintentar lets the reconciler resume a purchase that stands still. It makes a FALLIDA purchase COMPENSANDO again, and requests
// the replacement of any other stalled workflow. It is an act of the person who acts in ctx. approval is how long a purchase may wait for approval. Errors: NotFound;
// Conflict when the purchase is at its end, waits for a decision, or is not stalled.
func (s *Store) Reintentar(ctx context.Context, idCompra string, approval time.Duration) (contracts.Compra, error) {
	who := actor.Of(ctx)
	var c contracts.Compra
	var asked, replaced, resumed bool
	tell := func(did *bool) func(pgconn.CommandTag) error {
		return func(done pgconn.CommandTag) error { *did = done.RowsAffected() > 0; return nil }
	}
	var batch pgx.Batch
	batch.Queue(planWithValues)
	batch.Queue(`select from compra where id = $1 and replacement_asked for no key update`, idCompra).Exec(tell(&asked))
	batch.Queue(`
update compra set replacement_asked = true
where id = @id and estado <> 'RECIBIDA' and exists (select from (`+stalled+`) s)`, stalledArgs(manualQuiet, approval, &idCompra, 1)).Exec(tell(&replaced))
	batch.Queue(retry, idCompra, who.Sujeto, who.Rol).Exec(tell(&resumed))
	batch.Queue(view+`where c.id = $1`, idCompra).Query(oneCompra(&c))
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if err := tx.SendBatch(ctx, &batch).Close(); err != nil || asked && !resumed || !replaced && !resumed {
			return err // a repeated request is no act
		}
		return audit.Record(ctx, tx, contracts.Acto{Tipo: contracts.ActoReintento, Objeto: idCompra, IDCompra: idCompra}.Telling(
			contracts.TextoReintento, contracts.ValorDeActo{Nombre: "estado", Texto: string(c.Estado)}))
	})
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return c, errs.New(errs.NotFound, "No existe la compra %s.", idCompra)
	case err != nil:
		return c, fmt.Errorf("retry: %w", err)
	case !replaced && !resumed:
		return c, errs.New(errs.Conflict, "La compra está %s y no está detenida: no hay nada que reintentar.", c.Estado)
	}
	return c, nil
}
