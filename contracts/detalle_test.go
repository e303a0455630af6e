package contracts_test

import (
	"strings"
	"testing"

	"entregas/contracts"
)

// A sentence about an act has the value of each place, whatever the value looks like.
func TestTelling(t *testing.T) {
	for _, c := range []struct {
		act  contracts.Acto
		want string
	}{
		{contracts.Acto{}.Telling(contracts.TextoReposicion, contracts.NumeroDeActo("unidades", 5), contracts.NumeroDeActo("quedaron", 0)), "Se agregaron 5 unidades; quedaron 0."},
		{contracts.Acto{}.Telling(contracts.TextoPrecio, contracts.ImporteDeActo("antes", 1, "COP"), contracts.ImporteDeActo("ahora", 250, "USD")), "El precio pasó de 0,01 COP a 2,50 USD."},
		{contracts.Acto{}.Telling(contracts.TextoMensaje, contracts.ValorDeActo{Nombre: "tipo", Texto: "{tema}$1"}, contracts.ValorDeActo{Nombre: "tema", Texto: ""}), "{tema}$1 de ."},
	} {
		if c.act.Detalle != c.want || strings.Contains(c.act.Detalle, "{unidades}") {
			t.Errorf("%q, want %q", c.act.Detalle, c.want)
		}
	}
}
