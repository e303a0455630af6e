package pages

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	. "entregas/tests/testkit"
)

// haz runs JavaScript in the page and waits for what it promises.
func (p *person) run(expression string) {
	p.t.Helper()
	p.act(chromedp.Evaluate[chromedp.Void](expression, chromedp.EvalAwaitPromise))
}

// endsSession ends the session as another tab of the same browser would: the page is not told.
func (p *person) endsSession() {
	p.t.Helper()
	p.run(`fetch("/sesion").then((r) => r.json()).then((s) => fetch("/salir", {method: "POST", headers: {"X-CSRF-Token": s.csrf}}))`)
}

// signsInElsewhere signs in again behind the page's back.
func (p *person) signsInElsewhere(usuario, role string) {
	p.t.Helper()
	p.run(fmt.Sprintf(`(async () => {
		const pagina = new DOMParser().parseFromString(await (await fetch("/entrar?volver=/")).text(), "text/html");
		const datos = new URLSearchParams(Array.from(pagina.querySelectorAll("input[type=hidden]"), (x) => [x.name, x.value]));
		datos.set("usuario", %q);
		datos.set("rol", %q);
		await fetch("/desarrollo/entrar", {method: "POST", body: datos});
	})()`, usuario, role))
}

// A session that ends while a purchase is looked at is told in words for a person, with the way back to that very page.
func TestEndedSession(t *testing.T) {
	s := Open(t)
	usuario := Usuario(t)
	p := enters(t, s, usuario, "cliente", "/")
	p.puts("18", 1)
	id := p.compra()
	p.waitForEstado("CONFIRMADA")
	p.endsSession()
	p.presses("#cancelar")
	p.presses("dialog [value=si]")
	p.sees("Su sesión terminó.")
	if said := p.read(`document.querySelector("#avisos").textContent`); strings.Contains(said, "Bearer") {
		t.Errorf("a una persona se le dice %q", said)
	}
	p.look("sesion-terminada")
	p.presses("#sesion-terminada button")
	p.writes("input[name=usuario]", usuario)
	p.presses("form button")
	p.waitForEstado("CONFIRMADA")
	p.waitFor("la misma compra", fmt.Sprintf(`location.pathname === "/compras/%s"`, id))

	p.endsSession()
	p.signsInElsewhere(usuario, "cliente") // the page has the CSRF token of the session before
	p.presses("#cancelar")
	p.presses("dialog [value=si]")
	p.waitForEstado("CANCELADA")
}

// What was chosen before signing in is still chosen after it; in another tab the basket is the same; signing out takes it away.
func TestBasket(t *testing.T) {
	s := Open(t)
	p := newPerson(t, s)
	p.goesTo("/")
	p.puts("18", 2)
	p.presses("#domicilio")
	p.presses("#comprar [type=submit]")
	p.writes("input[name=usuario]", Usuario(t))
	p.presses("form button")
	p.waitFor("la cesta con su entrega", `document.querySelector("#quien .nombre") && document.querySelector("#domicilio")?.checked && document.querySelector("#lineas input")?.value === "2"`)

	other := p.otherTab()
	other.goesTo("/")
	other.puts("18", 5)
	p.waitFor("lo que cambió en la otra pestaña", `document.querySelector("#lineas input").value === "5"`)
	p.puts("14", 900000)
	p.sees("Solo hay")
	p.writes(`#lineas [data-id="14"] input`, "0\t")
	p.compra()
	p.sees("A domicilio")
	other.waitFor("que la otra cesta quede vacía", `document.querySelector("#comprar").hidden`)

	other.puts("18", 1)
	other.presses("#quien button")
	other.waitFor("que no quede nada de quien salió", `document.querySelector('#quien a[href^="/entrar"]') && document.querySelector("#comprar").hidden`)
}

// On a phone the basket is below the products: the way to it is shown until one is there, and nothing is wider than a small one.
func TestSmallPhone(t *testing.T) {
	s := Open(t)
	p := newPerson(t, s)
	p.dress(small)
	p.goesTo("/")
	p.presses(`[data-agregar="1"]`)
	p.presses("#ir-cesta")
	p.waitFor("que no tape la cesta", `getComputedStyle(document.querySelector("#ir-cesta")).visibility === "hidden"`)
	p.goesTo("/entrar?volver=/")
	p.waitFor("el formulario", `document.querySelector("fieldset")`)
	if outside := p.read(`Array.from(document.querySelectorAll("form *")).filter((x) => x.getBoundingClientRect().right > x.closest("form").getBoundingClientRect().right).map((x) => x.outerHTML).join()`); outside != "" {
		t.Errorf("se sale de la tarjeta: %s", outside)
	}
}

// While gestor-compra does not answer, a page says so for as long as that lasts, and can be asked again.
func TestPagesWithoutGestorCompra(t *testing.T) {
	s := ForBreaking(t)
	usuario := Usuario(t)
	p := enters(t, s, usuario, "cliente", "/")
	p.puts("18", 1)
	id := p.compra()
	p.waitForEstado("CONFIRMADA")
	o := enters(t, s, Usuario(t)+"-o", "operador", "/operador")
	s.Run(t, "stop", "gestor-compra")
	t.Cleanup(func() { s.Run(t, "start", "gestor-compra") })
	o.goesTo("/operador/compras")
	o.sees("No pudimos mostrar la página")
	o.goesTo("/operador/compras/" + id)
	o.waitForEstado("CONFIRMADA") // of what the bff knows by itself
	o.sees("Se vuelve a preguntar sola.")
	s.Run(t, "start", "gestor-compra")
	o.waitFor("la saga, sin tocar nada", `document.querySelectorAll("#secuencia .flecha").length >= 6`)
}

// Who cancels while a step takes its time is told that it was taken note of, and cannot ask twice.
func TestCancelarUnderWay(t *testing.T) {
	s := ForBreaking(t)
	p := enters(t, s, Usuario(t), "cliente", "/")
	p.puts("18", 1)
	s.Run(t, "stop", "ordenes")
	t.Cleanup(func() { s.Run(t, "start", "ordenes") })
	id := p.compra()
	p.waitForEstado("PRODUCTOS_RESERVADOS")
	p.presses("#cancelar")
	p.presses("dialog [value=si]")
	p.sees("Pidió cancelarla")
	if visible := p.read(`String(document.querySelector("#cancelar").checkVisibility())`); visible != "false" {
		t.Error("se puede volver a pedir")
	}
	p.look("compra-cancelacion-pedida")
	s.Run(t, "start", "ordenes")
	p.waitForEstado("CANCELADA")
	p.sees("Quedó cancelada.")
	s.Balanced(t, []string{id})
}

// What is asked for every other second does not take the focus away; neither do a dialog and a button that did its work.
func TestFocusStays(t *testing.T) {
	s := Open(t)
	p := enters(t, s, Usuario(t), "cliente", "/")
	p.puts("11", 150)
	id := p.compra()
	p.waitForEstado("POR_APROBAR")
	o := enters(t, s, Usuario(t)+"-o", "operador", "/operador")
	o.waitFor("las cifras", `document.querySelectorAll("#estados a").length > 0`)
	o.run(`document.querySelector("#estados a").focus()`)
	time.Sleep(5 * time.Second) // at least two rounds
	if where := o.read(`document.activeElement.outerHTML`); !strings.Contains(where, "/operador/compras?estado=RECIBIDA") {
		t.Errorf("el foco fue a dar a %.200s", where)
	}

	o.goesTo("/operador/compras/" + id)
	o.presses(`[data-accion="Rechazar"]`)
	o.waitFor("la pregunta", `document.querySelector("dialog[open]")`)
	o.typesIn("\x1b")
	o.waitFor("el foco otra vez en el botón", `!document.querySelector("dialog") && document.activeElement.dataset.accion === "Rechazar"`)
	o.presses(`[data-accion="Aprobar"]`)
	o.waitForEstado("CONFIRMADA")
	o.waitFor("el foco en la página", `document.activeElement.id === "contenido"`)
	o.waitFor("el título", `document.title.startsWith("Confirmada")`) // it is set once the page is drawn
}
