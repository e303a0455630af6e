package e2e

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/apache/pulsar-client-go/pulsar"
	"github.com/hamba/avro/v2"

	"entregas/contracts"
	. "entregas/tests/testkit"
)

// The registry of Pulsar holds the committed schema of each topic, so that a client in any language can read it.
func TestRegisteredSchemas(t *testing.T) {
	t.Parallel()
	s := Open(t)
	s.Restock(t, map[string]int{"1": 5})
	s.Wait(t, s.Comprar(t, contracts.SolicitudCompra{IDUsuario: Usuario(t), Productos: []contracts.Linea{Linea("1", 1)}}), contracts.EstadoConfirmada)
	for _, topic := range contracts.Names() {
		ours, err := s.Broker.AvroSchema(topic)
		if err != nil {
			t.Fatal(err)
		}
		registered, err := s.Broker.Registered(t.Context(), topic)
		if err != nil {
			t.Errorf("%s: %v", topic, err)
			continue
		}
		if a, b := complete(t, ours), complete(t, registered); a != b {
			t.Errorf("%s: the registry has another schema:\n%s\ncommitted is:\n%s", topic, b, a)
		}
	}
}

// complete returns the whole text of a schema, documentation included.
func complete(t *testing.T, e avro.Schema) string {
	t.Helper()
	text, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The broker refuses a producer whose schema is not the committed one.
func TestProducersWithoutASchema(t *testing.T) {
	t.Parallel()
	s := Open(t)
	s.Restock(t, map[string]int{"1": 5})
	s.Wait(t, s.Comprar(t, contracts.SolicitudCompra{IDUsuario: Usuario(t), Productos: []contracts.Linea{Linea("1", 1)}}), contracts.EstadoConfirmada)
	other := pulsar.NewAvroSchema(`{"type": "record", "name": "Otro", "fields": [{"name": "x", "type": "string"}]}`, nil)
	ours, err := contracts.AvroSchema(string(contracts.ComandosProducto))
	if err != nil {
		t.Fatal(err)
	}
	// Pulsar compares the fields of schemas by name only, and would accept both schemas. A sidecar would read one field as another.
	reordered := strings.NewReplacer(`"service_name"`, `"traceparent"`, `"traceparent"`, `"service_name"`).Replace(ours)
	withOneMore := strings.Replace(ours, `"fields": [`, `"fields": [{"name": "nuevo", "type": "string", "default": ""},`, 1)
	for name, schema := range map[string]pulsar.Schema{
		"no schema": nil, "text": pulsar.NewStringSchema(nil), "another record": other,
		"the fields in another order": pulsar.NewAvroSchema(reordered, nil), "a new version": pulsar.NewAvroSchema(withOneMore, nil),
	} {
		producer, err := s.Broker.Producer(string(contracts.ComandosProducto), schema)
		if err == nil {
			producer.Close()
			t.Errorf("the broker accepted a producer: %s", name)
		}
	}
}
