package e2e

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/apache/pulsar-client-go/pulsar"
	"github.com/hamba/avro/v2"

	"entregas/contracts"
	. "entregas/tests/prueba"
)

// What Pulsar's registry holds is the committed schema, so that a client in any language reads our topics by it.
func TestEsquemasRegistrados(t *testing.T) {
	s := Abrir(t)
	s.Surtir(t, map[string]int{"1": 5})
	s.Espera(t, s.Comprar(t, contracts.SolicitudCompra{IDUsuario: Usuario(t), Productos: []contracts.Linea{Linea("1", 1)}}), contracts.EstadoConfirmada)
	for _, tema := range contracts.Nombres() {
		nuestro, err := s.Broker.Esquema(tema)
		if err != nil {
			t.Fatal(err)
		}
		suyo, err := s.Broker.Registrado(t.Context(), tema)
		if err != nil {
			t.Errorf("%s: %v", tema, err)
			continue
		}
		if a, b := completo(t, nuestro), completo(t, suyo); a != b {
			t.Errorf("%s: el registro tiene otro esquema:\n%s\nel nuestro:\n%s", tema, b, a)
		}
	}
}

// completo is a schema's whole text, documentation included.
func completo(t *testing.T, e avro.Schema) string {
	t.Helper()
	texto, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	return string(texto)
}

// The broker lets nobody publish what is not of the topic's schema.
func TestProductoresSinEsquema(t *testing.T) {
	s := Abrir(t)
	s.Surtir(t, map[string]int{"1": 5})
	s.Espera(t, s.Comprar(t, contracts.SolicitudCompra{IDUsuario: Usuario(t), Productos: []contracts.Linea{Linea("1", 1)}}), contracts.EstadoConfirmada)
	otro := pulsar.NewAvroSchema(`{"type": "record", "name": "Otro", "fields": [{"name": "x", "type": "string"}]}`, nil)
	nuestro, err := contracts.Esquema(string(contracts.ComandosProducto))
	if err != nil {
		t.Fatal(err)
	}
	// Pulsar's compatibility check, which goes by name, takes both; a sidecar would read one field as the other.
	enOtroOrden := strings.NewReplacer(`"service_name"`, `"traceparent"`, `"traceparent"`, `"service_name"`).Replace(nuestro)
	conUnoMas := strings.Replace(nuestro, `"fields": [`, `"fields": [{"name": "nuevo", "type": "string", "default": ""},`, 1)
	for nombre, esquema := range map[string]pulsar.Schema{
		"sin esquema": nil, "texto": pulsar.NewStringSchema(nil), "otro registro": otro,
		"los campos en otro orden": pulsar.NewAvroSchema(enOtroOrden, nil), "una versión nueva": pulsar.NewAvroSchema(conUnoMas, nil),
	} {
		productor, err := s.Broker.Productor(string(contracts.ComandosProducto), esquema)
		if err == nil {
			productor.Close()
			t.Errorf("el broker admitió un productor: %s", nombre)
		}
	}
}
