// Package postgres keeps gestor-compra's purchases. A method is a thing that may be done, one transaction each.
package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"time"

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

// vista reads a purchase with its history; each query adds its own condition on c.
const vista = `
select c.id, c.id_usuario, c.estado, c.domicilio, c.productos, c.motivo, c.faltantes, c.id_orden, c.creada_en, c.actualizada_en,
       (select coalesce(jsonb_agg(jsonb_build_object('numero', h.numero, 'paso', h.paso, 'tipo', h.tipo, 'en', h.en, 'detalle', h.detalle)
               order by h.numero), '[]') from historia h where h.id_compra = c.id)
from compra c `

func leerVista(fila pgx.CollectableRow) (contracts.Compra, error) {
	var c contracts.Compra
	err := fila.Scan(&c.ID, &c.IDUsuario, &c.Estado, &c.Domicilio, &c.Productos, &c.Motivo, &c.Faltantes, &c.IDOrden,
		&c.CreadaEn, &c.ActualizadaEn, &c.Historia)
	return c, err
}

const aceptar = `
with anticipada as (
    select motivo from cancelacion_anticipada where id_compra = $1 and id_usuario = $2
), nueva as (
    insert into compra (id, id_usuario, estado, domicilio, productos, cancelacion_pedida)
    values ($1, $2, 'RECIBIDA', $3, $4, (select motivo from anticipada))
    on conflict (id) do nothing
    returning id
)
insert into historia (id_compra, numero, paso, tipo, detalle)
select id, 1, 'RECIBIDA', 'CrearCompra', $5 from nueva`

// Aceptar writes the purchase as RECIBIDA, once: nueva tells whether it was the first time. An id that exists with
// another owner or other content is Conflicto.
func (a *Almacen) Aceptar(ctx context.Context, s contracts.SolicitudCompra) (c contracts.Compra, nueva bool, err error) {
	var lote pgx.Batch
	lote.Queue(cerrojoDeCompra, s.ID)
	lote.Queue(aceptar, s.ID, s.IDUsuario, s.Domicilio, s.Productos, compras.Detalle(contracts.CrearCompra)).
		Exec(func(hecho pgconn.CommandTag) error { nueva = hecho.RowsAffected() == 1; return nil })
	lote.Queue(vista+`where c.id = $1`, s.ID).Query(unaCompra(&c))
	if err := a.pool.SendBatch(ctx, &lote).Close(); err != nil {
		return c, false, fmt.Errorf("aceptar la compra: %w", err)
	}
	if !nueva && !c.EsLaMisma(s) {
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

// Cursor is a place in a list that is newest first.
type Cursor struct {
	CreadaEn time.Time
	ID       string
}
