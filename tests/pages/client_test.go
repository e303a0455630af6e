package pages

import (
	"fmt"
	"strings"
	"testing"

	. "entregas/tests/testkit"
)

// finds types into the search and waits until only products with that word are left.
func (p *person) finds(word string) {
	p.t.Helper()
	p.writes("#texto", word)
	p.waitFor("solo "+word, fmt.Sprintf(`(ps => ps.length > 0 && ps.length < 6 && ps.every((x) => x.innerText.toLowerCase().includes(%q)))(Array.from(document.querySelectorAll(".producto")))`, word))
}

// puts sets how many of a product are in the basket.
func (p *person) puts(producto string, cantidad int) {
	p.t.Helper()
	p.presses(`[data-agregar="` + producto + `"]`)
	field := `#lineas [data-id="` + producto + `"] input`
	p.writes(field, fmt.Sprint(cantidad)+"\t")
	p.waitFor("la cantidad", fmt.Sprintf(`document.querySelector(%q)?.value === "%d"`, field, cantidad))
}

// compra presses the button and gives the purchase's id, once its page is there.
func (p *person) compra() string {
	p.t.Helper()
	p.presses("#comprar [type=submit]")
	p.waitFor("la página de la compra", `location.pathname.startsWith("/compras/") && document.querySelector("#compra[data-estado]")`)
	return strings.TrimPrefix(p.read("location.pathname"), "/compras/")
}

func (p *person) waitForEstado(estado string) {
	p.t.Helper()
	p.waitFor("que esté "+estado, fmt.Sprintf(`document.querySelector("#compra")?.dataset.estado === %q`, estado))
}

// steps are the steps that the page shows as done, in order.
func (p *person) steps() string {
	p.t.Helper()
	return p.read(`Array.from(document.querySelectorAll("#pasos [data-paso]"), (x) => x.dataset.paso).join(" ")`)
}

// inOrder tells that text has the words, one after the other; there may be more between.
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

// Buy, watch it confirm without touching anything, find it again, cancel it.
func TestComprarAndCancelar(t *testing.T) {
	s := Open(t)
	p := enters(t, s, Usuario(t), "cliente", "/")
	p.finds("miel")
	p.puts("4", 3)
	p.writes("#texto", "\b")
	p.puts("1", 2)
	p.presses("#domicilio")
	p.look("tienda")
	id := p.compra()
	p.waitForEstado("CONFIRMADA")
	if steps := p.steps(); steps != "RECIBIDA INICIADA PRODUCTOS_VALIDOS PRODUCTOS_RESERVADOS CONFIRMADA" {
		t.Errorf("la página cuenta %s", steps)
	}
	p.sees("A domicilio")
	p.look("compra-confirmada")
	if remaining := p.read(`localStorage.getItem("cesta") ?? ""`); remaining != "[]" {
		t.Errorf("en la cesta queda %s", remaining)
	}

	p.presses("#cancelar")
	p.writes("#motivo", "Ya no la necesito.")
	p.look("compra-cancelar")
	p.presses("dialog [value=si]")
	p.waitForEstado("CANCELADA")
	p.sees("Ya no la necesito.")
	if steps := p.steps(); !inOrder(steps, "CONFIRMADA", "CancelarOrden", "COMPENSANDO", "LiberarReserva", "CANCELADA") { // ordenes is asked first
		t.Errorf("la página cuenta %s", steps)
	}
	if said := p.read(`document.querySelector("#narrador").textContent`); !strings.Contains(said, "Cancelada") {
		t.Errorf("a quien escucha se le dijo %q", said)
	}
	p.look("compra-cancelada")

	p.goesTo("/compras")
	p.waitFor("la compra en la lista", fmt.Sprintf(`document.querySelector('a[href="/compras/%s"]')`, id))
	p.selects("estado", "CONFIRMADA")
	p.sees("Ninguna está así")
	p.selects("estado", "CANCELADA")
	p.sees("Ya no la necesito.")
	p.look("compras")
	s.Balanced(t, []string{id})
}

// What there is not enough of is told line by line.
func TestThereIsNone(t *testing.T) {
	s := Open(t)
	p := enters(t, s, Usuario(t), "cliente", "/")
	p.finds("molino")
	p.puts("14", 900000)
	p.compra()
	p.waitForEstado("RECHAZADA")
	p.sees("Molino de café manual: pidió 900.000")
	p.look("compra-rechazada")
}

// A page that is open when the connection is cut goes on by itself where it was.
func TestWithoutAConnection(t *testing.T) {
	s := ForBreaking(t)
	p := enters(t, s, Usuario(t), "cliente", "/")
	p.finds("agua")
	p.puts("11", 150)
	id := p.compra()
	p.waitForEstado("POR_APROBAR")
	s.Run(t, "restart", "bff")
	o := enters(t, s, Usuario(t), "operador", "/operador/compras/"+id)
	o.presses(`[data-accion="Aprobar"]`)
	p.waitForEstado("CONFIRMADA")
	if steps := p.steps(); steps != "RECIBIDA INICIADA PRODUCTOS_VALIDOS PRODUCTOS_RESERVADOS POR_APROBAR Aprobacion CONFIRMADA" {
		t.Errorf("la página cuenta %s", steps)
	}
}

// A visitor who has not signed in sees the shop, and is asked to sign in where it is needed; a customer sees nothing of the operators'.
func TestWithoutLoggingIn(t *testing.T) {
	s := Open(t)
	p := newPerson(t, s)
	p.goesTo("/")
	p.waitFor("los productos", `document.querySelectorAll(".producto").length >= 18`)
	p.presses(`[data-agregar="1"]`)
	p.presses("#comprar [type=submit]")
	p.waitFor("el formulario de entrada", `document.querySelector("form input[name=usuario]")`)
	p.look("entrar")
	for _, path := range []string{"/compras", "/operador", "/operador/mensajes-muertos"} {
		p.goesTo(path)
		p.sees("Entre para seguir")
	}
	p.look("sin-entrar")

	c := enters(t, s, Usuario(t), "cliente", "/compras")
	c.sees("Todavía no ha comprado nada")
	c.goesTo("/operador")
	c.sees("Esta página es de operadores")
	c.goesTo("/compras/01938f5e-7c1a-7000-8000-0000000000aa")
	c.sees("No encontramos esa compra")
	c.presses("#quien button")
	c.waitFor("que nadie esté adentro", `location.pathname === "/" && document.querySelector('#quien a[href^="/entrar"]')`)
}

// The keyboard is enough: the first stop leads past the bar, and a product can be bought without a mouse.
func TestWithTheKeyboard(t *testing.T) {
	s := Open(t)
	p := enters(t, s, Usuario(t), "cliente", "/")
	p.waitFor("los productos", `document.querySelectorAll(".producto").length >= 18`)
	p.typesIn("\t")
	p.waitFor("el salto al contenido", `document.activeElement.matches(".saltar")`)
	p.typesIn("\r")
	p.waitFor("estar en el contenido", `location.hash === "#contenido"`)
	for _, selector := range []string{`[data-agregar="18"]`, "#comprar [type=submit]"} {
		arrived := false
		for range 60 {
			p.typesIn("\t")
			if arrived = p.read(fmt.Sprintf(`String(document.activeElement.matches(%q))`, selector)) == "true"; arrived {
				break
			}
		}
		if !arrived {
			t.Fatalf("con el tabulador no se llega a %s", selector)
		}
		if outline := p.read(`getComputedStyle(document.activeElement).outlineStyle`); outline == "none" {
			t.Errorf("no se ve dónde está el foco en %s", selector)
		}
		p.typesIn("\r")
	}
	p.waitForEstado("CONFIRMADA")
}
