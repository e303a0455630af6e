package pages

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"entregas/contracts"
	"entregas/tests/client"
	. "entregas/tests/testkit"
)

// A large purchase waits for an operator. The customer's page shows the approval at once.
func TestAprobarAndDespachar(t *testing.T) {
	s := Open(t)
	o := signIn(t, s, Usuario(t)+"-o", "operador", "/operador/existencias")
	reponer(o, "11", 400)
	usuario := Usuario(t)
	p := signIn(t, s, usuario, "cliente", "/")
	p.finds("agua")
	p.puts("11", 150)
	id := p.compra()
	p.waitForEstado("POR_APROBAR")
	p.look("compra-por-aprobar")

	o.goesTo("/operador")
	card := fmt.Sprintf(`.entry:has(a[href="/operador/compras/%s"])`, id)
	o.waitFor("the purchase among those that wait", fmt.Sprintf(`document.querySelector('%s')`, card))
	o.waitFor("the figures and the queues", `document.querySelectorAll(".figure").length === 6 && document.querySelector("#chart svg")`)
	o.waitFor("the health of all services", `document.querySelectorAll("#health [data-estado=listo]").length >= 6 && !document.querySelector("#health [data-estado]:not([data-estado=listo])")`)
	o.look("panel")
	o.presses(`#ranges [data-seconds="3600"]`)
	o.waitFor("the figures of an hour", `location.search === "?segundos=3600" && document.querySelector("[data-seconds='3600']").ariaPressed === "true"`)
	o.presses(card + ` [data-action="aprobar"]`)
	p.waitForEstado("CONFIRMADA")
	o.waitFor("how long it took", `/9 de cada 10/.test(document.querySelector("#figures").textContent)`)
	o.waitFor("the end of its wait", fmt.Sprintf(`!document.querySelector('%s')`, card))

	o.goesTo("/operador/compras?id_usuario=" + usuario)
	o.waitFor("the purchase in the table", fmt.Sprintf(`document.querySelector('[data-id="%s"]') && document.querySelectorAll("#rows tr").length === 1`, id))
	o.selects("estado", "RECHAZADA")
	o.presses("#filters [type=submit]")
	o.doesNotSee(fmt.Sprintf(`[data-id="%s"]`, id))
	o.goesTo("/operador/compras")
	o.waitFor("the table", `document.querySelectorAll("#rows [data-id]").length > 0`)
	o.look("op-compras")

	o.goesTo("/operador/compras/" + id)
	o.waitFor("the saga", `document.querySelectorAll("#sequence .arrow").length >= 6`)
	for _, message := range []string{"ValidarInventario", "InventarioValidado", "ReservarProducto", "ProductosReservados", "CrearOrden", "OrdenCreada"} {
		if !strings.Contains(o.read(`document.querySelector("#sequence").textContent`), message) {
			t.Errorf("the saga lacks %s", message)
		}
	}
	o.presses(`[data-action="despachar"]`)
	o.waitForEstado("DESPACHADA")
	p.waitForEstado("DESPACHADA")
	o.waitFor("the dispatch in the saga", `document.querySelector("#sequence").textContent.includes("ReservaDespachada")`)
	o.look("op-compra-despachada")
	s.Balanced(t, []string{id})
}

// reponer restocks a product on the page of the books.
func reponer(o *person, producto string, cantidad int) {
	o.t.Helper()
	row := "#row-" + producto
	o.waitFor("the row of "+producto, fmt.Sprintf(`document.querySelector(%q)?.innerText`, row+" [data-column=existencias]"))
	before := o.read(fmt.Sprintf(`document.querySelector(%q).innerText`, row+" [data-column=repuesto]"))
	o.writes(row+" input", fmt.Sprint(cantidad))
	o.presses(row + " form button")
	o.presses("dialog [value=yes]")
	o.waitFor("the new stock", fmt.Sprintf(`document.querySelector(%q).innerText !== %q`, row+" [data-column=repuesto]", before))
}

func TestReponer(t *testing.T) {
	s := Open(t)
	o := signIn(t, s, Usuario(t), "operador", "/operador/existencias")
	reponer(o, "13", 25)
	o.sees("Los libros cuadran")
	o.look("existencias")
	s.Balanced(t, nil)
}

// An operator rejects a purchase with a reason, and the customer reads the reason. The history and the audit name the operator, and the
// customer's page does not. The code of the purchase leads to it.
func TestRechazar(t *testing.T) {
	s := Open(t)
	operador := Usuario(t) + "-o"
	o := signIn(t, s, operador, "operador", "/operador/existencias")
	reponer(o, "11", 400)
	p := signIn(t, s, Usuario(t), "cliente", "/")
	p.finds("agua")
	p.puts("11", 150)
	id := p.compra()
	p.waitForEstado("POR_APROBAR")
	o.goesTo("/operador/compras/" + id)
	o.presses(`[data-action="rechazar"]`)
	o.writes("#motivo", "No cabe en el camión.")
	o.presses("dialog [value=yes]")
	p.waitForEstado("RECHAZADA")
	p.sees("No cabe en el camión.")
	o.waitFor("the rollbacks in the saga", `document.querySelectorAll("#sequence .rollback").length >= 2`)
	o.sees("Por " + operador + ", operador.")
	o.look("op-compra-rechazada")
	if shown := p.read("document.body.innerText"); strings.Contains(shown, operador) {
		t.Errorf("the customer reads who rejected the purchase: %s", shown)
	}
	code := regexp.MustCompile(`[0-9A-Z]{4}-[0-9A-Z]{4}`).FindString(o.read(`document.querySelector("#title").innerText`))
	o.goesTo("/operador/compras/" + strings.ToLower(code))
	o.waitForEstado("RECHAZADA")
	o.goesTo("/operador/auditoria?id=" + code)
	o.waitFor("the one act", `document.querySelectorAll("#rows [data-id]").length === 1`)
	for _, text := range []string{operador, "No aprobó", "No cabe en el camión."} {
		o.sees(text)
	}
	o.selects("tipo", "despacho")
	o.presses("#filters [type=submit]")
	o.sees("No hay nada con estos filtros.")
	o.goesTo("/operador/auditoria")
	o.waitFor("the acts", `document.querySelectorAll("#rows [data-id]").length > 1`)
	o.look("auditoria")
}

// An operator sees a dead letter with its reason. Once the cause is gone, the operator puts the dead letter back on its topic. The
// dead letter is a reply to a purchase that does not exist yet.
func TestDeadLetter(t *testing.T) {
	s := Open(t)
	id := NewID()
	reply := contracts.NewMessage("test", contracts.InventarioValidado, "", contracts.DatosEventoInventario{IDCompra: id, RespondeA: string(contracts.ValidarInventario)})
	if err := client.Publish(t.Context(), s.Broker, contracts.EventosInventario, reply); err != nil {
		t.Fatal(err)
	}
	o := signIn(t, s, Usuario(t), "operador", "/operador/mensajes-muertos")
	card := fmt.Sprintf(`.dead-letter[data-record="%s"]`, reply.ID)
	for range 20 { // until gestor-compra has set the message aside
		if o.presses("#refresh"); o.read(fmt.Sprintf(`String(!!document.querySelector('%s'))`, card)) == "true" {
			break
		}
	}
	o.waitFor("the message", fmt.Sprintf(`document.querySelector('%s')`, card))
	if text := o.read(fmt.Sprintf(`document.querySelector('%s').innerText`, card)); !strings.Contains(text, "InventarioValidado") || !strings.Contains(text, "gestor-compra") || !strings.Contains(text, "ValidarInventario") {
		t.Errorf("the page says %s", text)
	}
	o.look("dead-letters")

	compra := contracts.NewMessage("test", contracts.CrearCompra, "", contracts.DatosComandoGestorCompra{IDCompra: id, IDUsuario: Usuario(t), Productos: []contracts.Linea{Linea("1", 1)}})
	if err := client.Publish(t.Context(), s.Broker, contracts.ComandosGestorCompra, compra); err != nil {
		t.Fatal(err)
	}
	o.waitFor("the purchase", fmt.Sprintf(`fetch("/api/compras/%s").then((r) => r.ok ? r.json() : {}).then((c) => window.estado = c.estado) && window.estado === "CONFIRMADA"`, id))
	o.presses(card + ` [data-action="devolucion"]`)
	o.waitFor("the notice", `document.querySelector("#notices").textContent.includes("volvió a eventos-inventario")`)
	o.doesNotSee(card)
}
