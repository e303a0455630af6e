package pulsar

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/apache/pulsar-client-go/pulsar"
	"github.com/linkedin/goavro/v2"
	"golang.org/x/net/http/httpguts"

	"entregas/contracts"
	"entregas/internal/app"
	"entregas/internal/pubsub"
)

// maxItems is the limit for the length that a record gives for an array. The library allocates that much before it reads.
const maxItems = 1 << 20

// codecs decode the records of each topic in the way of a sidecar.
type codecs map[string]*goavro.Codec

func newCodecs() (codecs, error) {
	goavro.MaxBlockCount = maxItems
	c := codecs{}
	for _, topic := range contracts.Names() {
		schema, err := contracts.AvroSchema(topic)
		if err != nil {
			return nil, err
		}
		if c[topic], err = goavro.NewCodecForStandardJSONFull(schema); err != nil {
			return nil, fmt.Errorf("schema of %s: %w", topic, err)
		}
	}
	return c, nil
}

// record is a decoded message, or the reason why it cannot be decoded.
type record struct {
	json     json.RawMessage // nil when the bytes are no record of the topic
	id       string
	kind     string
	idCompra string
	traza    string // its traceparent
	fault    string // why a sidecar cannot deliver the message, in Spanish; "" when it can
}

// read decodes the payload of a message of topic. The reason why it cannot be decoded is in fault.
func (c codecs) read(topic string, payload []byte) (r record) {
	defer func() {
		if p := recover(); p != nil {
			r = record{fault: fmt.Sprintf("no se puede leer con el esquema de %s: %v", topic, p)}
		}
	}()
	native, _, err := c[topic].NativeFromBinary(payload)
	if err == nil {
		r.json, err = c[topic].TextualFromNative(nil, native)
	}
	if err == nil && !json.Valid(r.json) {
		err = fmt.Errorf("no es JSON")
	}
	if err != nil {
		return record{fault: pubsub.Words(fmt.Sprintf("no se puede leer con el esquema de %s: %v", topic, err), pubsub.MaxReason)}
	}
	var envelope struct {
		ID    string `json:"id"`
		Type  string `json:"type"`
		Traza string `json:"traceparent"`
		Data  struct {
			IDCompra string `json:"id_compra"`
		} `json:"data"`
	}
	if err := json.Unmarshal(r.json, &envelope); err != nil {
		return record{fault: pubsub.Words(fmt.Sprintf("no se puede leer: %v", err), pubsub.MaxReason)}
	}
	r.id, r.kind, r.idCompra, r.traza = envelope.ID, envelope.Type, envelope.Data.IDCompra, envelope.Traza
	return r
}

// empty returns the record of topic with empty fields: the payload of a dead letter whose original cannot be decoded.
func (c codecs) empty(topic string) ([]byte, error) {
	text, err := contracts.EmptyRecord(topic)
	if err != nil {
		return nil, err
	}
	native, _, err := c[topic].NativeFromTextual(text)
	if err != nil {
		return nil, err
	}
	return c[topic].BinaryFromNative(nil, native)
}

// maxHeaders is the limit for the properties of a message, in bytes. A sidecar sends them as headers and needs 1 KiB for its
// own. The server adds 4 KiB to its limit, which the sidecar may use too.
const maxHeaders = app.MaxHeader - 1<<10

// headerFrame is the size of a header besides its name and value.
const headerFrame = len(": \r\n")

// message decodes a message of topic. Its fault may also be in its properties, which a sidecar sends as headers.
func (c codecs) message(topic string, m pulsar.Message) record {
	r := c.read(topic, m.Payload())
	if r.fault == "" {
		r.fault = headerFault(m.Properties())
	}
	return r
}

// headerFault returns why a sidecar cannot send properties as headers, in Spanish; "" when it can.
func headerFault(properties map[string]string) string {
	size := 0
	for name, value := range properties {
		size += len(name) + len(value) + headerFrame
		switch {
		case !httpguts.ValidHeaderFieldName(name), !httpguts.ValidHeaderFieldValue(value):
			return "su propiedad " + pubsub.Words(fmt.Sprintf("%q", name), maxName) + " no puede ser una cabecera HTTP"
		case strings.EqualFold(name, "content-length"):
			return "su propiedad content-length no es el largo de la entrega"
		}
	}
	if size > maxHeaders {
		return fmt.Sprintf("sus propiedades tienen %d bytes; caben %d", size, maxHeaders)
	}
	return ""
}

// maxName is the limit for a name by a producer in the list of dead letters, in characters.
const maxName = 100

// position returns the position of a message as ledger:entry, or as ledger:entry:index in an entry of several messages.
func position(id pulsar.MessageID) string {
	if id.BatchSize() > 1 {
		return fmt.Sprintf("%d:%d:%d", id.LedgerID(), id.EntryID(), id.BatchIdx())
	}
	return fmt.Sprintf("%d:%d", id.LedgerID(), id.EntryID())
}
