package paginas

import (
	"testing"

	. "entregas/tests/prueba"
)

// The REST interface can be read, and the GraphQL one tried, with nothing loaded from elsewhere.
func TestDocumentos(t *testing.T) {
	s := Abrir(t)
	p := nuevaPersona(t, s)
	p.va("/docs")
	p.espera("la interfaz REST", `document.querySelector("rapi-doc")?.shadowRoot?.textContent.includes("Los productos y cuánto hay de cada uno")`)
	p.fotografiar("docs")
	p.va("/graphiql")
	p.espera("el editor", `document.querySelector(".graphiql-execute-button")`)
	p.presiona(".graphiql-execute-button")
	p.espera("la respuesta", `document.querySelector(".result-window")?.textContent.includes("Café de origen")`)
	p.fotografiar("graphiql")
	if n := p.lee(`String(performance.getEntriesByType("resource").filter(r => !r.name.startsWith(location.origin) && !r.name.startsWith("data:") && !r.name.startsWith("blob:")).length)`); n != "0" {
		t.Errorf("%s recursos de otra parte", n)
	}
}
