package postgres

import (
	"context"
	"errors"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"entregas/contracts"
	"entregas/internal/actor"
	"entregas/internal/audit"
	"entregas/internal/errs"
	"entregas/internal/inbox"
	"entregas/internal/logging"
	"entregas/services/ordenes/ordenes"
)

// requestColumns are the columns of table orden that hold a contracts.Pedido, but for its address: the only list of them. Each column has
// the name of a field in JSON. Every query that reads an order fails where a field has no column here.
const requestColumns = `id_compra, codigo, id_usuario, productos, domicilio, tienda, moneda, total, precios`

// requestDefaults are the columns that a contracts.Pedido in JSON may leave out and that are not null.
const requestDefaults = `'{"codigo": "", "tienda": "", "moneda": "", "total": 0, "precios": []}'::jsonb`

const ownColumns = `, estado, despachada_por, despachada_rol, creada_en, actualizada_en`

// columns are the columns of an ordenes.Orden without its address: of lists, and of the answer to a write, which the bff may keep under an
// Idempotency-Key. detail has the address too (docs/adr/personal-data.md).
const (
	columns = `id::text, ` + requestColumns + `, null::jsonb as direccion` + ownColumns
	detail  = `id::text, ` + requestColumns + `, direccion` + ownColumns
)

// Orden returns an order with its address, or NotFound. Of the other methods only Queue returns addresses.
func (s *Store) Orden(ctx context.Context, id string) (ordenes.Orden, error) {
	return s.byID(ctx, detail, id)
}

func (s *Store) byID(ctx context.Context, columns, id string) (ordenes.Orden, error) {
	o, err := loadOne(ctx, s.pool, `select `+columns+` from orden where id = $1`, id)
	if err == nil && o == nil {
		return ordenes.Orden{}, errs.New(errs.NotFound, "No existe la orden %s.", id)
	}
	if err != nil {
		return ordenes.Orden{}, err
	}
	return *o, nil
}

// OfUsuario returns the orders of a customer, newest first: at most limit, from the one that follows the order after. An empty
// after begins at the newest.
func (s *Store) OfUsuario(ctx context.Context, idUsuario string, limit int, after string) ([]ordenes.Orden, error) {
	const list = `select ` + columns + ` from orden
		where id_usuario = $1 and ($3 = '' or id < nullif($3, '')::uuid) order by id desc limit $2`
	rows, err := s.pool.Query(ctx, list, idUsuario, limit, after)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[ordenes.Orden])
}

// Queue returns at most limit orders that f selects, home delivery first, then the oldest, after the place after. total is how many
// f selects, at most contracts.MaxTotalOrdenes. The orders have their addresses, which the warehouse prints.
func (s *Store) Queue(ctx context.Context, f contracts.OrdenesFilter, after contracts.OrdenCursor, limit int) (list []ordenes.Orden, total int, err error) {
	const (
		selected = ` from orden where estado = $1 and ($2::boolean is null or domicilio = $2) and ($3::text is null or zona = $3)`
		page     = `select ` + detail + selected + ` and (not domicilio, id) > ($4, $5) order by not domicilio, id limit $6`
		count    = `select count(*) from (select` + selected + ` limit $4) o`
	)
	if after.ID == "" {
		after = contracts.OrdenCursor{Domicilio: true, ID: uuid.Nil.String()}
	}
	var batch pgx.Batch
	batch.Queue(`select set_config('plan_cache_mode', 'force_custom_plan', true)`) // a plan for all states would read all orders to count those of one
	batch.Queue(page, f.Estado, f.Domicilio, f.Zona, !after.Domicilio, after.ID, limit).Query(func(rows pgx.Rows) error {
		list, err = pgx.CollectRows(rows, pgx.RowToStructByName[ordenes.Orden])
		return err
	})
	batch.Queue(count, f.Estado, f.Domicilio, f.Zona, contracts.MaxTotalOrdenes).QueryRow(func(row pgx.Row) error { return row.Scan(&total) })
	err = s.pool.SendBatch(ctx, &batch).Close()
	return list, total, err
}

// Zonas returns the zones of the orders that wait for their dispatch, the largest first, at most contracts.MaxZonas.
func (s *Store) Zonas(ctx context.Context) ([]contracts.ZonaDeOrdenes, error) {
	const zonas = `select zona, count(*) as ordenes from orden where estado = 'CREADA' group by zona order by ordenes desc, zona limit $1`
	rows, err := s.pool.Query(ctx, zonas, contracts.MaxZonas)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[contracts.ZonaDeOrdenes])
}

// Despachar dispatches an order for the person who acts in ctx and returns it; an order that is dispatched already does not change.
// The event is an outbox row
// of the same transaction (docs/adr/who-owns-a-fact-decides.md), so it is published if and only if the order was dispatched.
// Errors: NotFound; Conflict when the order is cancelled.
func (s *Store) Despachar(ctx context.Context, id string) (ordenes.Orden, error) {
	o, err := s.byID(ctx, columns, id)
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
		dispatch = `update orden set estado = 'DESPACHADA', despachada_por = $2, despachada_rol = $3, actualizada_en = now() where id = $1 returning ` + columns
		notify   = `insert into outbox (id_compra, tipo, data, traceparent) values ($1, $2, $3, $4)`
	)
	if err := inbox.Lock(ctx, tx, o.IDCompra); err != nil {
		return o, err
	}
	current, err := byCompra(ctx, tx, o.IDCompra) // it may have been cancelled before tx got the lock
	if err != nil {
		return o, err
	}
	switch ordenes.Despachar(current.Estado) {
	case ordenes.AlreadyDispatched:
		return *current, nil
	case ordenes.CannotDespachar:
		return *current, errs.New(errs.Conflict, "La orden está %s: ya no se puede despachar.", current.Estado)
	}
	who := actor.Of(ctx)
	event := contracts.DatosEventoOrden{IDCompra: o.IDCompra, IDOrden: o.ID, Sujeto: who.Sujeto, Rol: who.Rol}
	if _, err := tx.Exec(ctx, notify, o.IDCompra, contracts.OrdenDespachada, event, logging.Trace(ctx)); err != nil {
		return o, err
	}
	if err := audit.Record(ctx, tx, contracts.Acto{Tipo: contracts.ActoDespacho, Objeto: o.ID, IDCompra: o.IDCompra}); err != nil {
		return o, err
	}
	despachada, err := loadOne(ctx, tx, dispatch, o.ID, who.Sujeto, who.Rol)
	if err != nil {
		return o, err
	}
	return *despachada, nil
}

// Actos returns at most limit acts that f selects and that come after the cursor, newest first.
func (s *Store) Actos(ctx context.Context, f contracts.ActosFilter, after contracts.Cursor, limit int) ([]contracts.Acto, error) {
	return audit.List(ctx, s.pool, f, after, limit)
}

type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// byCompra returns the order of a purchase, or nil.
func byCompra(ctx context.Context, db querier, idCompra string) (*ordenes.Orden, error) {
	return loadOne(ctx, db, `select `+columns+` from orden where id_compra = $1`, idCompra)
}

func loadOne(ctx context.Context, db querier, sql string, args ...any) (*ordenes.Orden, error) {
	rows, err := db.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	o, err := pgx.CollectExactlyOneRow(rows, pgx.RowToAddrOfStructByName[ordenes.Orden])
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	return o, err
}
