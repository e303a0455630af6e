package contracts

import (
	"fmt"
	"net/mail"
	"strings"
)

// MaxCorreo is how many characters an e-mail address may have, by RFC 5321.
const MaxCorreo = 254

// CorreoDeUsuario is the address to which a customer wants the news of their purchases.
type CorreoDeUsuario struct {
	Correo     string `json:"correo"`     // empty where the customer gave none
	Disponible bool   `json:"disponible"` // this installation sends e-mail
}

// CambioDeCorreo is the request to send the news of a customer's purchases to an address.
type CambioDeCorreo struct {
	Correo string `json:"correo"`
}

// Validate returns nil, or a *ValidationError about the address.
func (c CambioDeCorreo) Validate() error {
	var v Validator
	v.Correo("correo", c.Correo)
	return v.Error()
}

// Correo requires one address of the form ana@ejemplo.com. An address with a name, several addresses, quotes and comments are refused: a
// mail program reads more than one address in them.
func (v *Validator) Correo(field, value string) {
	switch {
	case value == "":
		v.Fail(field, "falta")
		return
	case len(value) > MaxCorreo:
		v.Fail(field, fmt.Sprintf("puede tener a lo sumo %d caracteres", MaxCorreo))
		return
	}
	a, err := mail.ParseAddress(value)
	strange := strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`;,<>()"\[]:`, r) })
	if err != nil || strange || a.Address != value || !strings.Contains(value[strings.LastIndexByte(value, '@'):], ".") {
		v.Fail(field, "debe ser una sola dirección de correo, por ejemplo ana@ejemplo.com")
	}
}
