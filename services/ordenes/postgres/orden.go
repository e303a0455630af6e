package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"entregas/contracts"
	"entregas/internal/errs"
	"entregas/internal/inbox"
	"entregas/internal/logging"
	"entregas/services/ordenes/ordenes"
)

// requestColumns are the columns of table orden that hold a contracts.DatosComandoOrden: the only list of them. Each column has the
// name of a field in JSON. Every query that reads an order fails where a field has no column here.
const requestColumns = `id_compra, id_usuario, productos, domicilio`

// columns are those of an ordenes.Orden.
const columns = `id::text, ` + requestColumns + `, estado, creada_en, actualizada_en`

// Orden gives one order, or NotFound.
func (s *Store) Orden(ctx context.Context, id string) (ordenes.Orden, error) {
	o, err := loadOne(ctx, s.pool, `select `+columns+` from orden where id = $1`, id)
	if err == nil && o == nil {
		return ordenes.Orden{}, errs.New(errs.NotFound, "No existe la orden %s.", id)
	}
	if err != nil {
		return ordenes.Orden{}, err
	}
	return *o, nil
}

// OfUsuario lists a customer's orders, newest first: at most limit of them, from the one that follows the order after
// where that is named.
func (s *Store) OfUsuario(ctx context.Context, idUsuario string, limit int, after string) ([]ordenes.Orden, error) {
	const list = `select ` + columns + ` from orden
		where id_usuario = $1 and ($3 = '' or id < nullif($3, '')::uuid) order by id desc limit $2`
	rows, err := s.pool.Query(ctx, list, idUsuario, limit, after)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[ordenes.Orden])
}

// Despachar lets the order leave the house and gives it as it stands afterwards; one that left already stays as it is.
// NotFound, and Conflict when it is cancelled. The event that tells of it is an outbox row of the same transaction
// (docs/adr/who-owns-a-fact-decides.md), so it is said if and only if it happened.
func (s *Store) Despachar(ctx context.Context, id string) (ordenes.Orden, error) {
	o, err := s.Orden(ctx, id)
	if err != nil {
		return o, err
	}
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		o, err = despachar(ctx, tx, o)
		return err
	})
	return o, err
}

func despachar(ctx context.Context, tx pgx.Tx, o ordenes.Orden) (ordenes.Orden, error) {
	const (
		setMark = `update orden set estado = 'DESPACHADA', actualizada_en = now() where id = $1 returning ` + columns
		notify  = `insert into outbox (id_compra, tipo, data, traceparent) values ($1, $2, $3, $4)`
	)
	if err := inbox.Lock(ctx, tx, o.IDCompra); err != nil {
		return o, err
	}
	current, err := byCompra(ctx, tx, o.IDCompra) // again: it may have been cancelled while we waited for the lock
	if err != nil {
		return o, err
	}
	switch ordenes.Despachar(current.Estado) {
	case ordenes.AlreadyDispatched:
		return *current, nil
	case ordenes.CannotDespachar:
		return *current, errs.New(errs.Conflict, "La orden está %s: ya no se puede despachar.", current.Estado)
	}
	event := contracts.DatosEventoOrden{IDCompra: o.IDCompra, IDOrden: o.ID}
	if _, err := tx.Exec(ctx, notify, o.IDCompra, contracts.OrdenDespachada, event, logging.Trace(ctx)); err != nil {
		return o, err
	}
	despachada, err := loadOne(ctx, tx, setMark, o.ID)
	if err != nil {
		return o, err
	}
	return *despachada, nil
}

type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// byCompra gives a purchase's order, or nil.
func byCompra(ctx context.Context, db querier, idCompra string) (*ordenes.Orden, error) {
	return loadOne(ctx, db, `select `+columns+` from orden where id_compra = $1`, idCompra)
}

func loadOne(ctx context.Context, db querier, sql, key string) (*ordenes.Orden, error) {
	rows, err := db.Query(ctx, sql, key)
	if err != nil {
		return nil, err
	}
	o, err := pgx.CollectExactlyOneRow(rows, pgx.RowToAddrOfStructByName[ordenes.Orden])
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	return o, err
}
