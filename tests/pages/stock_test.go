package pages

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/apache/pulsar-client-go/pulsar"
	"github.com/chromedp/chromedp"

	"entregas/contracts"
	"entregas/tests/client"
	. "entregas/tests/testkit"
)

// uploads gives the page of the stock a file, as a person who chooses it, and tries the import.
func (p *person) uploads(text string) {
	p.t.Helper()
	p.act(chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`(() => {
		const files = new DataTransfer(), field = document.querySelector("#file");
		files.items.add(new File([%q], "existencias.csv"));
		document.querySelector("#import").open = true;
		field.files = files.files;
		field.dispatchEvent(new Event("change"));
	})()`, text)))
	p.presses("#import-form button")
}

// An operator imports many products with long names, after a trial that shows each line. A file with a bad line changes nothing. The list
// shows many rows, marks those whose stock is low, and finds them.
func TestImportAndLowStock(t *testing.T) {
	s := Open(t)
	o := signIn(t, s, Usuario(t), "operador", "/operador/existencias")
	var file strings.Builder
	file.WriteString("id_producto,cantidad,umbral,nombre\n")
	for i := range 85 {
		fmt.Fprintf(&file, "imp-%03d,%d,20,Importado %d %s\n", i, 1_000_000-i, i, strings.Repeat("larguísimo", i%11))
	}
	o.uploads(file.String() + "imp-bajo,3,20,Importado y bajo\n2,x,,\n")
	o.waitFor("the refused line", `document.querySelector("#import-result").innerText.includes("Línea 88, cantidad")`)
	o.uploads(file.String() + "imp-bajo,3,20,Importado y bajo\n")
	o.waitFor("the trial", `document.querySelectorAll("#import-result tbody tr").length === 86`)
	if n := Count(t, s.ProductosDatabase, `select count(*) from producto where id like 'imp-%'`); n != 0 {
		t.Fatalf("the trial made %d products", n)
	}
	o.look("existencias-import")
	o.presses("#import-do")
	o.presses("dialog [value=yes]")
	o.waitFor("the new products", `document.querySelectorAll("#rows tr").length === 100 && !document.querySelector("#more").hidden`)
	o.presses("#more")
	o.waitFor("all rows", `document.querySelectorAll("#rows tr").length > 103`)
	o.sees("Los libros cuadran")
	o.screenshot("existencias-many")
	o.writes("#buscar", "importado")
	o.presses("#bajas")
	o.presses("#filters [type=submit]")
	o.waitFor("the low one alone", `document.querySelectorAll("#rows tr").length === 1 && document.querySelector("#rows tr").innerText.includes("Bajas")`)
	if address := o.read("location.search"); address != "?buscar=importado&bajas=true" {
		t.Errorf("the address is %s", address)
	}
	s.Balanced(t, nil)
}

// An operator corrects the stock of a product with a reason, after a question. The ledger shows who and why, and the threshold marks the
// product. A correction below zero is refused with the reason.
func TestCorregir(t *testing.T) {
	s := Open(t)
	usuario := Usuario(t)
	o := signIn(t, s, usuario, "operador", "/operador/existencias/16")
	o.waitFor("the ledger", `document.querySelector("#rows [data-tipo=INICIAL]")`)
	shelf := func() string { return o.read(`document.querySelector("#figures dd").textContent`) }
	before := shelf()
	correct := func(n string) {
		o.writes("#correct-n", n)
		o.writes("#correct-why", "Se rompieron 2")
		o.presses("#correct button")
		o.presses("dialog [value=yes]")
	}
	correct("-2")
	o.waitFor("the correction in the ledger", fmt.Sprintf(`((r) => r?.dataset.tipo === "CORRECCION" && r.innerText.includes(%q) && r.innerText.includes("Se rompieron 2"))(document.querySelector("#rows tr"))`, usuario))
	if after := shelf(); after == before {
		t.Errorf("the shelf still says %s", after)
	}
	o.writes("#threshold-n", "1000000")
	o.presses("#threshold button")
	o.waitFor("the mark", `document.querySelector("#marks").innerText.includes("Bajas")`)
	o.look("existencia")
	correct("-1000000")
	o.waitFor("the refusal", `document.querySelector("#notices").textContent.includes("no se pueden quitar")`)
	o.selects("tipo", "CORRECCION")
	o.waitFor("the corrections alone", `Array.from(document.querySelectorAll("#rows tr")).every((r) => r.dataset.tipo === "CORRECCION")`)
	s.Balanced(t, nil)
}

// Many dead letters with hostile texts: an operator filters them, reads one as a tree, discards one with a reason, and returns the others
// at once.
func TestManyDeadLetters(t *testing.T) {
	s := Open(t)
	schema, err := contracts.AvroSchema(string(contracts.ComandosOrden))
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.Broker.Producer(string(contracts.ComandosOrden.DeadLetters()), pulsar.NewAvroSchema(schema, nil))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	const many = 60
	ids := make([]string, many)
	for i := range ids {
		ids[i] = NewID()
		record, err := client.Record(s.Broker, contracts.ComandosOrden, contracts.NewMessage("test", contracts.CancelarOrden, "", contracts.DatosComandoOrden{IDCompra: ids[i]}))
		if err != nil {
			t.Fatal(err)
		}
		reason := fmt.Sprintf("de la prueba %d %s", i, strings.Repeat("sinespacios", i%30))
		p.SendAsync(t.Context(), &pulsar.ProducerMessage{Payload: record, Properties: map[string]string{"motivo": reason, "origen": "ordenes", "intentos": "1"}}, func(_ pulsar.MessageID, _ *pulsar.ProducerMessage, err error) {
			if err != nil {
				t.Error(err)
			}
		})
	}
	if err := p.FlushWithCtx(t.Context()); err != nil {
		t.Fatal(err)
	}
	o := signIn(t, s, Usuario(t), "operador", "/operador/mensajes-muertos?tema=comandos-orden&motivo=de+la+prueba")
	o.waitFor("the first page", fmt.Sprintf(`document.querySelectorAll(".dead-letter").length === 50 && document.querySelector("#count").textContent.startsWith("%d ")`, many))
	o.presses(".dead-letter summary")
	o.waitFor("the tree", fmt.Sprintf(`document.querySelector(".dead-letter .record")?.innerText.includes(%q)`, ids[0]))
	o.screenshot("dead-letters-many")
	o.run(`{
		const real = window.fetch;
		window.fetch = (path, ...more) => path === "/api/operacion/pendientes" ? Promise.resolve(Response.json({ mensajes_muertos: window.many })) : real(path, ...more);
		window.many = 1234;
	}`)
	o.presses("#refresh")
	o.waitFor("that there are more than the list has", `document.querySelector("#too-many").checkVisibility() && document.querySelector("#too-many").textContent.replace(/\D/g, "").startsWith("1234")`)
	o.run(`window.many = 500`)
	o.presses("#refresh")
	o.waitFor("that the list has all", `!document.querySelector("#too-many").checkVisibility()`)
	o.presses(`.dead-letter [data-action="descarte"]`)
	o.writes("#motivo", "Fue una prueba")
	o.presses("dialog [value=yes]")
	o.waitFor("one less", fmt.Sprintf(`document.querySelector("#count").textContent.startsWith("%d ")`, many-1))
	o.presses("#all")
	o.presses("#put-back")
	o.presses("dialog [value=yes]")
	o.waitFor("none", `!document.querySelector(".dead-letter") && document.querySelector("#refused").hidden`)
	o.selects("descartados", "true")
	o.waitFor("the discarded one", `document.querySelector(".dead-letter .discarded")?.innerText.includes("Fue una prueba")`)
	o.look("dead-letters-discarded")
	Until(t, "ordenes handles the others", func(context.Context) (bool, error) {
		return Count(t, s.OrdenesDatabase, `select count(*) from inbox where id_compra = any($1) and tipo = 'CancelarOrden'`, ids) == many-1, nil
	})
}
