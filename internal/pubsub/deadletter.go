package pubsub

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"entregas/contracts"
)

// The properties of a dead letter: why it is one, who set it aside, after how many tries. Bytes, SHA-256 and beginning stand
// beside a record that could not be kept as it was; raw is all of one that no schema reads.
const (
	PropertyReason    = "motivo"
	PropertyOrigin    = "origen"
	PropertyTries     = "intentos"
	PropertyBytes     = "bytes"
	PropertySum       = "sha256"
	PropertyBeginning = "comienzo"
	PropertyPosition  = "posicion"
	PropertyRaw       = "crudo"
)

// MaxReason is how many characters of a dead letter's reason are kept, and shown.
const MaxReason = 1000

const (
	maxBeginning = 16 << 10 // bytes kept of a record that is too large
	maxShown     = 2000     // characters of it in the property
)

// setAside puts a message on its topic's dead letters, with the reason beside it. Of a record that cannot be kept as it was
// (too large for daprd, which takes 4 MiB a message, or not one of its topic) what can be read of it goes there, with size,
// digest and beginning: its original stays on the topic for as long as the broker keeps what was handled.
func setAside[D any](ctx context.Context, p *Publisher, topic contracts.TopicName[D], m contracts.Message[D], d delivery, cause error, attempts int) error {
	properties := map[string]string{
		PropertyReason: Words(cause.Error(), MaxReason), PropertyTries: strconv.Itoa(attempts), PropertyOrigin: p.service,
	}
	text, err := m.Encode()
	if err != nil {
		return fmt.Errorf("codificar para %s: %w", topic.DeadLetters(), err)
	}
	if errors.Is(cause, contracts.ErrUnreadable) || len(text) > contracts.MaxRecord { // escaped, the JSON may be larger than it came
		properties[PropertyBytes] = strconv.FormatInt(d.bytes, 10)
		properties[PropertyBeginning] = Words(string(d.record), maxShown)
		if d.read {
			properties[PropertySum] = Sum(text)
		}
		if text, err = contracts.Beginning[D](text).Encode(); err != nil {
			return fmt.Errorf("codificar para %s: %w", topic.DeadLetters(), err)
		}
	}
	return p.send(ctx, string(topic.DeadLetters()), func() ([]byte, error) { return text, nil }, properties)
}

// Sum is the digest of a record: SHA-256, in hex, of its JSON as contracts.Mensaje writes it. The component writes the fields
// in another order each time.
func Sum(record []byte) string {
	sum := sha256.Sum256(record)
	return hex.EncodeToString(sum[:])
}

// Words is text as a property can carry it and a person read it: valid UTF-8, no control characters, at most max characters.
func Words(text string, max int) string {
	if len(text) > max*utf8.UTFMax {
		text = text[:max*utf8.UTFMax] // of the rest nothing is shown
	}
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return unicode.ReplacementChar
		}
		return r
	}, strings.ToValidUTF8(text, string(unicode.ReplacementChar)))
	return contracts.Cut(text, max)
}
