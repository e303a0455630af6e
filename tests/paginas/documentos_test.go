package paginas

import (
	"fmt"
	"strings"
	"testing"

	. "entregas/tests/prueba"
)

// The REST interface can be read, and the GraphQL one tried, with nothing loaded from elsewhere.
func TestDocumentos(t *testing.T) {
	s := Abrir(t)
	p := entra(t, s, Usuario(t), "operador", "/operador")
	p.va("/docs")
	p.espera("la interfaz REST", `document.querySelector("rapi-doc")?.shadowRoot?.textContent.includes("Los productos y cuánto hay de cada uno")`)
	p.prueba("GET", "/productos", "200")
	p.prueba("POST", "/compras", "202") // in the session's name, with its CSRF token
	for _, a := range aspectos {
		p.vestir(a)
		p.fotografiar("docs-" + a.nombre)
	}
	p.vestir(aspectos[0])
	p.va("/graphiql")
	p.espera("el editor", `document.querySelector(".graphiql-execute-button")`)
	p.presiona(".graphiql-execute-button")
	p.espera("la respuesta", `document.querySelector(".result-window")?.textContent.includes("Café de origen")`)
	for _, a := range aspectos {
		p.vestir(a)
		p.fotografiar("graphiql-" + a.nombre)
	}
	if n := p.lee(`String(performance.getEntriesByType("resource").filter(r => !r.name.startsWith(location.origin) && !r.name.startsWith("data:") && !r.name.startsWith("blob:")).length)`); n != "0" {
		t.Errorf("%s recursos de otra parte", n)
	}
}

// prueba presses the button with which /docs sends an operation's example, and waits for the answer's status.
func (p *persona) prueba(metodo, ruta, estado string) {
	p.t.Helper()
	p.espera(metodo+" "+ruta+" con "+estado, fmt.Sprintf(`(() => {
		const operacion = Array.from(document.querySelector("rapi-doc").shadowRoot.querySelectorAll("api-request")).find((x) => x.method === %q && x.path === %q);
		const boton = Array.from(operacion?.shadowRoot.querySelectorAll("button") ?? []).find((x) => x.textContent.trim() === "TRY");
		if (boton && !operacion.dataset.probada) { operacion.dataset.probada = "1"; boton.click(); }
		return operacion?.shadowRoot.textContent.includes(%q);
	})()`, strings.ToLower(metodo), ruta, ":"+estado))
}
