// Command perdidas takes away by hand what a crash leaves: the broker's disk, the engine's memory of a purchase, and a
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
	"entregas/tests/cliente"
	"entregas/tests/escenarios/comun"
)

func main() {
	comun.Correr("perdidas", []string{
		"APP_GESTOR_COMPRA_RECONCILE_EVERY=5s", "APP_GESTOR_COMPRA_STALLED_AFTER=50s", "APP_GESTOR_COMPRA_ASK_AGAIN_AFTER=10s",
		"APP_ADMIN_PRODUCTOS_RECONCILE_EVERY=5s", "APP_ADMIN_PRODUCTOS_ORPHANED_AFTER=5s",
	}, func(ctx context.Context, e *comun.Escenario) error {
		var todas []string
		for _, perder := range []func(context.Context, *comun.Escenario) ([]string, error){elDiscoDelBroker, laMemoriaDelMotor, laCompraDeUnaReserva} {
			ids, err := perder(ctx, e)
			if err != nil {
				return err
			}
			todas = append(todas, ids...)
		}
		return e.Auditar(ctx, todas, "el reconciliador halló")
	})
}

// elDiscoDelBroker loses every message that waits: the steps ask again.
func elDiscoDelBroker(ctx context.Context, e *comun.Escenario) ([]string, error) {
	e.Decir("el disco del broker: 20 compras esperan a consolidador, y Pulsar pierde todo lo que tenía")
	ids, err := detenidas(ctx, e, "consolidador", 20, contracts.EstadoIniciada)
	if err != nil {
		return nil, err
	}
	if err := e.Local.Orden(ctx, "stop", "pulsar"); err != nil {
		return nil, err
	}
	if err := os.RemoveAll(filepath.Join(e.Local.Raiz, ".local", e.Local.Instancia, "datos", "pulsar")); err != nil {
		return nil, err
	}
	for _, orden := range [][]string{{"start", "pulsar"}, {"up"}} { // which makes the topics, and starts consolidador
		if err := e.Local.Orden(ctx, orden...); err != nil {
			return nil, err
		}
	}
	// A sidecar whose topics were gone when it came back to the broker keeps producers that are closed for good.
	if _, err := e.Local.Matar(ctx, func(p cliente.Proceso) bool { return p.Clase == "sidecar" }); err != nil {
		return nil, err
	}
	if err := e.Hasta(ctx, 3*time.Minute, ids, len(ids), contracts.EstadoConfirmada); err != nil {
		return nil, err
	}
	e.Decir("las 20 están CONFIRMADA: sus pasos preguntaron otra vez")
	return ids, nil
}

// laMemoriaDelMotor has the engine forget purchases in the middle of their saga: it goes on where they stood.
func laMemoriaDelMotor(ctx context.Context, e *comun.Escenario) ([]string, error) {
	e.Decir("la memoria del motor: 5 compras esperan su reserva, y Dapr las olvida")
	ids, err := detenidas(ctx, e, "admin-productos", 5, contracts.EstadoProductosValidos)
	if err != nil {
		return nil, err
	}
	if err := e.Local.Orden(ctx, "stop", "gestor-compra"); err != nil {
		return nil, err
	}
	if err := ejecutar(ctx, e, "dapr", func(c *pgx.Conn) error {
		for _, id := range ids {
			hecho, err := c.Exec(ctx, `delete from state where key like '%' || $1 || '%'`, id)
			if err != nil {
				return err
			}
			if hecho.RowsAffected() == 0 {
				return fmt.Errorf("el motor no tenía nada de la compra %s", id)
			}
		}
		return nil
	}); err != nil {
		return nil, err
	}
	for _, s := range []string{"gestor-compra", "admin-productos"} {
		if err := e.Local.Orden(ctx, "start", s); err != nil {
			return nil, err
		}
	}
	if err := e.Hasta(ctx, 3*time.Minute, ids, len(ids), contracts.EstadoConfirmada); err != nil {
		return nil, err
	}
	return ids, contar(ctx, e, e.Gestor, "relevado", len(ids))
}

// laCompraDeUnaReserva leaves units reserved for a purchase that nobody knows, in books that balance.
func laCompraDeUnaReserva(ctx context.Context, e *comun.Escenario) ([]string, error) {
	e.Decir("la compra de una reserva: 3 unidades del producto 2 reservadas para nadie")
	id := uuid.Must(uuid.NewV7()).String()
	if err := ejecutar(ctx, e, "productos", func(c *pgx.Conn) error {
		_, err := c.Exec(ctx, `with tomada as (update producto set cantidad = cantidad - 3 where id = '2' returning cantidad),
			anotada as (insert into movimiento (id_producto, tipo, cantidad, id_compra, quedan) select '2', 'RESERVA', -3, $1, cantidad from tomada)
			insert into reserva (id_compra, id_producto, cantidad) select $1, '2', 3 from tomada`, id)
		return err
	}); err != nil {
		return nil, err
	}
	for limite := time.Now().Add(time.Minute); ; time.Sleep(500 * time.Millisecond) {
		n, err := cliente.Uno[int](ctx, e.Productos, `select count(*) from reserva where id_compra = $1`, id)
		if err == nil && n == 0 {
			return nil, contar(ctx, e, e.Productos, "liberada", 1)
		}
		if time.Now().After(limite) {
			return nil, errors.Join(errors.New("la reserva huérfana sigue ahí"), err)
		}
	}
}

// detenidas stops a service and sends purchases that come as far as estado.
func detenidas(ctx context.Context, e *comun.Escenario, servicio string, n int, estado contracts.Estado) ([]string, error) {
	if err := e.Local.Orden(ctx, "stop", servicio); err != nil {
		return nil, err
	}
	ids, err := e.Comprar(ctx, servicio, n, n, false)
	if err != nil {
		return nil, err
	}
	return ids, e.Hasta(ctx, time.Minute, ids, n, estado)
}

// ejecutar changes a database past everybody.
func ejecutar(ctx context.Context, e *comun.Escenario, base string, hacer func(*pgx.Conn) error) error {
	dsn, err := e.Local.Salida(ctx, "dsn", base)
	if err != nil {
		return err
	}
	c, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close(ctx) }()
	return hacer(c)
}

// contar tells what the reconciler kept of it.
func contar(ctx context.Context, e *comun.Escenario, base *cliente.Base, hecho string, espera int) error {
	type fila struct {
		Que, Estado, Hecho string
		N                  int
	}
	filas, err := cliente.Filas[fila](ctx, base, `select que, estado, hecho, count(*)::int as n from hallazgo group by que, estado, hecho`)
	if err != nil {
		return err
	}
	total := 0
	for _, f := range filas {
		e.Decir("hallazgo: %d × %s, %s: %s", f.N, f.Que, f.Estado, f.Hecho)
		if f.Hecho == hecho {
			total += f.N
		}
	}
	if total != espera {
		return fmt.Errorf("%d hallazgos con %q, se esperaban %d", total, hecho, espera)
	}
	return nil
}
