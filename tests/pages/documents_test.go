package pages

import (
	"fmt"
	"strings"
	"testing"

	. "entregas/tests/testkit"
)

// The REST interface can be read, and the GraphQL one tried, with nothing loaded from elsewhere.
func TestDocumentsInTheBrowser(t *testing.T) {
	s := Open(t)
	p := enters(t, s, Usuario(t), "operador", "/operador")
	p.goesTo("/docs")
	p.waitFor("la interfaz REST", `document.querySelector("rapi-doc")?.shadowRoot?.textContent.includes("Los productos y cuánto hay de cada uno")`)
	p.tries("GET", "/productos", "200")
	p.tries("POST", "/compras", "202") // in the session's name, with its CSRF token
	for _, a := range appearances {
		p.dress(a)
		p.screenshot("docs-" + a.name)
	}
	p.dress(appearances[0])
	p.goesTo("/graphiql")
	p.waitFor("el editor", `document.querySelector(".graphiql-execute-button")`)
	p.presses(".graphiql-execute-button")
	p.waitFor("la respuesta", `document.querySelector(".result-window")?.textContent.includes("Café de origen")`)
	for _, a := range appearances {
		p.dress(a)
		p.screenshot("graphiql-" + a.name)
	}
	if n := p.read(`String(performance.getEntriesByType("resource").filter(r => !r.name.startsWith(location.origin) && !r.name.startsWith("data:") && !r.name.startsWith("blob:")).length)`); n != "0" {
		t.Errorf("%s recursos de otra parte", n)
	}
}

// tries presses the button with which /docs sends an operation's example, and waits for the answer's status.
func (p *person) tries(method, path, estado string) {
	p.t.Helper()
	p.waitFor(method+" "+path+" con "+estado, fmt.Sprintf(`(() => {
		const operacion = Array.from(document.querySelector("rapi-doc").shadowRoot.querySelectorAll("api-request")).find((x) => x.method === %q && x.path === %q);
		const boton = Array.from(operacion?.shadowRoot.querySelectorAll("button") ?? []).find((x) => x.textContent.trim() === "TRY");
		if (boton && !operacion.dataset.probada) { operacion.dataset.probada = "1"; boton.click(); }
		return operacion?.shadowRoot.textContent.includes(%q);
	})()`, strings.ToLower(method), path, ":"+estado))
}
