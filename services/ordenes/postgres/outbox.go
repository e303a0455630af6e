package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"entregas/contracts"
	"entregas/services/internal/registro"
	"entregas/services/ordenes/ordenes"
)

// tellAgainAfter is the age at which a published event is published once more: a broker may lose what it took (docs/adr/told-twice.md).
const tellAgainAfter = time.Minute

// Difundir publishes a purchase's events that were never told.
func (a *Almacen) Difundir(ctx context.Context, idCompra string, publicar ordenes.Publicar) error {
	const suyos = `select id, tipo, data, traza, false from outbox where id_compra = $1 and tell_again_at is null order by id for update skip locked`
	_, err := a.difundir(ctx, publicar, suyos, idCompra)
	return err
}

// gracia is the age below which the sweep leaves an event to the request that wrote it and is about to publish it.
const gracia = 5 * time.Second

// Barrer publishes every event whose time has come: what Difundir could not do, and each one a second time.
func (a *Almacen) Barrer(ctx context.Context, publicar ordenes.Publicar) error {
	const viejos = `select id, tipo, data, traza, tell_again_at is not null from outbox
		where coalesce(tell_again_at, creado_en + $1::interval) < now() order by id limit 20 for update skip locked`
	for {
		if n, err := a.difundir(ctx, publicar, viejos, gracia); err != nil || n == 0 {
			return err
		}
	}
}

type aviso struct {
	ID    int64
	Tipo  contracts.Tipo
	Data  contracts.DatosEventoOrden
	Traza string
	Told  bool // once already
}

// difundir publishes the rows of consulta. One that is told for the first time stays until tellAgainAfter, one that is told
// again is forgotten. It holds them while it does, so replicas do not repeat each other; one that dies in between leaves them
// as they were, and the event comes once more: its readers are idempotent.
func (a *Almacen) difundir(ctx context.Context, publicar ordenes.Publicar, consulta string, de any) (int, error) {
	var avisos []aviso
	err := pgx.BeginFunc(ctx, a.pool, func(tx pgx.Tx) error {
		filas, err := tx.Query(ctx, consulta, de)
		if err != nil {
			return err
		}
		if avisos, err = pgx.CollectRows(filas, pgx.RowToStructByPos[aviso]); err != nil {
			return err
		}
		for _, v := range avisos {
			if err := publicar(registro.ConCompra(registro.ConTraza(ctx, v.Traza), v.Data.IDCompra), v.Tipo, v.Data); err != nil {
				return err
			}
			if err := told(ctx, tx, v); err != nil {
				return err
			}
		}
		return nil
	})
	return len(avisos), err
}

func told(ctx context.Context, tx pgx.Tx, v aviso) (err error) {
	if v.Told {
		_, err = tx.Exec(ctx, `delete from outbox where id = $1`, v.ID)
	} else {
		_, err = tx.Exec(ctx, `update outbox set tell_again_at = now() + $2::interval where id = $1`, v.ID, tellAgainAfter)
	}
	return err
}
