package contracts

import (
	"strings"
	"time"

	"github.com/google/uuid"
)

// Cursor is a place in a list of purchases, newest first: after the purchase ID, created at CreadaEn. The zero Cursor is the
// beginning.
type Cursor struct {
	CreadaEn time.Time
	ID       string
}

// CursorOf is the place after c.
func CursorOf(c Compra) Cursor { return Cursor{CreadaEn: c.CreadaEn, ID: c.ID} }

// String is the text that a client gets as `next`, and sends back as `after`.
func (c Cursor) String() string {
	if c == (Cursor{}) {
		return ""
	}
	return c.CreadaEn.UTC().Format(time.RFC3339Nano) + "_" + c.ID
}

// ParseCursor reads the text of a Cursor; "" is the zero Cursor. Whatever String does not write is an *ValidationError that
// names `after`: no other text reaches a database or an address.
func ParseCursor(text string) (Cursor, error) {
	if text == "" {
		return Cursor{}, nil
	}
	instant, id, _ := strings.Cut(text, "_")
	at, errAt := time.Parse(time.RFC3339Nano, instant)
	parsed, errID := uuid.Parse(id)
	c := Cursor{CreadaEn: at.UTC(), ID: parsed.String()}
	if errAt != nil || errID != nil || c.String() != text {
		return Cursor{}, BadField("despues", "debe ser el siguiente que dio la página anterior")
	}
	return c, nil
}
