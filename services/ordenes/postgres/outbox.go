package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"entregas/contracts"
	"entregas/services/internal/registro"
)

// Publicar hands an event to the broker.
type Publicar func(ctx context.Context, tipo contracts.Tipo, data contracts.DatosEventoOrden) error

// Difundir publishes a purchase's events that wait in the outbox.
func (a *Almacen) Difundir(ctx context.Context, idCompra string, publicar Publicar) error {
	const suyos = `select id, tipo, data, traza from outbox where id_compra = $1 order by id for update skip locked`
	_, err := a.difundir(ctx, publicar, suyos, idCompra)
	return err
}

// gracia leaves a new event to the one who wrote it, who is about to publish it.
const gracia = 5 * time.Second

// Barrer publishes every event that still waits: what Difundir could not do.
func (a *Almacen) Barrer(ctx context.Context, publicar Publicar) error {
	const viejos = `select id, tipo, data, traza from outbox where creado_en < now() - $1::interval order by id limit 20 for update skip locked`
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
}

// difundir publishes and then forgets the rows of consulta. It holds them while it does, so replicas do not repeat each
// other; one that dies in between leaves them, and the event comes twice: whoever reads it is used to that.
func (a *Almacen) difundir(ctx context.Context, publicar Publicar, consulta string, de any) (int, error) {
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
			if _, err := tx.Exec(ctx, `delete from outbox where id = $1`, v.ID); err != nil {
				return err
			}
		}
		return nil
	})
	return len(avisos), err
}
