package colas_test

import (
	"slices"
	"testing"

	"entregas/contracts"
	"entregas/services/monitor/colas"
)

func TestTemas(t *testing.T) {
	temas := colas.Temas()
	if len(temas) != 2*len(contracts.Nombres()) || !slices.Contains(temas, "comandos-producto") || !slices.Contains(temas, string(contracts.EventosCompra.MensajesMuertos())) {
		t.Errorf("%v", temas)
	}
	if origen, si := colas.EsDeMuertos("comandos-orden-dlq"); !si || origen != "comandos-orden" {
		t.Error(origen)
	}
	if _, si := colas.EsDeMuertos("comandos-orden"); si {
		t.Error("comandos-orden no es de mensajes muertos")
	}
}

// A live stream's reader comes and goes with its replica: nobody is behind because of it.
func TestPendientes(t *testing.T) {
	lista := []colas.Cola{{Suscripcion: "bff", Pendientes: 3, Durable: true}, {Suscripcion: "a1b2", Pendientes: 50}, {Suscripcion: "otra", Pendientes: 4, Durable: true}}
	if n := colas.Pendientes(lista); n != 7 {
		t.Errorf("%d", n)
	}
}
