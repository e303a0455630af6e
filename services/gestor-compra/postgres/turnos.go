package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"entregas/services/gestor-compra/compras"
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
