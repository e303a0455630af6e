package postgres_test

import (
	"testing"

	"entregas/contracts"
	"entregas/services/gestor-compra/compras"
	"entregas/services/internal/errores"
)

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
