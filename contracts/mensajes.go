package contracts

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// MensajesDescartados is the topic of the dead letters that an operator discarded. monitor keeps them there, with their reason, until an
// operator returns them to their topic (docs/adr/discarded-is-kept.md). It has no schema: it takes records of every topic.
const MensajesDescartados = "mensajes-descartados"

// MaxDevoluciones is the maximum number of dead letters in one request to return them.
const MaxDevoluciones = 100

// MensajeMuerto is a dead letter: a message that its reader cannot handle. Where Pendiente is true, the message is still on its topic,
// because the sidecar cannot read it. The broker delivers it again each second, until an operator sets it aside.
type MensajeMuerto struct {
	ID             string          `json:"id"`          // the place in the broker
	IDRegistro     string          `json:"id_registro"` // the id from its producer, in any form
	Tema           string          `json:"tema"`        // the topic from which it came, and to which an operator may return it
	Tipo           string          `json:"tipo"`
	IDCompra       string          `json:"id_compra"`
	Motivo         string          `json:"motivo"`
	Origen         string          `json:"origen"` // the service that could not handle it
	Intentos       int             `json:"intentos"`
	En             time.Time       `json:"en"` // when it was set aside; where Pendiente, when it was published
	Pendiente      bool            `json:"pendiente,omitempty"`
	Bytes          int64           `json:"bytes,omitempty"`           // the size of the original, where Registro does not have all of it
	SHA256         string          `json:"sha256,omitempty"`          // of the original
	Comienzo       string          `json:"comienzo,omitempty"`        // of the original
	Position       string          `json:"posicion,omitempty"`        // of the original
	DescartadoEn   *time.Time      `json:"descartado_en,omitempty"`   // nil where nobody discarded it
	DescartadoPor  string          `json:"descartado_por,omitempty"`  // the subject of the operator
	MotivoDescarte string          `json:"motivo_descarte,omitempty"` // why the operator discarded it
	Registro       json.RawMessage `json:"registro,omitempty"`        // empty where it cannot be read or is too large
}

// MensajesMuertosFilter selects dead letters. A zero field selects all.
type MensajesMuertosFilter struct {
	Tema, Origen string
	Motivo       string    // a part of the reason, in capitals or not
	Desde, Hasta time.Time // the instant En, both ends included
	Descartados  bool      // those that an operator discarded, in place of the others
}

// Validate returns nil, or a *ValidationError with every wrong field.
func (f MensajesMuertosFilter) Validate() error {
	var v Validator
	if f.Tema != "" && !slices.Contains(Names(), f.Tema) {
		v.Fail("tema", "debe ser uno de "+strings.Join(Names(), ", "))
	}
	if f.Origen != "" {
		v.Identifier("origen", f.Origen)
	}
	v.FreeText("motivo", f.Motivo, MaxMotivo)
	if !f.Desde.IsZero() && !f.Hasta.IsZero() && f.Hasta.Before(f.Desde) {
		v.Fail("hasta", "no puede ser anterior a desde")
	}
	return v.Error()
}

// Selects reports whether f selects m. It ignores f.Descartados, which selects a topic.
func (f MensajesMuertosFilter) Selects(m MensajeMuerto) bool {
	return (f.Tema == "" || m.Tema == f.Tema) && (f.Origen == "" || m.Origen == f.Origen) &&
		strings.Contains(strings.ToLower(m.Motivo), strings.ToLower(f.Motivo)) &&
		(f.Desde.IsZero() || !m.En.Before(f.Desde)) && (f.Hasta.IsZero() || !m.En.After(f.Hasta))
}

// DevolucionDeMensajes is a request to return several dead letters to their topics.
type DevolucionDeMensajes struct {
	IDs []string `json:"ids"`
}

// place matches the place of a message: ledger, entry, and the index in an entry of several messages.
var place = regexp.MustCompile(`^\d{1,19}:\d{1,19}(:\d{1,10})?$`)

// IsPlace reports whether id has the form of the place of a message in the broker.
func IsPlace(id string) bool { return place.MatchString(id) }

// Validate returns nil, or a *ValidationError with every wrong field. An id must be a place: the id of a record may belong to several.
func (d DevolucionDeMensajes) Validate() error {
	var v Validator
	if len(d.IDs) == 0 || len(d.IDs) > MaxDevoluciones {
		v.Fail("ids", fmt.Sprintf("debe tener de 1 a %d mensajes", MaxDevoluciones))
		return v.Error()
	}
	for i, id := range d.IDs {
		switch {
		case !IsPlace(id):
			v.Fail(fmt.Sprintf("ids[%d]", i), "debe ser el lugar de un mensaje, por ejemplo 71:3")
		case slices.Contains(d.IDs[:i], id):
			v.Fail(fmt.Sprintf("ids[%d]", i), "está repetido")
		}
	}
	return v.Error()
}

// ResultadoDeDevolucion is what became of one dead letter of a DevolucionDeMensajes.
type ResultadoDeDevolucion struct {
	ID       string `json:"id"`
	Devuelto bool   `json:"devuelto"` // it is on its topic
	Tema     string `json:"tema,omitempty"`
	Tipo     string `json:"tipo,omitempty"`
	Detalle  string `json:"detalle,omitempty"` // why it was not returned, in Spanish
}

// DescarteDeMensaje is a request to discard a dead letter.
type DescarteDeMensaje struct {
	Motivo string `json:"motivo"`
}

// Validate returns nil, or a *ValidationError: the reason is mandatory.
func (d DescarteDeMensaje) Validate() error {
	var v Validator
	v.MotivoObligatorio("motivo", d.Motivo)
	return v.Error()
}
