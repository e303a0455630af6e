package contracts

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/google/uuid"
)

// Message is the envelope of every record on every topic. It has the fields of the .avsc files in their order.
type Message[D any] struct {
	ID              string      `json:"id"`
	Time            int64       `json:"time"`      // milliseconds since 1970 UTC
	Ingestion       int64       `json:"ingestion"` // milliseconds since 1970 UTC
	Specversion     string      `json:"specversion"`
	Type            MessageType `json:"type"`
	Datacontenttype string      `json:"datacontenttype"`
	ServiceName     string      `json:"service_name"`
	Traceparent     string      `json:"traceparent"`
	Data            D           `json:"data"`
}

// NewMessage returns a message from service with a new id, the present time and data.
func NewMessage[D any](service string, kind MessageType, traceparent string, data D) Message[D] {
	now := time.Now().UnixMilli()
	return Message[D]{
		ID: uuid.Must(uuid.NewV7()).String(), Time: now, Ingestion: now, Specversion: "1.0", Type: kind,
		Datacontenttype: "application/json", ServiceName: service, Traceparent: traceparent, Data: data,
	}
}

// IDCompra returns the id of the purchase of the message. The data of every topic has the field.
func (m Message[D]) IDCompra() string {
	return reflect.ValueOf(m.Data).FieldByName("IDCompra").String()
}

// Encode returns the JSON of which the pub/sub component makes the Avro record. The component refuses null where the schema has an array,
// so Encode writes a nil slice as an empty array.
func (m Message[D]) Encode() ([]byte, error) {
	FillLists(&m.Data)
	return json.Marshal(m)
}

// ErrUnreadable is the error of Decode for a text that is no record of its topic.
var ErrUnreadable = errors.New("mensaje ilegible")

// Decode reads the JSON that the component makes of an Avro record. It refuses unknown fields.
func Decode[D any](text []byte) (Message[D], error) {
	var m Message[D]
	reader := json.NewDecoder(bytes.NewReader(text))
	reader.DisallowUnknownFields()
	if err := reader.Decode(&m); err != nil {
		return m, fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	if m.ID == "" || m.Type == "" {
		return m, fmt.Errorf("%w: sin id o sin type", ErrUnreadable)
	}
	return m, nil
}

// FillLists replaces each nil slice in the data of a message by an empty one, so that its JSON has no null. data is a pointer.
func FillLists(data any) {
	v := reflect.ValueOf(data).Elem()
	if v.Kind() != reflect.Struct {
		return
	}
	for _, field := range v.Fields() {
		if field.Kind() == reflect.Slice && field.IsNil() {
			field.Set(reflect.MakeSlice(field.Type(), 0, 0))
		}
	}
}
