package contracts

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// The limits of amounts. An amount is a whole number of minor units of its currency everywhere
// (docs/adr/prices-are-those-of-the-acceptance.md).
const (
	MaxPrecio = 10_000_000_000 // minor units of one unit of a product
	MaxTotal  = 1<<53 - 1      // minor units of a purchase; the largest whole number that every reader of JSON has exactly
)

// MonedaUsual is the currency of a price that names none.
const MonedaUsual = "COP"

// Monedas has the currencies that a price may have, by their code of ISO 4217, each with the number of its decimal digits: 250 minor units
// of a currency with two digits are 2.50.
var Monedas = map[string]int{"BRL": 2, "CLP": 0, "COP": 2, "EUR": 2, "JPY": 0, "KWD": 3, "MXN": 2, "PEN": 2, "USD": 2}

var precioFormat = fmt.Sprintf("un número entero de 1 a %d, en la unidad menor de la moneda", int64(MaxPrecio))

// Precio is a price of a product, and since when it holds.
type Precio struct {
	Precio int64     `json:"precio"` // minor units
	Moneda string    `json:"moneda"`
	Desde  time.Time `json:"desde"`
	Sujeto string    `json:"sujeto,omitempty"` // the person who set it
	Rol    string    `json:"rol,omitempty"`
	Motivo string    `json:"motivo,omitempty"`
}

// PaginaDePrecios is one page of the prices of a product, newest first.
type PaginaDePrecios struct {
	Precios   []Precio `json:"precios"`
	Siguiente string   `json:"siguiente,omitempty"` // the cursor of the next page; empty on the last page
}

// CambioDePrecio is the request to change the price of a product. Without Moneda it is in MonedaUsual.
type CambioDePrecio struct {
	Precio int64  `json:"precio"`
	Moneda string `json:"moneda,omitempty"`
	Motivo string `json:"motivo,omitempty"`
}

// Precio requires a whole number from 1 to MaxPrecio.
func (v *Validator) Precio(field string, value int64) {
	if value < 1 || value > MaxPrecio {
		v.Fail(field, "debe ser "+precioFormat)
	}
}

// Moneda requires one of Monedas.
func (v *Validator) Moneda(field, value string) {
	if _, known := Monedas[value]; !known {
		v.Fail(field, "debe ser una de "+strings.Join(slices.Sorted(maps.Keys(Monedas)), ", "))
	}
}

// CambioDePrecio checks each field of a change of a price.
func (v *Validator) CambioDePrecio(c CambioDePrecio) {
	v.Precio("precio", c.Precio)
	v.Moneda("moneda", c.Moneda)
	v.Motivo("motivo", c.Motivo)
}
