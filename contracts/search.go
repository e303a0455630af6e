package contracts

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Criterio is how a list of purchases is sorted: by the field that it names, and by id where two purchases have the same value there.
type Criterio string

// The criteria. A list without one is sorted by MasRecientes.
const (
	MasRecientes      Criterio = "-creada_en"
	MasAntiguas       Criterio = "creada_en"
	CambioMasReciente Criterio = "-actualizada_en"
	CambioMasAntiguo  Criterio = "actualizada_en"
	MasUnidades       Criterio = "-unidades"
	MenosUnidades     Criterio = "unidades"
	MayorTotal        Criterio = "-total"
	MenorTotal        Criterio = "total"
)

// Criterios are all criteria.
var Criterios = []Criterio{MasRecientes, MasAntiguas, CambioMasReciente, CambioMasAntiguo, MasUnidades, MenosUnidades, MayorTotal, MenorTotal}

// Campo is the field of a purchase by which a list is sorted.
type Campo string

// The fields. PorUnidades is how many units all lines have; PorTotal is what the purchase costs in minor units, 0 where it has no price.
const (
	PorCreacion Campo = "creada_en"
	PorCambio   Campo = "actualizada_en"
	PorUnidades Campo = "unidades"
	PorTotal    Campo = "total"
)

// Campo returns the field by which the list is sorted.
func (c Criterio) Campo() Campo {
	if c == "" {
		return PorCreacion
	}
	return Campo(strings.TrimPrefix(string(c), "-"))
}

// Descending reports whether the newest purchase comes first, or the one with the largest value.
func (c Criterio) Descending() bool { return c == "" || strings.HasPrefix(string(c), "-") }

// MaxContadas is the most purchases that a count of matches counts.
const MaxContadas = 10_000

// ComprasFilter selects and sorts purchases. A zero field selects all.
type ComprasFilter struct {
	Texto         string // the id or the code of the purchase, the id of its order, or the customer
	Estados       []Estado
	IDUsuario     string
	IDProducto    string // one of the lines has it
	Domicilio     *bool
	Desde, Hasta  time.Time // of creada_en: from Desde, and before Hasta
	CambiadaDesde time.Time // actualizada_en is not before it
	Criterio      Criterio
}

// ComprasQuery is a request for a list of purchases, in the texts of a client. An empty field asks for nothing.
type ComprasQuery struct {
	Texto, IDUsuario, IDProducto string
	Estados                      []Estado
	Domicilio                    *bool
	Desde, Hasta, CambiadaDesde  string
	Orden, Despues               string
}

// Parse returns the filter of q, and the place after which the list goes on. The error is a *ValidationError with every wrong field.
func (q ComprasQuery) Parse() (ComprasFilter, Cursor, error) {
	var v Validator
	f := ComprasFilter{
		Texto: CanonicalID(q.Texto), Estados: slices.Compact(slices.Sorted(slices.Values(q.Estados))), IDUsuario: q.IDUsuario, IDProducto: q.IDProducto,
		Domicilio: q.Domicilio, Criterio: Criterio(q.Orden),
	}
	for _, one := range []struct{ field, value string }{{"texto", q.Texto}, {"id_usuario", q.IDUsuario}, {"id_producto", q.IDProducto}} {
		if one.value != "" {
			v.Identifier(one.field, one.value)
		}
	}
	if slices.ContainsFunc(f.Estados, func(e Estado) bool { return !slices.Contains(Estados, e) }) {
		v.Fail("estado", fmt.Sprintf("debe ser uno o varios de %v", Estados))
	}
	f.Desde = v.Instant("desde", q.Desde, 0)
	f.Hasta = v.Instant("hasta", q.Hasta, 1)
	f.CambiadaDesde = v.Instant("cambiada_desde", q.CambiadaDesde, 0)
	if !f.Desde.IsZero() && !f.Hasta.IsZero() && !f.Desde.Before(f.Hasta) {
		v.Fail("hasta", "debe ser después de desde")
	}
	if f.Criterio != "" && !slices.Contains(Criterios, f.Criterio) {
		v.Fail("orden", fmt.Sprintf("debe ser uno de %v", Criterios))
	}
	after, err := ParseCursor(q.Despues)
	if err != nil || q.Despues != "" && after.Campo() != f.Criterio.Campo() {
		v.Fail("despues", cursorForm)
	}
	return f, after, v.Error()
}

// bogota is the time of America/Bogota, which has no daylight saving time.
var bogota = time.FixedZone("America/Bogota", -5*60*60)

// Instant reads an instant: RFC 3339, or a date in America/Bogota, which is its first moment. days is added to a date, so that a
// period may end with a whole day. "" is the zero time.
func (v *Validator) Instant(field, value string, days int) time.Time {
	if value == "" {
		return time.Time{}
	}
	at, err := time.Parse(time.RFC3339, value)
	if date, noDate := time.ParseInLocation(time.DateOnly, value, bogota); noDate == nil {
		at, err = date.AddDate(0, 0, days), nil
	}
	if err != nil || at.Year() < 2000 || at.Year() > 9999 {
		v.Fail(field, "debe ser una fecha de Colombia, como 2026-11-26, o un instante, como 2026-11-26T15:04:05Z, desde el año 2000")
		return time.Time{}
	}
	return at.UTC()
}
