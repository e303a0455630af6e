package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"entregas/services/gestor-compra/compras"
	"entregas/workflows/compra"
)

// cerrojoDeTurnos serialises the giving out of places over all replicas.
const cerrojoDeTurnos = 0x7475726e6f73 // "turnos"

// tomarTurnos counts the taken places and stamps a lease on the next purchases. Home delivery is served first: it counts
// as older by the head start, so the others wait that long at most behind newer ones. compras.LugaresOcupados are the states.
const tomarTurnos = `
with ocupados as (
    select (select count(*) from compra where estado in ('INICIADA', 'PRODUCTOS_VALIDOS', 'PRODUCTOS_RESERVADOS', 'COMPENSANDO'))
         + (select count(*) from compra where estado = 'RECIBIDA' and arriendo_hasta > clock_timestamp()) as n
), siguientes as (
    select id from compra
    where estado = 'RECIBIDA' and (arriendo_hasta is null or arriendo_hasta <= clock_timestamp())
    order by creada_en - case when domicilio then $2::interval else interval '0' end, id
    limit greatest(0, $1 - (select n from ocupados))
)
update compra set arriendo_hasta = clock_timestamp() + $3::interval
from siguientes where compra.id = siguientes.id
returning compra.id, compra.id_usuario, compra.productos, compra.domicilio`

// TomarTurnos gives the purchases whose workflow is to be started now, so that with them at most cupo are in flight.
// Until arriendo has passed no other call gives them out; a purchase that has not started by then comes again.
func (a *Almacen) TomarTurnos(ctx context.Context, cupo int, ventaja, arriendo time.Duration) ([]compras.Turno, error) {
	var turnos []compras.Turno
	var lote pgx.Batch
	lote.Queue(`select pg_advisory_xact_lock($1)`, cerrojoDeTurnos)
	lote.Queue(tomarTurnos, cupo, ventaja, arriendo).Query(func(filas pgx.Rows) (err error) {
		turnos, err = pgx.CollectRows(filas, func(fila pgx.CollectableRow) (compras.Turno, error) {
			var t compras.Turno
			err := fila.Scan(&t.ID, &t.IDUsuario, &t.Productos, &t.Domicilio)
			return t, err
		})
		return err
	})
	if err := a.pool.SendBatch(ctx, &lote).Close(); err != nil {
		return nil, fmt.Errorf("tomar turnos: %w", err)
	}
	return turnos, nil
}

// tomarTramites takes what a person began and nobody is at. A dispatch waits until the purchase is confirmed: the order may
// leave while the saga is still writing that down.
const tomarTramites = `
update tramite t set arriendo_hasta = clock_timestamp() + $1::interval
from compra c
where c.id = t.id_compra and (t.id_compra, t.tipo) in (
    select p.id_compra, p.tipo from tramite p join compra e on e.id = p.id_compra
    where p.terminado_en is null and (p.arriendo_hasta is null or p.arriendo_hasta <= clock_timestamp())
      and (p.tipo = 'cancelacion' or e.estado = 'CONFIRMADA')
    order by p.pedido_en limit $2 for update of p skip locked)
returning c.id, c.id_usuario, c.productos, c.domicilio, t.tipo, t.motivo`

// TomarTramites gives the Tramites whose workflow is to be started now. One that has not ended when arriendo has passed
// comes again, and its workflow then is there already or does what is left.
func (a *Almacen) TomarTramites(ctx context.Context, arriendo time.Duration, limite int) ([]compras.Tramite, error) {
	filas, err := a.pool.Query(ctx, tomarTramites, arriendo, limite)
	if err != nil {
		return nil, fmt.Errorf("tomar trámites: %w", err)
	}
	return pgx.CollectRows(filas, func(fila pgx.CollectableRow) (compras.Tramite, error) {
		var t compras.Tramite
		err := fila.Scan(&t.Compra.ID, &t.Compra.IDUsuario, &t.Compra.Productos, &t.Compra.Domicilio, &t.Tipo, &t.Motivo)
		return t, err
	})
}

// TerminarTramite notes that a Tramite has come to its end.
func (a *Almacen) TerminarTramite(ctx context.Context, t compra.Tramite) error {
	_, err := a.pool.Exec(ctx, `update tramite set terminado_en = clock_timestamp(), hecho = $3
where id_compra = $1 and tipo = $2 and terminado_en is null`, t.IDCompra, t.Tipo, t.Hecho)
	if err != nil {
		return fmt.Errorf("terminar el trámite: %w", err)
	}
	return nil
}
