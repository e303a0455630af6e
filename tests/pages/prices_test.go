package pages

import (
	"fmt"
	"testing"
	"time"

	"entregas/contracts"
	. "entregas/tests/testkit"
)

// An operator changes a price, and sees who changed it. A customer sees the price, an estimate of the basket, and the total of the purchase.
func TestPrices(t *testing.T) {
	s := Open(t)
	operador := Usuario(t) + "-o"
	o := signIn(t, s, operador, "operador", "/operador/existencias/12")
	o.waitFor("the present price", `document.querySelector("#prices .price-now").textContent.includes("$")`)
	o.writes("#price-n", "10.500,00")
	if said := o.read(`document.querySelector("#price-n").validationMessage`); said == "" {
		t.Error("a price with a separator of thousands is taken")
	}
	price := 10_000 + time.Now().Unix()%1000 // the instance may be of an earlier run
	o.writes("#price-n", fmt.Sprintf("%d,5", price))
	o.writes("#price-why", "Sube el jabón")
	o.presses("#prices [type=submit]")
	o.presses("dialog [value=yes]")
	o.waitFor("the change in the history", fmt.Sprintf(`((r) => r?.innerText.includes(%q) && r.innerText.includes("Sube el jabón"))(document.querySelector("#prices tbody tr"))`, operador))
	o.look("existencia-precio")

	digits := func(selector string) string {
		return fmt.Sprintf(`document.querySelector(%q)?.textContent.replace(/\D/g, "")`, selector)
	}
	p := signIn(t, s, Usuario(t), "cliente", "/")
	p.finds("jabón")
	p.waitFor("the price", fmt.Sprintf(`%s === "%d50"`, digits(".producto .price"), price))
	p.puts("12", 2)
	p.waitFor("the estimate", fmt.Sprintf(`%s === "%d"`, digits("#sum"), 2*price+1))
	id := p.compra()
	p.waitForEstado("CONFIRMADA")
	p.waitFor("the total", fmt.Sprintf(`%s === "%d"`, digits("#total"), 2*price+1))
	c := s.Wait(t, id, contracts.EstadoConfirmada)
	for _, internal := range []string{c.ID, c.IDOrden} { // the customer reads the code alone
		if shown := p.read(fmt.Sprintf(`String(document.querySelector("main").outerHTML.includes(%q))`, internal[len(internal)-8:])); shown != "false" {
			t.Errorf("the page of a purchase shows the end of %s", internal)
		}
	}
	p.look("compra-total")
	p.goesTo("/compras")
	p.waitFor("the total in the list", fmt.Sprintf(`document.querySelector(".entry").textContent.replace(/\D/g, "").includes("%d")`, 2*price+1))
	o.goesTo("/operador/compras/" + id)
	o.waitFor("the total for the operator", fmt.Sprintf(`%s === "%d"`, digits("#total"), 2*price+1))
	s.Balanced(t, []string{id})
}
