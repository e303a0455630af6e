// Package postgres stores the purchases of gestor-compra. Each method that changes something is one transaction.
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
	"entregas/internal/actor"
	"entregas/internal/errs"
	"entregas/internal/logging"
	"entregas/services/gestor-compra/compras"
)

// Migrations has the goose files of database gestor_compra.
//
//go:embed migrations/*.sql
var Migrations embed.FS

// Store reads and changes database gestor_compra.
type Store struct{ pool *pgxpool.Pool }

// New returns a Store on the migrated database of pool.
func New(pool *pgxpool.Pool) *Store { return &Store{pool} }

// requestColumns are the columns of table compra that hold a contracts.SolicitudCompra, but for its address: the only list of them. Each
// column has the name of a field in JSON. Every query that reads a purchase fails where a field has no column here.
const requestColumns = `id, id_usuario, productos, domicilio, tienda`

// Only withDireccion reads the address. What a query without it returns may go to workflows, events, lists and logs
// (docs/adr/personal-data.md).
const (
	withDireccion    = requestColumns + `, direccion`
	withoutDireccion = requestColumns + `, null::jsonb as direccion`
)

// requestDefaults are the columns that a request in JSON may leave out and that are not null.
const requestDefaults = `'{"tienda": ""}'::jsonb`

const viewColumns = `, moneda, total, precios, estado, motivo, faltantes, id_orden, creada_en, actualizada_en,
       (select coalesce(jsonb_agg(jsonb_build_object('numero', h.numero, 'paso', h.paso, 'tipo', h.tipo, 'en', h.en, 'detalle', h.detalle,
               'sujeto', h.sujeto, 'rol', h.rol)
               order by h.numero), '[]') from historia h where h.id_compra = c.id) as historia, codigo,
       case when c.traza like '%-01' then substr(c.traza, 4, 32) else '' end as traza
from compra c `

// view selects a contracts.Compra: a purchase with its history, without its address. Each query appends its own condition on c.
// detail is view with the address, for the customer, operators, and the command to ordenes.
const (
	view   = `select ` + withoutDireccion + viewColumns
	detail = `select ` + withDireccion + viewColumns
)

var (
	loadView      = pgx.RowToStructByName[contracts.Compra]
	loadSolicitud = pgx.RowToStructByName[contracts.SolicitudCompra]
)

// accept stores a purchase, unless its customer has too many open purchases. Two purchases at once may both get the last place
// of a customer: only ordenes, which owns the orders, counts exactly.
const accept = `
with early as (
    select motivo, sujeto, rol from cancelacion_anticipada where id_compra = @id and id_usuario = @usuario
), open_ones as (
    select count(*) >= @max as too_many from (
        select from compra where id_usuario = @usuario
            and estado = any(@open)
        limit @max) c
), added as (
    insert into compra (` + withDireccion + `, codigo, traza, estado, numero, motivo, cancelacion_pedida, cancelacion_sujeto, cancelacion_rol)
    select ` + withDireccion + `, @codigo, @traza, case when too_many then 'RECHAZADA' else 'RECIBIDA' end,
        case when too_many then 2 else 1 end, case when too_many then @motivo else '' end, (select motivo from early),
        coalesce((select sujeto from early), ''), coalesce((select rol from early), '')
    from open_ones, jsonb_populate_record(null::compra, ` + requestDefaults + ` || @solicitud::jsonb) where not too_many or @rechazar
    on conflict (id) do nothing
    returning id, numero
)
insert into historia (id_compra, numero, paso, tipo, detalle, sujeto, rol)
select id, h.numero, h.paso, 'CrearCompra', h.detalle, h.sujeto, h.rol
from added join (values (1, 'RECIBIDA', @detalle, @sujeto, @rol), (2, 'RECHAZADA', @motivo, '', '')) h (numero, paso, detalle, sujeto, rol) on h.numero <= added.numero`

// Accept stores a purchase as RECIBIDA; fresh is false when it was stored before. It returns Conflict when the id exists with
// another owner or content, and when the customer has too many open purchases. In the second case a limit with Rechazar stores
// the purchase as RECHAZADA instead. The purchase is returned without its address.
func (s *Store) Accept(ctx context.Context, request contracts.SolicitudCompra, limit compras.OpenLimit) (c contracts.Compra, fresh bool, err error) {
	return s.accept(ctx, request, limit, contracts.NewCodigo)
}

// accept is Accept with the codes that draw returns.
func (s *Store) accept(ctx context.Context, request contracts.SolicitudCompra, limit compras.OpenLimit, draw func() string) (c contracts.Compra, fresh bool, err error) {
	for range maxDraws {
		if c, fresh, err = s.acceptAs(ctx, request, limit, draw()); !isTaken(err) {
			break
		}
	}
	return c, fresh, err
}

// acceptAs is Accept with a code. The error is that of the constraint compra_by_codigo if another purchase has the code.
func (s *Store) acceptAs(ctx context.Context, request contracts.SolicitudCompra, limit compras.OpenLimit, codigo string) (c contracts.Compra, fresh bool, err error) {
	motivo := fmt.Sprintf("El cliente ya tiene %d compras abiertas, y puede tener a lo sumo %[1]d.", limit.Max)
	who := actor.Of(ctx)
	var batch pgx.Batch
	batch.Queue(compraLock, request.ID)
	batch.Queue(accept, pgx.NamedArgs{
		"id": request.ID, "usuario": request.IDUsuario, "solicitud": request, "detalle": compras.Detalle(contracts.CrearCompra),
		"open": compras.Open, "max": limit.Max, "rechazar": limit.Rechazar, "motivo": motivo,
		"sujeto": who.Sujeto, "rol": who.Rol, "codigo": codigo, "traza": logging.Trace(ctx),
	}).Exec(func(done pgconn.CommandTag) error { fresh = done.RowsAffected() > 0; return nil })
	batch.Queue(detail+`where c.id = $1`, request.ID).Query(oneCompra(&c))
	erased := false
	batch.Queue(`select count(*) > 0 from compra where id = $1 and borrada_en is not null`, request.ID).
		QueryRow(func(row pgx.Row) error { return row.Scan(&erased) })
	err = s.pool.SendBatch(ctx, &batch).Close()
	if erased { // nobody knows the address any more, and the rest tells whether it is the same
		request.Direccion = nil
	}
	same := c.IsSame(request)
	c.Direccion = nil
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return c, false, errs.New(errs.Conflict, "%s", motivo)
	case err != nil:
		return c, false, fmt.Errorf("accept the purchase: %w", err)
	case !fresh && !same:
		return c, false, errs.New(errs.Conflict, "Ya existe una compra %s con otro contenido.", request.ID)
	}
	return c, fresh, nil
}

func oneCompra(c *contracts.Compra) func(pgx.Rows) error {
	return func(rows pgx.Rows) (err error) {
		*c, err = pgx.CollectExactlyOneRow(rows, loadView)
		return err
	}
}

// Load returns a purchase with its history and its address, or NotFound. No other method returns an address.
func (s *Store) Load(ctx context.Context, id string) (contracts.Compra, error) {
	rows, err := s.pool.Query(ctx, detail+`where c.id = $1`, id)
	if err != nil {
		return contracts.Compra{}, fmt.Errorf("read the purchase: %w", err)
	}
	c, err := pgx.CollectExactlyOneRow(rows, loadView)
	if errors.Is(err, pgx.ErrNoRows) {
		return c, errs.New(errs.NotFound, "No existe la compra %s.", id)
	}
	return c, err
}
