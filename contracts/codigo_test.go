package contracts_test

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"entregas/contracts"
)

const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// A code is read back from whatever a person makes of it. With one wrong character, or two neighbours that changed places, it is refused.
func TestCodigo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		code := contracts.NewCodigo()
		if len(code) != 8 || strings.Trim(code, crockford) != "" {
			t.Fatalf("the code %q", code)
		}
		spoken := strings.NewReplacer("0", rapid.SampledFrom([]string{"0", "O", "o"}).Draw(t, "zero"), "1", rapid.SampledFrom([]string{"1", "I", "l", "L"}).Draw(t, "one")).Replace(code)
		if rapid.Bool().Draw(t, "small") {
			spoken = strings.ToLower(spoken)
		}
		at := rapid.IntRange(0, 8).Draw(t, "hyphen")
		spoken = " " + spoken[:at] + rapid.SampledFrom([]string{"-", " ", " - "}).Draw(t, "between") + spoken[at:] + " "
		if got, err := contracts.ParseCodigo(spoken); got != code || err != nil {
			t.Fatalf("%q of %q is read as %q, %v", spoken, code, got, err)
		}
		i := rapid.IntRange(0, 7).Draw(t, "place")
		other := rapid.SampledFrom(strings.Split(strings.Replace(crockford, code[i:i+1], "", 1), "")).Draw(t, "other")
		wrong := code[:i] + other + code[i+1:]
		if got, err := contracts.ParseCodigo(wrong); !errors.Is(err, contracts.ErrWrongCodigo) {
			t.Fatalf("%q instead of %q is read as %q, %v", wrong, code, got, err)
		}
		if i == 7 || code[i] == code[i+1] {
			return
		}
		swapped := code[:i] + code[i+1:i+2] + code[i:i+1] + code[i+2:]
		if got, err := contracts.ParseCodigo(swapped); !errors.Is(err, contracts.ErrWrongCodigo) {
			t.Fatalf("%q instead of %q is read as %q, %v", swapped, code, got, err)
		}
	})
}

func TestWhatIsNoCodigo(t *testing.T) {
	for text, want := range map[string]error{
		"": contracts.ErrNoCodigo, "compra-1": contracts.ErrNoCodigo, "ABCDEFG": contracts.ErrNoCodigo, "ABCDEFGHJ": contracts.ErrNoCodigo,
		oneCompra: contracts.ErrNoCodigo, "ABC\tDEFGH": contracts.ErrNoCodigo, "ÁBCDEFGH": contracts.ErrNoCodigo, "ABCDEFG\x00": contracts.ErrNoCodigo, "ABCDEF\xff\xff": contracts.ErrNoCodigo,
		"ABCDEFG*": contracts.ErrNoCodigo, "ABCDEFGU": contracts.ErrWrongCodigo, "UUUUUUUU": contracts.ErrWrongCodigo, strings.Repeat("-", 60) + "00000000": contracts.ErrNoCodigo,
		"00000000": nil, "0000 000o": nil, "0000-0011": nil, "ZZZZZZZ1": contracts.ErrWrongCodigo,
	} {
		if code, err := contracts.ParseCodigo(text); !errors.Is(err, want) || (err == nil) != (code != "") {
			t.Errorf("%q is read as %q, %v; want %v", text, code, err, want)
		}
	}
	for text, want := range map[string]string{"": "", "ABCDEFGH": "ABCD-EFGH", "ABC": "ABC"} {
		if got := contracts.FormatCodigo(text); got != want {
			t.Errorf("%q is shown as %q", text, got)
		}
	}
}
