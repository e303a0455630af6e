package postgres

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"entregas/contracts"
	"entregas/services/internal/inbox"
	"entregas/services/ordenes/ordenes"
)

// Crear makes the purchase's order, unless its customer has too many open.
func (a *Almacen) Crear(ctx context.Context, c inbox.Comando, d contracts.DatosComandoOrden) (Respuesta, error) {
	const insertar = `insert into orden (id, estado, ` + requestColumns + `) select $1, 'CREADA', ` + requestColumns + ` from jsonb_populate_record(null::orden, $2)`
	return inbox.Atender(ctx, a.pool, c, func(tx pgx.Tx) (Respuesta, error) {
		abiertas, cancelada, err := paraCrear(ctx, tx, d)
		if err != nil {
			return Respuesta{}, err
		}
		r := ordenes.Crear(abiertas, a.maxAbiertas, cancelada)
		if r.Tipo != contracts.OrdenCreada {
			return respuestaA(c, r, ""), nil
		}
		id, err := uuid.NewV7()
		if err != nil {
			return Respuesta{}, err
		}
		_, err = tx.Exec(ctx, insertar, id.String(), d)
		return respuestaA(c, r, id.String()), err
	})
}

// paraCrear reads what the decision needs, in one round trip. The customer's lock comes first: of two orders at once that
// both see the last free place, the second would be one too many. It is always taken after the purchase's, so no two
// transactions wait for each other.
func paraCrear(ctx context.Context, tx pgx.Tx, d contracts.DatosComandoOrden) (abiertas int, cancelada bool, err error) {
	const (
		turno          = `select pg_advisory_xact_lock(hashtextextended('usuario ' || $1, 0))`
		abiertasDe     = `select count(*) from orden where id_usuario = $1 and estado = 'CREADA'`
		canceladaAntes = `select exists (select from inbox where id_compra = $1 and tipo = 'CancelarOrden')`
	)
	var lote pgx.Batch
	lote.Queue(turno, d.IDUsuario)
	lote.Queue(abiertasDe, d.IDUsuario).QueryRow(func(fila pgx.Row) error { return fila.Scan(&abiertas) })
	lote.Queue(canceladaAntes, d.IDCompra).QueryRow(func(fila pgx.Row) error { return fila.Scan(&cancelada) })
	return abiertas, cancelada, tx.SendBatch(ctx, &lote).Close()
}

// Cancelar cancels the purchase's order, unless it was dispatched.
func (a *Almacen) Cancelar(ctx context.Context, c inbox.Comando) (Respuesta, error) {
	const cancelar = `update orden set estado = 'CANCELADA', actualizada_en = now() where id_compra = $1`
	return inbox.Atender(ctx, a.pool, c, func(tx pgx.Tx) (Respuesta, error) {
		o, err := deCompra(ctx, tx, c.IDCompra)
		if err != nil {
			return Respuesta{}, err
		}
		r := ordenes.Cancelar(o)
		if o == nil {
			return respuestaA(c, r, ""), nil
		}
		if r.Tipo == contracts.OrdenCancelada {
			_, err = tx.Exec(ctx, cancelar, c.IDCompra)
		}
		return respuestaA(c, r, o.ID), err
	})
}

func respuestaA(c inbox.Comando, r ordenes.Respuesta, idOrden string) Respuesta {
	return Respuesta{Tipo: r.Tipo, Data: contracts.DatosEventoOrden{
		IDCompra: c.IDCompra, RespondeA: string(c.Tipo), IDOrden: idOrden, Motivo: r.Motivo,
	}}
}
