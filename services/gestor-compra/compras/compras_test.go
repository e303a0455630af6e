package compras_test

import (
	"testing"
	"time"

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

// The wait for approval ends at the deadline, or earlier once another purchase lacks the units, but never later.
func TestEndOfTheWaitForApproval(t *testing.T) {
	at := func(minutes int) time.Time { return time.Date(2026, 1, 2, 3, minutes, 0, 0, time.UTC) }
	entry := func(paso string, minutes int) contracts.HechoContado {
		return contracts.HechoContado{Paso: paso, En: at(minutes)}
	}
	for name, c := range map[string]struct {
		historia []contracts.HechoContado
		ends     int
	}{
		"nobody wants its units": {[]contracts.HechoContado{entry("RECIBIDA", 0), entry("POR_APROBAR", 1)}, 41},
		"wanted":                 {[]contracts.HechoContado{entry("POR_APROBAR", 1), entry(compras.StepWanted, 10)}, 25},
		"wanted near the end":    {[]contracts.HechoContado{entry("POR_APROBAR", 1), entry(compras.StepWanted, 39)}, 41},
	} {
		w := compras.Waiting(contracts.Compra{Historia: c.historia}, 40*time.Minute, 15*time.Minute)
		if !w.Desde.Equal(at(1)) || !w.VenceEn.Equal(at(c.ends)) {
			t.Errorf("%s: waits from %v to %v", name, w.Desde, w.VenceEn)
		}
	}
}
