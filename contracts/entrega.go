package contracts

import (
	"fmt"
	"slices"
	"strings"
)

// The limits of an address.
const (
	MaxDestinatario = 100 // characters
	MaxCalle        = 200 // characters
	MaxCiudad       = 100 // characters

	minTelefono, maxTelefono = 7, 20 // characters
	minDigits, maxDigits     = 7, 15 // digits of a telephone number; E.164 has at most 15
)

// Tienda is a shop where customers pick up purchases without home delivery.
type Tienda struct {
	ID        string `json:"id"`
	Nombre    string `json:"nombre"`
	Direccion string `json:"direccion"`
	Ciudad    string `json:"ciudad"`
}

// Tiendas are the shops where purchases can be picked up. A stored purchase names its shop by the id, so an id keeps its meaning for ever.
var Tiendas = []Tienda{
	{ID: "chapinero", Nombre: "Los Alpes Chapinero", Direccion: "Carrera 13 # 54-20", Ciudad: "Bogotá"},
	{ID: "laureles", Nombre: "Los Alpes Laureles", Direccion: "Circular 73 # 39-15", Ciudad: "Medellín"},
	{ID: "granada", Nombre: "Los Alpes Granada", Direccion: "Avenida 9 Norte # 14-40", Ciudad: "Cali"},
}

// knownTienda requires the id of one of Tiendas, or nothing. Only a request is checked by it: a message may be about a purchase of a shop that
// was closed since.
func (v *Validator) knownTienda(field, value string) {
	wrong := slices.ContainsFunc(v.errs, func(e InvalidField) bool { return e.Field == field })
	if value == "" || wrong || slices.ContainsFunc(Tiendas, func(t Tienda) bool { return t.ID == value }) {
		return
	}
	ids := make([]string, len(Tiendas))
	for i, t := range Tiendas {
		ids[i] = t.ID
	}
	v.Fail(field, "debe ser una de las tiendas: "+strings.Join(ids, ", "))
}

// entrega checks where a purchase goes: to an address with home delivery, to a shop without it, or to neither, as in the earlier system.
func (v *Validator) entrega(s SolicitudCompra) {
	switch {
	case s.Direccion == nil:
	case !s.Domicilio:
		v.Fail("direccion", "solo va en una compra con domicilio")
	default:
		v.direccion("direccion", *s.Direccion)
	}
	switch {
	case s.Tienda == "":
	case s.Domicilio:
		v.Fail("tienda", "no va en una compra con domicilio")
	default:
		v.Identifier("tienda", s.Tienda)
	}
}

// direccion requires a complete address.
func (v *Validator) direccion(field string, d Direccion) {
	v.line(field+".destinatario", d.Destinatario, MaxDestinatario)
	v.line(field+".calle", d.Calle, MaxCalle)
	v.line(field+".ciudad", d.Ciudad, MaxCiudad)
	v.telefono(field+".telefono", d.Telefono)
}

var telefonoFormat = fmt.Sprintf("debe tener de %d a %d caracteres, con %d a %d dígitos; solo dígitos, espacios y los signos + ( ) -", minTelefono, maxTelefono, minDigits, maxDigits)

// telefono requires a telephone number as people write it.
func (v *Validator) telefono(field, value string) {
	digits := 0
	for i := range len(value) { // bytes: every valid character is one
		switch c := value[i]; {
		case c >= '0' && c <= '9':
			digits++
		case !strings.ContainsRune(" +()-", rune(c)):
			v.Fail(field, telefonoFormat)
			return
		}
	}
	switch {
	case value == "":
		v.Fail(field, "falta")
	case len(value) < minTelefono || len(value) > maxTelefono || digits < minDigits || digits > maxDigits || strings.TrimSpace(value) != value:
		v.Fail(field, telefonoFormat)
	}
}
