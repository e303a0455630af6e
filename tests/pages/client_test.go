package pages

import (
	"fmt"
	"strings"
	"testing"

	. "entregas/tests/testkit"
)

// finds searches for word and waits until the page shows only products with that word.
func (p *person) finds(word string) {
	p.t.Helper()
	p.writes("#query", word)
	p.waitFor("only products with "+word, fmt.Sprintf(`(ps => ps.length > 0 && ps.length < 6 && ps.every((x) => x.innerText.toLowerCase().includes(%q)))(Array.from(document.querySelectorAll(".producto")))`, word))
}

// puts sets the quantity of a product in the cart.
func (p *person) puts(producto string, cantidad int) {
	p.t.Helper()
	p.presses(`[data-add="` + producto + `"]`)
	field := `#lines [data-id="` + producto + `"] input`
	p.writes(field, fmt.Sprint(cantidad)+"\t")
	p.waitFor("the quantity", fmt.Sprintf(`document.querySelector(%q)?.value === "%d"`, field, cantidad))
}

// addresses chooses home delivery, and fills the form of the address.
func (p *person) addresses(calle string) {
	p.t.Helper()
	p.presses("#domicilio")
	for field, text := range map[string]string{"destinatario": "Ana Ruiz", "calle": calle, "ciudad": "Bogotá", "telefono": "+57 (1) 555-0100"} {
		p.writes("#"+field, text)
	}
}

// compra buys the cart, waits for the page of the purchase and returns its id.
func (p *person) compra() string {
	p.t.Helper()
	p.presses("#comprar [type=submit]")
	p.waitFor("the page of the purchase", `location.pathname.startsWith("/compras/") && document.querySelector("#compra[data-estado]")`)
	return strings.TrimPrefix(p.read("location.pathname"), "/compras/")
}

func (p *person) waitForEstado(estado string) {
	p.t.Helper()
	p.waitFor("the state "+estado, fmt.Sprintf(`document.querySelector("#compra")?.dataset.estado === %q`, estado))
}

// steps returns the steps that the page shows as done, in their order.
func (p *person) steps() string {
	p.t.Helper()
	return p.read(`Array.from(document.querySelectorAll("#timeline [data-step]"), (x) => x.dataset.step).join(" ")`)
}

// inOrder reports whether text contains the words in this order. It may contain other words between them.
func inOrder(text string, words ...string) bool {
	for _, word := range words {
		_, after, found := strings.Cut(text, word)
		if !found {
			return false
		}
		text = after
	}
	return true
}

// A customer buys, sees the confirmation without a reload, finds the purchase in the list and cancels it.
func TestComprarAndCancelar(t *testing.T) {
	s := Open(t)
	p := signIn(t, s, Usuario(t), "cliente", "/")
	p.finds("miel")
	p.puts("4", 3)
	p.writes("#query", "\b")
	p.puts("1", 2)
	p.addresses("Calle 10 # 5-20, apto. 301")
	p.look("shop")
	id := p.compra()
	p.waitForEstado("CONFIRMADA")
	if steps := p.steps(); steps != "RECIBIDA INICIADA CONFIRMADA" { // what happens inside says nothing to a customer
		t.Errorf("the page shows the steps %s", steps)
	}
	p.sees("A domicilio")
	p.sees("Calle 10 # 5-20, apto. 301")
	p.look("compra-confirmada")
	if remaining := p.read(`localStorage.getItem("cart") ?? ""`); remaining != "[]" {
		t.Errorf("the cart still has %s", remaining)
	}

	p.presses("#cancelar")
	p.writes("#motivo", "Ya no la necesito.")
	p.look("compra-cancelar")
	p.presses("dialog [value=yes]")
	p.waitForEstado("CANCELADA")
	p.sees("Ya no la necesito.")
	if steps := p.steps(); steps != "RECIBIDA INICIADA CONFIRMADA CANCELADA" {
		t.Errorf("the page shows the steps %s", steps)
	}
	if said := p.read(`document.querySelector("#announcer").textContent`); !strings.Contains(said, "Cancelada") {
		t.Errorf("the screen reader was told %q", said)
	}
	p.look("compra-cancelada")

	p.goesTo("/compras")
	p.waitFor("the purchase in the list", fmt.Sprintf(`document.querySelector('a[href="/compras/%s"]')`, id))
	p.selects("estado", "CONFIRMADA")
	p.sees("Ninguna está así")
	p.selects("estado", "CANCELADA")
	p.sees("Ya no la necesito.")
	p.look("compras")

	o := signIn(t, s, Usuario(t)+"-o", "operador", "/operador/compras/"+id)
	o.sees("Calle 10 # 5-20, apto. 301")
	o.waitFor("the rollbacks in the saga", `document.querySelectorAll("#sequence .rollback").length >= 4`)
	if steps := o.steps(); !inOrder(steps, "CONFIRMADA", "CancelarOrden", "COMPENSANDO", "LiberarReserva", "CANCELADA") { // ordenes agrees before the rollback
		t.Errorf("an operator sees the steps %s", steps)
	}
	o.look("op-compra-cancelada")
	o.sequenceIsReadable()
	s.Balanced(t, []string{id})
}

// buys sends a purchase as another program would, whatever the stock, and opens its page. It returns the id.
func (p *person) buys(producto string, cantidad int) string {
	p.t.Helper()
	p.run(fmt.Sprintf(`(async () => {
		const { csrf } = await (await fetch("/sesion")).json();
		const r = await fetch("/api/compras", { method: "POST", headers: { "Content-Type": "application/json", "X-CSRF-Token": csrf }, body: JSON.stringify({ productos: [{ id_producto: %q, cantidad: %d }] }) });
		window.bought = (await r.json()).id;
	})()`, producto, cantidad))
	id := p.read("window.bought")
	p.goesTo("/compras/" + id)
	return id
}

// Wherever a customer is in a long shop, the total of the basket and its button are in the window, and seven digits fit in a quantity.
func TestCheckoutStaysInSight(t *testing.T) {
	s := Open(t)
	p := newPerson(t, s)
	p.goesTo("/")
	p.waitFor("the shop", `document.querySelectorAll("[data-add]").length > 12`)
	p.run(`for (const b of [...document.querySelectorAll("[data-add]:not([disabled])")].slice(0, 12)) b.click()`)
	p.presses("#domicilio")
	for _, y := range []int{0, 300} {
		p.run(fmt.Sprintf("scrollTo(0, %d)", y))
		p.waitFor("the total and the button", `["#sum", "#buy"].every((x) => { const r = document.querySelector(x).getBoundingClientRect(); return r.top > 0 && r.bottom <= innerHeight && document.elementFromPoint(r.x + r.width / 2, r.y + r.height / 2).closest(x); })`)
	}
	p.puts(p.read(`document.querySelector("#lines [data-id]").dataset.id`), 1000000)
	if cut := p.read(`(({ scrollWidth, clientWidth }) => String(scrollWidth > clientWidth))(document.querySelector("#lines input"))`); cut != "false" {
		t.Error("the quantity is cut")
	}
}

// The basket says when it asks for more than there is, and a purchase of it cannot be sent. The page of a rejected purchase shows for
// each product the number of missing units, and puts into the basket what there is.
func TestTooFewExistencias(t *testing.T) {
	s := Open(t)
	p := signIn(t, s, Usuario(t), "cliente", "/")
	p.finds("molino")
	p.puts("14", 900000)
	p.waitFor("the reason why nothing can be bought", `document.querySelector("#buy").disabled && document.querySelector("#too-much").textContent.includes("Pide más de lo que hay")`)
	p.look("basket-too-much")
	p.writes(`#lines [data-id="14"] input`, "2.5\t")
	p.waitFor("the notice of the quantity", `document.querySelector("#notices").textContent.includes("la cantidad quedó en 2") && !document.querySelector("#buy").disabled`)
	id := p.buys("14", 900000)
	p.waitForEstado("RECHAZADA")
	p.sees("Molino de café manual: pidió 900.000")
	p.look("compra-rechazada")
	p.presses("#buy-again")
	p.waitFor("what there is, in the basket", `document.querySelector("#cart-changes").textContent.includes("había pedido 900.000") && Number(document.querySelector('#lines [data-id="14"] input').value) < 900000 && !document.querySelector("#buy").disabled`)
	p.look("buy-again")

	o := signIn(t, s, Usuario(t)+"-o", "operador", "/operador/compras/"+id)
	o.waitFor("the refusal in the saga", `document.querySelector("#sequence .refusal")`)
	o.sequenceIsReadable()
}

// An open page reconnects by itself after the connection was lost.
func TestReconnect(t *testing.T) {
	s := ForBreaking(t)
	p := signIn(t, s, Usuario(t), "cliente", "/")
	p.finds("agua")
	p.puts("11", 150)
	id := p.compra()
	p.waitForEstado("POR_APROBAR")
	s.Run(t, "restart", "bff")
	o := signIn(t, s, Usuario(t), "operador", "/operador/compras/"+id)
	o.presses(`[data-action="aprobar"]`)
	p.waitForEstado("CONFIRMADA")
	if steps := p.steps(); steps != "RECIBIDA INICIADA POR_APROBAR Aprobacion CONFIRMADA" {
		t.Errorf("the page shows the steps %s", steps)
	}
}

// A visitor without a session sees the shop, and is asked to sign in on the other pages. A customer cannot see the pages of the
// operators, nor the purchase of another customer.
func TestWithoutSigningIn(t *testing.T) {
	s := Open(t)
	p := newPerson(t, s)
	p.goesTo("/")
	p.waitFor("the products", `document.querySelectorAll(".producto").length >= 18`)
	p.presses(`[data-add="1"]`)
	p.presses("#comprar [type=submit]")
	p.waitFor("the sign-in form", `document.querySelector("form input[name=usuario]")`)
	p.look("sign-in")
	for _, path := range []string{"/compras", "/operador", "/operador/mensajes-muertos"} {
		p.goesTo(path)
		p.sees("Entre para seguir")
	}
	p.look("signed-out")

	c := signIn(t, s, Usuario(t), "cliente", "/compras")
	c.sees("Todavía no ha comprado nada")
	c.goesTo("/operador")
	c.sees("Esta página es de operadores")
	c.goesTo("/compras/01938f5e-7c1a-7000-8000-0000000000aa")
	c.sees("No encontramos esa compra")
	c.presses("#who button")
	c.waitFor("the end of the session", `location.pathname === "/" && document.querySelector('#who a[href^="/entrar"]')`)
}

// A customer can buy with the keyboard alone. The first stop of the Tab key is a link that skips the top bar.
func TestWithTheKeyboard(t *testing.T) {
	s := Open(t)
	p := signIn(t, s, Usuario(t), "cliente", "/")
	p.waitFor("the products", `document.querySelectorAll(".producto").length >= 18`)
	p.types("\t")
	p.waitFor("the link to the content", `document.activeElement.matches(".skip")`)
	p.types("\r")
	p.waitFor("the content", `location.hash === "#content"`)
	for _, selector := range []string{`[data-add="18"]`, "#comprar [type=submit]"} {
		arrived := false
		for range 60 {
			p.types("\t")
			if arrived = p.read(fmt.Sprintf(`String(document.activeElement.matches(%q))`, selector)) == "true"; arrived {
				break
			}
		}
		if !arrived {
			t.Fatalf("the tab key does not reach %s", selector)
		}
		if outline := p.read(`getComputedStyle(document.activeElement).outlineStyle`); outline == "none" {
			t.Errorf("the focus on %s is invisible", selector)
		}
		p.types("\r")
	}
	p.waitForEstado("CONFIRMADA")
}
