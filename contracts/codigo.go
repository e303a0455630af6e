package contracts

import (
	"crypto/rand"
	"errors"
	"math/big"
	"strings"
)

// codigoLength is how many characters a code has. The last one is the check character.
const codigoLength = 8

// codigoAlphabet are the digits of Crockford's base 32, which leaves out I, L, O and U.
const codigoAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// codigoModulus is that of Crockford's check character. Its five values beyond the alphabet stand for symbols that nobody says on a
// telephone, so no code has one of them.
const codigoModulus = 37

// NewCodigo returns a random code of a purchase: seven digits of Crockford's base 32 and their check character. There are about 30,000
// million codes, so the store of the purchases draws again where a code is taken.
func NewCodigo() string {
	values := big.NewInt(1 << 35)
	for {
		drawn, err := rand.Int(rand.Reader, values)
		if err != nil {
			panic(err) // crypto/rand never fails
		}
		if n := drawn.Int64(); n%codigoModulus < int64(len(codigoAlphabet)) {
			return writeCodigo(n)
		}
	}
}

// writeCodigo returns the code of the number n, whose check value must be in the alphabet.
func writeCodigo(n int64) string {
	text := [codigoLength]byte{codigoLength - 1: codigoAlphabet[n%codigoModulus]}
	for i := codigoLength - 2; i >= 0; i-- {
		text[i] = codigoAlphabet[n%32]
		n /= 32
	}
	return string(text[:])
}

// ErrNoCodigo is the error of ParseCodigo for a text that does not look like a code. ErrWrongCodigo is that for a text that looks like one
// and has a wrong character.
var (
	ErrNoCodigo    = errors.New("not a code")
	ErrWrongCodigo = errors.New("a code with a wrong character")
)

// ParseCodigo returns the code that a person wrote. It forgives small letters, an O for 0, an I or L for 1, hyphens and spaces. The check
// character finds one wrong character, and two neighbours that changed places. Errors: ErrNoCodigo, ErrWrongCodigo.
func ParseCodigo(text string) (string, error) {
	if len(text) > MaxIdentifier { // no person writes it
		return "", ErrNoCodigo
	}
	written := strings.NewReplacer("-", "", " ", "").Replace(strings.ToUpper(text))
	notOfCode := func(r rune) bool { return (r < '0' || r > '9') && (r < 'A' || r > 'Z') }
	if len(written) != codigoLength || strings.ContainsFunc(written, notOfCode) {
		return "", ErrNoCodigo
	}
	written = strings.NewReplacer("O", "0", "I", "1", "L", "1").Replace(written)
	var n int64
	for i := range codigoLength - 1 {
		digit := strings.IndexByte(codigoAlphabet, written[i])
		if digit < 0 {
			return "", ErrWrongCodigo
		}
		n = 32*n + int64(digit)
	}
	if check := n % codigoModulus; check >= int64(len(codigoAlphabet)) || codigoAlphabet[check] != written[codigoLength-1] {
		return "", ErrWrongCodigo
	}
	return written, nil
}

// FormatCodigo returns a code as people read it, in two halves: ABCD-EFGH. It returns any other text unchanged.
func FormatCodigo(codigo string) string {
	if len(codigo) != codigoLength {
		return codigo
	}
	return codigo[:codigoLength/2] + "-" + codigo[codigoLength/2:]
}

// CompraDeCodigo is the purchase of a code: its id and its customer.
type CompraDeCodigo struct {
	ID        string `json:"id"`
	IDUsuario string `json:"id_usuario"`
}

// Codigo requires a code as NewCodigo writes it. It may be empty: the purchase is older than codes, or only a topic has it yet.
func (v *Validator) Codigo(field, value string) {
	if parsed, err := ParseCodigo(value); value != "" && (err != nil || parsed != value) {
		v.Fail(field, "debe ser el código de una compra")
	}
}
