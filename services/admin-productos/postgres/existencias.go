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

// matchesSearch is the condition on the product p that its name has every word of $1, or that its id is $1; "" matches every product.
//
// Case and accents do not matter, nor does the Unicode form (NFC or NFD). Both texts are decomposed (NFKD, which also turns a
// no-break space into a space) and lose their accents. The accents go first, since lower does not change É in locale C.
const matchesSearch = `(normalize(p.id) = normalize($1) or not exists (
    select from regexp_split_to_table(lower(regexp_replace(normalize($1, NFKD), '[\u0300-\u036f]', '', 'g')), '\s+') as word
    where position(word in lower(regexp_replace(normalize(p.nombre, NFKD), '[\u0300-\u036f]', '', 'g'))) = 0))`

// lineaColumns are the columns of a contracts.LineaDeBalance in view balance.
const lineaColumns = `id_producto, nombre, inicial, repuesto, corregido, existencias, reservado, despachado, diferencia, umbral`

// Balance returns the books of at most limit products that f selects, by id, after the product after; "" is the beginning
// (docs/adr/stock-is-conserved.md).
func (s *Store) Balance(ctx context.Context, f contracts.BalanceFilter, limit int, after string) ([]contracts.LineaDeBalance, error) {
	const books = `
select ` + lineaColumns + ` from balance where id_producto in (
    select p.id from producto p
    where ($2 = '' or (length(p.id), p.id) > (length($2), $2)) and (not $3 or p.cantidad <= p.umbral) and ` + matchesSearch + `
    order by length(p.id), p.id limit $4)
order by length(id_producto), id_producto`
	rows, err := s.pool.Query(ctx, books, f.Buscar, after, f.Bajas, limit)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByNameLax[contracts.LineaDeBalance])
}

// linea returns the books of one product, or NotFound.
func (s *Store) linea(ctx context.Context, db querier, id string) (contracts.LineaDeBalance, error) {
	rows, err := db.Query(ctx, `select `+lineaColumns+` from balance where id_producto = $1`, id)
	if err != nil {
		return contracts.LineaDeBalance{}, err
	}
	one, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByNameLax[contracts.LineaDeBalance])
	if errors.Is(err, pgx.ErrNoRows) {
		err = errs.New(errs.NotFound, "No existe el producto %s.", id)
	}
	return one, err
}

// Movimientos returns the books of a product and at most limit entries of its ledger, newest first, older than the entry olderThan; 0 begins
// at the newest. tipo selects one kind; "" is all. next is the number of the last entry, 0 where there are no more. Error: NotFound.
func (s *Store) Movimientos(ctx context.Context, id, tipo string, olderThan int64, limit int) (linea contracts.LineaDeBalance, list []contracts.Movimiento, next int64, err error) {
	// A dispatch leaves the shelf as it is: it has the number of the entry before.
	const page = `
select m.id as numero, m.tipo, m.cantidad, coalesce(m.quedan, (
        select b.quedan from movimiento b where b.id_producto = m.id_producto and b.id < m.id and b.quedan is not null order by b.id desc limit 1), 0) as existencias,
    coalesce(m.id_compra, '') as id_compra, m.sujeto, m.rol, m.motivo, m.en
from movimiento m
where m.id_producto = $1 and ($2 = 0 or m.id < $2) and ($3 = '' or m.tipo = $3)
order by m.id desc limit $4`
	if linea, err = s.linea(ctx, s.pool, id); err != nil {
		return linea, nil, 0, err
	}
	rows, err := s.pool.Query(ctx, page, id, olderThan, tipo, limit+1)
	if err != nil {
		return linea, nil, 0, err
	}
	list, err = pgx.CollectRows(rows, pgx.RowToStructByNameLax[contracts.Movimiento])
	if len(list) > limit {
		list, next = list[:limit], list[limit-1].Numero
	}
	return linea, list, next, err
}

// Corregir adds c.Cantidad units of a product to the shelf, or takes them away where it is negative, for the person who acts in ctx. It
// returns the product with its new quantity. A repeated key returns the same product and changes nothing. Errors: NotFound; OtherBody when
// the key was used for something else; Conflict when the shelf has fewer units, or has no room.
func (s *Store) Corregir(ctx context.Context, id string, c contracts.Correccion, key string) (productos.Producto, error) {
	var p productos.Producto
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) (err error) {
		p, err = corregir(ctx, tx, id, c, key)
		return err
	})
	return p, err
}

func corregir(ctx context.Context, tx pgx.Tx, id string, c contracts.Correccion, key string) (productos.Producto, error) {
	const (
		repeated = `select id_producto, tipo, cantidad, motivo, quedan from movimiento where idempotency_key = $1`
		lockRows = one + ` for no key update of p`
		change   = `update producto set cantidad = $2 where id = $1`
		register = `insert into movimiento (id_producto, tipo, cantidad, idempotency_key, quedan, motivo, sujeto, rol) values ($1, 'CORRECCION', $2, $3, $4, $5, $6, $7)`
	)
	if _, err := tx.Exec(ctx, turnOfKey, key); err != nil {
		return productos.Producto{}, err
	}
	var before struct {
		id, tipo, motivo string
		cantidad, quedan int
	}
	err := tx.QueryRow(ctx, repeated, key).Scan(&before.id, &before.tipo, &before.cantidad, &before.motivo, &before.quedan)
	done := err == nil
	switch {
	case err != nil && !errors.Is(err, pgx.ErrNoRows):
		return productos.Producto{}, err
	case done && (before.id != id || before.tipo != contracts.MovimientoCorreccion || before.cantidad != c.Cantidad || before.motivo != c.Motivo):
		return productos.Producto{}, errs.New(errs.OtherBody, "La clave de idempotencia ya se usó para otro movimiento.")
	}
	p, err := loadOne(ctx, tx, lockRows, id)
	if err != nil {
		return p, err
	}
	if done {
		p.Cantidad = before.quedan
		return p, nil
	}
	quedan, refusal := productos.Corregir(p, c.Cantidad)
	if refusal != "" {
		return p, errs.New(errs.Conflict, "%s", refusal)
	}
	p.Cantidad = quedan
	who := actor.Of(ctx)
	var batch pgx.Batch
	batch.Queue(change, id, p.Cantidad)
	batch.Queue(register, id, c.Cantidad, key, p.Cantidad, c.Motivo, who.Sujeto, who.Rol)
	if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
		return p, err
	}
	texto, unidades := contracts.TextoSuma, c.Cantidad
	if unidades < 0 {
		texto, unidades = contracts.TextoResta, -unidades
	}
	return p, audit.Record(ctx, tx, contracts.Acto{Tipo: contracts.ActoCorreccion, Objeto: id, Motivo: c.Motivo}.Telling(
		texto, contracts.NumeroDeActo("unidades", unidades), contracts.NumeroDeActo("quedaron", p.Cantidad)))
}

// turnOfKey makes the second of two requests with one key wait for the first.
const turnOfKey = `select pg_advisory_xact_lock(hashtextextended('reposicion ' || $1, 0))`

// CambiarUmbral changes the stock from which a product is low, for the person who acts in ctx, and returns its books. The present threshold
// again changes nothing. Error: NotFound.
func (s *Store) CambiarUmbral(ctx context.Context, id string, umbral int) (linea contracts.LineaDeBalance, err error) {
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		var before int
		err := tx.QueryRow(ctx, `select umbral from producto where id = $1 for no key update`, id).Scan(&before)
		if err == nil && before != umbral {
			_, err = tx.Exec(ctx, `update producto set umbral = $2 where id = $1`, id, umbral)
			if err == nil {
				err = audit.Record(ctx, tx, contracts.Acto{Tipo: contracts.ActoUmbral, Objeto: id}.Telling(
					contracts.TextoUmbral, contracts.NumeroDeActo("antes", before), contracts.NumeroDeActo("ahora", umbral)))
			}
		}
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		linea, err = s.linea(ctx, tx, id)
		return err
	})
	return linea, err
}
