package contracts

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/google/uuid"
)

// What a record may be at most. A producer in any language can send whatever the Avro schema takes, so every reader checks.
const (
	MaxRegistro   = 1 << 20         // bytes of a record as JSON: the largest purchase with its history is far below
	MaxDetalle    = 4000            // characters of what a history tells: a person's reason, with what the saga says before it
	MaxHistoria   = 10_000          // entries of a purchase's history
	maxIDRegistro = 255             // characters of an envelope's id; it may have any form
	maxSobre      = 100             // characters of another text of the envelope
	maxInstant    = 253402300799999 // milliseconds: the end of the year 9999, the last that JSON's times can tell
)

// CheckEnvelope says what is wrong with the envelope of a message that was received: nil or an *ErrorDeValidacion. The
// traceparent is not looked at: one that is not W3C's starts a new trace.
func (m Mensaje[D]) CheckEnvelope() error {
	var v Validador
	if utf8.RuneCountInString(m.ID) > maxIDRegistro {
		v.Falla("id", fmt.Sprintf("puede tener a lo sumo %d caracteres", maxIDRegistro))
	}
	v.FreeText("type", string(m.Type), maxSobre)
	v.FreeText("specversion", m.Specversion, maxSobre)
	v.FreeText("datacontenttype", m.Datacontenttype, maxSobre)
	v.FreeText("service_name", m.ServiceName, maxSobre)
	v.instant("time", m.Time)
	v.instant("ingestion", m.Ingestion)
	return v.Error()
}

// instant requires milliseconds since 1970 that can be told as a time. Clocks may differ and jump: when it is does not matter.
func (v *Validador) instant(campo string, ms int64) {
	if ms < 0 || ms > maxInstant {
		v.Falla(campo, "debe ser un instante en milisegundos desde 1970")
	}
}

// Beginning is the message at the beginning of a record's JSON that is cut, or that is no record of its topic: the fields
// that can be read, texts cut to their limits, and of data the id_compra. It is what a dead letter tells of such a record.
func Beginning[D any](texto []byte) Mensaje[D] {
	lector := json.NewDecoder(bytes.NewReader(texto))
	sobre := map[string]any{"data": map[string]any{}}
	if t, err := lector.Token(); err == nil && t == json.Delim('{') {
		readFields(lector, sobre)
	}
	leido, err := json.Marshal(sobre)
	if err != nil {
		return Mensaje[D]{}
	}
	var m Mensaje[D]
	_ = json.Unmarshal(leido, &m) // a field of another type is passed over
	m.ID, m.Traceparent = Cut(m.ID, maxIDRegistro), ""
	m.Type, m.Specversion = Tipo(Cut(string(m.Type), maxSobre)), Cut(m.Specversion, maxSobre)
	m.Datacontenttype, m.ServiceName = Cut(m.Datacontenttype, maxSobre), Cut(m.ServiceName, maxSobre)
	return m
}

// readFields reads texts and numbers of an object into campos, in whatever order they come; of `data` only id_compra. It
// reports false where the object is cut.
func readFields(lector *json.Decoder, campos map[string]any) bool {
	for lector.More() {
		nombre, err := lector.Token()
		if err != nil {
			return false
		}
		if data, hay := campos["data"].(map[string]any); nombre == "data" && hay {
			if inicio, err := lector.Token(); err != nil || inicio != json.Delim('{') {
				return false
			}
			leidos := map[string]any{}
			entero := readFields(lector, leidos)
			if id, ok := leidos["id_compra"].(string); ok && utf8.RuneCountInString(id) <= MaxIdentificador {
				data["id_compra"] = id
			}
			if !entero {
				return false
			}
			continue
		}
		var valor any
		if err := lector.Decode(&valor); err != nil {
			return false
		}
		switch valor.(type) {
		case string, float64:
			campos[fmt.Sprint(nombre)] = valor
		}
	}
	_, err := lector.Token() // its end
	return err == nil
}

// Cut is text, or its first max characters with an ellipsis as the last.
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

// Parties requires that the ids of a purchase and of its customer, both right by themselves, have not changed places. A
// sidecar reads fields by their position, so that a producer's mistake would go unnoticed. Where the customer's id is a UUID
// too, form alone cannot tell: the purchase's must then be of version 7, whose first half is the time. The customer was
// there first.
func (v *Validador) Parties(campo, idCompra, idUsuario string) {
	usuario, err := uuid.Parse(idUsuario)
	if err != nil {
		return
	}
	compra, err := uuid.Parse(idCompra)
	switch {
	case err != nil: // told by IDCompra
	case compra.Version() != 7:
		v.Falla(campo, "debe ser un UUID de versión 7, porque el cliente también se identifica con un UUID")
	case swapped(compra, usuario):
		v.Falla(campo, "no puede ser anterior al id del cliente: parecen intercambiados")
	}
}

// Swapped tells that the ids of a purchase and its customer evidently changed places. It takes what Parties refuses only for
// its form: purchases that were accepted before there was that rule.
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

// Faltantes requires at most MaxLineas products, each once, and of each less than was asked for.
func (v *Validador) Faltantes(campo string, faltantes []Faltante) {
	if len(faltantes) > MaxLineas {
		v.Falla(campo, fmt.Sprintf("puede tener a lo sumo %d productos", MaxLineas))
		return
	}
	vistos := map[string]bool{}
	for i, f := range faltantes {
		en := fmt.Sprintf("%s[%d].", campo, i)
		v.Identificador(en+"id_producto", f.IDProducto)
		if vistos[f.IDProducto] {
			v.Falla(en+"id_producto", "está repetido")
		}
		vistos[f.IDProducto] = true
		v.Cantidad(en+"solicitada", f.Solicitada)
		if f.Disponible < 0 || f.Disponible >= f.Solicitada {
			v.Falla(en+"disponible", "debe ser de 0 a menos de lo solicitado")
		}
	}
}

// Validar says what is wrong with what is told of a purchase: nil or an *ErrorDeValidacion.
func (e DatosEventoCompra) Validar() error {
	var v Validador
	v.IDCompra("id_compra", e.IDCompra)
	v.Identificador("id_usuario", e.IDUsuario)
	if Swapped(e.IDCompra, e.IDUsuario) {
		v.Falla("id_compra", "parece el id del cliente")
	}
	if !slices.Contains(Estados, Estado(e.Estado)) {
		v.Falla("estado", "no es un estado de una compra")
	}
	v.Lineas("productos", e.Productos)
	v.FreeText("motivo", e.Motivo, MaxDetalle)
	v.Faltantes("faltantes", e.Faltantes)
	v.IDOrden("id_orden", e.IDOrden)
	v.instant("creada_en", e.CreadaEn)
	v.instant("actualizada_en", e.ActualizadaEn)
	v.historia("historia", e.Historia)
	if e.Numero < 1 || len(e.Historia) == 0 || e.Numero != e.Historia[len(e.Historia)-1].Numero {
		v.Falla("numero", "debe ser el del último hecho de la historia")
	}
	return v.Error()
}

// LineasSiHay is Lineas for a message that needs none: its sender may tell them all the same.
func (v *Validador) LineasSiHay(campo string, lineas []Linea) {
	if len(lineas) > 0 {
		v.Lineas(campo, lineas)
	}
}

// IDOrden requires a UUID in its canonical form; none is fine.
func (v *Validador) IDOrden(campo, valor string) {
	if valor != "" {
		v.IDCompra(campo, valor)
	}
}

// historia requires entries whose numbers count up, each with a step, a time and words that can be shown.
func (v *Validador) historia(campo string, hechos []Hecho) {
	if len(hechos) > MaxHistoria {
		v.Falla(campo, fmt.Sprintf("puede tener a lo sumo %d hechos", MaxHistoria))
		return
	}
	anterior := 0
	for i, h := range hechos {
		en := fmt.Sprintf("%s[%d].", campo, i)
		if h.Numero <= anterior {
			v.Falla(en+"numero", "debe ser mayor que el anterior")
		}
		anterior = h.Numero
		v.Identificador(en+"paso", h.Paso)
		v.FreeText(en+"tipo", h.Tipo, MaxIdentificador)
		v.instant(en+"en", h.En)
		v.FreeText(en+"detalle", h.Detalle, MaxDetalle)
	}
}
