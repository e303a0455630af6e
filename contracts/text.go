package contracts

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
)

// FreeText requires at most max characters (code points) that a person may write; none is fine. It is the one rule for free
// text in REST, GraphQL and messages, and openapi.yaml and asyncapi.yaml say it: line breaks, tabs, spaces of any kind and
// joined emoji are taken and kept as written. A control character or a byte that is no UTF-8 is refused, and named.
func (v *Validator) FreeText(field, value string, max int) {
	if detail := controlIn(value); detail != "" {
		v.Fail(field, detail)
	} else if utf8.RuneCountInString(value) > max {
		v.Fail(field, fmt.Sprintf("puede tener a lo sumo %d caracteres", max))
	}
}

// IdempotencyKey requires 1 to 255 visible ASCII characters or spaces: what a header can carry.
func (v *Validator) IdempotencyKey(field, value string) {
	if value == "" || len(value) > MaxKey || strings.IndexFunc(value, func(r rune) bool { return r < ' ' || r > '~' }) >= 0 {
		v.Fail(field, "debe ser una, de 1 a 255 caracteres ASCII visibles")
	}
}

// MaxKey is how many bytes an Idempotency-Key may have.
const MaxKey = 255

// CanonicalID is the canonical form of a UUID that is written with capitals, and any other text as it is: the edge takes what
// people type, and everything behind it has one form.
func CanonicalID(id string) string {
	if readBack, err := uuid.Parse(id); err == nil && strings.EqualFold(readBack.String(), id) {
		return readBack.String()
	}
	return id
}

// FormatInstant is the one form of an instant in REST, GraphQL and live streams: RFC 3339 in UTC, with milliseconds, which is
// what messages carry, so that a purchase is told alike wherever it is read.
func FormatInstant(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// controlIn says which character of text is the first that nobody may write, and where it is, counted in characters from 1;
// "" when there is none.
func controlIn(text string) string {
	position := 0
	for i, r := range text {
		position++
		if r == utf8.RuneError {
			if _, size := utf8.DecodeRuneInString(text[i:]); size == 1 {
				return fmt.Sprintf("no es UTF-8 en la posición %d", position)
			}
		}
		if isControl(r) {
			return fmt.Sprintf("no puede tener el carácter de control U+%04X, que está en la posición %d", r, position)
		}
	}
	return ""
}

// isControl tells control characters (Unicode's Cc and Cf) from those that a person writes. An unassigned character is not
// one: emoji are added each year. Joiners and tags make one emoji of several.
func isControl(r rune) bool {
	const nonJoiner, joiner, firstTag, lastTag = '\u200c', '\u200d', '\U000e0020', '\U000e007f'
	switch {
	case r == '\n', r == '\r', r == '\t', r == nonJoiner, r == joiner, r >= firstTag && r <= lastTag:
		return false
	default:
		return unicode.In(r, unicode.Cc, unicode.Cf)
	}
}

// isLineBreakOrTab are the characters of free text that an identifier may not have.
func isLineBreakOrTab(r rune) bool {
	return r == '\n' || r == '\r' || r == '\t' || r == '\u2028' || r == '\u2029'
}
