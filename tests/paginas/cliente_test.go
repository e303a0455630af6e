package paginas

import (
	"fmt"
	"strings"
	"testing"

	. "entregas/tests/prueba"
)

// busca types into the search and waits until only products with that word are left.
func (p *persona) busca(palabra string) {
	p.t.Helper()
	p.escribe("#texto", palabra)
	p.espera("solo "+palabra, fmt.Sprintf(`(ps => ps.length > 0 && ps.length < 6 && ps.every((x) => x.innerText.toLowerCase().includes(%q)))(Array.from(document.querySelectorAll(".producto")))`, palabra))
}

// pone sets how many of a product are in the basket.
func (p *persona) pone(producto string, cantidad int) {
	p.t.Helper()
	p.presiona(`[data-agregar="` + producto + `"]`)
	campo := `#lineas [data-id="` + producto + `"] input`
	p.escribe(campo, fmt.Sprint(cantidad)+"\t")
	p.espera("la cantidad", fmt.Sprintf(`document.querySelector(%q)?.value === "%d"`, campo, cantidad))
}

// compra presses the button and gives the purchase's id, once its page is there.
func (p *persona) compra() string {
	p.t.Helper()
	p.presiona("#comprar [type=submit]")
	p.espera("la página de la compra", `location.pathname.startsWith("/compras/") && document.querySelector("#compra[data-estado]")`)
	return strings.TrimPrefix(p.lee("location.pathname"), "/compras/")
}

func (p *persona) esperaEstado(estado string) {
	p.t.Helper()
	p.espera("que esté "+estado, fmt.Sprintf(`document.querySelector("#compra")?.dataset.estado === %q`, estado))
}

// pasos are the steps that the page shows as done, in order.
func (p *persona) pasos() string {
	p.t.Helper()
	return p.lee(`Array.from(document.querySelectorAll("#pasos [data-paso]"), (x) => x.dataset.paso).join(" ")`)
}

// enOrden tells that texto has the words, one after the other; there may be more between.
func enOrden(texto string, palabras ...string) bool {
	for _, palabra := range palabras {
		_, despues, hay := strings.Cut(texto, palabra)
		if !hay {
			return false
		}
		texto = despues
	}
	return true
}

// Buy, watch it confirm without touching anything, find it again, cancel it.
func TestComprarYCancelar(t *testing.T) {
	s := Abrir(t)
	p := entra(t, s, Usuario(t), "cliente", "/")
	p.busca("miel")
	p.pone("4", 3)
	p.escribe("#texto", "\b")
	p.pone("1", 2)
	p.presiona("#domicilio")
	p.mira("tienda")
	id := p.compra()
	p.esperaEstado("CONFIRMADA")
	if pasos := p.pasos(); pasos != "RECIBIDA INICIADA PRODUCTOS_VALIDOS PRODUCTOS_RESERVADOS CONFIRMADA" {
		t.Errorf("la página cuenta %s", pasos)
	}
	p.ve("A domicilio")
	p.mira("compra-confirmada")
	if quedan := p.lee(`localStorage.getItem("cesta") ?? ""`); quedan != "[]" {
		t.Errorf("en la cesta queda %s", quedan)
	}

	p.presiona("#cancelar")
	p.escribe("#motivo", "Ya no la necesito.")
	p.mira("compra-cancelar")
	p.presiona("dialog [value=si]")
	p.esperaEstado("CANCELADA")
	p.ve("Ya no la necesito.")
	if pasos := p.pasos(); !enOrden(pasos, "CONFIRMADA", "CancelarOrden", "COMPENSANDO", "LiberarReserva", "CANCELADA") { // ordenes is asked first
		t.Errorf("la página cuenta %s", pasos)
	}
	if dicho := p.lee(`document.querySelector("#narrador").textContent`); !strings.Contains(dicho, "Cancelada") {
		t.Errorf("a quien escucha se le dijo %q", dicho)
	}
	p.mira("compra-cancelada")

	p.va("/compras")
	p.espera("la compra en la lista", fmt.Sprintf(`document.querySelector('a[href="/compras/%s"]')`, id))
	p.elige("estado", "CONFIRMADA")
	p.ve("Ninguna está así")
	p.elige("estado", "CANCELADA")
	p.ve("Ya no la necesito.")
	p.mira("compras")
	s.Cuadran(t, []string{id})
}

// What there is not enough of is told line by line.
func TestNoHay(t *testing.T) {
	s := Abrir(t)
	p := entra(t, s, Usuario(t), "cliente", "/")
	p.busca("molino")
	p.pone("14", 900000)
	p.compra()
	p.esperaEstado("RECHAZADA")
	p.ve("Molino de café manual: pidió 900.000")
	p.mira("compra-rechazada")
}

// A page that is open when the connection is cut goes on by itself where it was.
func TestSinConexion(t *testing.T) {
	s := ParaRomper(t)
	p := entra(t, s, Usuario(t), "cliente", "/")
	p.busca("agua")
	p.pone("11", 150)
	id := p.compra()
	p.esperaEstado("POR_APROBAR")
	s.Orden(t, "restart", "bff")
	o := entra(t, s, Usuario(t), "operador", "/operador/compras/"+id)
	o.presiona(`[data-accion="Aprobar"]`)
	p.esperaEstado("CONFIRMADA")
	if pasos := p.pasos(); pasos != "RECIBIDA INICIADA PRODUCTOS_VALIDOS PRODUCTOS_RESERVADOS POR_APROBAR Aprobacion CONFIRMADA" {
		t.Errorf("la página cuenta %s", pasos)
	}
}

// A visitor who has not signed in sees the shop, and is asked to sign in where it is needed; a customer sees nothing of the operators'.
func TestSinEntrar(t *testing.T) {
	s := Abrir(t)
	p := nuevaPersona(t, s)
	p.va("/")
	p.espera("los productos", `document.querySelectorAll(".producto").length >= 18`)
	p.presiona(`[data-agregar="1"]`)
	p.presiona("#comprar [type=submit]")
	p.espera("el formulario de entrada", `document.querySelector("form input[name=usuario]")`)
	p.mira("entrar")
	for _, ruta := range []string{"/compras", "/operador", "/operador/mensajes-muertos"} {
		p.va(ruta)
		p.ve("Entre para seguir")
	}
	p.mira("sin-entrar")

	c := entra(t, s, Usuario(t), "cliente", "/compras")
	c.ve("Todavía no ha comprado nada")
	c.va("/operador")
	c.ve("Esta página es de operadores")
	c.va("/compras/01938f5e-7c1a-7000-8000-0000000000aa")
	c.ve("No encontramos esa compra")
	c.presiona("#quien button")
	c.espera("que nadie esté adentro", `location.pathname === "/" && document.querySelector('#quien a[href^="/entrar"]')`)
}

// The keyboard is enough: the first stop leads past the bar, and a product can be bought without a mouse.
func TestConElTeclado(t *testing.T) {
	s := Abrir(t)
	p := entra(t, s, Usuario(t), "cliente", "/")
	p.espera("los productos", `document.querySelectorAll(".producto").length >= 18`)
	p.teclea("\t")
	p.espera("el salto al contenido", `document.activeElement.matches(".saltar")`)
	p.teclea("\r")
	p.espera("estar en el contenido", `location.hash === "#contenido"`)
	for _, selector := range []string{`[data-agregar="18"]`, "#comprar [type=submit]"} {
		llego := false
		for range 60 {
			p.teclea("\t")
			if llego = p.lee(fmt.Sprintf(`String(document.activeElement.matches(%q))`, selector)) == "true"; llego {
				break
			}
		}
		if !llego {
			t.Fatalf("con el tabulador no se llega a %s", selector)
		}
		if contorno := p.lee(`getComputedStyle(document.activeElement).outlineStyle`); contorno == "none" {
			t.Errorf("no se ve dónde está el foco en %s", selector)
		}
		p.teclea("\r")
	}
	p.esperaEstado("CONFIRMADA")
}
