package pages

import (
	"fmt"
	"testing"
	"time"

	"entregas/contracts"
	. "entregas/tests/testkit"
)

// An operator searches, sorts and saves the purchases of a customer. What comes new does not move the list, and the way back leads to
// where the operator was.
func TestSearchOfPurchases(t *testing.T) {
	s := Open(t)
	usuario := Usuario(t)
	ids := s.ComprarMany(t, 60, 10, func(i int) contracts.SolicitudCompra {
		return contracts.SolicitudCompra{IDUsuario: usuario, Productos: []contracts.Linea{Linea("1", 1+i/59)}, Domicilio: i%2 == 0}
	})
	s.AllAtRest(t, time.Minute, ids)
	o := signIn(t, s, Usuario(t)+"-o", "operador", "/operador/compras")
	o.writes("#texto", usuario)
	o.presses("#filters [type=submit]")
	o.waitFor("the first page of 60", `document.querySelector("#count").textContent === "60 compras." && document.querySelectorAll("#rows [data-id]").length === 50`)
	if address := o.read("location.search"); address != "?texto="+usuario {
		t.Errorf("the address says %s", address)
	}
	o.look("op-compras-search")

	// The order, and the next page.
	const first = `document.querySelector("#rows [data-id]").dataset.id`
	newest := o.read(first)
	o.presses(`th[data-by=creada_en] button`)
	o.waitFor("the oldest first", fmt.Sprintf(`document.querySelector("th[data-by=creada_en]").ariaSort === "ascending" && %s !== %q`, first, newest))
	o.presses("#more")
	o.waitFor("all of them", fmt.Sprintf(`document.querySelectorAll("#rows [data-id]").length === 60 && [...document.querySelectorAll("#rows [data-id]")].at(-1).dataset.id === %q`, newest))

	// By what the purchases cost, and by their units.
	dearest := ids[59] // the one with two units
	cost := s.Wait(t, dearest, contracts.EstadoConfirmada).Total
	for _, by := range []string{"unidades", "total"} {
		o.presses(fmt.Sprintf(`th[data-by=%s] button`, by))
		o.waitFor("the largest first", fmt.Sprintf(`document.querySelector("th[data-by=%s]").ariaSort === "descending" && %s === %q`, by, first, dearest))
	}
	if total := digitsOf(o.read(`document.querySelector("#rows [data-id] td:nth-child(5)").textContent`)); cost == 0 || total != fmt.Sprint(cost/100) {
		t.Errorf("the list says that it costs %s, not %d cents", total, cost)
	}
	o.run("history.go(-2)")
	o.waitFor("the order of before", `document.querySelector("th[data-by=creada_en]").ariaSort === "ascending" && document.querySelectorAll("#rows [data-id]").length === 60`)

	// The way to a purchase and back.
	o.presses(fmt.Sprintf(`[data-id=%q] a`, newest))
	o.waitFor("the purchase", `document.querySelector("#compra:not([hidden])")`)
	o.run("history.back()")
	o.waitFor("the place", fmt.Sprintf(`document.querySelectorAll("#rows [data-id]").length === 60 && scrollY > 500 && document.activeElement.closest("[data-id]")?.dataset.id === %q`, newest))
	o.run("history.back()")
	o.waitFor("the order of before", fmt.Sprintf(`document.querySelector("th[data-by=creada_en]").ariaSort === "descending" && %s === %q`, first, newest))

	// What comes new, and what changes. The page is one that the browser had kept, whose nodes presses does not find.
	clicks := func(selector string) { o.run(fmt.Sprintf(`document.querySelector(%q).click()`, selector)) }
	o.selects("domicilio", "true")
	clicks("#filters [type=submit]")
	o.waitFor("those with home delivery", `document.querySelector("#count").textContent === "30 compras."`)
	top := o.read(first)
	s.Comprar(t, contracts.SolicitudCompra{IDUsuario: usuario, Productos: []contracts.Linea{Linea("1", 1)}, Domicilio: true})
	s.Comprar(t, contracts.SolicitudCompra{IDUsuario: usuario, Productos: []contracts.Linea{Linea("1", 1)}})
	if _, err := s.BFF.Cancelar(t.Context(), top, "prueba"); err != nil {
		t.Fatal(err)
	}
	o.waitFor("the new one", `document.querySelector("#fresh").checkVisibility() && document.querySelector("#fresh").textContent === "1 nueva"`)
	o.waitFor("the cancelled one in its place", fmt.Sprintf(`%s === %q && document.querySelector("#rows [data-id] .badge").textContent === "Cancelada"`, first, top))
	o.look("op-compras-fresh")
	clicks("#fresh")
	o.waitFor("31 of them", fmt.Sprintf(`document.querySelector("#count").textContent === "31 compras." && %s !== %q && !document.querySelector("#fresh").checkVisibility()`, first, top))

	// A file of them.
	o.run(`{
		const make = URL.createObjectURL;
		URL.createObjectURL = (file) => { file.text().then((text) => { window.saved = text; }); return make(file); };
	}`)
	clicks("#download")
	o.waitFor("the file", fmt.Sprintf(`window.saved?.split(%q).length === 32`, usuario))
}

// A search by hand in the address that is wrong says what is wrong, and the form is there to correct it.
func TestAWrongSearch(t *testing.T) {
	s := Open(t)
	o := signIn(t, s, Usuario(t), "operador", "/operador/compras?desde=ayer")
	o.sees("debe ser una fecha")
	o.presses("#clear")
	o.waitFor("the list", `document.querySelectorAll("#rows [data-id]").length > 0 && location.search === ""`)
}
