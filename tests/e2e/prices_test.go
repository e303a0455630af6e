package e2e

import (
	"testing"
	"time"

	"entregas/contracts"
	. "entregas/tests/testkit"
)

// A purchase costs what its products cost when it was accepted, though their prices change before its stock is checked. The order says the
// same (docs/adr/prices-are-those-of-the-acceptance.md).
func TestPriceOfTheAcceptance(t *testing.T) {
	s := ForBreaking(t)
	s.Restock(t, map[string]int{"17": 10, "18": 10})
	noDeadLetters := s.NoDeadLetters(t)
	price := func(id string, amount int64) {
		t.Helper()
		p, err := s.Admin.CambiarPrecio(t.Context(), id, contracts.CambioDePrecio{Precio: amount, Moneda: "COP", Motivo: "Prueba"}, "price "+id+" "+time.Now().String())
		if err != nil || p.Precio != amount || p.Moneda != "COP" {
			t.Fatalf("%+v, %v", p, err)
		}
	}
	buy := func() string {
		return s.Comprar(t, contracts.SolicitudCompra{IDUsuario: Usuario(t), Productos: []contracts.Linea{Linea("17", 3), Linea("18", 2)}})
	}
	before := time.Now().UnixNano()%1_000_000 + 1 // the instance may be of an earlier run
	price("17", before)
	price("18", 10)
	s.Stop(t, "consolidador")
	first := buy()
	time.Sleep(20 * time.Millisecond) // an instant in a message has milliseconds
	price("17", before+1)
	time.Sleep(20 * time.Millisecond)
	second := buy()
	s.Run(t, "start", "consolidador")
	for id, each := range map[string]int64{first: before, second: before + 1} {
		c := s.Wait(t, id, contracts.EstadoConfirmada)
		if c.Moneda != "COP" || c.Total != 3*each+2*10 || len(c.Precios) != 2 || c.Precios[0].Precio != each {
			t.Errorf("at %d each it costs %+v", each, c.Importes)
		}
		o, err := s.BFF.Orden(t.Context(), c.IDOrden)
		if err != nil || o.Moneda != c.Moneda || o.Total != c.Total || len(o.Precios) != 2 || o.Precios[0] != c.Precios[0] {
			t.Errorf("its order costs %+v, %v", o, err)
		}
	}
	noDeadLetters()
}
