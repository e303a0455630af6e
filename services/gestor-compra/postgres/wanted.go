package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"entregas/contracts"
	"entregas/services/gestor-compra/compras"
)

// wanted finds the undecided purchases that hold units of a product that a refused purchase lacked. It finds them only if their
// units and those on the shelf together would have been enough for the refused purchase.
const wanted = `
with held as (
    select p.id, l.id_producto, sum(l.cantidad) over (partition by l.id_producto) as together
    from compra p, jsonb_to_recordset(p.productos) l (id_producto text, cantidad int)
    where p.estado = 'POR_APROBAR' and not exists (select from decision d where d.id_compra = p.id)
)
select ` + withoutDireccion + ` from compra where id in (
    select h.id from held h join jsonb_to_recordset($1::jsonb) f (id_producto text, solicitada int, disponible int) using (id_producto)
    where f.disponible + h.together >= f.solicitada and not exists (select from historia t where t.id_compra = h.id and t.paso = $2))`

// Wanted returns the purchases that wait for approval and hold units that a refused purchase lacked (faltantes). It leaves out
// purchases whose history has compras.StepWanted already.
func (s *Store) Wanted(ctx context.Context, faltantes []contracts.Faltante) ([]contracts.SolicitudCompra, error) {
	rows, err := s.pool.Query(ctx, wanted, faltantes, compras.StepWanted)
	if err != nil {
		return nil, fmt.Errorf("find the holders of wanted units: %w", err)
	}
	return pgx.CollectRows(rows, loadSolicitud)
}

// WantedSince returns the purchases that still wait for approval and whose units other purchases have lacked for longer than
// age.
func (s *Store) WantedSince(ctx context.Context, age time.Duration) ([]string, error) {
	rows, err := s.pool.Query(ctx, `
select p.id from compra p join historia h on h.id_compra = p.id and h.paso = $1
where p.estado = 'POR_APROBAR' and h.en < clock_timestamp() - $2::interval
  and not exists (select from decision d where d.id_compra = p.id)`, compras.StepWanted, age)
	if err != nil {
		return nil, fmt.Errorf("find wanted units: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}
