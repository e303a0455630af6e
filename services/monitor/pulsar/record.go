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

// maxItems bounds an array that a record claims to have: the library makes room for as many before it reads them.
const maxItems = 1 << 20

// codecs read the records of each topic as a sidecar does.
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
			return nil, fmt.Errorf("esquema de %s: %w", topic, err)
		}
	}
	return c, nil
}

// record is a decoded message, or the reason why it cannot be decoded.
type record struct {
	json     json.RawMessage // nil where they are no record of the topic
	id       string
	kind     string
	idCompra string
	fault    string // why a sidecar cannot hand the message to its program; "" where it can
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
		ID   string `json:"id"`
		Type string `json:"type"`
		Data struct {
			IDCompra string `json:"id_compra"`
		} `json:"data"`
	}
	if err := json.Unmarshal(r.json, &envelope); err != nil {
		return record{fault: pubsub.Words(fmt.Sprintf("no se puede leer: %v", err), pubsub.MaxReason)}
	}
	r.id, r.kind, r.idCompra = envelope.ID, envelope.Type, envelope.Data.IDCompra
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

// maxHeaders is how many bytes of properties fit into the headers that a program accepts, less 1 KiB for the sidecar's own. The
// server adds 4 KiB to its limit, which the sidecar may use too.
const maxHeaders = app.MaxHeader - 1<<10

// headerFrame is what a header takes besides its name and value.
const headerFrame = len(": \r\n")

// message decodes a message of topic. Its fault may also be one of its properties: a sidecar hands them over as headers.
func (c codecs) message(topic string, m pulsar.Message) record {
	r := c.read(topic, m.Payload())
	if r.fault == "" {
		r.fault = headerFault(m.Properties())
	}
	return r
}

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

// maxName is how many characters are shown of a name that a producer wrote.
const maxName = 100

// position is where a message is: ledger and entry, and its place in the entry where there are several.
func position(id pulsar.MessageID) string {
	if id.BatchSize() > 1 {
		return fmt.Sprintf("%d:%d:%d", id.LedgerID(), id.EntryID(), id.BatchIdx())
	}
	return fmt.Sprintf("%d:%d", id.LedgerID(), id.EntryID())
}
