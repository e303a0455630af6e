package pages

import (
	"testing"

	. "entregas/tests/testkit"
)

// A person reads the pages in English: the texts, the numbers, the steps of a purchase and the problems. The choice lasts.
func TestInEnglish(t *testing.T) {
	t.Parallel()
	s := Open(t)
	p := signIn(t, s, Usuario(t), "cliente", "/compras")
	p.sees("Todavía no ha comprado nada")
	p.presses(`.languages [lang=en]`)
	p.sees("You have not bought anything yet")
	p.waitFor("the language of the document", `document.documentElement.lang === "en" && location.pathname === "/compras"`)
	id := p.buys("14", 900000)
	p.waitForEstado("RECHAZADA")
	p.sees("you asked for 900,000")
	p.sees("There is not enough stock.")
	p.sees("It could not be done.")
	p.look("english-compra")
	p.buys("11", 150)
	p.sees("It waits for an operator to approve it.")

	if _, err := s.Admin.Reponer(t.Context(), "1", 1, Usuario(t)); err != nil {
		t.Fatal(err)
	}
	o := signIn(t, s, Usuario(t)+"-o", "operador", "/operador")
	o.run(`document.querySelector(".languages [lang=en]").click()`) // the page moves while its chart is drawn
	o.sees("What is happening now")
	for path, text := range map[string]string{
		"/operador/compras": "purchases", "/operador/compras/" + id: "In preparation", "/operador/existencias": "The books balance", "/operador/mensajes-muertos": "Dead letters", "/operador/auditoria": "What they did", "/operador/auditoria?tipo=reposicion": "Units added", "/operador/compras/nada": "There is no such purchase",
	} {
		o.goesTo(path)
		o.sees(text)
		// Words that no identifier and no name has.
		if spanish := o.read(`(document.body.innerText.match(/(?:^|\s)(?:cliente|pedida|Buscar|Estado|más|ninguna|Todas|Todavía)(?=\s|$)/m) ?? [""])[0].trim()`); spanish != "" {
			t.Errorf("%s says %q in English", path, spanish)
		}
	}
}
