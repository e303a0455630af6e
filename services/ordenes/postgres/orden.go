package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"entregas/contracts"
	"entregas/services/internal/errores"
	"entregas/services/internal/inbox"
	"entregas/services/internal/registro"
	"entregas/services/ordenes/ordenes"
)

// requestColumns are the columns of table orden that hold a contracts.DatosComandoOrden: the only list of them. Each column has the
// name of a field in JSON. Every query that reads an order fails where a field has no column here.
const requestColumns = `id_compra, id_usuario, productos, domicilio`

// columnas are those of an ordenes.Orden.
const columnas = `id::text, ` + requestColumns + `, estado, creada_en, actualizada_en`

// Orden gives one order, or NoEncontrado.
func (a *Almacen) Orden(ctx context.Context, id string) (ordenes.Orden, error) {
	o, err := leerUna(ctx, a.pool, `select `+columnas+` from orden where id = $1`, id)
	if err == nil && o == nil {
		return ordenes.Orden{}, errores.Nuevo(errores.NoEncontrado, "No existe la orden %s.", id)
	}
	if err != nil {
		return ordenes.Orden{}, err
	}
	return *o, nil
}

// DeUsuario lists a customer's orders, newest first: at most limite of them, from the one that follows the order despues
// where that is named.
func (a *Almacen) DeUsuario(ctx context.Context, idUsuario string, limite int, despues string) ([]ordenes.Orden, error) {
	const lista = `select ` + columnas + ` from orden
		where id_usuario = $1 and ($3 = '' or id < nullif($3, '')::uuid) order by id desc limit $2`
	filas, err := a.pool.Query(ctx, lista, idUsuario, limite, despues)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(filas, pgx.RowToStructByName[ordenes.Orden])
}

// Despachar lets the order leave the house and gives it as it stands afterwards; one that left already stays as it is.
// NoEncontrado, and Conflicto when it is cancelled. The event that tells of it is an outbox row of the same transaction
// (docs/adr/who-owns-a-fact-decides.md), so it is said if and only if it happened.
func (a *Almacen) Despachar(ctx context.Context, id string) (ordenes.Orden, error) {
	o, err := a.Orden(ctx, id)
	if err != nil {
		return o, err
	}
	err = pgx.BeginFunc(ctx, a.pool, func(tx pgx.Tx) error {
		o, err = despachar(ctx, tx, o)
		return err
	})
	return o, err
}

func despachar(ctx context.Context, tx pgx.Tx, o ordenes.Orden) (ordenes.Orden, error) {
	const (
		marcar = `update orden set estado = 'DESPACHADA', actualizada_en = now() where id = $1 returning ` + columnas
		avisar = `insert into outbox (id_compra, tipo, data, traza) values ($1, $2, $3, $4)`
	)
	if err := inbox.Bloquear(ctx, tx, o.IDCompra); err != nil {
		return o, err
	}
	actual, err := deCompra(ctx, tx, o.IDCompra) // again: it may have been cancelled while we waited for the lock
	if err != nil {
		return o, err
	}
	switch ordenes.Despachar(actual.Estado) {
	case ordenes.YaDespachada:
		return *actual, nil
	case ordenes.NoSePuede:
		return *actual, errores.Nuevo(errores.Conflicto, "La orden está %s: ya no se puede despachar.", actual.Estado)
	}
	evento := contracts.DatosEventoOrden{IDCompra: o.IDCompra, IDOrden: o.ID}
	if _, err := tx.Exec(ctx, avisar, o.IDCompra, contracts.OrdenDespachada, evento, registro.Traza(ctx)); err != nil {
		return o, err
	}
	despachada, err := leerUna(ctx, tx, marcar, o.ID)
	if err != nil {
		return o, err
	}
	return *despachada, nil
}

type consultas interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// deCompra gives a purchase's order, or nil.
func deCompra(ctx context.Context, db consultas, idCompra string) (*ordenes.Orden, error) {
	return leerUna(ctx, db, `select `+columnas+` from orden where id_compra = $1`, idCompra)
}

func leerUna(ctx context.Context, db consultas, sql, clave string) (*ordenes.Orden, error) {
	filas, err := db.Query(ctx, sql, clave)
	if err != nil {
		return nil, err
	}
	o, err := pgx.CollectExactlyOneRow(filas, pgx.RowToAddrOfStructByName[ordenes.Orden])
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	return o, err
}
