package contracts_test

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"reflect"
	"slices"
	"testing"

	"github.com/linkedin/goavro/v2"
	"pgregory.net/rapid"

	"entregas/contracts"
)

// encoder is the codec of the pub/sub component. It makes the record of the JSON that a program publishes, and the JSON of the record for a
// subscriber.
type encoder struct{ *goavro.Codec }

func newEncoder(t testing.TB, schema string) encoder {
	t.Helper()
	c, err := goavro.NewCodecForStandardJSONFull(schema)
	if err != nil {
		t.Fatal(err)
	}
	return encoder{c}
}

func (c encoder) record(text []byte) ([]byte, error) {
	native, _, err := c.NativeFromTextual(text)
	if err != nil {
		return nil, err
	}
	return c.BinaryFromNative(nil, native)
}

func (c encoder) text(record []byte) ([]byte, error) {
	native, _, err := c.NativeFromBinary(record) // like the component, it ignores bytes after the record
	if err != nil {
		return nil, err
	}
	return c.TextualFromNative(nil, native)
}

func read(t testing.TB, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// topicCase has the tests of a topic with its Go type.
type topicCase struct {
	name      string
	roundTrip func(t *rapid.T, c encoder) // encodes a message, decodes it, and compares
	nulls     func(t *testing.T, c encoder)
}

var topics = []topicCase{
	topic(contracts.ComandosGestorCompra),
	topic(contracts.ComandosInventario),
	topic(contracts.EventosInventario),
	topic(contracts.ComandosProducto),
	topic(contracts.EventosProductos),
	topic(contracts.ComandosOrden),
	topic(contracts.EventosOrden),
	topic(contracts.EventosCompra),
}

func topic[D any](name contracts.TopicName[D]) topicCase {
	tc := topicCase{name: string(name)}
	data := rapid.MakeCustom[D](rapid.MakeConfig{Kinds: map[reflect.Kind]*rapid.Generator[any]{
		reflect.Int: rapid.IntRange(math.MinInt32, math.MaxInt32).AsAny(), // Avro's int
	}})
	tc.roundTrip = func(t *rapid.T, c encoder) {
		m := contracts.NewMessage("test", contracts.MessageType(rapid.StringN(1, 30, -1).Draw(t, "type")), rapid.String().Draw(t, "trace"), data.Draw(t, "data"))
		text, err := m.Encode()
		if err != nil {
			t.Fatal(err)
		}
		back, err := roundTrip[D](c, text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if !reflect.DeepEqual(back, m) {
			t.Fatalf("was  %+v\ncame %+v", m, back)
		}
		var envelope struct {
			Data struct {
				IDCompra string `json:"id_compra"`
			} `json:"data"`
		}
		if err := json.Unmarshal(text, &envelope); err != nil || back.IDCompra() != envelope.Data.IDCompra {
			t.Fatalf("%s is about the purchase %q: %v", text, back.IDCompra(), err)
		}
	}
	tc.nulls = func(t *testing.T, c encoder) {
		var empty D
		text, err := contracts.NewMessage("test", "Nothing", "", empty).Encode()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := roundTrip[D](c, text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	return tc
}

func roundTrip[D any](c encoder, text []byte) (m contracts.Message[D], err error) {
	record, err := c.record(text)
	if err != nil {
		return m, err
	}
	back, err := c.text(record)
	if err != nil {
		return m, err
	}
	return contracts.Decode[D](back)
}

func TestEachTopicHasAGoType(t *testing.T) {
	var tested []string
	for _, tc := range topics {
		tested = append(tested, tc.name)
	}
	if !slices.Equal(tested, contracts.Names()) {
		t.Fatalf("the topics are %v, and those tried are %v: edit topics in contracts/wire_test.go", contracts.Names(), tested)
	}
}

func TestWhatIsPublishedIsWhatIsReceived(t *testing.T) {
	for _, tc := range topics {
		t.Run(tc.name, func(t *testing.T) {
			c := newEncoder(t, read(t, "avro/"+tc.name+".avsc"))
			rapid.Check(t, func(t *rapid.T) { tc.roundTrip(t, c) })
		})
	}
}

// Failure prevented: the component answers 500 to a message whose slice is nil, since the schema has an array there.
func TestMissingListGoesEmpty(t *testing.T) {
	for _, tc := range topics {
		t.Run(tc.name, func(t *testing.T) {
			tc.nulls(t, newEncoder(t, read(t, "avro/"+tc.name+".avsc")))
		})
	}
}

func TestDeadLettersHaveATopicOfTheirOwn(t *testing.T) {
	if deadLetters := contracts.ComandosOrden.DeadLetters(); deadLetters != "comandos-orden-dlq" {
		t.Fatal(deadLetters)
	}
}

func TestDecodingRefuses(t *testing.T) {
	good := contracts.NewMessage("test", contracts.LiberarReserva, "", contracts.DatosComandoProducto{IDCompra: "c"})
	withoutID, withoutType := good, good
	withoutID.ID, withoutType.Type = "", ""
	for name, text := range map[string][]byte{
		"nothing":                 nil,
		"not JSON":                []byte(`{`),
		"a list":                  []byte(`[]`),
		"null":                    []byte(`null`),
		"another topic's data":    encode(t, contracts.NewMessage("test", "X", "", contracts.DatosEventoOrden{})),
		"a field of another type": []byte(`{"id":"1","type":"X","data":{"id_compra":7}}`),
		"without an id":           encode(t, withoutID),
		"without a type":          encode(t, withoutType),
	} {
		t.Run(name, func(t *testing.T) {
			if m, err := contracts.Decode[contracts.DatosComandoProducto](text); err == nil {
				t.Fatalf("%s was accepted as %+v", text, m)
			}
		})
	}
	if _, err := contracts.Decode[contracts.DatosComandoProducto](encode(t, good)); err != nil {
		t.Fatal(err)
	}
}

func encode[D any](t testing.TB, m contracts.Message[D]) []byte {
	t.Helper()
	text, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// A program can encode every record that Decode accepts, from any sender. A dead letter needs this: it is the same record again.
func FuzzDecodeMessage(f *testing.F) {
	f.Add(encode(f, contracts.NewMessage("bff", contracts.CrearCompra, "00-1-2-01", contracts.DatosComandoGestorCompra{
		IDCompra: "01938f5e-7c1a-7000-8000-000000000001", IDUsuario: "ana", Productos: []contracts.Linea{{IDProducto: "1", Cantidad: 2}}, Domicilio: true,
	})))
	f.Add([]byte(`{"id":"1","type":"CrearCompra","data":{"productos":[{"id_producto":7,"cantidad":1}]}}`))
	f.Add([]byte(`{"id":"1","type":"X","data":null}`))
	f.Add([]byte(`{"id":"1","type":"X","data":{"productos":[null]}} sobra`))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := contracts.Decode[contracts.DatosComandoGestorCompra](text)
		if err != nil {
			return
		}
		if m.ID == "" || m.Type == "" {
			t.Fatalf("no id or type: %+v", m)
		}
		other := encode(t, m)
		equal, err := contracts.Decode[contracts.DatosComandoGestorCompra](other)
		if err != nil || !bytes.Equal(encode(t, equal), other) {
			t.Fatalf("was %s\ncame %+v: %v", other, equal, err)
		}
	})
}

// A record that the schema can decode is a valid message or is rejected. A valid message is encoded to the same bytes again.
func FuzzAvro(f *testing.F) {
	schema, err := contracts.AvroSchema(string(contracts.ComandosGestorCompra))
	if err != nil {
		f.Fatal(err)
	}
	codec, err := goavro.NewCodecForStandardJSONFull(schema)
	if err != nil {
		f.Fatal(err)
	}
	onTheWire := func(t testing.TB, text []byte) []byte {
		native, _, err := codec.NativeFromTextual(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		bytes, err := codec.BinaryFromNative(nil, native)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		return bytes
	}
	f.Add(onTheWire(f, encode(f, contracts.NewMessage("bff", contracts.CrearCompra, "", contracts.DatosComandoGestorCompra{
		IDCompra: "01938f5e-7c1a-7000-8000-000000000001", IDUsuario: "ana ñ", Productos: []contracts.Linea{{IDProducto: "1", Cantidad: 2}},
	}))))
	f.Add([]byte{0})
	f.Fuzz(func(t *testing.T, wire []byte) {
		native, _, err := codec.NativeFromBinary(wire)
		if err != nil {
			return
		}
		text, err := codec.TextualFromNative(nil, native)
		if err != nil {
			return
		}
		m, err := contracts.Decode[contracts.DatosComandoGestorCompra](text)
		if err != nil {
			return
		}
		first := onTheWire(t, encode(t, m))
		other, err := contracts.Decode[contracts.DatosComandoGestorCompra](encode(t, m))
		if err != nil || !bytes.Equal(onTheWire(t, encode(t, other)), first) {
			t.Fatalf("%s: %v", text, err)
		}
	})
}
