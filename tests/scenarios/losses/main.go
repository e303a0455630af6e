// Command lost takes away by hand what a crash leaves: the broker's disk, the engine's memory of a purchase, and a
// reservation's purchase. What is lost is asked again or mended, and told.
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
	common.Run("perdidas", []string{
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

// brokerDisk loses every message that waits: the steps ask again.
func brokerDisk(ctx context.Context, e *common.Scenario) ([]string, error) {
	e.Say("el disco del broker: 20 compras esperan a consolidador, y Pulsar pierde todo lo que tenía")
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
	for _, command := range [][]string{{"start", "pulsar"}, {"up"}} { // which makes the topics, and starts consolidador
		if err := e.Local.Run(ctx, command...); err != nil {
			return nil, err
		}
	}
	// A sidecar whose topics were gone when it came back to the broker keeps producers that are closed for good.
	if _, err := e.Local.Kill(ctx, func(p client.Process) bool { return p.Kind == "sidecar" }); err != nil {
		return nil, err
	}
	if err := e.Until(ctx, 3*time.Minute, ids, len(ids), contracts.EstadoConfirmada); err != nil {
		return nil, err
	}
	e.Say("las 20 están CONFIRMADA: sus pasos preguntaron otra vez")
	return ids, nil
}

// engineMemory has the engine forget purchases in the middle of their saga: it goes on where they stood.
func engineMemory(ctx context.Context, e *common.Scenario) ([]string, error) {
	e.Say("la memoria del motor: 5 compras esperan su reserva, y Dapr las olvida")
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
				return fmt.Errorf("el motor no tenía nada de la compra %s", id)
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
	return ids, count(ctx, e, e.Manager, "relevado", len(ids))
}

// compraOfReserva leaves units reserved for a purchase that nobody knows, in books that balance.
func compraOfReserva(ctx context.Context, e *common.Scenario) ([]string, error) {
	e.Say("la compra de una reserva: 3 unidades del producto 2 reservadas para nadie")
	id := uuid.Must(uuid.NewV7()).String()
	if err := execute(ctx, e, "productos", func(c *pgx.Conn) error {
		_, err := c.Exec(ctx, `with tomada as (update producto set cantidad = cantidad - 3 where id = '2' returning cantidad),
			anotada as (insert into movimiento (id_producto, tipo, cantidad, id_compra, quedan) select '2', 'RESERVA', -3, $1, cantidad from tomada)
			insert into reserva (id_compra, id_producto, cantidad) select $1, '2', 3 from tomada`, id)
		return err
	}); err != nil {
		return nil, err
	}
	for limit := time.Now().Add(time.Minute); ; time.Sleep(500 * time.Millisecond) {
		n, err := client.One[int](ctx, e.Productos, `select count(*) from reserva where id_compra = $1`, id)
		if err == nil && n == 0 {
			return nil, count(ctx, e, e.Productos, "liberada", 1)
		}
		if time.Now().After(limit) {
			return nil, errors.Join(errors.New("la reserva huérfana sigue ahí"), err)
		}
	}
}

// stopped stops a service and sends purchases that come as far as estado.
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

// execute changes a database past everybody.
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

// count tells what the reconciler kept of it.
func count(ctx context.Context, e *common.Scenario, database *client.Database, result string, want int) error {
	type row struct {
		Que, Estado, Hecho string
		N                  int
	}
	rows, err := client.Rows[row](ctx, database, `select que, estado, hecho, count(*)::int as n from hallazgo group by que, estado, hecho`)
	if err != nil {
		return err
	}
	total := 0
	for _, f := range rows {
		e.Say("hallazgo: %d × %s, %s: %s", f.N, f.Que, f.Estado, f.Hecho)
		if f.Hecho == result {
			total += f.N
		}
	}
	if total != want {
		return fmt.Errorf("%d hallazgos con %q, se esperaban %d", total, result, want)
	}
	return nil
}
