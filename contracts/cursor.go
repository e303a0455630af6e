package contracts

import (
	"strings"
	"time"

	"github.com/google/uuid"
)

// Cursor is a place in a list of purchases: the place of the purchase ID, by its creation or by its last change. The zero Cursor is the
// beginning of the list.
type Cursor struct {
	CreadaEn      time.Time // zero in a list that is sorted by the last change
	ActualizadaEn time.Time // zero in any other list
	ID            string
}

// CursorOf returns the place of c in a list that is sorted by creation.
func CursorOf(c Compra) Cursor { return Cursor{CreadaEn: c.CreadaEn, ID: c.ID} }

// Cursor returns the place of c in a list that is sorted by the criterion.
func (by Criterio) Cursor(c Compra) Cursor {
	if by.ByChange() {
		return Cursor{ActualizadaEn: c.ActualizadaEn, ID: c.ID}
	}
	return CursorOf(c)
}

// ByChange reports whether c is a place in a list that is sorted by the last change.
func (c Cursor) ByChange() bool { return !c.ActualizadaEn.IsZero() }

// changeMark begins the text of a place in a list that is sorted by the last change.
const changeMark = "cambio_"

// String returns the text of the cursor. A client gets it as `siguiente`, and sends it as `despues`.
func (c Cursor) String() string {
	switch {
	case c == (Cursor{}):
		return ""
	case c.ByChange():
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
	instant, id, _ := strings.Cut(place, "_")
	at, errAt := time.Parse(time.RFC3339Nano, instant)
	parsed, errID := uuid.Parse(id)
	c := Cursor{CreadaEn: at.UTC(), ID: parsed.String()}
	if byChange {
		c = Cursor{ActualizadaEn: at.UTC(), ID: parsed.String()}
	}
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
	if err == nil && c.ByChange() {
		return Cursor{}, BadField("despues", cursorForm)
	}
	return c, err
}
