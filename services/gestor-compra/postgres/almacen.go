// Package postgres keeps gestor-compra's purchases. A method is a thing that may be done, one transaction each.
package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"entregas/contracts"
	"entregas/services/gestor-compra/compras"
	"entregas/services/internal/errores"
)

// Migraciones has the goose files of database gestor_compra.
//
//go:embed migraciones/*.sql
var Migraciones embed.FS

// Almacen is the database gestor_compra.
type Almacen struct{ pool *pgxpool.Pool }

// Nuevo uses a pool that is migrated.
func Nuevo(pool *pgxpool.Pool) *Almacen { return &Almacen{pool} }

// requestColumns are the columns of table compra that hold a contracts.SolicitudCompra: the only list of them. Each column has the
// name of a field in JSON. Every query that reads a purchase fails where a field has no column here.
const requestColumns = `id, id_usuario, productos, domicilio`

// vista reads a contracts.Compra: a purchase with its history. Each query adds its own condition on c.
const vista = `
select ` + requestColumns + `, estado, motivo, faltantes, id_orden, creada_en, actualizada_en,
       (select coalesce(jsonb_agg(jsonb_build_object('numero', h.numero, 'paso', h.paso, 'tipo', h.tipo, 'en', h.en, 'detalle', h.detalle)
               order by h.numero), '[]') from historia h where h.id_compra = c.id) as historia
from compra c `

var (
	leerVista     = pgx.RowToStructByName[contracts.Compra]
	leerSolicitud = pgx.RowToStructByName[contracts.SolicitudCompra]
)

// aceptar takes a purchase in, unless its customer has too many open. Two at once may both get the last place: ordenes, which
// owns the orders, counts them exactly.
const aceptar = `
with anticipada as (
    select motivo from cancelacion_anticipada where id_compra = @id and id_usuario = @usuario
), abiertas as (
    select count(*) >= @max as demasiadas from (
        select from compra where id_usuario = @usuario
            and estado = any(@open)
        limit @max) c
), nueva as (
    insert into compra (` + requestColumns + `, estado, numero, motivo, cancelacion_pedida)
    select ` + requestColumns + `, case when demasiadas then 'RECHAZADA' else 'RECIBIDA' end,
        case when demasiadas then 2 else 1 end, case when demasiadas then @motivo else '' end, (select motivo from anticipada)
    from abiertas, jsonb_populate_record(null::compra, @solicitud) where not demasiadas or @rechazar
    on conflict (id) do nothing
    returning id, numero
)
insert into historia (id_compra, numero, paso, tipo, detalle)
select id, h.numero, h.paso, 'CrearCompra', h.detalle
from nueva join (values (1, 'RECIBIDA', @detalle), (2, 'RECHAZADA', @motivo)) h (numero, paso, detalle) on h.numero <= nueva.numero`

// Aceptar writes the purchase as RECIBIDA, once: nueva tells whether it was the first time. An id that exists with
// another owner or other content is Conflicto, and so is one more than its customer may have open.
func (a *Almacen) Aceptar(ctx context.Context, s contracts.SolicitudCompra, abiertas compras.Abiertas) (c contracts.Compra, nueva bool, err error) {
	motivo := fmt.Sprintf("El cliente ya tiene %d compras abiertas, y puede tener a lo sumo %[1]d.", abiertas.Max)
	var lote pgx.Batch
	lote.Queue(cerrojoDeCompra, s.ID)
	lote.Queue(aceptar, pgx.NamedArgs{
		"id": s.ID, "usuario": s.IDUsuario, "solicitud": s, "detalle": compras.Detalle(contracts.CrearCompra),
		"open": compras.Open, "max": abiertas.Max, "rechazar": abiertas.Rechazar, "motivo": motivo,
	}).Exec(func(hecho pgconn.CommandTag) error { nueva = hecho.RowsAffected() > 0; return nil })
	lote.Queue(vista+`where c.id = $1`, s.ID).Query(unaCompra(&c))
	err = a.pool.SendBatch(ctx, &lote).Close()
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return c, false, errores.Nuevo(errores.Conflicto, "%s", motivo)
	case err != nil:
		return c, false, fmt.Errorf("aceptar la compra: %w", err)
	case !nueva && !c.EsLaMisma(s):
		return c, false, errores.Nuevo(errores.Conflicto, "Ya existe una compra %s con otro contenido.", s.ID)
	}
	return c, nueva, nil
}

func unaCompra(c *contracts.Compra) func(pgx.Rows) error {
	return func(filas pgx.Rows) (err error) {
		*c, err = pgx.CollectExactlyOneRow(filas, leerVista)
		return err
	}
}

// Leer gives a purchase with its history, or NoEncontrado.
func (a *Almacen) Leer(ctx context.Context, id string) (contracts.Compra, error) {
	filas, err := a.pool.Query(ctx, vista+`where c.id = $1`, id)
	if err != nil {
		return contracts.Compra{}, fmt.Errorf("leer la compra: %w", err)
	}
	c, err := pgx.CollectExactlyOneRow(filas, leerVista)
	if errors.Is(err, pgx.ErrNoRows) {
		return c, errores.Nuevo(errores.NoEncontrado, "No existe la compra %s.", id)
	}
	return c, err
}
