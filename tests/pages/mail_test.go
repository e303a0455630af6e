package pages

import (
	"strings"
	"testing"

	"entregas/contracts"
	. "entregas/tests/testkit"
)

// A customer asks for the news of their purchases by e-mail below the list of them, and takes it back. An address that the server refuses is
// not stored. An operator sees among the deliveries the mail that the mail server refused, without the address, and sends it again.
func TestMailsByAPage(t *testing.T) {
	s := Open(t)
	usuario := Usuario(t)
	p := signIn(t, s, usuario, "cliente", "/compras")
	p.waitFor("the form", `!document.querySelector("#mail").hidden`)
	p.waitFor("no button to stop", `document.querySelector("#mail-off").hidden`)
	p.writes("#correo", "ana@ejemplo")
	p.presses("#mail-form [type=submit]")
	p.waitFor("the refusal", `document.querySelector("#notices").innerText.includes("una sola dirección de correo")`)
	address := strings.ToLower(usuario) + "@ejemplo.invalid" // the catcher refuses it
	p.writes("#correo", address)
	p.presses("#mail-form [type=submit]")
	p.waitFor("the address", `document.querySelector("#mail-now").innerText.includes("`+address+`")`)
	p.look("compras-mail")
	id := s.Comprar(t, contracts.SolicitudCompra{IDUsuario: usuario, Productos: []contracts.Linea{Linea("1", 90_000)}})
	s.Wait(t, id, contracts.EstadoRechazada)

	o := signIn(t, s, Usuario(t), "operador", "/operador/avisos")
	o.selects("canal", "CORREO")
	o.presses("#filters [type=submit]")
	const row = `document.querySelector('#rows [data-canal="CORREO"]')`
	o.waitFor("the refused mail", row+`?.innerText.includes("no aceptó el correo")`)
	o.look("avisos-mails")
	if text := o.read(`document.querySelector("main").innerText`); strings.Contains(text, address) {
		t.Errorf("an operator sees the address: %s", text)
	}
	o.waitFor("a second try", row+`?.querySelector("td.num").innerText === "2"`) // after it, the next one is a minute away
	o.presses(`#rows [data-canal="CORREO"] [data-action="reenvio"]`)
	o.waitFor("another first try", row+`?.querySelector("td.num").innerText === "1"`)

	p.goesTo("/compras")
	p.waitFor("the address again", `document.querySelector("#correo").value === "`+address+`"`)
	p.presses("#mail-off")
	p.waitFor("no address", `document.querySelector("#mail-off").hidden && document.querySelector("#correo").value === ""`)
	p.goesTo("/compras")
	p.waitFor("the form without an address", `!document.querySelector("#mail").hidden && document.querySelector("#correo").value === ""`)
	p.presses(`.languages [lang=en]`)
	p.waitFor("the form in English", `document.documentElement.lang === "en" && !document.querySelector("#mail").hidden && document.querySelector("#mail").innerText.includes("Your e-mail address")`)
	p.screenshot("compras-mail-english")
}
