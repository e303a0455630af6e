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

// Mensaje is the envelope of every record on every topic, field by field as in the .avsc files.
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

// NewMessage puts data in an envelope: a new id, said now by service.
func NewMessage[D any](service string, kind MessageType, traceparent string, data D) Message[D] {
	now := time.Now().UnixMilli()
	return Message[D]{
		ID: uuid.Must(uuid.NewV7()).String(), Time: now, Ingestion: now, Specversion: "1.0", Type: kind,
		Datacontenttype: "application/json", ServiceName: service, Traceparent: traceparent, Data: data,
	}
}

// IDCompra is the purchase that the message is about: the data of every topic names one.
func (m Message[D]) IDCompra() string {
	return reflect.ValueOf(m.Data).FieldByName("IDCompra").String()
}

// Encode gives the JSON from which the pub/sub component makes the Avro record. The component refuses null
// where the schema has an array, so a slice that is nil is written as an empty one.
func (m Message[D]) Encode() ([]byte, error) {
	withoutNulls(reflect.ValueOf(&m.Data).Elem())
	return json.Marshal(m)
}

// ErrUnreadable is what Decode wraps: the record is not one of its topic.
var ErrUnreadable = errors.New("mensaje ilegible")

// Decode reads the JSON that the component makes of an Avro record. Unknown fields are refused.
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

func withoutNulls(v reflect.Value) {
	for i := range v.NumField() {
		if field := v.Field(i); field.Kind() == reflect.Slice && field.IsNil() {
			field.Set(reflect.MakeSlice(field.Type(), 0, 0))
		}
	}
}
