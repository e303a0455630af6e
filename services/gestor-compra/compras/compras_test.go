package compras_test

import (
	"testing"

	"entregas/contracts"
	"entregas/services/gestor-compra/compras"
	"entregas/workflows/compra"
)

// Every type of entry in the history of a purchase has a text for the customer.
func TestEverythingToldSaysSomething(t *testing.T) {
	told := []contracts.MessageType{contracts.CrearCompra, contracts.CancelarCompra}
	for _, s := range compra.Steps {
		if s.Cause != "" {
			told = append(told, s.Cause)
		}
	}
	for _, c := range compra.Commands() {
		for _, r := range compra.Replies(c) {
			told = append(told, r.Type)
		}
	}
	for _, kind := range told {
		if compras.Detalle(kind) == "" {
			t.Errorf("%s has no Detail: add it in workflows/compra/steps.go", kind)
		}
	}
}
