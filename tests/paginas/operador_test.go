package paginas

import (
	"fmt"
	"strings"
	"testing"

	"entregas/contracts"
	"entregas/tests/cliente"
	. "entregas/tests/prueba"
)

// A large purchase waits for an operator: who approves it on one screen is seen at once on the customer's.
func TestAprobarYDespachar(t *testing.T) {
	s := Abrir(t)
	o := entra(t, s, Usuario(t)+"-o", "operador", "/operador/existencias")
	reponer(o, "11", 400)
	usuario := Usuario(t)
	p := entra(t, s, usuario, "cliente", "/")
	p.busca("agua")
	p.pone("11", 150)
	id := p.compra()
	p.esperaEstado("POR_APROBAR")
	p.mira("compra-por-aprobar")

	o.va("/operador")
	ficha := fmt.Sprintf(`.ficha:has(a[href="/operador/compras/%s"])`, id)
	o.espera("la compra entre las que esperan", fmt.Sprintf(`document.querySelector('%s')`, ficha))
	o.espera("las cifras y las colas", `document.querySelectorAll(".cifra").length === 6 && document.querySelector("#grafica svg")`)
	o.mira("panel")
	o.presiona(ficha + ` [data-accion="Aprobar"]`)
	p.esperaEstado("CONFIRMADA")
	o.espera("que ya no espere", fmt.Sprintf(`!document.querySelector('%s')`, ficha))

	o.va("/operador/compras?id_usuario=" + usuario)
	o.espera("la compra en la tabla", fmt.Sprintf(`document.querySelector('[data-id="%s"]') && document.querySelectorAll("#filas tr").length === 1`, id))
	o.elige("estado", "RECHAZADA")
	o.presiona("#filtros [type=submit]")
	o.noVe(fmt.Sprintf(`[data-id="%s"]`, id))
	o.va("/operador/compras")
	o.espera("la tabla", `document.querySelectorAll("#filas [data-id]").length > 1`)
	o.mira("operador-compras")

	o.va("/operador/compras/" + id)
	o.espera("la saga", `document.querySelectorAll("#secuencia .flecha").length >= 6`)
	for _, mensaje := range []string{"ValidarInventario", "InventarioValidado", "ReservarProducto", "ProductosReservados", "CrearOrden", "OrdenCreada"} {
		if !strings.Contains(o.lee(`document.querySelector("#secuencia").textContent`), mensaje) {
			t.Errorf("en la saga falta %s", mensaje)
		}
	}
	o.presiona(`[data-accion="Despachar"]`)
	o.esperaEstado("DESPACHADA")
	p.esperaEstado("DESPACHADA")
	o.espera("el despacho en la saga", `document.querySelector("#secuencia").textContent.includes("ReservaDespachada")`)
	o.mira("operador-compra")
	s.Cuadran(t, []string{id})
}

// reponer adds to a product's stock on the page of the books.
func reponer(o *persona, producto string, cantidad int) {
	o.t.Helper()
	fila := "#fila-" + producto
	o.espera("la fila de "+producto, fmt.Sprintf(`document.querySelector(%q)?.innerText`, fila+" [data-col=existencias]"))
	antes := o.lee(fmt.Sprintf(`document.querySelector(%q).innerText`, fila+" [data-col=repuesto]"))
	o.escribe(fila+" input", fmt.Sprint(cantidad))
	o.presiona(fila + " button")
	o.espera("lo repuesto", fmt.Sprintf(`document.querySelector(%q).innerText !== %q`, fila+" [data-col=repuesto]", antes))
}

func TestReponer(t *testing.T) {
	s := Abrir(t)
	o := entra(t, s, Usuario(t), "operador", "/operador/existencias")
	reponer(o, "13", 25)
	o.ve("Los libros cuadran")
	o.mira("existencias")
	s.Cuadran(t, nil)
}

// An operator rejects with a reason, and the customer reads it.
func TestRechazar(t *testing.T) {
	s := Abrir(t)
	o := entra(t, s, Usuario(t)+"-o", "operador", "/operador/existencias")
	reponer(o, "11", 400)
	p := entra(t, s, Usuario(t), "cliente", "/")
	p.busca("agua")
	p.pone("11", 150)
	id := p.compra()
	p.esperaEstado("POR_APROBAR")
	o.va("/operador/compras/" + id)
	o.presiona(`[data-accion="Rechazar"]`)
	o.escribe("#motivo", "No cabe en el camión.")
	o.presiona("dialog [value=si]")
	p.esperaEstado("RECHAZADA")
	p.ve("No cabe en el camión.")
	o.espera("lo deshecho en la saga", `document.querySelectorAll("#secuencia .vuelta").length >= 2`)
	o.mira("operador-compra-rechazada")
}

// A message that nobody could handle is seen with its reason, and put back once its reason is gone: here a reply to a
// purchase that nobody had yet.
func TestMensajeMuerto(t *testing.T) {
	s := Abrir(t)
	id := NuevoID()
	respuesta := contracts.NuevoMensaje("prueba", contracts.InventarioValidado, "", contracts.DatosEventoInventario{IDCompra: id, RespondeA: string(contracts.ValidarInventario)})
	if err := cliente.Publicar(t.Context(), s.Broker, contracts.EventosInventario, respuesta); err != nil {
		t.Fatal(err)
	}
	o := entra(t, s, Usuario(t), "operador", "/operador/mensajes-muertos")
	ficha := fmt.Sprintf(`.muerto[data-registro="%s"]`, respuesta.ID)
	for range 20 { // until gestor-compra has set it aside
		if o.presiona("#refrescar"); o.lee(fmt.Sprintf(`String(!!document.querySelector('%s'))`, ficha)) == "true" {
			break
		}
	}
	o.espera("el mensaje", fmt.Sprintf(`document.querySelector('%s')`, ficha))
	if texto := o.lee(fmt.Sprintf(`document.querySelector('%s').innerText`, ficha)); !strings.Contains(texto, "InventarioValidado") || !strings.Contains(texto, "gestor-compra") || !strings.Contains(texto, "ValidarInventario") {
		t.Errorf("la página dice %s", texto)
	}
	o.mira("mensajes-muertos")

	compra := contracts.NuevoMensaje("prueba", contracts.CrearCompra, "", contracts.DatosComandoGestorCompra{IDCompra: id, IDUsuario: Usuario(t), Productos: []contracts.Linea{Linea("1", 1)}})
	if err := cliente.Publicar(t.Context(), s.Broker, contracts.ComandosGestorCompra, compra); err != nil {
		t.Fatal(err)
	}
	o.espera("la compra", fmt.Sprintf(`fetch("/api/compras/%s").then((r) => r.ok ? r.json() : {}).then((c) => window.estadoDeLaCompra = c.estado) && window.estadoDeLaCompra === "CONFIRMADA"`, id))
	o.presiona(ficha + " [data-reponer]")
	o.espera("que se diga", `document.querySelector("#avisos").textContent.includes("volvió a eventos-inventario")`)
	o.noVe(ficha)
}
