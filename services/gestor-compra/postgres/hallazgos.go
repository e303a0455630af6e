package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"entregas/services/gestor-compra/compras"
)

// porCancelacion tells that purchase c is being undone because somebody asked for it.
const porCancelacion = `(c.cancelacion_pedida is not null
       or exists (select from tramite t where t.id_compra = c.id and t.tipo = 'cancelacion')
       or exists (select from decision d where d.id_compra = c.id and d.decision = 'cancelada')
       or exists (select from historia h where h.id_compra = c.id and h.paso = 'COMPENSANDO' and h.tipo = 'CancelarCompra'))`

// sinAvance finds the purchases by the partial indexes, and is one query for each of them.
const sinAvance = `
with quietas as (
    select id from compra
    where estado in ('INICIADA', 'PRODUCTOS_VALIDOS', 'PRODUCTOS_RESERVADOS', 'COMPENSANDO')
      and actualizada_en < clock_timestamp() - case when estado = 'COMPENSANDO' then $2::interval else $1::interval end
    union
    select id from compra where estado = 'POR_APROBAR' and actualizada_en < clock_timestamp() - $3::interval
    union
    select e.id from decision d join compra e on e.id = d.id_compra
    where not d.entregada and d.tomada_en < clock_timestamp() - $1::interval and e.estado = 'POR_APROBAR'
)
select c.id, c.id_usuario, c.productos, c.domicilio, c.estado,
       coalesce(nullif(c.motivo, ''), c.cancelacion_pedida, (select motivo from decision d where d.id_compra = c.id and d.decision = 'cancelada'), ''), ` + porCancelacion + `
from compra c join quietas using (id) order by c.actualizada_en limit $4`

// SinAvance gives purchases in the middle of their saga in which nothing changed for longer than enCurso, or than
// compensando where one is being undone; of those that await a decision, the ones that were not told of it for longer than
// enCurso, or have waited for longer than porAprobar.
func (a *Almacen) SinAvance(ctx context.Context, enCurso, compensando, porAprobar time.Duration, limite int) ([]compras.Detenida, error) {
	filas, err := a.pool.Query(ctx, sinAvance, enCurso, compensando, porAprobar, limite)
	if err != nil {
		return nil, fmt.Errorf("sin avance: %w", err)
	}
	return pgx.CollectRows(filas, func(fila pgx.CollectableRow) (compras.Detenida, error) {
		var d compras.Detenida
		err := fila.Scan(&d.Compra.ID, &d.Compra.IDUsuario, &d.Compra.Productos, &d.Compra.Domicilio, &d.Estado, &d.Motivo, &d.PorCancelacion)
		return d, err
	})
}

// AnotarHallazgo keeps what the reconciler found and did about it, once for each purchase and kind.
func (a *Almacen) AnotarHallazgo(ctx context.Context, idCompra, que, hecho string) error {
	_, err := a.pool.Exec(ctx, `insert into hallazgo (id_compra, que, hecho) values ($1, $2, $3) on conflict do nothing`, idCompra, que, hecho)
	if err != nil {
		return fmt.Errorf("anotar un hallazgo: %w", err)
	}
	return nil
}
