package pages

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	. "entregas/tests/testkit"
)

// A visitor asks to be told of a product that is sold out, signs in, and finds the wish made. The customer takes it back, asks again, and is told
// once there are units. The notice puts the product into the basket, and is dismissed for good.
func TestToldWhenAProductIsBack(t *testing.T) {
	s := Open(t)
	id := "agotado-" + NewID()
	catalogue := map[string]any{"csv": "id_producto,cantidad,nombre\n" + id + ",,\"Panela en bloque, 500 g\"\n"}
	if r, err := s.BFF.Request(t.Context(), http.MethodPost, "/productos/importacion", catalogue); err != nil || r.Status != http.StatusOK {
		t.Fatalf("%d %s: %v", r.Status, r.Body, err)
	}
	p := newPerson(t, s)
	p.goesTo("/")
	box := fmt.Sprintf(`.producto [data-wish=%q]`, id)
	state := func(what, text string) {
		t.Helper()
		p.waitFor(what, fmt.Sprintf(`((e) => e?.innerText.includes(%q))(document.querySelector(%q))`, text, box))
	}
	state("the button", "Avíseme")
	if add := p.read(fmt.Sprintf(`String(document.querySelector('[data-add=%q]').checkVisibility())`, id)); add != "false" {
		t.Error("a product that is sold out can be put into the basket")
	}
	p.look("shop-sold-out")
	p.presses(box + " button")
	p.writes("input[name=usuario]", Usuario(t))
	p.presses("form button")
	state("the wish of before the sign-in", "Le avisaremos")
	p.look("shop-wish")
	p.presses(box + " button")
	state("the wish taken back", "Avíseme")
	p.waitFor("the focus on the same button", fmt.Sprintf(`document.activeElement === document.querySelector(%q)`, box+" button"))
	p.presses(box + " button")
	state("the wish", "Le avisaremos")
	p.goesTo("/")
	state("the wish after a reload", "Le avisaremos")

	// A wish that waited too long for its sign-in may be another person's.
	p.run(fmt.Sprintf(`sessionStorage.setItem("wish-later", JSON.stringify({id: %q, cantidad: 7, at: Date.now() - 301_000}))`, id))
	p.goesTo("/")
	p.waitFor("the end of what was kept", `sessionStorage.getItem("wish-later") === null`)
	state("the wish", "Le avisaremos")
	// A page that shows the notice of a wish of before does not take the newer one away.
	p.run(fmt.Sprintf(`(async () => {
		const { csrf } = await (await fetch("/sesion")).json();
		const r = await fetch("/api/productos/%s/avisame?avisado_en=2026-01-31T08:00:00.123Z", { method: "DELETE", headers: { "X-CSRF-Token": csrf } });
		window.wishes = r.status + await (await fetch("/api/avisos/existencias")).text();
	})()`, id))
	if wishes := p.read("window.wishes"); !strings.HasPrefix(wishes, "204") || !strings.Contains(wishes, id) || strings.Contains(wishes, `"cantidad":7`) {
		t.Errorf("the wishes are %s", wishes)
	}

	if _, err := s.BFF.Reponer(t.Context(), id, 3, "back-"+id); err != nil {
		t.Fatal(err)
	}
	p.waitFor("the notice", `document.querySelector("#back")?.innerText.includes("Panela en bloque, 500 g")`)
	p.waitFor("the units", fmt.Sprintf(`!document.querySelector(%q).checkVisibility() && document.querySelector('[data-add=%q]').checkVisibility()`, box, id))
	p.look("shop-back")
	p.presses("#back li button")
	p.waitFor("the product in the basket", fmt.Sprintf(`document.querySelector('#lines [data-id=%q] input')?.value === "1"`, id))
	p.writes(fmt.Sprintf(`#lines [data-id=%q] input`, id), "5\t")
	p.waitFor("the button in the basket", fmt.Sprintf(`document.querySelector('#lines [data-wish=%q]').checkVisibility()`, id))
	p.presses(fmt.Sprintf(`#lines [data-wish=%q] button`, id))
	p.waitFor("the wish for five", fmt.Sprintf(`document.querySelector('#lines [data-wish=%q]').innerText.includes("Le avisaremos")`, id))
	p.waitFor("the end of the notice", `!document.querySelector("#back *")`)
	p.look("shop-wish-in-the-basket")
	if _, err := s.BFF.Reponer(t.Context(), id, 2, "more-"+id); err != nil {
		t.Fatal(err)
	}
	p.waitFor("the notice again", `document.querySelector("#back li")`)
	p.run(`document.querySelector(".languages [lang=en]").click()`)
	p.sees("What you waited for is back")
	p.look("english-shop-back")
	p.presses("#back .callout > button")
	p.doesNotSee("#back *")
	p.goesTo("/")
	p.waitFor("the products", `document.querySelectorAll(".producto").length >= 18`)
	p.run(`fetch("/api/avisos/existencias").then((r) => r.text()).then((text) => { window.wishes = text.trim(); })`)
	if wishes := p.read("window.wishes"); wishes != "[]" {
		t.Errorf("the dismissed wishes are still %s", wishes)
	}
}
