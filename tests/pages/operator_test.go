package pages

import (
	"fmt"
	"strings"
	"testing"

	"entregas/contracts"
	"entregas/tests/client"
	. "entregas/tests/testkit"
)

// A large purchase waits for an operator: who approves it on one screen is seen at once on the customer's.
func TestAprobarAndDespachar(t *testing.T) {
	s := Open(t)
	o := enters(t, s, Usuario(t)+"-o", "operador", "/operador/existencias")
	reponer(o, "11", 400)
	usuario := Usuario(t)
	p := enters(t, s, usuario, "cliente", "/")
	p.finds("agua")
	p.puts("11", 150)
	id := p.compra()
	p.waitForEstado("POR_APROBAR")
	p.look("compra-por-aprobar")

	o.goesTo("/operador")
	card := fmt.Sprintf(`.ficha:has(a[href="/operador/compras/%s"])`, id)
	o.waitFor("la compra entre las que esperan", fmt.Sprintf(`document.querySelector('%s')`, card))
	o.waitFor("las cifras y las colas", `document.querySelectorAll(".cifra").length === 6 && document.querySelector("#grafica svg")`)
	o.look("panel")
	o.presses(card + ` [data-accion="Aprobar"]`)
	p.waitForEstado("CONFIRMADA")
	o.waitFor("que ya no espere", fmt.Sprintf(`!document.querySelector('%s')`, card))

	o.goesTo("/operador/compras?id_usuario=" + usuario)
	o.waitFor("la compra en la tabla", fmt.Sprintf(`document.querySelector('[data-id="%s"]') && document.querySelectorAll("#filas tr").length === 1`, id))
	o.selects("estado", "RECHAZADA")
	o.presses("#filtros [type=submit]")
	o.doesNotSee(fmt.Sprintf(`[data-id="%s"]`, id))
	o.goesTo("/operador/compras")
	o.waitFor("la tabla", `document.querySelectorAll("#filas [data-id]").length > 1`)
	o.look("operador-compras")

	o.goesTo("/operador/compras/" + id)
	o.waitFor("la saga", `document.querySelectorAll("#secuencia .flecha").length >= 6`)
	for _, message := range []string{"ValidarInventario", "InventarioValidado", "ReservarProducto", "ProductosReservados", "CrearOrden", "OrdenCreada"} {
		if !strings.Contains(o.read(`document.querySelector("#secuencia").textContent`), message) {
			t.Errorf("en la saga falta %s", message)
		}
	}
	o.presses(`[data-accion="Despachar"]`)
	o.waitForEstado("DESPACHADA")
	p.waitForEstado("DESPACHADA")
	o.waitFor("el despacho en la saga", `document.querySelector("#secuencia").textContent.includes("ReservaDespachada")`)
	o.look("operador-compra")
	s.Balanced(t, []string{id})
}

// reponer adds to a product's stock on the page of the books.
func reponer(o *person, producto string, cantidad int) {
	o.t.Helper()
	row := "#fila-" + producto
	o.waitFor("la fila de "+producto, fmt.Sprintf(`document.querySelector(%q)?.innerText`, row+" [data-col=existencias]"))
	earlier := o.read(fmt.Sprintf(`document.querySelector(%q).innerText`, row+" [data-col=repuesto]"))
	o.writes(row+" input", fmt.Sprint(cantidad))
	o.presses(row + " button")
	o.waitFor("lo repuesto", fmt.Sprintf(`document.querySelector(%q).innerText !== %q`, row+" [data-col=repuesto]", earlier))
}

func TestReponer(t *testing.T) {
	s := Open(t)
	o := enters(t, s, Usuario(t), "operador", "/operador/existencias")
	reponer(o, "13", 25)
	o.sees("Los libros cuadran")
	o.look("existencias")
	s.Balanced(t, nil)
}

// An operator rejects with a reason, and the customer reads it.
func TestRechazar(t *testing.T) {
	s := Open(t)
	o := enters(t, s, Usuario(t)+"-o", "operador", "/operador/existencias")
	reponer(o, "11", 400)
	p := enters(t, s, Usuario(t), "cliente", "/")
	p.finds("agua")
	p.puts("11", 150)
	id := p.compra()
	p.waitForEstado("POR_APROBAR")
	o.goesTo("/operador/compras/" + id)
	o.presses(`[data-accion="Rechazar"]`)
	o.writes("#motivo", "No cabe en el camión.")
	o.presses("dialog [value=si]")
	p.waitForEstado("RECHAZADA")
	p.sees("No cabe en el camión.")
	o.waitFor("lo deshecho en la saga", `document.querySelectorAll("#secuencia .vuelta").length >= 2`)
	o.look("operador-compra-rechazada")
}

// A message that nobody could handle is seen with its reason, and put back once its reason is gone: here a reply to a
// purchase that nobody had yet.
func TestDeadLetter(t *testing.T) {
	s := Open(t)
	id := NewID()
	reply := contracts.NewMessage("prueba", contracts.InventarioValidado, "", contracts.DatosEventoInventario{IDCompra: id, RespondeA: string(contracts.ValidarInventario)})
	if err := client.Publish(t.Context(), s.Broker, contracts.EventosInventario, reply); err != nil {
		t.Fatal(err)
	}
	o := enters(t, s, Usuario(t), "operador", "/operador/mensajes-muertos")
	card := fmt.Sprintf(`.muerto[data-registro="%s"]`, reply.ID)
	for range 20 { // until gestor-compra has set it aside
		if o.presses("#refrescar"); o.read(fmt.Sprintf(`String(!!document.querySelector('%s'))`, card)) == "true" {
			break
		}
	}
	o.waitFor("el mensaje", fmt.Sprintf(`document.querySelector('%s')`, card))
	if text := o.read(fmt.Sprintf(`document.querySelector('%s').innerText`, card)); !strings.Contains(text, "InventarioValidado") || !strings.Contains(text, "gestor-compra") || !strings.Contains(text, "ValidarInventario") {
		t.Errorf("la página dice %s", text)
	}
	o.look("mensajes-muertos")

	compra := contracts.NewMessage("prueba", contracts.CrearCompra, "", contracts.DatosComandoGestorCompra{IDCompra: id, IDUsuario: Usuario(t), Productos: []contracts.Linea{Linea("1", 1)}})
	if err := client.Publish(t.Context(), s.Broker, contracts.ComandosGestorCompra, compra); err != nil {
		t.Fatal(err)
	}
	o.waitFor("la compra", fmt.Sprintf(`fetch("/api/compras/%s").then((r) => r.ok ? r.json() : {}).then((c) => window.estadoDeLaCompra = c.estado) && window.estadoDeLaCompra === "CONFIRMADA"`, id))
	o.presses(card + " [data-reponer]")
	o.waitFor("que se diga", `document.querySelector("#avisos").textContent.includes("volvió a eventos-inventario")`)
	o.doesNotSee(card)
}
