package postgres_test

import (
	"sync"
	"testing"

	"entregas/contracts"
	"entregas/services/gestor-compra/compras"
	"entregas/services/internal/errores"
)

// estados are all of them.
var estados = []contracts.Estado{
	contracts.EstadoRecibida, contracts.EstadoIniciada, contracts.EstadoProductosValidos, contracts.EstadoProductosReservados,
	contracts.EstadoPorAprobar, contracts.EstadoConfirmada, contracts.EstadoDespachada, contracts.EstadoCompensando,
	contracts.EstadoRechazada, contracts.EstadoCancelada, contracts.EstadoFallida,
}

// aLaVez calls f n times at once and waits for all. f must not end the test.
func aLaVez(n int, f func(i int)) {
	var listos, todos sync.WaitGroup
	listos.Add(n)
	for i := range n {
		todos.Go(func() {
			listos.Done()
			listos.Wait()
			f(i)
		})
	}
	todos.Wait()
}

// cambio is a change of state with what a history entry needs.
func cambio(id string, a contracts.Estado, desde ...contracts.Estado) compras.Cambio {
	return compras.Cambio{IDCompra: id, A: a, Desde: desde, Tipo: "Prueba", Detalle: "a " + string(a)}
}

// esperarCodigo fails unless err has the code; "" is no error.
func esperarCodigo(t testing.TB, err error, codigo errores.Codigo) {
	t.Helper()
	if (err == nil) != (codigo == "") || err != nil && errores.De(err) != codigo {
		t.Fatalf("error %v, se esperaba %q", err, codigo)
	}
}
