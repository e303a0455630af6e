package contracts_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"entregas/contracts"
)

// Characters that a person writes are valid. For any other character, the error has its name and place.
func TestFreeText(t *testing.T) {
	for _, c := range []struct {
		name, text string
		named      string // a part of the error's detail; "" where the text is valid
		identifier bool   // the text is a valid identifier too
	}{
		{"nothing", "", "", false},
		{"words", "Cambié de idea", "", true},
		{"an accent of its own (NFD)", "Cambie\u0301", "", true},
		{"a line break", "uno\ndos", "", false},
		{"a line break of Windows", "uno\r\ndos", "", false},
		{"a line separator", "uno\u2028dos\u2029tres", "", false},
		{"a tab", "uno\tdos", "", false},
		{"a no-break space", "5\u00a0kg", "", true},
		{"a narrow no-break space", "5\u202fkg", "", true},
		{"an ideographic space", "一\u3000二", "", true},
		{"a family: joined emoji", "👩\u200d👩\u200d👧", "", true},
		{"a heart with a variation selector", "❤\ufe0f", "", true},
		{"a flag of tags", "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", "", true},
		{"an emoji that is newer than these tables", "\U0001fadf\U0001faff", "", true},
		{"Persian, with a non-joiner", "می\u200cخواهم", "", true},
		{"what UTF-8 writes for a broken byte", "uno\ufffddos", "", true},
		{"NUL", "a\x00b", "U+0000, que está en la posición 2", false},
		{"a bell after an emoji", "👩\u200d👧\a", "U+0007, que está en la posición 4", false},
		{"escape", "\x1b[31mrojo", "U+001B, que está en la posición 1", false},
		{"delete", "ab\x7f", "U+007F, que está en la posición 3", false},
		{"next line (C1)", "a\u0085b", "U+0085, que está en la posición 2", false},
		{"text that runs backwards", "a\u202egpj.exe", "U+202E, que está en la posición 2", false},
		{"a space of no width", "a\u200bb", "U+200B, que está en la posición 2", false},
		{"a byte order mark", "\ufeffa", "U+FEFF, que está en la posición 1", false},
		{"a broken byte", "añ\xffb", "no es UTF-8 en la posición 3", false},
		{"a cut character", "a\xc3", "no es UTF-8 en la posición 2", false},
		{"a surrogate", "a\xed\xa0\x80", "no es UTF-8 en la posición 2", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var text, identifier contracts.Validator
			text.FreeText("motivo", c.text, 50)
			identifier.Identifier("id_usuario", c.text)
			err := text.Error()
			if (err == nil) != (c.named == "") || err != nil && !strings.Contains(err.Error(), c.named) {
				t.Errorf("as free text: %v, want %q", err, c.named)
			}
			if (identifier.Error() == nil) != c.identifier {
				t.Errorf("as an identifier: %v", identifier.Error())
			}
		})
	}
	var v contracts.Validator
	v.FreeText("motivo", strings.Repeat("ñ", 51), 50)
	if v.Error() == nil {
		t.Error("51 characters of 50 are taken")
	}
}

func TestIdempotencyKey(t *testing.T) {
	for key, good := range map[string]bool{
		"k": true, "a b": true, strings.Repeat("k", contracts.MaxKey): true, "~!": true,
		"": false, strings.Repeat("k", contracts.MaxKey+1): false, "clavé": false, "a\x00": false, "a\nb": false, "\xff": false, "a\x7f": false,
	} {
		var v contracts.Validator
		v.IdempotencyKey("key", key)
		if (v.Error() == nil) != good {
			t.Errorf("%.20q: %v", key, v.Error())
		}
	}
}

func TestCanonicalID(t *testing.T) {
	for id, canonical := range map[string]string{
		oneCompra: oneCompra, strings.ToUpper(oneCompra): oneCompra, "01938F5e-7c1a-7000-8000-000000000001": oneCompra,
		"": "", "ANA": "ANA", "{" + oneCompra + "}": "{" + oneCompra + "}", "urn:uuid:" + oneCompra: "urn:uuid:" + oneCompra,
		strings.ReplaceAll(oneCompra, "-", ""): strings.ReplaceAll(oneCompra, "-", ""),
	} {
		if got := contracts.CanonicalID(id); got != canonical {
			t.Errorf("%s: %s, want %s", id, got, canonical)
		}
	}
}

// ParseCursor reads only texts of Cursor.String. A changed text is another such text, or the error names the field despues.
func TestParseCursor(t *testing.T) {
	one := contracts.Cursor{CreadaEn: time.Date(2026, 1, 2, 3, 4, 5, 123456000, time.UTC), ID: oneCompra}
	changed := contracts.Cursor{ActualizadaEn: one.CreadaEn, ID: oneCompra}
	worth := contracts.Cursor{De: contracts.PorTotal, Valor: contracts.MaxTotal, ID: oneCompra}
	for _, c := range []contracts.Cursor{{}, one, changed, worth, {De: contracts.PorUnidades, ID: oneCompra}, {CreadaEn: one.CreadaEn.Truncate(time.Second), ID: oneCompra}} {
		if back, err := contracts.ParseCursor(c.String()); err != nil || back != c {
			t.Errorf("%s came back as %+v: %v", c, back, err)
		}
	}
	const at = "2026-01-02T03:04:05.123456Z"
	for _, text := range []string{
		"x", "_", at, at + "_", "_" + oneCompra, at + "_x", at + "_" + oneCompra + "\x00", at + "\x00_" + oneCompra, "\x00", "\xff",
		at + "_" + oneCompra + "\xff", at + "_" + strings.ToUpper(oneCompra), at + "_{" + oneCompra + "}", " " + one.String(), one.String() + " ",
		"2026-01-02T03:04:05,123456Z_" + oneCompra, "2026-01-02T03:04:05.123456+01:00_" + oneCompra, "2026-13-02T03:04:05Z_" + oneCompra,
		"2026-01-02T03:04:05.1234560Z_" + oneCompra, "total_" + oneCompra, "total_01_" + oneCompra, "total_9223372036854775808_" + oneCompra, "total_1e3_" + oneCompra,
		"cambio_total_1_" + oneCompra, "id_1_" + oneCompra, "unidades_1_x", strings.Repeat("a", 100_000),
	} {
		_, err := contracts.ParseCursor(text)
		if fields := fieldsOf(t, err); len(fields) != 1 || fields[0] != "despues" {
			t.Errorf("%.80q: %v", text, err)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		text := []byte(one.String())
		text[rapid.IntRange(0, len(text)-1).Draw(t, "where")] = rapid.Byte().Draw(t, "byte")
		c, err := contracts.ParseCursor(string(text))
		var bad *contracts.ValidationError
		if err == nil && c.String() != string(text) || err != nil && !errors.As(err, &bad) {
			t.Fatalf("%q: %+v %v", text, c, err)
		}
	})
}
