package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"entregas/contracts"
	"entregas/internal/actor"
	"entregas/internal/audit"
	"entregas/internal/errs"
	"entregas/services/admin-productos/productos"
)

// selectProducto selects a productos.Producto with its present price. Each query appends its own condition on p.
const selectProducto = `
select p.id, p.nombre, p.cantidad, coalesce(v.precio, 0) as precio, coalesce(v.moneda, '') as moneda
from producto p left join lateral (select precio, moneda from precio where id_producto = p.id order by desde desc limit 1) v on true
`

const one = selectProducto + `where p.id = $1`

// Productos returns the products whose name has every word of search, or whose id is search; all products for "". It returns
// at most productos.MaxListed, ordered as numbers: 2 before 10.
func (s *Store) Productos(ctx context.Context, search string) ([]productos.Producto, error) {
	const matches = selectProducto + `where ` + matchesSearch + ` order by length(id), id limit $2`
	rows, err := s.pool.Query(ctx, matches, search, productos.MaxListed)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[productos.Producto])
}

// Producto returns a product, or NotFound.
func (s *Store) Producto(ctx context.Context, id string) (productos.Producto, error) {
	return loadOne(ctx, s.pool, one, id)
}

// Reponer adds cantidad units of a product to the shelf, for the person who acts in ctx, and returns the product with its new quantity. A repeated key returns
// the same product and adds nothing. Errors: NotFound; OtherBody when the key was used for another product or quantity;
// Conflict when the units do not fit.
func (s *Store) Reponer(ctx context.Context, id string, cantidad int, key string) (productos.Producto, error) {
	var p productos.Producto
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) (err error) {
		p, err = reponer(ctx, tx, id, cantidad, key)
		return err
	})
	return p, err
}

func reponer(ctx context.Context, tx pgx.Tx, id string, cantidad int, key string) (productos.Producto, error) {
	const (
		repeated = `select id_producto, tipo, cantidad, quedan from movimiento where idempotency_key = $1`
		lockRows = one + ` for no key update of p`
		increase = `update producto set cantidad = $2 where id = $1`
		register = `insert into movimiento (id_producto, tipo, cantidad, idempotency_key, quedan, sujeto, rol) values ($1, 'REPOSICION', $2, $3, $4, $5, $6)`
	)
	if _, err := tx.Exec(ctx, turnOfKey, key); err != nil {
		return productos.Producto{}, err
	}
	var previously productos.Producto
	var restocked int
	var tipo string
	err := tx.QueryRow(ctx, repeated, key).Scan(&previously.ID, &tipo, &restocked, &previously.Cantidad)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return productos.Producto{}, err
	}
	if err == nil && (previously.ID != id || tipo != contracts.MovimientoReposicion || restocked != cantidad) {
		return productos.Producto{}, errs.New(errs.OtherBody, "La clave de idempotencia ya se usó para otra reposición.")
	}
	p, readErr := loadOne(ctx, tx, lockRows, id)
	if readErr != nil {
		return p, readErr
	}
	if err == nil {
		p.Cantidad = previously.Cantidad
		return p, nil
	}
	if !productos.Fits(p, cantidad) {
		return p, errs.New(errs.Conflict, "Del producto %s caben a lo sumo %d unidades y hay %d.", id, productos.MaxExistencias, p.Cantidad)
	}
	p.Cantidad += cantidad
	var batch pgx.Batch
	batch.Queue(increase, id, p.Cantidad)
	who := actor.Of(ctx)
	batch.Queue(register, id, cantidad, key, p.Cantidad, who.Sujeto, who.Rol)
	if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
		return p, err
	}
	return p, audit.Record(ctx, tx, contracts.Acto{Tipo: contracts.ActoReposicion, Objeto: id}.Telling(
		contracts.TextoReposicion, contracts.NumeroDeActo("unidades", cantidad), contracts.NumeroDeActo("quedaron", p.Cantidad)))
}

// Actos returns at most limit acts that f selects and that come after the cursor, newest first.
func (s *Store) Actos(ctx context.Context, f contracts.ActosFilter, after contracts.Cursor, limit int) ([]contracts.Acto, error) {
	return audit.List(ctx, s.pool, f, after, limit)
}

type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

func loadOne(ctx context.Context, db querier, sql, id string) (productos.Producto, error) {
	rows, err := db.Query(ctx, sql, id)
	if err != nil {
		return productos.Producto{}, err
	}
	p, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[productos.Producto])
	if errors.Is(err, pgx.ErrNoRows) {
		return p, errs.New(errs.NotFound, "No existe el producto %s.", id)
	}
	return p, err
}
