// Command losses deletes data that survives every crash: the disk of the broker, the state of workflows in the engine, and the
// purchase of a reservation. The system must ask again or repair the data, and record its repairs.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"entregas/contracts"
	"entregas/tests/auditor"
	"entregas/tests/client"
	"entregas/tests/scenarios/common"
)

func main() {
	common.Run("losses", []string{
		"APP_GESTOR_COMPRA_RECONCILE_EVERY=5s", "APP_GESTOR_COMPRA_STALLED_AFTER=50s", "APP_GESTOR_COMPRA_ASK_AGAIN_AFTER=10s",
		"APP_ADMIN_PRODUCTOS_RECONCILE_EVERY=5s", "APP_ADMIN_PRODUCTOS_ORPHANED_AFTER=5s",
	}, func(ctx context.Context, e *common.Scenario) error {
		var all []string
		for _, lose := range []func(context.Context, *common.Scenario) ([]string, error){brokerDisk, engineMemory, compraOfReserva} {
			ids, err := lose(ctx, e)
			if err != nil {
				return err
			}
			all = append(all, ids...)
		}
		return e.Audit(ctx, all, auditor.ReconcilerFound)
	})
}

// brokerDisk deletes every message that waits at the broker. The steps of the sagas must send their commands again.
func brokerDisk(ctx context.Context, e *common.Scenario) ([]string, error) {
	e.Say("the disk of the broker: 20 purchases wait for consolidador, and Pulsar loses everything")
	ids, err := stopped(ctx, e, "consolidador", 20, contracts.EstadoIniciada)
	if err != nil {
		return nil, err
	}
	if err := e.Local.Run(ctx, "stop", "pulsar"); err != nil {
		return nil, err
	}
	if err := os.RemoveAll(filepath.Join(e.Local.Root, ".local", e.Local.Instance, "data", "pulsar")); err != nil {
		return nil, err
	}
	for _, command := range [][]string{{"start", "pulsar"}, {"up"}} { // `up` makes the topics, and starts consolidador
		if err := e.Local.Run(ctx, command...); err != nil {
			return nil, err
		}
	}
	// A sidecar that connected again before its topics existed has producers that stay closed for good.
	if _, err := e.Local.Kill(ctx, func(p client.Process) bool { return p.Kind == "sidecar" }); err != nil {
		return nil, err
	}
	if err := e.Until(ctx, 3*time.Minute, ids, len(ids), contracts.EstadoConfirmada); err != nil {
		return nil, err
	}
	e.Say("all 20 are CONFIRMADA: their steps asked again")
	return ids, nil
}

// engineMemory deletes the state of workflows from the engine while their sagas run. The sagas must continue from the step at which
// they were.
func engineMemory(ctx context.Context, e *common.Scenario) ([]string, error) {
	e.Say("the memory of the engine: 5 purchases wait for their reservation, and Dapr forgets them")
	ids, err := stopped(ctx, e, "admin-productos", 5, contracts.EstadoProductosValidos)
	if err != nil {
		return nil, err
	}
	if err := e.Local.Run(ctx, "stop", "gestor-compra"); err != nil {
		return nil, err
	}
	if err := execute(ctx, e, "dapr", func(c *pgx.Conn) error {
		for _, id := range ids {
			result, err := c.Exec(ctx, `delete from state where key like '%' || $1 || '%'`, id)
			if err != nil {
				return err
			}
			if result.RowsAffected() == 0 {
				return fmt.Errorf("the engine had nothing of purchase %s", id)
			}
		}
		return nil
	}); err != nil {
		return nil, err
	}
	for _, s := range []string{"gestor-compra", "admin-productos"} {
		if err := e.Local.Run(ctx, "start", s); err != nil {
			return nil, err
		}
	}
	if err := e.Until(ctx, 3*time.Minute, ids, len(ids), contracts.EstadoConfirmada); err != nil {
		return nil, err
	}
	return ids, count(ctx, e, e.Manager, "replaced", len(ids))
}

// compraOfReserva inserts a reservation for a purchase that does not exist. The books of the product still balance. The reconciler
// must release the reservation.
func compraOfReserva(ctx context.Context, e *common.Scenario) ([]string, error) {
	e.Say("the purchase of a reservation: 3 units of product 2 are reserved for a purchase that does not exist")
	id := uuid.Must(uuid.NewV7()).String()
	if err := execute(ctx, e, "productos", func(c *pgx.Conn) error {
		_, err := c.Exec(ctx, `with taken as (update producto set cantidad = cantidad - 3 where id = '2' returning cantidad),
			recorded as (insert into movimiento (id_producto, tipo, cantidad, id_compra, quedan) select '2', 'RESERVA', -3, $1, cantidad from taken)
			insert into reserva (id_compra, id_producto, cantidad) select $1, '2', 3 from taken`, id)
		return err
	}); err != nil {
		return nil, err
	}
	for limit := time.Now().Add(time.Minute); ; time.Sleep(500 * time.Millisecond) {
		n, err := client.One[int](ctx, e.Productos, `select count(*) from reserva where id_compra = $1`, id)
		if err == nil && n == 0 {
			return nil, count(ctx, e, e.Productos, "released", 1)
		}
		if time.Now().After(limit) {
			return nil, errors.Join(errors.New("the orphaned reservation is still there"), err)
		}
	}
}

// stopped stops a service, sends n purchases, and waits until they are in estado.
func stopped(ctx context.Context, e *common.Scenario, service string, n int, estado contracts.Estado) ([]string, error) {
	if err := e.Local.Run(ctx, "stop", service); err != nil {
		return nil, err
	}
	ids, err := e.Comprar(ctx, service, n, n, false)
	if err != nil {
		return nil, err
	}
	return ids, e.Until(ctx, time.Minute, ids, n, estado)
}

// execute changes a database directly, and not through the services.
func execute(ctx context.Context, e *common.Scenario, database string, act func(*pgx.Conn) error) error {
	dsn, err := e.Local.Output(ctx, "dsn", database)
	if err != nil {
		return err
	}
	c, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close(ctx) }()
	return act(c)
}

// count prints the findings of a reconciler. It returns an error unless the number of findings with this result equals want.
func count(ctx context.Context, e *common.Scenario, database *client.Database, result string, want int) error {
	type row struct {
		What, Estado, Done string
		N                  int
	}
	rows, err := client.Rows[row](ctx, database, `select what, estado, done, count(*)::int as n from finding group by what, estado, done`)
	if err != nil {
		return err
	}
	total := 0
	for _, f := range rows {
		e.Say("found: %d × %s, %s: %s", f.N, f.What, f.Estado, f.Done)
		if f.Done == result {
			total += f.N
		}
	}
	if total != want {
		return fmt.Errorf("%d findings with %q, want %d", total, result, want)
	}
	return nil
}
