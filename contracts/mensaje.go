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
type Mensaje[D any] struct {
	ID              string `json:"id"`
	Time            int64  `json:"time"`      // milliseconds since 1970 UTC
	Ingestion       int64  `json:"ingestion"` // milliseconds since 1970 UTC
	Specversion     string `json:"specversion"`
	Type            Tipo   `json:"type"`
	Datacontenttype string `json:"datacontenttype"`
	ServiceName     string `json:"service_name"`
	Traceparent     string `json:"traceparent"`
	Data            D      `json:"data"`
}

// NuevoMensaje puts data in an envelope: a new id, said now by servicio.
func NuevoMensaje[D any](servicio string, tipo Tipo, traceparent string, data D) Mensaje[D] {
	ahora := time.Now().UnixMilli()
	return Mensaje[D]{
		ID: uuid.Must(uuid.NewV7()).String(), Time: ahora, Ingestion: ahora, Specversion: "1.0", Type: tipo,
		Datacontenttype: "application/json", ServiceName: servicio, Traceparent: traceparent, Data: data,
	}
}

// IDCompra is the purchase that the message is about: the data of every topic names one.
func (m Mensaje[D]) IDCompra() string {
	return reflect.ValueOf(m.Data).FieldByName("IDCompra").String()
}

// Codificar gives the JSON from which the pub/sub component makes the Avro record. The component refuses null
// where the schema has an array, so a slice that is nil is written as an empty one.
func (m Mensaje[D]) Codificar() ([]byte, error) {
	sinNulos(reflect.ValueOf(&m.Data).Elem())
	return json.Marshal(m)
}

// ErrIlegible is what Decodificar wraps: the record is not one of its topic.
var ErrIlegible = errors.New("mensaje ilegible")

// Decodificar reads the JSON that the component makes of an Avro record. Unknown fields are refused.
func Decodificar[D any](texto []byte) (Mensaje[D], error) {
	var m Mensaje[D]
	lector := json.NewDecoder(bytes.NewReader(texto))
	lector.DisallowUnknownFields()
	if err := lector.Decode(&m); err != nil {
		return m, fmt.Errorf("%w: %w", ErrIlegible, err)
	}
	if m.ID == "" || m.Type == "" {
		return m, fmt.Errorf("%w: sin id o sin type", ErrIlegible)
	}
	return m, nil
}

func sinNulos(v reflect.Value) {
	for i := range v.NumField() {
		if campo := v.Field(i); campo.Kind() == reflect.Slice && campo.IsNil() {
			campo.Set(reflect.MakeSlice(campo.Type(), 0, 0))
		}
	}
}
