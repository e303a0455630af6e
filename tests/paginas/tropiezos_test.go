package paginas

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	. "entregas/tests/prueba"
)

// haz runs JavaScript in the page and waits for what it promises.
func (p *persona) haz(expresion string) {
	p.t.Helper()
	p.hacer(chromedp.Evaluate[chromedp.Void](expresion, chromedp.EvalAwaitPromise))
}

// terminaSesion ends the session as another tab of the same browser would: the page is not told.
func (p *persona) terminaSesion() {
	p.t.Helper()
	p.haz(`fetch("/sesion").then((r) => r.json()).then((s) => fetch("/salir", {method: "POST", headers: {"X-CSRF-Token": s.csrf}}))`)
}

// entraEnOtraPestana signs in again behind the page's back.
func (p *persona) entraEnOtraPestana(usuario, rol string) {
	p.t.Helper()
	p.haz(fmt.Sprintf(`(async () => {
		const pagina = new DOMParser().parseFromString(await (await fetch("/entrar?volver=/")).text(), "text/html");
		const datos = new URLSearchParams(Array.from(pagina.querySelectorAll("input[type=hidden]"), (x) => [x.name, x.value]));
		datos.set("usuario", %q);
		datos.set("rol", %q);
		await fetch("/desarrollo/entrar", {method: "POST", body: datos});
	})()`, usuario, rol))
}

// A session that ends while a purchase is looked at is told in words for a person, with the way back to that very page.
func TestSesionTerminada(t *testing.T) {
	s := Abrir(t)
	usuario := Usuario(t)
	p := entra(t, s, usuario, "cliente", "/")
	p.pone("18", 1)
	id := p.compra()
	p.esperaEstado("CONFIRMADA")
	p.terminaSesion()
	p.presiona("#cancelar")
	p.presiona("dialog [value=si]")
	p.ve("Su sesión terminó.")
	if dicho := p.lee(`document.querySelector("#avisos").textContent`); strings.Contains(dicho, "Bearer") {
		t.Errorf("a una persona se le dice %q", dicho)
	}
	p.mira("sesion-terminada")
	p.presiona("#sesion-terminada button")
	p.escribe("input[name=usuario]", usuario)
	p.presiona("form button")
	p.esperaEstado("CONFIRMADA")
	p.espera("la misma compra", fmt.Sprintf(`location.pathname === "/compras/%s"`, id))

	p.terminaSesion()
	p.entraEnOtraPestana(usuario, "cliente") // the page has the CSRF token of the session before
	p.presiona("#cancelar")
	p.presiona("dialog [value=si]")
	p.esperaEstado("CANCELADA")
}

// What was chosen before signing in is still chosen after it; in another tab the basket is the same; signing out takes it away.
func TestCesta(t *testing.T) {
	s := Abrir(t)
	p := nuevaPersona(t, s)
	p.va("/")
	p.pone("18", 2)
	p.presiona("#domicilio")
	p.presiona("#comprar [type=submit]")
	p.escribe("input[name=usuario]", Usuario(t))
	p.presiona("form button")
	p.espera("la cesta con su entrega", `document.querySelector("#quien .nombre") && document.querySelector("#domicilio")?.checked && document.querySelector("#lineas input")?.value === "2"`)

	otra := p.otraPestana()
	otra.va("/")
	otra.pone("18", 5)
	p.espera("lo que cambió en la otra pestaña", `document.querySelector("#lineas input").value === "5"`)
	p.pone("14", 900000)
	p.ve("Solo hay")
	p.escribe(`#lineas [data-id="14"] input`, "0\t")
	p.compra()
	p.ve("A domicilio")
	otra.espera("que la otra cesta quede vacía", `document.querySelector("#comprar").hidden`)

	otra.pone("18", 1)
	otra.presiona("#quien button")
	otra.espera("que no quede nada de quien salió", `document.querySelector('#quien a[href^="/entrar"]') && document.querySelector("#comprar").hidden`)
}

// On a phone the basket is below the products: the way to it is shown until one is there, and nothing is wider than a small one.
func TestTelefonoChico(t *testing.T) {
	s := Abrir(t)
	p := nuevaPersona(t, s)
	p.vestir(chico)
	p.va("/")
	p.presiona(`[data-agregar="1"]`)
	p.presiona("#ir-cesta")
	p.espera("que no tape la cesta", `getComputedStyle(document.querySelector("#ir-cesta")).visibility === "hidden"`)
	p.va("/entrar?volver=/")
	p.espera("el formulario", `document.querySelector("fieldset")`)
	if fuera := p.lee(`Array.from(document.querySelectorAll("form *")).filter((x) => x.getBoundingClientRect().right > x.closest("form").getBoundingClientRect().right).map((x) => x.outerHTML).join()`); fuera != "" {
		t.Errorf("se sale de la tarjeta: %s", fuera)
	}
}

// While gestor-compra does not answer, a page says so for as long as that lasts, and can be asked again.
func TestSinGestorCompra(t *testing.T) {
	s := ParaRomper(t)
	usuario := Usuario(t)
	p := entra(t, s, usuario, "cliente", "/")
	p.pone("18", 1)
	id := p.compra()
	p.esperaEstado("CONFIRMADA")
	o := entra(t, s, Usuario(t)+"-o", "operador", "/operador")
	s.Orden(t, "stop", "gestor-compra")
	t.Cleanup(func() { s.Orden(t, "start", "gestor-compra") })
	o.va("/operador/compras")
	o.ve("No pudimos mostrar la página")
	o.va("/operador/compras/" + id)
	o.esperaEstado("CONFIRMADA") // of what the bff knows by itself
	o.ve("Se vuelve a preguntar sola.")
	s.Orden(t, "start", "gestor-compra")
	o.espera("la saga, sin tocar nada", `document.querySelectorAll("#secuencia .flecha").length >= 6`)
}

// Who cancels while a step takes its time is told that it was taken note of, and cannot ask twice.
func TestCancelarEnMarcha(t *testing.T) {
	s := ParaRomper(t)
	p := entra(t, s, Usuario(t), "cliente", "/")
	p.pone("18", 1)
	s.Orden(t, "stop", "ordenes")
	t.Cleanup(func() { s.Orden(t, "start", "ordenes") })
	id := p.compra()
	p.esperaEstado("PRODUCTOS_RESERVADOS")
	p.presiona("#cancelar")
	p.presiona("dialog [value=si]")
	p.ve("Pidió cancelarla")
	if visible := p.lee(`String(document.querySelector("#cancelar").checkVisibility())`); visible != "false" {
		t.Error("se puede volver a pedir")
	}
	p.mira("compra-cancelacion-pedida")
	s.Orden(t, "start", "ordenes")
	p.esperaEstado("CANCELADA")
	p.ve("Quedó cancelada.")
	s.Cuadran(t, []string{id})
}

// What is asked for every other second does not take the focus away; neither do a dialog and a button that did its work.
func TestElFocoSeQueda(t *testing.T) {
	s := Abrir(t)
	p := entra(t, s, Usuario(t), "cliente", "/")
	p.pone("11", 150)
	id := p.compra()
	p.esperaEstado("POR_APROBAR")
	o := entra(t, s, Usuario(t)+"-o", "operador", "/operador")
	o.espera("las cifras", `document.querySelectorAll("#estados a").length > 0`)
	o.haz(`document.querySelector("#estados a").focus()`)
	time.Sleep(5 * time.Second) // at least two rounds
	if donde := o.lee(`document.activeElement.outerHTML`); !strings.Contains(donde, "/operador/compras?estado=RECIBIDA") {
		t.Errorf("el foco fue a dar a %.200s", donde)
	}

	o.va("/operador/compras/" + id)
	o.presiona(`[data-accion="Rechazar"]`)
	o.espera("la pregunta", `document.querySelector("dialog[open]")`)
	o.teclea("\x1b")
	o.espera("el foco otra vez en el botón", `!document.querySelector("dialog") && document.activeElement.dataset.accion === "Rechazar"`)
	o.presiona(`[data-accion="Aprobar"]`)
	o.esperaEstado("CONFIRMADA")
	o.espera("el foco en la página", `document.activeElement.id === "contenido"`)
	o.espera("el título", `document.title.startsWith("Confirmada")`) // it is set once the page is drawn
}
