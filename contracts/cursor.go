package contracts

import (
	"strings"
	"time"

	"github.com/google/uuid"
)

// Cursor is a place in a list of purchases, newest first: the place after the purchase ID, which was created at CreadaEn. The zero Cursor
// is the beginning of the list.
type Cursor struct {
	CreadaEn time.Time
	ID       string
}

// CursorOf returns the place after c.
func CursorOf(c Compra) Cursor { return Cursor{CreadaEn: c.CreadaEn, ID: c.ID} }

// String returns the text of the cursor. A client gets it as `siguiente`, and sends it as `despues`.
func (c Cursor) String() string {
	if c == (Cursor{}) {
		return ""
	}
	return c.CreadaEn.UTC().Format(time.RFC3339Nano) + "_" + c.ID
}

// ParseCursor reads the text of a Cursor; "" is the zero Cursor. For a text that String does not write it returns a *ValidationError about
// `despues`. So no other text reaches a database or an address.
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
