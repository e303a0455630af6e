package contracts

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/google/uuid"
)

// The limits of a record. A producer in another language may send any record that fits the Avro schema, so every reader checks these.
const (
	MaxRecord   = 1 << 20         // bytes of a record as JSON; the largest purchase with its history is far smaller
	MaxDetail   = 4000            // characters of the detail of a history entry: a person's reason after words of the saga
	MaxHistory  = 10_000          // entries of a purchase's history
	maxRecordID = 255             // characters of an envelope's id; it may have any form
	maxEnvelope = 100             // characters of another text of the envelope
	maxInstant  = 253402300799999 // milliseconds: the end of the year 9999, the latest that time.Time writes as JSON
)

// CheckEnvelope checks the envelope of a message that was received. It returns nil, or a *ValidationError with every wrong field. It does
// not check the traceparent: a value that is not W3C's starts a new trace.
func (m Message[D]) CheckEnvelope() error {
	var v Validator
	if utf8.RuneCountInString(m.ID) > maxRecordID {
		v.Fail("id", fmt.Sprintf("puede tener a lo sumo %d caracteres", maxRecordID))
	}
	v.FreeText("type", string(m.Type), maxEnvelope)
	v.FreeText("specversion", m.Specversion, maxEnvelope)
	v.FreeText("datacontenttype", m.Datacontenttype, maxEnvelope)
	v.FreeText("service_name", m.ServiceName, maxEnvelope)
	v.Millis("time", m.Time)
	v.Millis("ingestion", m.Ingestion)
	return v.Error()
}

// Millis requires milliseconds since 1970 that JSON can have as a time. It compares them with no clock, because clocks differ and jump.
func (v *Validator) Millis(field string, ms int64) {
	if ms < 0 || ms > maxInstant {
		v.Fail(field, "debe ser un instante en milisegundos desde 1970")
	}
}

// Beginning reads the beginning of the JSON of a record that is cut, or that is no record of its topic. It returns the fields that it can
// read, with texts cut to their limits; of data it returns only the id_compra. A dead letter of such a record has these fields.
func Beginning[D any](text []byte) Message[D] {
	reader := json.NewDecoder(bytes.NewReader(text))
	envelope := map[string]any{"data": map[string]any{}}
	if t, err := reader.Token(); err == nil && t == json.Delim('{') {
		readFields(reader, envelope)
	}
	readBack, err := json.Marshal(envelope)
	if err != nil {
		return Message[D]{}
	}
	var m Message[D]
	_ = json.Unmarshal(readBack, &m) // Unmarshal skips a field of another type
	m.ID, m.Traceparent = Cut(m.ID, maxRecordID), ""
	m.Type, m.Specversion = MessageType(Cut(string(m.Type), maxEnvelope)), Cut(m.Specversion, maxEnvelope)
	m.Datacontenttype, m.ServiceName = Cut(m.Datacontenttype, maxEnvelope), Cut(m.ServiceName, maxEnvelope)
	return m
}

// readFields reads the texts and numbers of an object into fields, in any order; of `data` it reads only id_compra. It reports false where
// the object is cut.
func readFields(reader *json.Decoder, fields map[string]any) bool {
	for reader.More() {
		name, err := reader.Token()
		if err != nil {
			return false
		}
		if data, found := fields["data"].(map[string]any); name == "data" && found {
			if start, err := reader.Token(); err != nil || start != json.Delim('{') {
				return false
			}
			parsed := map[string]any{}
			entire := readFields(reader, parsed)
			if id, ok := parsed["id_compra"].(string); ok && utf8.RuneCountInString(id) <= MaxIdentifier {
				data["id_compra"] = id
			}
			if !entire {
				return false
			}
			continue
		}
		var value any
		if err := reader.Decode(&value); err != nil {
			return false
		}
		switch value.(type) {
		case string, float64:
			fields[fmt.Sprint(name)] = value
		}
	}
	_, err := reader.Token() // the end of the object
	return err == nil
}

// Cut returns text, or its first max characters, of which the last is an ellipsis.
func Cut(text string, max int) string {
	if len(text) <= max || utf8.RuneCountInString(text) <= max {
		return text
	}
	n := 0
	for i := range text {
		if n++; n == max {
			return text[:i] + "…"
		}
	}
	return text
}

// Parties requires that the ids of a purchase and of its customer have not changed places. A sidecar reads fields by their
// position, so a producer may swap the two ids and nobody notices. If the id of the customer is a UUID too, the form does not
// show which id is which. Then the id of the purchase must be of version 7, which begins with the time, and must not be older
// than the id of the customer.
func (v *Validator) Parties(field, idCompra, idUsuario string) {
	usuario, err := uuid.Parse(idUsuario)
	if err != nil {
		return
	}
	compra, err := uuid.Parse(idCompra)
	switch {
	case err != nil: // IDCompra reports it
	case compra.Version() != 7:
		v.Fail(field, "debe ser un UUID de versión 7, porque el cliente también se identifica con un UUID")
	case swapped(compra, usuario):
		v.Fail(field, "no puede ser anterior al id del cliente: parecen intercambiados")
	}
}

// Swapped reports whether the ids of a purchase and its customer have certainly changed places. Parties also refuses ids only for
// their form. Swapped does not report such ids, because the purchase may be older than the rule about the form.
func Swapped(idCompra, idUsuario string) bool {
	usuario, err := uuid.Parse(idUsuario)
	if err != nil {
		return false
	}
	compra, err := uuid.Parse(idCompra)
	return err == nil && swapped(compra, usuario)
}

func swapped(compra, usuario uuid.UUID) bool {
	return usuario.Version() == 7 && (compra.Version() != 7 || bytes.Compare(compra[:6], usuario[:6]) < 0)
}

// Faltantes requires at most MaxLineas products, each once, and each with less stock than the purchase asks for.
func (v *Validator) Faltantes(field string, faltantes []Faltante) {
	if len(faltantes) > MaxLineas {
		v.Fail(field, fmt.Sprintf("puede tener a lo sumo %d productos", MaxLineas))
		return
	}
	seen := map[string]bool{}
	for i, f := range faltantes {
		place := fmt.Sprintf("%s[%d].", field, i)
		v.Identifier(place+"id_producto", f.IDProducto)
		if seen[f.IDProducto] {
			v.Fail(place+"id_producto", "está repetido")
		}
		seen[f.IDProducto] = true
		v.Cantidad(place+"solicitada", f.Solicitada)
		if f.Disponible < 0 || f.Disponible >= f.Solicitada {
			v.Fail(place+"disponible", "debe ser de 0 a menos de lo solicitado")
		}
	}
}

// Validate checks the data of an event about a purchase. It returns nil, or a *ValidationError with every wrong field.
func (e DatosEventoCompra) Validate() error {
	var v Validator
	v.IDCompra("id_compra", e.IDCompra)
	v.Codigo("codigo", e.Codigo)
	v.Solicitud(solicitudIn(e))
	if Swapped(e.IDCompra, e.IDUsuario) {
		v.Fail("id_compra", "parece el id del cliente")
	}
	if !slices.Contains(Estados, Estado(e.Estado)) {
		v.Fail("estado", "no es un estado de una compra")
	}
	v.FreeText("motivo", e.Motivo, MaxDetail)
	v.Faltantes("faltantes", e.Faltantes)
	v.IDOrden("id_orden", e.IDOrden)
	v.Millis("creada_en", e.CreadaEn)
	v.Millis("actualizada_en", e.ActualizadaEn)
	v.history("historia", e.Historia)
	v.authors("autores", e.Autores, e.Historia)
	v.Importes(e.importes(), e.Productos)
	if e.Numero < 1 || len(e.Historia) == 0 || e.Numero != e.Historia[len(e.Historia)-1].Numero {
		v.Fail("numero", "debe ser el del último hecho de la historia")
	}
	return v.Error()
}

// LineasIfAny requires valid lines where there are lines. It is for a message that needs none.
func (v *Validator) LineasIfAny(field string, lineas []Linea) {
	if len(lineas) > 0 {
		v.Lineas(field, lineas)
	}
}

// IDOrden requires a UUID in its canonical form. It may be empty.
func (v *Validator) IDOrden(field, value string) {
	if value != "" {
		v.IDCompra(field, value)
	}
}

// history requires entries with ascending numbers, each with a valid step, time and detail.
func (v *Validator) history(field string, facts []Hecho) {
	if len(facts) > MaxHistory {
		v.Fail(field, fmt.Sprintf("puede tener a lo sumo %d hechos", MaxHistory))
		return
	}
	previous := 0
	for i, h := range facts {
		place := fmt.Sprintf("%s[%d].", field, i)
		if h.Numero <= previous {
			v.Fail(place+"numero", "debe ser mayor que el anterior")
		}
		previous = h.Numero
		v.Identifier(place+"paso", h.Paso)
		v.FreeText(place+"tipo", h.Tipo, MaxIdentifier)
		v.Millis(place+"en", h.En)
		v.FreeText(place+"detalle", h.Detalle, MaxDetail)
	}
}

// authors requires persons of entries of the history, at most one for each entry, in the order of the history.
func (v *Validator) authors(field string, authors []Autor, facts []Hecho) {
	if len(authors) > len(facts) {
		v.Fail(field, "no puede tener más autores que hechos tiene la historia")
		return
	}
	next := 0
	for i, a := range authors {
		place := fmt.Sprintf("%s[%d].", field, i)
		at := slices.IndexFunc(facts[next:], func(h Hecho) bool { return h.Numero == a.Numero })
		if at < 0 {
			v.Fail(place+"numero", "debe ser el de un hecho de la historia, mayor que el anterior")
		} else {
			next += at + 1
		}
		if a.Sujeto == "" && a.Rol == "" {
			v.Fail(place+"rol", "falta")
		}
		v.Person(place+"sujeto", place+"rol", Actor{Sujeto: a.Sujeto, Rol: a.Rol})
	}
}
