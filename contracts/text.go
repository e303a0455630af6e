package contracts

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
)

// FreeText requires at most max characters (code points). The text may be empty. This rule holds for free text in REST, GraphQL and
// messages, and openapi.yaml has it in words. Line breaks, tabs, spaces of any kind and joined emoji are valid, and are kept. The error names
// a control character, or the place of a byte that is not UTF-8.
func (v *Validator) FreeText(field, value string, max int) {
	if detail := controlIn(value); detail != "" {
		v.Fail(field, detail)
	} else if utf8.RuneCountInString(value) > max {
		v.Fail(field, fmt.Sprintf("puede tener a lo sumo %d caracteres", max))
	}
}

// IdempotencyKey requires 1 to MaxKey visible ASCII characters or spaces: a header can carry no others.
func (v *Validator) IdempotencyKey(field, value string) {
	if value == "" || len(value) > MaxKey || strings.IndexFunc(value, func(r rune) bool { return r < ' ' || r > '~' }) >= 0 {
		v.Fail(field, "debe ser una, de 1 a 255 caracteres ASCII visibles")
	}
}

// MaxKey is the maximum length of an Idempotency-Key in bytes.
const MaxKey = 255

// CanonicalID returns the canonical form of a UUID that is written with capitals. It returns any other text unchanged. The bff accepts both
// forms from a person, and all other programs know one form.
func CanonicalID(id string) string {
	if readBack, err := uuid.Parse(id); err == nil && strings.EqualFold(readBack.String(), id) {
		return readBack.String()
	}
	return id
}

// FormatInstant returns the form of an instant in REST, GraphQL and live streams: RFC 3339 in UTC, with milliseconds. Messages carry
// milliseconds too, so a purchase has the same instants in all of them.
func FormatInstant(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// controlIn returns words in Spanish about the first invalid character of text, with its place counted in characters from 1. It returns ""
// where all characters are valid.
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

// isControl reports whether r is a control character (Unicode's Cc and Cf) that text may not have. Joiners and tags are valid, because they
// make one emoji of several. Unassigned characters are valid, because Unicode gets new emoji each year.
func isControl(r rune) bool {
	const nonJoiner, joiner, firstTag, lastTag = '\u200c', '\u200d', '\U000e0020', '\U000e007f'
	switch {
	case r == '\n', r == '\r', r == '\t', r == nonJoiner, r == joiner, r >= firstTag && r <= lastTag:
		return false
	default:
		return unicode.In(r, unicode.Cc, unicode.Cf)
	}
}

// isLineBreakOrTab reports whether r is a character that free text may have and an identifier may not.
func isLineBreakOrTab(r rune) bool {
	return r == '\n' || r == '\r' || r == '\t' || r == '\u2028' || r == '\u2029'
}
