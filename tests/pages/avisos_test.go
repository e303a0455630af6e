package pages

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	. "entregas/tests/testkit"
)

// An operator adds an address, sees its secret once, tries it, reads how the delivery went, sends it again, and deletes the address. The
// address refuses the first delivery. One inside of our network is refused with the reason.
func TestWebhooksByAPage(t *testing.T) {
	s := Open(t)
	var tries atomic.Int64
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if tries.Add(1) == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer receiver.Close()
	o := signIn(t, s, Usuario(t), "operador", "/operador/avisos")
	o.presses("#new summary")
	o.writes("#url", "https://10.0.0.1/")
	o.presses("#add [type=submit]")
	o.waitFor("the refusal", `document.querySelector("#notices").innerText.includes("red que no es pública")`)
	o.writes("#url", receiver.URL)
	o.writes("#descripcion", strings.Repeat("Contabilidad ", 15))
	o.presses(`#states [value="CONFIRMADA"]`)
	o.presses("#add [type=submit]")
	o.waitFor("the secret", `document.querySelector("[data-secret]")?.innerText.startsWith("whsec_")`)
	o.presses(`#addresses [data-action="prueba"]`)
	o.waitFor("the refused delivery", `document.querySelector("#rows")?.innerText.includes("Respondió 503")`)
	o.look("avisos")
	o.presses(`#rows [data-action="reenvio"]`)
	o.waitFor("the delivery", `document.querySelector("#rows tr").dataset.estado === "ENTREGADA"`)
	o.presses(`#addresses [data-action="borrar"]`)
	o.presses("dialog [value=yes]")
	o.waitFor("no address", `document.querySelectorAll("#addresses li").length === 0`)
	if secret := o.read(`document.querySelector("[data-secret]")?.innerText ?? "none"`); strings.HasPrefix(secret, "whsec_") && o.read(`String(document.querySelector("#secret").hidden)`) != "true" {
		t.Error("the secret of a deleted address is shown")
	}
}
