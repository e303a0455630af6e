package pages

import (
	"fmt"
	"strings"
	"testing"

	. "entregas/tests/testkit"
)

// A person can read and try the REST interface in /docs, and the GraphQL interface in /graphiql. Both pages load files from this
// server only.
func TestDocs(t *testing.T) {
	s := Open(t)
	p := signIn(t, s, Usuario(t), "cliente", "/compras")
	p.goesTo("/docs")
	p.waitFor("the REST interface", `document.querySelector("rapi-doc")?.shadowRoot?.textContent.includes("List the products with their stock")`)
	p.tries("GET", "/productos", "200")
	p.tries("POST", "/compras", "202") // with the session and its CSRF token
	for _, a := range appearances {
		p.dress(a)
		p.screenshot("docs-" + a.name)
		p.accessible("docs in " + a.name)
	}
	p.dress(appearances[0])
	p.goesTo("/graphiql")
	p.waitFor("the editor", `document.querySelector(".graphiql-execute-button")`)
	p.presses(".graphiql-execute-button")
	p.waitFor("the response", `document.querySelector(".result-window")?.textContent.includes("Café de origen")`)
	for _, a := range appearances {
		p.dress(a)
		p.screenshot("graphiql-" + a.name)
		p.accessible("graphiql in " + a.name)
	}
	if n := p.read(`String(performance.getEntriesByType("resource").filter(r => !r.name.startsWith(location.origin) && !r.name.startsWith("data:") && !r.name.startsWith("blob:")).length)`); n != "0" {
		t.Errorf("%s resources come from other servers", n)
	}
}

// tries sends the example request of an operation from /docs, and waits for the status of the response.
func (p *person) tries(method, path, status string) {
	p.t.Helper()
	p.waitFor(method+" "+path+" with "+status, fmt.Sprintf(`(() => {
		const operation = Array.from(document.querySelector("rapi-doc").shadowRoot.querySelectorAll("api-request")).find((x) => x.method === %q && x.path === %q);
		const button = Array.from(operation?.shadowRoot.querySelectorAll("button") ?? []).find((x) => x.textContent.trim() === "TRY");
		if (button && !operation.dataset.tried) { operation.dataset.tried = "1"; button.click(); }
		return operation?.shadowRoot.textContent.includes(%q);
	})()`, strings.ToLower(method), path, ":"+status))
}
