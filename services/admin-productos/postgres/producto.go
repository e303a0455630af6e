package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"entregas/contracts"
	"entregas/services/admin-productos/productos"
	"entregas/services/internal/errores"
)

// columns are those of a productos.Producto.
const columns = `id, nombre, cantidad`

// Productos lists the products whose name has every word of buscar, or whose id it is; all for "". Case and accents do not
// matter, nor whether an accented letter is one character or two (NFC, NFD), in buscar and in the stored names alike: both are
// decomposed (NFKD, which also makes a no-break space a space) and lose their accents. Accents go before the case, since lower
// leaves É as it is where the server's locale is C. In the order in which a person counts: 2 before 10.
// At most productos.MaxListed of them.
func (a *Almacen) Productos(ctx context.Context, buscar string) ([]productos.Producto, error) {
	const hallados = `
select ` + columns + ` from producto
where normalize(id) = normalize($1) or not exists (
    select from regexp_split_to_table(lower(regexp_replace(normalize($1, NFKD), '[\u0300-\u036f]', '', 'g')), '\s+') as palabra
    where position(palabra in lower(regexp_replace(normalize(nombre, NFKD), '[\u0300-\u036f]', '', 'g'))) = 0)
order by length(id), id
limit $2`
	filas, err := a.pool.Query(ctx, hallados, buscar, productos.MaxListed)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(filas, pgx.RowToStructByName[productos.Producto])
}

// Balance gives the books, one line a product (docs/adr/stock-is-conserved.md).
func (a *Almacen) Balance(ctx context.Context) ([]contracts.LineaDeBalance, error) {
	const libros = `select id_producto, inicial, repuesto, existencias, reservado, despachado, diferencia
from balance order by length(id_producto), id_producto`
	filas, err := a.pool.Query(ctx, libros)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(filas, pgx.RowToStructByPos[contracts.LineaDeBalance])
}

// Producto gives one product, or NoEncontrado.
func (a *Almacen) Producto(ctx context.Context, id string) (productos.Producto, error) {
	const uno = `select ` + columns + ` from producto where id = $1`
	return leerUno(ctx, a.pool, uno, id)
}

// Reponer adds cantidad units of a product to the shelf and gives the product afterwards. The same clave again gives the
// same answer and adds nothing; with another product or quantity it is OtroCuerpo. NoEncontrado, and Conflicto when the
// warehouse has no room.
func (a *Almacen) Reponer(ctx context.Context, id string, cantidad int, clave string) (productos.Producto, error) {
	var p productos.Producto
	err := pgx.BeginFunc(ctx, a.pool, func(tx pgx.Tx) (err error) {
		p, err = reponer(ctx, tx, id, cantidad, clave)
		return err
	})
	return p, err
}

func reponer(ctx context.Context, tx pgx.Tx, id string, cantidad int, clave string) (productos.Producto, error) {
	const (
		turno     = `select pg_advisory_xact_lock(hashtextextended('reposicion ' || $1, 0))` // the second of two alike waits, then finds the first
		repetida  = `select id_producto, cantidad, quedan from movimiento where clave = $1`
		bloquear  = `select ` + columns + ` from producto where id = $1 for no key update`
		aumentar  = `update producto set cantidad = $2 where id = $1`
		registrar = `insert into movimiento (id_producto, tipo, cantidad, clave, quedan) values ($1, 'REPOSICION', $2, $3, $4)`
	)
	if _, err := tx.Exec(ctx, turno, clave); err != nil {
		return productos.Producto{}, err
	}
	var deAntes productos.Producto
	var repuestas int
	err := tx.QueryRow(ctx, repetida, clave).Scan(&deAntes.ID, &repuestas, &deAntes.Cantidad)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return productos.Producto{}, err
	}
	if err == nil && (deAntes.ID != id || repuestas != cantidad) {
		return productos.Producto{}, errores.Nuevo(errores.OtroCuerpo, "La clave de idempotencia ya se usó para otra reposición.")
	}
	p, alLeer := leerUno(ctx, tx, bloquear, id)
	if alLeer != nil {
		return p, alLeer
	}
	if err == nil {
		p.Cantidad = deAntes.Cantidad
		return p, nil
	}
	if !productos.Cabe(p, cantidad) {
		return p, errores.Nuevo(errores.Conflicto, "Del producto %s caben a lo sumo %d unidades y hay %d.", id, productos.MaxExistencias, p.Cantidad)
	}
	p.Cantidad += cantidad
	var lote pgx.Batch
	lote.Queue(aumentar, id, p.Cantidad)
	lote.Queue(registrar, id, cantidad, clave, p.Cantidad)
	return p, tx.SendBatch(ctx, &lote).Close()
}

type consultas interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

func leerUno(ctx context.Context, db consultas, sql, id string) (productos.Producto, error) {
	filas, err := db.Query(ctx, sql, id)
	if err != nil {
		return productos.Producto{}, err
	}
	p, err := pgx.CollectExactlyOneRow(filas, pgx.RowToStructByName[productos.Producto])
	if errors.Is(err, pgx.ErrNoRows) {
		return p, errores.Nuevo(errores.NoEncontrado, "No existe el producto %s.", id)
	}
	return p, err
}
