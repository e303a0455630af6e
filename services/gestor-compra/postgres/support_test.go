package postgres_test

import (
	"testing"

	"entregas/contracts"
	"entregas/internal/errs"
	"entregas/services/gestor-compra/compras"
)

// change returns a change of state with the fields that an entry in the history needs.
func change(id string, a contracts.Estado, from ...contracts.Estado) compras.Change {
	return compras.Change{IDCompra: id, To: a, From: from, Tipo: "Prueba", Detalle: "a " + string(a)}
}

// wantCode fails the test unless err has the code; "" means no error.
func wantCode(t testing.TB, err error, code errs.Code) {
	t.Helper()
	if (err == nil) != (code == "") || err != nil && errs.Of(err) != code {
		t.Fatalf("error %v, want %q", err, code)
	}
}
