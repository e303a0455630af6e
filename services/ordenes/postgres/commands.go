package postgres

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"entregas/contracts"
	"entregas/internal/inbox"
	"entregas/services/ordenes/ordenes"
)

// Create creates the order of a purchase, unless its customer has too many open orders.
func (s *Store) Create(ctx context.Context, c inbox.Command, d contracts.DatosComandoOrden) (Reply, error) {
	const (
		written = requestColumns + `, direccion`
		insert  = `insert into orden (id, estado, ` + written + `) select $1, 'CREADA', ` + written +
			` from jsonb_populate_record(null::orden, ` + requestDefaults + ` || $2::jsonb)`
	)
	return inbox.Handle(ctx, s.pool, c, func(tx pgx.Tx) (Reply, error) {
		open, cancelled, err := loadForOrden(ctx, tx, d)
		if err != nil {
			return Reply{}, err
		}
		r := ordenes.Create(open, s.maxOpen, cancelled)
		if r.Tipo != contracts.OrdenCreada {
			return replyTo(c, r, ""), nil
		}
		id, err := uuid.NewV7()
		if err != nil {
			return Reply{}, err
		}
		_, err = tx.Exec(ctx, insert, id.String(), d.Pedido())
		return replyTo(c, r, id.String()), err
	})
}

// loadForOrden reads the input of ordenes.Create in one round trip. It takes the lock of the customer first, so that two
// orders at once cannot both take the last place. Every transaction takes the lock of the customer after the lock of the
// purchase, so there is no deadlock.
func loadForOrden(ctx context.Context, tx pgx.Tx, d contracts.DatosComandoOrden) (open int, cancelled bool, err error) {
	const (
		turn            = `select pg_advisory_xact_lock(hashtextextended('usuario ' || $1, 0))`
		openOf          = `select count(*) from orden where id_usuario = $1 and estado = 'CREADA'`
		cancelledBefore = `select exists (select from inbox where id_compra = $1 and tipo = 'CancelarOrden')`
	)
	var batch pgx.Batch
	batch.Queue(turn, d.IDUsuario)
	batch.Queue(openOf, d.IDUsuario).QueryRow(func(row pgx.Row) error { return row.Scan(&open) })
	batch.Queue(cancelledBefore, d.IDCompra).QueryRow(func(row pgx.Row) error { return row.Scan(&cancelled) })
	return open, cancelled, tx.SendBatch(ctx, &batch).Close()
}

// Cancelar cancels the order of a purchase, unless it is dispatched.
func (s *Store) Cancelar(ctx context.Context, c inbox.Command) (Reply, error) {
	const cancelar = `update orden set estado = 'CANCELADA', actualizada_en = now() where id_compra = $1`
	return inbox.Handle(ctx, s.pool, c, func(tx pgx.Tx) (Reply, error) {
		o, err := byCompra(ctx, tx, c.IDCompra)
		if err != nil {
			return Reply{}, err
		}
		r := ordenes.Cancelar(o)
		if o == nil {
			return replyTo(c, r, ""), nil
		}
		if r.Tipo == contracts.OrdenCancelada {
			_, err = tx.Exec(ctx, cancelar, c.IDCompra)
		}
		return replyTo(c, r, o.ID), err
	})
}

func replyTo(c inbox.Command, r ordenes.Reply, idOrden string) Reply {
	return Reply{Tipo: r.Tipo, Data: contracts.DatosEventoOrden{
		IDCompra: c.IDCompra, RespondeA: string(c.Tipo), IDOrden: idOrden, Motivo: r.Motivo,
	}}
}
