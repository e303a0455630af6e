// Command carga buys through a system that is up, so many purchases with so many in flight at a time, and tells how fast
// they were confirmed, where the processor's time went, and whether the books balance.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"entregas/tests/cliente"
)

type ajustes struct {
	compras int
	enVuelo []int
	directo bool
	cpu     bool
}

func main() {
	ctx, soltar := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer soltar()
	if err := correr(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		soltar()
		os.Exit(1)
	}
}

func leerAjustes() (ajustes, error) {
	var a ajustes
	var enVuelo string
	flag.IntVar(&a.compras, "compras", 300, "cuántas compras en cada medida")
	flag.StringVar(&enVuelo, "in-flight", "1,8,32", "cuántas a la vez, una medida por cada número")
	flag.BoolVar(&a.directo, "direct", false, "a gestor-compra, sin pasar por el bff")
	flag.BoolVar(&a.cpu, "cpu", true, "decir también el tiempo de procesador de cada programa")
	flag.Parse()
	for _, texto := range strings.Split(enVuelo, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(texto))
		if err != nil || n < 1 {
			return a, fmt.Errorf("-in-flight: %q no es un número de compras", texto)
		}
		a.enVuelo = append(a.enVuelo, n)
	}
	if a.compras < 1 {
		return a, fmt.Errorf("-compras debe ser al menos 1")
	}
	return a, nil
}

func correr(ctx context.Context) error {
	a, err := leerAjustes()
	if err != nil {
		return err
	}
	entorno, err := cliente.DelEntorno()
	if err != nil {
		return err
	}
	gestor, err := cliente.AbrirBase(ctx, entorno.DSNGestorCompra)
	if err != nil {
		return err
	}
	defer gestor.Cerrar()
	m := &medidor{entorno: entorno, almacen: cliente.Directo(entorno.Admin), compras: cliente.Nuevo(entorno.BFF), gestor: gestor, total: a.compras}
	if a.directo {
		m.compras = cliente.Directo(entorno.Gestor)
	}
	fmt.Printf("%8s  %9s  %7s  %7s  %7s  %s\n", "en vuelo", "compras/s", "p50 ms", "p95 ms", "p99 ms", "terminaron")
	for _, enVuelo := range a.enVuelo {
		antes := gastos(ctx, entorno, a.cpu)
		r, err := m.medir(ctx, enVuelo)
		if err != nil {
			return err
		}
		fmt.Printf("%8d  %9.1f  %7.0f  %7.0f  %7.0f  %s\n", enVuelo, r.porSegundo, r.p50, r.p95, r.p99, r.estados)
		if despues := gastos(ctx, entorno, a.cpu); len(despues) > 0 {
			fmt.Printf("          ms de procesador por compra: %s\n", diferencia(antes, despues, a.compras))
		}
	}
	return libros(ctx, entorno)
}

func libros(ctx context.Context, entorno cliente.Entorno) error {
	base, err := cliente.AbrirBase(ctx, entorno.DSNProductos)
	if err != nil {
		return err
	}
	defer base.Cerrar()
	cuentas, err := cliente.Libros(ctx, base)
	if err != nil {
		return err
	}
	t := cliente.Total(cuentas)
	fmt.Printf("libros: iniciales %d + repuestas %d = existencias %d + reservadas %d + despachadas %d; diferencia %d\n",
		t.Inicial, t.Repuesto, t.Existencias, t.Reservado, t.Despachado, t.Diferencia)
	return cliente.Cuadran(cuentas)
}

// marca names what one run of the program makes.
var marca = time.Now().UTC().Format("0102-150405")
