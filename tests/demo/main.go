// Command demo sends real purchases through the bff of a system that is up, draws what happens to each while it happens,
// and shows at the end that the books balance. It leaves the system up. It ends with 1 when something did not go as it should.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"entregas/tests/cliente"
)

// plazo bounds each way: far more than one takes on a busy machine.
const plazo = 90 * time.Second

func main() {
	ctx, soltar := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer soltar()
	if err := correr(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "\nLa demostración falló:", err)
		soltar()
		os.Exit(1)
	}
}

func correr(ctx context.Context) error {
	entorno, err := cliente.DelEntorno()
	if err != nil {
		return err
	}
	d := &demo{entorno: entorno, cliente: cliente.Nuevo(entorno.BFF), papel: nuevoPapel(os.Stdout), marca: time.Now().UTC().Format("150405.000")}
	if err := d.surtir(ctx); err != nil {
		return err
	}
	var fallos []error
	for i, c := range caminos {
		if err := d.recorrer(ctx, i+1, c); err != nil {
			d.papel.Mal(err.Error())
			fallos = append(fallos, fmt.Errorf("%s: %w", c.titulo, err))
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	if err := d.libros(ctx); err != nil {
		fallos = append(fallos, err)
	}
	d.direcciones()
	return errors.Join(fallos...)
}
