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

// The names of the properties of a dead letter.
const (
	PropertyReason    = "motivo"   // why the message is a dead letter, in Spanish
	PropertyOrigin    = "origen"   // the service that set the message aside
	PropertyTries     = "intentos" // the number of attempts to handle the message
	PropertyBytes     = "bytes"    // the size of the original, when the record was not kept as it was
	PropertySum       = "sha256"   // the SHA-256 of the original in hex, when the record was not kept as it was
	PropertyBeginning = "comienzo" // the first characters of the original, when the record was not kept as it was
	PropertyPosition  = "posicion" // the position of the original on its topic
	PropertyRaw       = "crudo"    // the original in base64, when it cannot be decoded

	// A discarded dead letter has these too.
	PropertyTopic         = "tema"            // the topic of the original
	PropertySetAsideAt    = "apartado_en"     // when the original became a dead letter, in RFC 3339
	PropertyDiscardReason = "descarte_motivo" // why an operator discarded it
	PropertyDiscardedBy   = "descartado_por"  // the subject of the operator
	PropertyDiscardedRole = "descartado_rol"  // the role of the operator
)

// MaxReason is how many characters of a dead letter's reason are kept, and shown.
const MaxReason = 1000

const (
	maxBeginning = 16 << 10 // bytes kept of a record that is too large
	maxShown     = 2000     // characters of the beginning that the property keeps
)

// setAside publishes a message on the dead letter topic of topic, with the cause as a property. Its key is the id of its purchase, as that of the
// original, where the record has one. A record that is too large for
// daprd (4 MiB a message) or that has another schema cannot be kept as it is. Then the dead letter has the fields that can be
// read, and the size, digest and beginning of the original as properties. The original stays on its topic for the retention
// of the broker.
func setAside[D any](ctx context.Context, p *Publisher, topic contracts.TopicName[D], m contracts.Message[D], d delivery, cause error, attempts int) error {
	properties := map[string]string{
		PropertyReason: Words(cause.Error(), MaxReason), PropertyTries: strconv.Itoa(attempts), PropertyOrigin: p.service,
	}
	var v contracts.Validator
	if v.IDCompra("", m.IDCompra()); v.Error() == nil {
		properties[metadataKey] = m.IDCompra()
	}
	text, err := m.Encode()
	if err != nil {
		return fmt.Errorf("encode for %s: %w", topic.DeadLetters(), err)
	}
	if errors.Is(cause, contracts.ErrUnreadable) || len(text) > contracts.MaxRecord { // with its escapes the JSON may be larger than the delivery
		properties[PropertyBytes] = strconv.FormatInt(d.bytes, 10)
		properties[PropertyBeginning] = Words(string(d.record), maxShown)
		if d.read {
			properties[PropertySum] = Sum(text)
		}
		if text, err = contracts.Beginning[D](text).Encode(); err != nil {
			return fmt.Errorf("encode for %s: %w", topic.DeadLetters(), err)
		}
	}
	return p.send(ctx, string(topic.DeadLetters()), func() ([]byte, error) { return text, nil }, properties)
}

// Sum returns the SHA-256 of a record in hex. record must be JSON as contracts.Message encodes it: in the JSON of the pub/sub
// component the order of the fields changes from delivery to delivery.
func Sum(record []byte) string {
	sum := sha256.Sum256(record)
	return hex.EncodeToString(sum[:])
}

// Words returns text in a form that fits into a property and that a person can read: valid UTF-8, no control characters but
// line breaks and tabs, and at most max characters.
func Words(text string, max int) string {
	if len(text) > max*utf8.UTFMax {
		text = text[:max*utf8.UTFMax]
	}
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return unicode.ReplacementChar
		}
		return r
	}, strings.ToValidUTF8(text, string(unicode.ReplacementChar)))
	return contracts.Cut(text, max)
}
