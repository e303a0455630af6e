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

// FormatImporte returns an amount for a person, in Spanish: 3200000 COP are "32000,00 COP".
func FormatImporte(amount int64, moneda string) string {
	digits := Monedas[moneda]
	text := fmt.Sprintf("%0*d", digits+1, amount)
	if digits > 0 {
		text = text[:len(text)-digits] + "," + text[len(text)-digits:]
	}
	return text + " " + moneda
}

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

// Importes are the amounts of a purchase: its currency, what it costs, and the price of each of its lines, in the order of the lines. They
// are fixed when the purchase is accepted (docs/adr/prices-are-those-of-the-acceptance.md). A purchase without a price has zero Importes:
// where a line has no price, or the lines have different currencies, and where it was accepted before there were prices.
type Importes struct {
	Moneda  string         `json:"moneda,omitempty"`
	Total   int64          `json:"total,omitempty"` // minor units
	Precios []PrecioFijado `json:"precios,omitempty"`
}

// None reports whether the purchase has no price.
func (i Importes) None() bool { return i.Moneda == "" && i.Total == 0 && len(i.Precios) == 0 }

// NewImportes returns the amounts of a purchase from the price of each product. ok is false where they add up to more than MaxTotal. It
// requires valid lines and prices.
func NewImportes(lineas []Linea, precios map[string]Precio) (i Importes, ok bool) {
	for _, l := range lineas {
		p, found := precios[l.IDProducto]
		if !found || i.Moneda != "" && p.Moneda != i.Moneda {
			return Importes{}, true
		}
		i.Moneda = p.Moneda
		i.Precios = append(i.Precios, PrecioFijado{IDProducto: l.IDProducto, Precio: p.Precio})
	}
	if i.Total, ok = total(lineas, i.Precios); !ok {
		return Importes{}, false
	}
	return i, true
}

// total adds up the prices of lines, in the order of the lines. ok is false where the sum is more than MaxTotal. It multiplies only what
// fits, so no sum and no product overflows.
func total(lineas []Linea, precios []PrecioFijado) (sum int64, ok bool) {
	for n, l := range lineas {
		if l.Cantidad > 0 && precios[n].Precio > (MaxTotal-sum)/int64(l.Cantidad) {
			return 0, false
		}
		sum += precios[n].Precio * int64(l.Cantidad)
	}
	return sum, true
}

// Importes requires no amounts at all, or a price for each of the lines, in their order, and their sum as the total. Other code checks the
// lines.
func (v *Validator) Importes(i Importes, lineas []Linea) {
	if i.None() {
		return
	}
	v.Moneda("moneda", i.Moneda)
	if len(i.Precios) != len(lineas) {
		v.Fail("precios", "debe tener un precio por línea")
		return
	}
	good := true
	for n, p := range i.Precios {
		field := fmt.Sprintf("precios[%d].", n)
		if p.IDProducto != lineas[n].IDProducto {
			v.Fail(field+"id_producto", "debe ser el de la línea")
		}
		v.Precio(field+"precio", p.Precio)
		good = good && p.Precio >= 1 && p.Precio <= MaxPrecio && lineas[n].Cantidad >= 1 && lineas[n].Cantidad <= MaxCantidad
	}
	if !good {
		return
	}
	if sum, ok := total(lineas, i.Precios); !ok || sum != i.Total {
		v.Fail("total", fmt.Sprintf("debe ser la suma de los precios por las cantidades, de a lo sumo %d", int64(MaxTotal)))
	}
}

func (e DatosEventoCompra) importes() Importes {
	return Importes{Moneda: e.Moneda, Total: e.Total, Precios: e.Precios}
}

// Importes returns the amounts in the reply to ValidarInventario.
func (d DatosEventoInventario) Importes() Importes {
	return Importes{Moneda: d.Moneda, Total: d.Total, Precios: d.Precios}
}

// Importes returns the amounts in the data of a command to ordenes.
func (d DatosComandoOrden) Importes() Importes {
	return Importes{Moneda: d.Moneda, Total: d.Total, Precios: d.Precios}
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
