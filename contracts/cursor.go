package contracts

import (
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Cursor is a place in a list of purchases: the place of the purchase ID, by its creation, by its last change or by a number. The zero
// Cursor is the beginning of the list.
type Cursor struct {
	CreadaEn      time.Time // zero in a list that is sorted by another field
	ActualizadaEn time.Time // zero in a list that is not sorted by the last change
	De            Campo     // PorUnidades or PorTotal in a list that is sorted by that number, else empty
	Valor         int64     // the number
	ID            string
}

// CursorOf returns the place of c in a list that is sorted by creation.
func CursorOf(c Compra) Cursor { return Cursor{CreadaEn: c.CreadaEn, ID: c.ID} }

// Cursor returns the place of c in a list that is sorted by the criterion.
func (by Criterio) Cursor(c Compra) Cursor {
	switch by.Campo() {
	case PorCambio:
		return Cursor{ActualizadaEn: c.ActualizadaEn, ID: c.ID}
	case PorUnidades:
		return Cursor{De: PorUnidades, Valor: int64(c.Unidades()), ID: c.ID}
	case PorTotal:
		return Cursor{De: PorTotal, Valor: c.Total, ID: c.ID}
	default:
		return CursorOf(c)
	}
}

// Campo returns the field by which the list of the place is sorted.
func (c Cursor) Campo() Campo {
	switch {
	case c.De != "":
		return c.De
	case !c.ActualizadaEn.IsZero():
		return PorCambio
	default:
		return PorCreacion
	}
}

// changeMark begins the text of a place in a list that is sorted by the last change.
const changeMark = "cambio_"

// String returns the text of the cursor. A client gets it as `siguiente`, and sends it as `despues`.
func (c Cursor) String() string {
	switch {
	case c == (Cursor{}):
		return ""
	case c.De != "":
		return string(c.De) + "_" + strconv.FormatInt(c.Valor, 10) + "_" + c.ID
	case c.Campo() == PorCambio:
		return changeMark + c.ActualizadaEn.UTC().Format(time.RFC3339Nano) + "_" + c.ID
	default:
		return c.CreadaEn.UTC().Format(time.RFC3339Nano) + "_" + c.ID
	}
}

const cursorForm = "debe ser el siguiente que dio la página anterior"

// ParseCursor reads the text of a Cursor; "" is the zero Cursor. For a text that String does not write it returns a *ValidationError about
// `despues`. So no other text reaches a database or an address.
func ParseCursor(text string) (Cursor, error) {
	if text == "" {
		return Cursor{}, nil
	}
	place, byChange := strings.CutPrefix(text, changeMark)
	value, id, _ := strings.Cut(place, "_")
	var c Cursor
	var errAt error
	if of := Campo(value); of == PorUnidades || of == PorTotal {
		c.De = of
		value, id, _ = strings.Cut(id, "_")
		c.Valor, errAt = strconv.ParseInt(value, 10, 64)
	} else {
		at, err := time.Parse(time.RFC3339Nano, value)
		if c.CreadaEn, errAt = at.UTC(), err; byChange {
			c = Cursor{ActualizadaEn: at.UTC()}
		}
	}
	parsed, errID := uuid.Parse(id)
	c.ID = parsed.String()
	if errAt != nil || errID != nil || c.String() != text {
		return Cursor{}, BadField("despues", cursorForm)
	}
	return c, nil
}

// OrdenCursor is a place in a queue of orders, home delivery first, then the oldest: the place after the order ID. The zero OrdenCursor is
// the beginning of the queue.
type OrdenCursor struct {
	Domicilio bool
	ID        string // a UUID of version 7, which sorts by the time of creation
}

// String returns the text of the cursor. A client gets it as `siguiente`, and sends it as `despues`.
func (c OrdenCursor) String() string {
	switch {
	case c.ID == "":
		return ""
	case c.Domicilio:
		return "domicilio_" + c.ID
	default:
		return "tienda_" + c.ID
	}
}

// ParseOrdenCursor reads the text of an OrdenCursor; "" is the zero OrdenCursor. For a text that String does not write it returns a
// *ValidationError about `despues`.
func ParseOrdenCursor(text string) (OrdenCursor, error) {
	if text == "" {
		return OrdenCursor{}, nil
	}
	kind, id, _ := strings.Cut(text, "_")
	parsed, err := uuid.Parse(id)
	c := OrdenCursor{Domicilio: kind == "domicilio", ID: parsed.String()}
	if err != nil || c.String() != text {
		return OrdenCursor{}, BadField("despues", cursorForm)
	}
	return c, nil
}

// ParseCursorOfUsuario reads the text of a Cursor in the list of a customer, which is sorted by creation.
func ParseCursorOfUsuario(text string) (Cursor, error) {
	c, err := ParseCursor(text)
	if err == nil && c.Campo() != PorCreacion {
		return Cursor{}, BadField("despues", cursorForm)
	}
	return c, err
}
