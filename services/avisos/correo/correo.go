// Package correo writes to customers by e-mail what became of their purchases, and that a product is back. It sends through an output binding
// of the sidecar, one mail at a time (docs/adr/mail-by-a-binding.md).
package correo

import (
	"bytes"
	"html/template"
	"time"

	"entregas/contracts"
	"entregas/services/avisos/avisos"
)

// Carta is a mail that an event asks for. Whether its customer gave an address, the store knows.
type Carta struct {
	Evento    string // the id of the event: a second copy of it makes no second mail
	Tipo      string // of the event
	IDUsuario string
	IDCompra  string
	Codigo    string
	Faltantes []contracts.Faltante
	En        time.Time
}

// CartasOf returns the mails about the purchase of e. sucesos are the events of e.
func CartasOf(e contracts.DatosEventoCompra, sucesos []avisos.Suceso) []Carta {
	var all []Carta
	for _, s := range sucesos {
		if _, told := texts[s.Tipo]; !told {
			continue
		}
		c := Carta{Evento: s.Evento, Tipo: s.Tipo, IDUsuario: e.IDUsuario, IDCompra: e.IDCompra, Codigo: e.Codigo, En: s.En}
		if s.Estado == contracts.EstadoRechazada {
			c.Faltantes = e.Faltantes
		}
		all = append(all, c)
	}
	return all
}

// Envio is a try to send a mail.
type Envio struct {
	ID        string
	Correo    string // the address as it is now
	Tipo      string
	Codigo    string // empty where the mail is about no purchase, or about one of before
	Faltantes []contracts.Faltante
	Producto  string // the name of the product that is back
	Intentos  int    // this try included
	IDCompra  string // empty where the mail is about no purchase
	avisos.Rastro
}

// Mensaje is the text of a mail. Cuerpo is HTML, which is all that the binding sends.
type Mensaje struct{ Asunto, Cuerpo string }

// texts has the texts of each type of event that a customer is written about. The subject of a purchase is "Su compra ABCD-EFGH " and
// then this one.
var texts = map[string]struct{ subject, sentence string }{
	contracts.TipoDeAviso(contracts.EstadoConfirmada): {"está confirmada", "Sus productos están apartados y la orden está lista. Le escribimos cuando salga de la bodega."},
	contracts.TipoDeAviso(contracts.EstadoRechazada):  {"no se pudo hacer", "No se le cobra nada. El motivo está en «Mis compras»."},
	contracts.TipoDeAviso(contracts.EstadoDespachada): {"va en camino", "Salió de la bodega."},
	contracts.TipoDeAviso(contracts.EstadoCancelada):  {"está cancelada", "Los productos volvieron a la bodega."},
	contracts.ProductoDisponible:                      {"Ya hay un producto que esperaba", "Ya hay las unidades que esperaba. No las apartamos: puede comprarlas en la tienda."},
}

var body = template.Must(template.New("").Parse(`<!doctype html>
<html lang="es"><head><meta charset="utf-8"><title>{{.Asunto}}</title></head>
<body>
<h1>{{.Asunto}}</h1>
{{with .Producto}}<p><strong>{{.}}</strong></p>
{{end}}{{with .Lines}}<p>No hay existencias suficientes:</p>
<ul>{{range .}}<li>{{.Nombre}}: pidió {{.Solicitada}}, hay {{.Disponible}}.</li>{{end}}</ul>
{{end}}<p>{{.Sentence}}</p>
<p>Recibe este correo porque lo pidió en «Mis compras», donde también puede dejar de recibirlo.</p>
</body></html>
`))

type line struct {
	Nombre                 string
	Solicitada, Disponible int
}

// Write returns the text of e. names has the names of the products that are missing, by their ids; one without a name appears with its id.
// Nothing that a person wrote is in the subject, which is a header of the mail.
func Write(e Envio, names map[string]string) (Mensaje, error) {
	text := texts[e.Tipo]
	m := Mensaje{Asunto: text.subject}
	if e.Tipo != contracts.ProductoDisponible {
		m.Asunto = "Su compra " + text.subject
		if codigo, err := contracts.ParseCodigo(e.Codigo); err == nil {
			m.Asunto = "Su compra " + contracts.FormatCodigo(codigo) + " " + text.subject
		}
	}
	var lines []line
	for _, f := range e.Faltantes {
		name := names[f.IDProducto]
		if name == "" {
			name = "Producto " + f.IDProducto
		}
		lines = append(lines, line{name, f.Solicitada, f.Disponible})
	}
	var html bytes.Buffer
	err := body.Execute(&html, struct {
		Asunto, Sentence, Producto string
		Lines                      []line
	}{m.Asunto, text.sentence, e.Producto, lines})
	m.Cuerpo = html.String()
	return m, err
}
