package pages

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"entregas/contracts"
	. "entregas/tests/testkit"
)

// oneCity returns an address in a city of its own, so that its zone has only the orders of one test.
func oneCity(t *testing.T) *contracts.Direccion {
	return &contracts.Direccion{Destinatario: "Ana Ñuñez", Calle: "Calle 10 # 5-20, apto. 301", Ciudad: "Villa " + Usuario(t), Telefono: "+57 1 555 0100"}
}

// comprarIn buys n purchases of a few units for the address, each by another customer, and waits until they are confirmed.
func comprarIn(t *testing.T, s *System, n int, address *contracts.Direccion) []string {
	t.Helper()
	s.Restock(t, map[string]int{"1": 3 * n, "2": n, "3": n})
	ids := s.ComprarMany(t, n, 8, func(i int) contracts.SolicitudCompra {
		return contracts.SolicitudCompra{
			IDUsuario: fmt.Sprintf("%s-%d", Usuario(t), i%7), Domicilio: true, Direccion: address,
			Productos: []contracts.Linea{Linea("1", 1+i%3), Linea(fmt.Sprint(2+i%2), 1)},
		}
	})
	s.AllIn(t, contracts.EstadoConfirmada, ids)
	return ids
}

// queueOf opens the queue of the orders of a zone and waits until it shows n of them.
func queueOf(t *testing.T, s *System, zone string, n int) *person {
	t.Helper()
	o := signIn(t, s, Usuario(t)+"-o", "operador", "/operador/despachos?zona="+strings.ReplaceAll(zone, " ", "+"))
	o.waitFor("the orders", fmt.Sprintf(`document.querySelectorAll("#rows [data-id]").length === %d && document.activeElement.matches("#rows input")`, n))
	return o
}

// A hundred orders leave the warehouse within two minutes, by the keyboard alone: 30 are chosen one by one, the next 30 in a row, and the
// other 40 at once.
func TestAHundredDispatchesByKeyboard(t *testing.T) {
	s := Open(t)
	address := oneCity(t)
	ids := comprarIn(t, s, 100, address)
	o := queueOf(t, s, strings.ToLower(address.Ciudad), 100)
	started := time.Now()
	for range 30 {
		o.types("x")
		o.types("j")
	}
	for range 29 {
		o.types("J") // with the shift key
	}
	o.waitFor("the choice", `document.querySelector("#chosen").textContent.startsWith("60 ")`)
	o.types("d")
	o.waitFor("the question", `document.activeElement.closest("dialog[open]")`)
	o.types("\r")
	o.waitFor("the first dispatches", `document.querySelectorAll("#rows [data-id]").length === 40 && document.querySelector("#progress").hidden`)
	o.types("a")
	o.types("d")
	o.waitFor("the question", `document.activeElement.closest("dialog[open]")`)
	o.types("\r")
	o.waitFor("the end of the queue", `document.querySelector("#queue").hidden && document.querySelector("#told").textContent.startsWith("40 ")`)
	took := time.Since(started)
	t.Logf("100 dispatches by keyboard took %.1f s", took.Seconds())
	if took > 2*time.Minute {
		t.Errorf("100 dispatches took %s", took)
	}
	s.AllIn(t, contracts.EstadoDespachada, ids)
	s.Balanced(t, ids)
}

// An operator sees which orders could not be dispatched and why, and can try them again. The others are dispatched. The picking list
// and the labels have what was chosen.
func TestRefusedDispatchesStayListed(t *testing.T) {
	s := Open(t)
	address := oneCity(t)
	ids := comprarIn(t, s, 5, address)
	o := queueOf(t, s, strings.ToLower(address.Ciudad), 5)
	o.act(chromedp.Evaluate[chromedp.Void](`window.printed = 0; window.print = () => { window.printed++; }`))
	o.types("a")
	o.look("despachos")
	o.types("p")
	o.waitFor("the picking list", `window.printed === 1 && document.querySelectorAll("#paper .order").length === 5`)
	if units := o.read(`document.querySelector('#paper [data-product="1"] .num').textContent`); units != "9" { // 1 + 2 + 3 + 1 + 2
		t.Errorf("the list sums %s units of product 1", units)
	}
	var total int64
	worthOf := map[string]string{} // by code
	for _, id := range ids {
		c := s.Wait(t, id, contracts.EstadoConfirmada)
		total += c.Total
		worthOf[c.Codigo] = fmt.Sprint(c.Total / 100)
	}
	codeOf := func(element string) string {
		return strings.ReplaceAll(o.read(fmt.Sprintf(`document.querySelector(%q).textContent`, element+" .mono")), "-", "")
	}
	for i := range ids {
		order := fmt.Sprintf("#paper .order:nth-of-type(%d)", i+1)
		if code, worth := codeOf(order), digitsOf(o.read(fmt.Sprintf(`document.querySelector(%q).textContent`, order+" .worth"))); worth != worthOf[code] {
			t.Errorf("the list says that %s costs %s, not %s", code, worth, worthOf[code])
		}
	}
	if worth := digitsOf(o.read(`document.querySelector("#paper > .worth").textContent`)); total == 0 || worth != fmt.Sprint(total/100) {
		t.Errorf("the list is worth %s, not %d cents", worth, total)
	}
	o.onPaper("despachos-picking")
	o.types("e")
	o.waitFor("the labels", `window.printed === 2 && document.querySelectorAll("#paper .label").length === 5`)
	if text := o.read(`document.querySelector("#paper .label").textContent`); !strings.Contains(text, address.Destinatario) || !strings.Contains(text, address.Calle) || !strings.Contains(text, address.Ciudad) {
		t.Errorf("a label says %s", text)
	}
	if code, worth := codeOf("#paper .label"), digitsOf(o.read(`document.querySelector("#paper .label .worth").textContent`)); worth != worthOf[code] {
		t.Errorf("the label of %s is worth %s, not %s", code, worth, worthOf[code])
	}
	o.onPaper("despachos-labels")

	if _, err := s.BFF.Cancelar(t.Context(), ids[2], "Ya no."); err != nil {
		t.Fatal(err)
	}
	s.Wait(t, ids[2], contracts.EstadoCancelada)
	o.types("d")
	o.waitFor("the question", `document.activeElement.closest("dialog[open]")`)
	o.types("\r")
	o.waitFor("the refusal", `document.querySelectorAll("#refused-list li").length === 1 && document.querySelector("#refused").innerText.includes("CANCELADA") && document.querySelector("#told").textContent.startsWith("4 ")`)
	o.look("despachos-refused")
	o.types("\r") // the focus is on the button that tries again
	o.waitFor("the other try", `document.querySelector("#told").textContent.includes("no se pudo") && document.querySelectorAll("#refused-list li").length === 1`)
	o.presses("#forget")
	o.waitFor("the end of the list", `document.querySelector("#refused").hidden`)
	s.AllIn(t, contracts.EstadoDespachada, append(ids[:2:2], ids[3:]...))
}

// digitsOf returns the digits of a text about an amount of whole units.
func digitsOf(text string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, text)
}

// onPaper takes a screenshot of what the page prints.
func (p *person) onPaper(name string) {
	p.t.Helper()
	p.media("print")
	if shown := p.read(`String(document.querySelector("#paper").checkVisibility() && !document.querySelector(".topbar").checkVisibility())`); shown != "true" {
		p.t.Errorf("%s is not what is printed", name)
	}
	p.screenshot(name)
	p.media("")
}

func (p *person) media(kind string) {
	p.t.Helper()
	if _, err := chromedp.Call(p.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: kind}); err != nil {
		p.t.Fatal(err)
	}
}

// An operator decides about many purchases at once, the oldest of which is first. The badge in the navigation counts them.
func TestApprovalsAtOnce(t *testing.T) {
	s := Open(t)
	s.Restock(t, map[string]int{"11": 800})
	var ids []string
	for range 4 {
		ids = append(ids, s.Comprar(t, contracts.SolicitudCompra{IDUsuario: Usuario(t), Productos: []contracts.Linea{Linea("11", 150)}}))
	}
	s.AllIn(t, contracts.EstadoPorAprobar, ids)
	o := signIn(t, s, Usuario(t)+"-o", "operador", "/operador/aprobaciones")
	choose := func(ids ...string) {
		t.Helper()
		for _, id := range ids {
			o.presses(fmt.Sprintf(`[data-choose="%s"]`, id))
		}
		o.waitFor("the choice", fmt.Sprintf(`document.querySelector("#chosen").textContent.startsWith("%d ")`, len(ids)))
	}
	o.waitFor("the purchases in their order", fmt.Sprintf(`(all => all.length >= 4 && all.indexOf(%q) >= 0 && all.indexOf(%q) < all.indexOf(%q))(Array.from(document.querySelectorAll("#rows [data-id]"), (x) => x.dataset.id))`, ids[0], ids[0], ids[3]))
	o.waitFor("the badge", `Number(document.querySelector('[data-badge=por_aprobar] > [aria-hidden]')?.textContent) >= 4`)
	o.waitFor("the time left", fmt.Sprintf(`/hora|minuto/.test(document.querySelector('[data-id="%s"] [data-ends]').textContent)`, ids[0]))
	choose(ids[0], ids[1])
	o.look("aprobaciones")
	o.types("d")
	o.waitFor("the question", `document.activeElement.closest("dialog[open]")`)
	o.types("\r")
	o.waitFor("the approvals", `document.querySelector("#told").textContent.startsWith("2 compras aprobadas")`)
	choose(ids[2], ids[3])
	o.presses("#reject")
	o.writes("#motivo", "No cabe en el camión.")
	o.presses("dialog [value=yes]")
	o.waitFor("the rejections", `document.querySelector("#told").textContent.startsWith("2 compras rechazadas")`)
	s.AllIn(t, contracts.EstadoConfirmada, ids[:2])
	s.AllIn(t, contracts.EstadoRechazada, ids[2:])
	if c := s.Wait(t, ids[3], contracts.EstadoRechazada); !strings.Contains(c.Motivo, "No cabe en el camión.") {
		t.Errorf("the customer reads %q", c.Motivo)
	}
	s.Balanced(t, ids)
}
