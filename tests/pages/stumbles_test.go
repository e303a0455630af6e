package pages

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"entregas/contracts"
	. "entregas/tests/testkit"
)

// run runs JavaScript in the page and waits for its promise.
func (p *person) run(expression string) {
	p.t.Helper()
	p.act(chromedp.Evaluate[chromedp.Void](expression, chromedp.EvalAwaitPromise))
}

// endsSession ends the session as another tab of the same browser would. The page does not notice.
func (p *person) endsSession() {
	p.t.Helper()
	p.run(`fetch("/sesion").then((r) => r.json()).then((s) => fetch("/salir", {method: "POST", headers: {"X-CSRF-Token": s.csrf}}))`)
}

// signsInElsewhere signs in as another tab of the same browser would. The page does not notice.
func (p *person) signsInElsewhere(usuario, role string) {
	p.t.Helper()
	p.run(fmt.Sprintf(`(async () => {
		const form = new DOMParser().parseFromString(await (await fetch("/entrar?volver=/")).text(), "text/html");
		const data = new URLSearchParams(Array.from(form.querySelectorAll("input[type=hidden]"), (x) => [x.name, x.value]));
		data.set("usuario", %q);
		data.set("rol", %q);
		await fetch("/desarrollo/entrar", {method: "POST", body: data});
	})()`, usuario, role))
}

// A page whose session ended tells the person, and leads back to itself after the sign-in.
func TestEndedSession(t *testing.T) {
	s := Open(t)
	usuario := Usuario(t)
	p := signIn(t, s, usuario, "cliente", "/")
	p.puts("18", 1)
	id := p.compra()
	p.waitForEstado("CONFIRMADA")
	p.endsSession()
	p.presses("#cancelar")
	p.presses("dialog [value=yes]")
	p.sees("Su sesión terminó.")
	if said := p.read(`document.querySelector("#notices").textContent`); strings.Contains(said, "Bearer") {
		t.Errorf("the person reads %q", said)
	}
	p.look("session-ended")
	p.presses("#session-ended button")
	p.writes("input[name=usuario]", usuario)
	p.presses("form button")
	p.waitForEstado("CONFIRMADA")
	p.waitFor("the same purchase", fmt.Sprintf(`location.pathname === "/compras/%s"`, id))

	p.endsSession()
	p.signsInElsewhere(usuario, "cliente") // the page still has the CSRF token of the ended session
	p.presses("#cancelar")
	p.presses("dialog [value=yes]")
	p.waitForEstado("CANCELADA")
}

// The cart survives the sign-in, is the same in all tabs, and is emptied at the sign-out.
func TestCart(t *testing.T) {
	s := Open(t)
	p := newPerson(t, s)
	p.goesTo("/")
	p.puts("18", 2)
	p.presses("#domicilio")
	p.presses("#comprar [type=submit]") // the browser asks for the address first
	p.waitFor("the question for the address", `document.activeElement.id === "destinatario" && location.pathname === "/"`)
	p.presses("#domicilio")
	p.addresses("Calle 1")
	p.presses("#comprar [type=submit]")
	p.writes("input[name=usuario]", Usuario(t))
	p.presses("form button")
	p.waitFor("the cart with its delivery", `document.querySelector("#who .name") && document.querySelector("#domicilio")?.checked && document.querySelector("#lines input")?.value === "2"`)
	p.waitFor("the address that was typed before", `document.querySelector("#calle").value === "Calle 1"`)

	other := p.otherTab()
	other.goesTo("/")
	other.puts("18", 5)
	p.waitFor("the change of the other tab", `document.querySelector("#lines input").value === "5"`)
	p.puts("14", 900000)
	p.sees("Solo hay")
	p.writes(`#lines [data-id="14"] input`, "0\t")
	p.compra()
	p.sees("A domicilio")
	other.waitFor("the empty cart in the other tab", `document.querySelector("#comprar").hidden`)

	other.puts("18", 1)
	other.presses("#who button")
	other.waitFor("the empty cart after the sign-out", `document.querySelector('#who a[href^="/entrar"]') && document.querySelector("#comprar").hidden`)
}

// On a phone a link leads to the cart below the products. It hides while the cart is visible. The sign-in form fits the screen.
func TestSmallPhone(t *testing.T) {
	s := Open(t)
	p := newPerson(t, s)
	p.dress(small)
	p.goesTo("/")
	p.presses(`[data-add="1"]`)
	p.presses("#to-cart")
	p.waitFor("the hidden link", `getComputedStyle(document.querySelector("#to-cart")).visibility === "hidden"`)
	p.goesTo("/entrar?volver=/")
	p.waitFor("the form", `document.querySelector("fieldset")`)
	if outside := p.read(`Array.from(document.querySelectorAll("form *")).filter((x) => x.getBoundingClientRect().right > x.closest("form").getBoundingClientRect().right).map((x) => x.outerHTML).join()`); outside != "" {
		t.Errorf("wider than the form: %s", outside)
	}
}

// The page of a purchase that does not exist, of somebody else's, and of a mistyped code say so, all in the same words.
func TestUnknownPurchase(t *testing.T) {
	s := Open(t)
	other := s.Comprar(t, contracts.SolicitudCompra{IDUsuario: Usuario(t) + "-b", Productos: []contracts.Linea{Linea("1", 1)}})
	p := signIn(t, s, Usuario(t), "cliente", "/")
	for _, id := range []string{NewID(), other, "ABCD-EFGH", "1"} {
		p.goesTo("/compras/" + id)
		p.sees("No encontramos esa compra")
		p.waitFor("the title", `document.title.startsWith("No encontramos esa compra")`)
	}
	p.look("compra-unknown")
	o := signIn(t, s, Usuario(t)+"-o", "operador", "/operador/compras/"+NewID())
	o.sees("No hay una compra así")
	o.look("op-compra-unknown")
}

// While gestor-compra does not answer, a page says so, and the person can ask again.
func TestPagesWithoutGestorCompra(t *testing.T) {
	s := ForBreaking(t)
	usuario := Usuario(t)
	p := signIn(t, s, usuario, "cliente", "/")
	p.puts("18", 1)
	id := p.compra()
	p.waitForEstado("CONFIRMADA")
	o := signIn(t, s, Usuario(t)+"-o", "operador", "/operador")
	s.Run(t, "stop", "gestor-compra")
	t.Cleanup(func() { s.Run(t, "start", "gestor-compra") })
	o.goesTo("/operador/compras")
	o.sees("No pudimos mostrar la página")
	o.goesTo("/operador/compras/" + id)
	o.waitForEstado("CONFIRMADA") // the bff has its own copy of the purchase
	o.sees("Se vuelve a preguntar sola.")
	s.Run(t, "start", "gestor-compra")
	o.waitFor("the saga, without a reload", `document.querySelectorAll("#sequence .arrow").length >= 6`)
}

// The page confirms a cancellation during a slow step, and the customer cannot cancel twice.
func TestCancelarUnderWay(t *testing.T) {
	s := ForBreaking(t)
	p := signIn(t, s, Usuario(t), "cliente", "/")
	p.puts("18", 1)
	s.Run(t, "stop", "ordenes")
	t.Cleanup(func() { s.Run(t, "start", "ordenes") })
	id := p.compra()
	p.waitForEstado("PRODUCTOS_RESERVADOS")
	p.presses("#cancelar")
	p.presses("dialog [value=yes]")
	p.sees("Pidió cancelarla")
	if visible := p.read(`String(document.querySelector("#cancelar").checkVisibility())`); visible != "false" {
		t.Error("the purchase can be cancelled twice")
	}
	p.look("compra-cancelling")
	s.Run(t, "start", "ordenes")
	p.waitForEstado("CANCELADA")
	p.sees("Quedó cancelada.")
	s.Balanced(t, []string{id})
}

// The focused element keeps the focus when a page polls, after a dialog is closed, and after an action.
func TestFocusStays(t *testing.T) {
	s := Open(t)
	s.Restock(t, map[string]int{"11": 400})
	p := signIn(t, s, Usuario(t), "cliente", "/")
	p.puts("11", 150)
	id := p.compra()
	p.waitForEstado("POR_APROBAR")
	o := signIn(t, s, Usuario(t)+"-o", "operador", "/operador")
	o.waitFor("the figures", `document.querySelectorAll("#estados a").length > 0`)
	o.run(`document.querySelector("#estados a").focus()`)
	time.Sleep(5 * time.Second) // long enough for two polls
	if where := o.read(`document.activeElement.outerHTML`); !strings.Contains(where, "/operador/compras?estado=RECIBIDA") {
		t.Errorf("the focus moved to %.200s", where)
	}

	o.goesTo("/operador/compras/" + id)
	o.presses(`[data-action="rechazar"]`)
	o.waitFor("the question", `document.querySelector("dialog[open]")`)
	o.types("\x1b")
	o.waitFor("the focus on the button again", `!document.querySelector("dialog") && document.activeElement.dataset.action === "rechazar"`)
	o.presses(`[data-action="aprobar"]`)
	o.waitForEstado("CONFIRMADA")
	o.waitFor("the focus on the page", `document.activeElement.id === "content"`)
	o.waitFor("the title", `document.title.startsWith("Confirmada")`) // the page sets the title last
}

// The page asks for the purchase after an action. When that response is older than a change that the stream brought meanwhile, the
// page keeps the newer state.
func TestAnOlderResponseChangesNothing(t *testing.T) {
	s := Open(t)
	s.Restock(t, map[string]int{"11": 400})
	p := signIn(t, s, Usuario(t), "cliente", "/")
	p.puts("11", 150)
	id := p.compra()
	p.waitForEstado("POR_APROBAR")
	o := signIn(t, s, Usuario(t)+"-o", "operador", "/operador/compras/"+id)
	o.waitForEstado("POR_APROBAR")
	o.run(`(() => {
		const fetched = window.fetch, path = "/api/compras/` + id + `";
		const older = fetched(path, { headers: { Accept: "application/json" } }).then((r) => r.text());
		window.fetch = async (url, options) => {
			if (url !== path || document.body.dataset.asked) return fetched(url, options);
			document.body.dataset.asked = "once";
			const body = await older;
			while (document.querySelector("#compra").dataset.estado !== "CONFIRMADA") await new Promise((wait) => setTimeout(wait, 50));
			document.body.dataset.older = "delivered";
			return new Response(body, { headers: { "Content-Type": "application/json" } });
		};
	})()`)
	o.presses(`[data-action="aprobar"]`)
	o.waitFor("the older response", `document.body.dataset.older`)
	time.Sleep(time.Second) // a page that takes the older response has drawn it by then
	if estado := o.read(`document.querySelector("#compra").dataset.estado`); estado != "CONFIRMADA" {
		t.Errorf("the page shows %s after CONFIRMADA", estado)
	}
}
