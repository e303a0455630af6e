package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"entregas/contracts"
	"entregas/services/gestor-compra/compras"
)

// wanted finds the undecided purchases that hold a product for want of which a purchase was refused. It finds them only where
// the units that they hold and the units on the shelf together would have been enough for that purchase.
const wanted = `
with held as (
    select p.id, l.id_producto, sum(l.cantidad) over (partition by l.id_producto) as together
    from compra p, jsonb_to_recordset(p.productos) l (id_producto text, cantidad int)
    where p.estado = 'POR_APROBAR' and not exists (select from decision d where d.id_compra = p.id)
)
select ` + requestColumns + ` from compra where id in (
    select h.id from held h join jsonb_to_recordset($1::jsonb) f (id_producto text, solicitada int, disponible int) using (id_producto)
    where f.disponible + h.together >= f.solicitada and not exists (select from historia t where t.id_compra = h.id and t.paso = $2))`

// Wanted returns the purchases that await approval and hold units that a refused purchase lacked (faltantes). A purchase whose
// history already has compras.StepWanted is left out.
func (a *Store) Wanted(ctx context.Context, faltantes []contracts.Faltante) ([]contracts.SolicitudCompra, error) {
	rows, err := a.pool.Query(ctx, wanted, faltantes, compras.StepWanted)
	if err != nil {
		return nil, fmt.Errorf("buscar quién retiene lo que falta: %w", err)
	}
	return pgx.CollectRows(rows, loadSolicitud)
}

// WantedSince gives the purchases that still await approval and have been wanted by others for longer than age.
func (a *Store) WantedSince(ctx context.Context, age time.Duration) ([]string, error) {
	rows, err := a.pool.Query(ctx, `
select p.id from compra p join historia h on h.id_compra = p.id and h.paso = $1
where p.estado = 'POR_APROBAR' and h.en < clock_timestamp() - $2::interval
  and not exists (select from decision d where d.id_compra = p.id)`, compras.StepWanted, age)
	if err != nil {
		return nil, fmt.Errorf("buscar lo que otros quieren: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}
