package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"entregas/contracts"
	"entregas/internal/actor"
	"entregas/internal/audit"
	"entregas/internal/errs"
	"entregas/services/admin-productos/productos"
)

// Ensayar returns what an import of the lines would do now. It changes nothing. Error: a *contracts.ValidationError, with the numbers of the
// lines that Importar would refuse.
func (s *Store) Ensayar(ctx context.Context, lines []productos.Renglon) (contracts.Importacion, error) {
	effects, err := plan(ctx, s.pool, lines, "")
	if err != nil {
		return contracts.Importacion{}, err
	}
	total := productos.Sum(effects)
	total.Ensayo, total.Efectos = true, effects
	return total, nil
}

// Importar does what the lines say, all or nothing, for the person who acts in ctx. A repeated key returns the same answer and changes nothing.
// Errors: a *contracts.ValidationError, with the numbers of the refused lines; OtherBody when the key was used for other lines; Conflict when
// another import creates one of the products at the same time.
func (s *Store) Importar(ctx context.Context, lines []productos.Renglon, key string) (total contracts.Importacion, err error) {
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		total, err = importar(ctx, tx, lines, key)
		return err
	})
	return total, err
}

func importar(ctx context.Context, tx pgx.Tx, lines []productos.Renglon, key string) (total contracts.Importacion, err error) {
	const (
		repeated = `select fingerprint, reply from importacion where idempotency_key = $1`
		register = `insert into importacion (idempotency_key, fingerprint, reply, sujeto, rol) values ($1, $2, $3, $4, $5)`
	)
	if _, err := tx.Exec(ctx, turnOfKey, key); err != nil {
		return total, err
	}
	fingerprint, before := fingerprintOf(lines), ""
	err = tx.QueryRow(ctx, repeated, key).Scan(&before, &total)
	switch {
	case err == nil && before != fingerprint:
		return total, errs.New(errs.OtherBody, "La clave de idempotencia ya se usó para otra importación.")
	case err == nil || !errors.Is(err, pgx.ErrNoRows):
		return total, err
	}
	effects, err := plan(ctx, tx, lines, ` order by p.id for no key update`) // in the order in which a reservation locks them
	if err != nil {
		return total, err
	}
	if err := carryOut(ctx, tx, effects, key); err != nil {
		return total, err
	}
	who := actor.Of(ctx)
	total = productos.Sum(effects)
	if _, err := tx.Exec(ctx, register, key, fingerprint, total, who.Sujeto, who.Rol); err != nil {
		return total, err
	}
	return total, audit.Record(ctx, tx, contracts.Acto{Tipo: contracts.ActoImportacion, Objeto: fingerprint[:12]}.Telling(contracts.TextoImportacion,
		contracts.NumeroDeActo("lineas", total.Lineas), contracts.NumeroDeActo("unidades", int(total.Unidades)),
		contracts.NumeroDeActo("productos", total.Nuevos), contracts.NumeroDeActo("umbrales", total.Umbrales)))
}

// fingerprintOf returns a hash of what the lines say.
func fingerprintOf(lines []productos.Renglon) string {
	hash := sha256.New()
	for _, r := range lines {
		umbral := -1
		if r.Umbral != nil {
			umbral = *r.Umbral
		}
		_, _ = fmt.Fprintf(hash, "%d %q %q %d %d\n", r.Linea, r.IDProducto, r.Nombre, r.Cantidad, umbral)
	}
	return hex.EncodeToString(hash.Sum(nil))
}

// plan returns the effects of the lines. It reads their products with the locking clause lock.
func plan(ctx context.Context, db querier, lines []productos.Renglon, lock string) ([]contracts.EfectoDeImportacion, error) {
	ids := make([]string, len(lines))
	for i, r := range lines {
		ids[i] = r.IDProducto
	}
	rows, err := db.Query(ctx, `select p.id, p.nombre, p.cantidad, p.umbral from producto p where p.id = any($1)`+lock, ids)
	if err != nil {
		return nil, err
	}
	existing := map[string]productos.Existente{}
	var p productos.Existente
	_, err = pgx.ForEachRow(rows, []any{&p.ID, &p.Nombre, &p.Cantidad, &p.Umbral}, func() error { existing[p.ID] = p; return nil })
	if err != nil {
		return nil, err
	}
	return productos.Importar(lines, existing)
}

// carryOut changes the products as the effects say, and writes the ledger.
func carryOut(ctx context.Context, tx pgx.Tx, effects []contracts.EfectoDeImportacion, key string) error {
	const (
		lines = `with line as (select * from unnest($1::int[], $2::text[], $3::text[], $4::bool[], $5::int[], $6::int[], $7::int[])
			as l (linea, id, nombre, nuevo, cantidad, quedan, umbral)) `
		create = lines + `insert into producto (id, nombre, cantidad, umbral) select id, nombre, cantidad, umbral from line where nuevo on conflict do nothing`
		change = lines + `update producto p set cantidad = l.quedan, umbral = l.umbral from line l
			where p.id = l.id and not l.nuevo and (p.cantidad, p.umbral) is distinct from (l.quedan, l.umbral)`
		register = lines + `
			insert into movimiento (id_producto, tipo, cantidad, idempotency_key, quedan, motivo, sujeto, rol)
			select id, case when nuevo then 'INICIAL' else 'REPOSICION' end, cantidad, case when not nuevo then $8 || ' ' || linea end, quedan,
				'Importación, línea ' || linea, $9, $10
			from line where nuevo or cantidad > 0 order by linea`
	)
	linea, id, nombre, nuevo := make([]int, len(effects)), make([]string, len(effects)), make([]string, len(effects)), make([]bool, len(effects))
	cantidad, quedan, umbral := make([]int, len(effects)), make([]int, len(effects)), make([]int, len(effects))
	created := 0
	for i, f := range effects {
		linea[i], id[i], nombre[i], nuevo[i], cantidad[i], quedan[i], umbral[i] = f.Linea, f.IDProducto, f.Nombre, f.Nuevo, f.Cantidad, f.Quedan, f.Umbral
		if f.Nuevo {
			created++
		}
	}
	made, err := tx.Exec(ctx, create, linea, id, nombre, nuevo, cantidad, quedan, umbral)
	if err != nil {
		return err
	}
	if int(made.RowsAffected()) != created {
		return errs.New(errs.Conflict, "Otra importación creó a la vez uno de los productos nuevos. Ensaye de nuevo y repita.")
	}
	if _, err := tx.Exec(ctx, change, linea, id, nombre, nuevo, cantidad, quedan, umbral); err != nil {
		return err
	}
	who := actor.Of(ctx)
	_, err = tx.Exec(ctx, register, linea, id, nombre, nuevo, cantidad, quedan, umbral, key, who.Sujeto, who.Rol)
	return err
}
