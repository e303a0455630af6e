package pages

import (
	"fmt"
	"strings"
	"testing"
	"time"

	. "entregas/tests/testkit"
)

// Ten pages of one browser are live at once: they share one connection, and a browser allows six connections to a server. A page
// that is hidden for a while tells the server that it needs no news, and has them again when it is seen again.
func TestTenPagesAreLive(t *testing.T) {
	t.Parallel()
	s := Open(t)
	p := signIn(t, s, Usuario(t), "cliente", "/compras")
	p.run(`(async () => {
		const { usuario, csrf } = await (await fetch("/sesion")).json();
		const ids = [];
		for (let i = 0; i < 10; i++) {
			const r = await fetch("/api/compras", { method: "POST", headers: { "Content-Type": "application/json", "X-CSRF-Token": csrf }, body: JSON.stringify({ id_usuario: usuario, productos: [{ id_producto: "1", cantidad: 1 }], domicilio: false }) });
			ids.push((await r.json()).id);
		}
		window.bought = ids.join(" ");
	})()`)
	ids := strings.Fields(p.read("window.bought"))
	tabs := make([]*person, 0, len(ids))
	for _, id := range ids {
		tab := p.otherTab()
		tab.goesTo("/compras/" + id)
		tabs = append(tabs, tab)
	}
	for _, tab := range tabs {
		tab.waitForEstado("CONFIRMADA")
	}
	hidden := tabs[3]
	hidden.run(`(() => {
		Object.defineProperty(document, "hidden", { configurable: true, value: true });
		document.dispatchEvent(new Event("visibilitychange"));
	})()`)
	time.Sleep(11 * time.Second) // longer than graceWhenHidden of static/follow.js
	cancel := func(id string) {
		p.run(fmt.Sprintf(`fetch("/sesion").then((r) => r.json()).then(({ csrf }) => fetch("/api/compras/%s/cancelacion", { method: "POST", headers: { "X-CSRF-Token": csrf, "Content-Type": "application/json" }, body: "{}" }))`, id))
	}
	begin := time.Now()
	for _, id := range ids {
		cancel(id)
	}
	for i, tab := range tabs {
		if i != 3 {
			tab.waitForEstado("CANCELADA")
		}
	}
	t.Logf("nine live pages had the end of their purchases %s after the first request", time.Since(begin).Round(time.Millisecond))
	if estado := hidden.read(`document.querySelector("#compra").dataset.estado`); estado != "CONFIRMADA" {
		t.Errorf("a hidden page went on to %s", estado)
	}
	hidden.run(`(() => {
		delete document.hidden;
		document.dispatchEvent(new Event("visibilitychange"));
	})()`)
	hidden.waitForEstado("CANCELADA")
	p.goesTo("/") // a further page still gets a connection
	p.waitFor("the products", `document.querySelectorAll(".producto").length >= 18`)
}
