package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"entregas/contracts"
	"entregas/internal/errs"
)

// maxShown bounds a customer's list of wishes. AddDeseo keeps as many fulfilled ones as there may be open ones, so the list has all.
const maxShown = 2 * contracts.MaxDeseos

const deseoColumns = `id_producto, cantidad, nombre, pedido_en, avisado_en`

// AddDeseo stores the wish of a customer for cantidad units of a product. It replaces their earlier wish for it, unless that one waits for as
// many. Of the fulfilled ones it keeps the newest contracts.MaxDeseos. Error: Conflict where they wait for as many other products already.
func (s *Store) AddDeseo(ctx context.Context, idUsuario, idProducto string, cantidad int) (contracts.Deseo, error) {
	const (
		turn   = `select pg_advisory_xact_lock(hashtextextended('deseo ' || $1, 0))`
		count  = `select count(*) from deseo where id_usuario = $1 and id_producto <> $2 and avisado_en is null`
		forget = `delete from deseo where id_usuario = $1 and id_producto in (
			select id_producto from deseo where id_usuario = $1 and avisado_en is not null order by avisado_en desc, id_producto offset $2)`
		upsert = `insert into deseo as d (id_usuario, id_producto, cantidad) values ($1, $2, $3)
			on conflict (id_usuario, id_producto) do update set cantidad = excluded.cantidad, pedido_en = excluded.pedido_en, avisado_en = null, nombre = ''
			where d.avisado_en is not null or d.cantidad <> excluded.cantidad`
		read = `select ` + deseoColumns + ` from deseo where id_usuario = $1 and id_producto = $2`
	)
	var one contracts.Deseo
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, turn, idUsuario); err != nil { // two at once could both be the last
			return err
		}
		var n int
		if err := tx.QueryRow(ctx, count, idUsuario, idProducto).Scan(&n); err != nil {
			return err
		}
		if n >= contracts.MaxDeseos {
			return errs.New(errs.Conflict, "Ya espera %d productos: quite uno antes.", n)
		}
		if _, err := tx.Exec(ctx, forget, idUsuario, contracts.MaxDeseos); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, upsert, idUsuario, idProducto, cantidad); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, read, idUsuario, idProducto)
		if err != nil {
			return err
		}
		one, err = pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[contracts.Deseo])
		return err
	})
	return one, err
}

// DeleteDeseo removes the wish of a customer for a product, fulfilled or not; with avisadoEn only one that was fulfilled then, since a page may
// show the notice of a wish that a newer one has replaced. It does nothing where there is none.
func (s *Store) DeleteDeseo(ctx context.Context, idUsuario, idProducto string, avisadoEn *time.Time) error {
	_, err := s.pool.Exec(ctx, `delete from deseo where id_usuario = $1 and id_producto = $2 and ($3::timestamptz is null or avisado_en = $3)`, idUsuario, idProducto, avisadoEn)
	return err
}

// Deseos returns the wishes of a customer: the open ones, then the fulfilled ones, each kind the newest first.
func (s *Store) Deseos(ctx context.Context, idUsuario string) ([]contracts.Deseo, error) {
	rows, err := s.pool.Query(ctx, `select `+deseoColumns+` from deseo where id_usuario = $1
		order by avisado_en desc nulls first, pedido_en desc, id_producto limit $2`, idUsuario, maxShown)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[contracts.Deseo])
}

// Wanted returns at most limit products for which a customer waits, by id, after the product after.
func (s *Store) Wanted(ctx context.Context, after string, limit int) ([]string, error) {
	rows, err := s.pool.Query(ctx, `select distinct id_producto from deseo where avisado_en is null and id_producto > $1 order by id_producto limit $2`, after, limit)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// Fulfil marks the wishes that wait for p and for no more units than there are, each once, and returns how many these are. With write it also
// adds a mail for each of their customers who gave an address, and returns how many these are. A wish becomes fulfilled
// nowhere else.
func (s *Store) Fulfil(ctx context.Context, p contracts.Producto, write bool) (wishes, mails int, err error) {
	const fulfil = `update deseo set avisado_en = date_trunc('milliseconds', now()), nombre = $2
		where id_producto = $1 and avisado_en is null and cantidad <= $3 returning id_usuario`
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, fulfil, p.ID, p.Nombre, p.Cantidad)
		if err != nil {
			return err
		}
		usuarios, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if wishes = len(usuarios); err != nil || !write || wishes == 0 {
			return err
		}
		mails, err = recordBack(ctx, tx, p.Nombre, usuarios)
		return err
	})
	return wishes, mails, err
}
