package pages

import (
	"strings"
	"testing"

	. "entregas/tests/testkit"
)

// A purchase without home delivery is picked up at a shop, and its page says so. A browser remembers an address only for the person who asks
// for it, until that person signs out.
func TestDelivery(t *testing.T) {
	s := Open(t)
	usuario := Usuario(t)
	p := signIn(t, s, usuario, "cliente", "/")
	p.puts("1", 1)
	p.waitFor("the shops", `document.querySelectorAll("#tienda option").length >= 3`)
	p.selects("tienda", "laureles")
	p.look("shop-pick-up")
	p.compra()
	p.waitForEstado("CONFIRMADA")
	p.sees("La recoge en Los Alpes Laureles")
	p.sees("Pronto sale hacia la tienda.")
	p.look("compra-pick-up")

	const kept = `Object.keys(localStorage).filter((k) => k.startsWith("address")).length`
	p.goesTo("/")
	p.puts("1", 1)
	p.waitFor("the same shop", `document.querySelector("#tienda").value === "laureles"`)
	p.addresses("Calle 2 # 3-4")
	p.writes("#telefono", "123")
	p.presses("#comprar [type=submit]")
	p.waitFor("the question for a telephone number", `document.activeElement.id === "telefono" && document.activeElement.validationMessage !== "" && location.pathname === "/"`)
	p.writes("#telefono", "555 0100")
	p.compra()
	p.sees("Calle 2 # 3-4")
	if n := p.read("String(" + kept + ")"); n != "0" {
		t.Errorf("the browser remembers %s addresses, and nobody asked for it", n)
	}

	p.goesTo("/")
	p.puts("1", 1)
	p.addresses("Calle 5 # 6-7")
	p.presses("#remember")
	p.compra()
	p.goesTo("/")
	p.puts("1", 1)
	p.presses("#domicilio")
	p.waitFor("the address of before", `document.querySelector("#calle").value === "Calle 5 # 6-7" && document.querySelector("#remember").checked`)
	p.presses("#who button")
	p.waitFor("the end of the session", `document.querySelector('#who a[href^="/entrar"]') && `+kept+` === 0`)
}

// An operator who looks at the purchases of one customer can erase what is personal of those that have ended. The page asks first.
func TestErasedByAnOperator(t *testing.T) {
	s := Open(t)
	usuario := Usuario(t)
	p := signIn(t, s, usuario, "cliente", "/")
	p.puts("1", 1)
	p.addresses("Calle 8 # 9-10")
	ended := p.compra()
	p.waitForEstado("CONFIRMADA")
	p.presses("#cancelar")
	p.presses("dialog [value=yes]")
	p.waitForEstado("CANCELADA")
	p.goesTo("/")
	p.puts("1", 1)
	p.compra()
	p.waitForEstado("CONFIRMADA")

	o := signIn(t, s, Usuario(t)+"-o", "operador", "/operador/compras")
	o.waitFor("the purchases of all, without a way to erase", `document.querySelector("#rows [data-id]") && !document.querySelector("#erase").checkVisibility()`)
	o.goesTo("/operador/compras?id_usuario=" + usuario)
	o.presses("#erase")
	o.waitFor("the question, with the name of the customer", `document.querySelector("dialog h2").textContent.includes("`+usuario+`")`)
	o.look("op-compras-erase")
	o.presses(`dialog [value=""]`)
	o.presses("#erase")
	o.presses("dialog [value=yes]")
	o.sees("Datos borrados. Compras: 1; órdenes: 1. 1 compra sigue abierta")
	o.look("op-compras-erased")

	p.goesTo("/compras/" + ended)
	p.waitForEstado("CANCELADA")
	if text := p.read("document.querySelector('main').innerText"); strings.Contains(text, "Calle 8") {
		t.Errorf("after the erasure the customer reads:\n%s", text)
	}
}
