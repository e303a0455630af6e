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

// codificador is the pub/sub component's own: it makes the record of the JSON that we publish, and JSON again of the
// record that a subscriber gets.
type codificador struct{ *goavro.Codec }

func nuevoCodificador(t testing.TB, esquema string) codificador {
	t.Helper()
	c, err := goavro.NewCodecForStandardJSONFull(esquema)
	if err != nil {
		t.Fatal(err)
	}
	return codificador{c}
}

func (c codificador) registro(texto []byte) ([]byte, error) {
	nativo, _, err := c.NativeFromTextual(texto)
	if err != nil {
		return nil, err
	}
	return c.BinaryFromNative(nil, nativo)
}

func (c codificador) texto(registro []byte) ([]byte, error) {
	nativo, _, err := c.NativeFromBinary(registro) // like the component: what is left over is nobody's
	if err != nil {
		return nil, err
	}
	return c.TextualFromNative(nil, nativo)
}

func leer(t testing.TB, archivo string) string {
	t.Helper()
	texto, err := os.ReadFile(archivo)
	if err != nil {
		t.Fatal(err)
	}
	return string(texto)
}

// casoDeTema is a topic with what can be tested of its Go type.
type casoDeTema struct {
	nombre string
	viaje  func(t *rapid.T, c codificador) // there and back through the component
	nulos  func(t *testing.T, c codificador)
}

var temas = []casoDeTema{
	tema(contracts.ComandosGestorCompra),
	tema(contracts.ComandosInventario),
	tema(contracts.EventosInventario),
	tema(contracts.ComandosProducto),
	tema(contracts.EventosProductos),
	tema(contracts.ComandosOrden),
	tema(contracts.EventosOrden),
	tema(contracts.EventosCompra),
}

func tema[D any](nombre contracts.Tema[D]) casoDeTema {
	caso := casoDeTema{nombre: string(nombre)}
	datos := rapid.MakeCustom[D](rapid.MakeConfig{Kinds: map[reflect.Kind]*rapid.Generator[any]{
		reflect.Int: rapid.IntRange(math.MinInt32, math.MaxInt32).AsAny(), // Avro's int
	}})
	caso.viaje = func(t *rapid.T, c codificador) {
		m := contracts.NuevoMensaje("prueba", contracts.Tipo(rapid.StringN(1, 30, -1).Draw(t, "tipo")), rapid.String().Draw(t, "traza"), datos.Draw(t, "data"))
		texto, err := m.Codificar()
		if err != nil {
			t.Fatal(err)
		}
		vuelto, err := idaYVuelta[D](c, texto)
		if err != nil {
			t.Fatalf("%s: %v", texto, err)
		}
		if !reflect.DeepEqual(vuelto, m) {
			t.Fatalf("fue  %+v\nvino %+v", m, vuelto)
		}
		var sobre struct {
			Data struct {
				IDCompra string `json:"id_compra"`
			} `json:"data"`
		}
		if err := json.Unmarshal(texto, &sobre); err != nil || vuelto.IDCompra() != sobre.Data.IDCompra {
			t.Fatalf("%s es de la compra %q: %v", texto, vuelto.IDCompra(), err)
		}
	}
	caso.nulos = func(t *testing.T, c codificador) {
		var vacio D
		texto, err := contracts.NuevoMensaje("prueba", "Nada", "", vacio).Codificar()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := idaYVuelta[D](c, texto); err != nil {
			t.Fatalf("%s: %v", texto, err)
		}
	}
	return caso
}

func idaYVuelta[D any](c codificador, texto []byte) (m contracts.Mensaje[D], err error) {
	registro, err := c.registro(texto)
	if err != nil {
		return m, err
	}
	vuelto, err := c.texto(registro)
	if err != nil {
		return m, err
	}
	return contracts.Decodificar[D](vuelto)
}

func TestHayUnTipoDeGoParaCadaTema(t *testing.T) {
	var probados []string
	for _, caso := range temas {
		probados = append(probados, caso.nombre)
	}
	if !slices.Equal(probados, contracts.Nombres()) {
		t.Fatalf("the topics are %v, and those tried are %v: edit temas in contracts/temas_test.go", contracts.Nombres(), probados)
	}
}

func TestLoQueSePublicaEsLoQueSeRecibe(t *testing.T) {
	for _, caso := range temas {
		t.Run(caso.nombre, func(t *testing.T) {
			c := nuevoCodificador(t, leer(t, "avro/"+caso.nombre+".avsc"))
			rapid.Check(t, func(t *rapid.T) { caso.viaje(t, c) })
		})
	}
}

// Failure prevented: the component answers 500 to a message whose slice is nil, since the schema has an array there.
func TestUnaListaQueFaltaVaVacia(t *testing.T) {
	for _, caso := range temas {
		t.Run(caso.nombre, func(t *testing.T) {
			caso.nulos(t, nuevoCodificador(t, leer(t, "avro/"+caso.nombre+".avsc")))
		})
	}
}

func TestMensajesMuertosTienenTemaPropio(t *testing.T) {
	if muertos := contracts.ComandosOrden.MensajesMuertos(); muertos != "comandos-orden-dlq" {
		t.Fatal(muertos)
	}
}

func TestDecodificarRechaza(t *testing.T) {
	bueno := contracts.NuevoMensaje("prueba", contracts.LiberarReserva, "", contracts.DatosComandoProducto{IDCompra: "c"})
	sinID, sinTipo := bueno, bueno
	sinID.ID, sinTipo.Type = "", ""
	for nombre, texto := range map[string][]byte{
		"nothing":                 nil,
		"not JSON":                []byte(`{`),
		"a list":                  []byte(`[]`),
		"null":                    []byte(`null`),
		"another topic's data":    codificar(t, contracts.NuevoMensaje("prueba", "X", "", contracts.DatosEventoOrden{})),
		"a field of another type": []byte(`{"id":"1","type":"X","data":{"id_compra":7}}`),
		"without an id":           codificar(t, sinID),
		"without a type":          codificar(t, sinTipo),
	} {
		t.Run(nombre, func(t *testing.T) {
			if m, err := contracts.Decodificar[contracts.DatosComandoProducto](texto); err == nil {
				t.Fatalf("se aceptó %s como %+v", texto, m)
			}
		})
	}
	if _, err := contracts.Decodificar[contracts.DatosComandoProducto](codificar(t, bueno)); err != nil {
		t.Fatal(err)
	}
}

func codificar[D any](t testing.TB, m contracts.Mensaje[D]) []byte {
	t.Helper()
	texto, err := m.Codificar()
	if err != nil {
		t.Fatal(err)
	}
	return texto
}

// A record of any sender that Decodificar takes can be sent on: a dead letter is the record again.
func FuzzDecodificar(f *testing.F) {
	f.Add(codificar(f, contracts.NuevoMensaje("bff", contracts.CrearCompra, "00-1-2-01", contracts.DatosComandoGestorCompra{
		IDCompra: "01938f5e-7c1a-7000-8000-000000000001", IDUsuario: "ana", Productos: []contracts.Linea{{IDProducto: "1", Cantidad: 2}}, Domicilio: true,
	})))
	f.Add([]byte(`{"id":"1","type":"CrearCompra","data":{"productos":[{"id_producto":7,"cantidad":1}]}}`))
	f.Add([]byte(`{"id":"1","type":"X","data":null}`))
	f.Add([]byte(`{"id":"1","type":"X","data":{"productos":[null]}} sobra`))
	f.Fuzz(func(t *testing.T, texto []byte) {
		m, err := contracts.Decodificar[contracts.DatosComandoGestorCompra](texto)
		if err != nil {
			return
		}
		if m.ID == "" || m.Type == "" {
			t.Fatalf("sin identidad: %+v", m)
		}
		otra := codificar(t, m)
		igual, err := contracts.Decodificar[contracts.DatosComandoGestorCompra](otra)
		if err != nil || !bytes.Equal(codificar(t, igual), otra) {
			t.Fatalf("fue %s\nvino %+v: %v", otra, igual, err)
		}
	})
}

// What the schema takes off the wire is a message or is refused, and a message goes on the wire as the same bytes.
func FuzzAvro(f *testing.F) {
	esquema, err := contracts.Esquema(string(contracts.ComandosGestorCompra))
	if err != nil {
		f.Fatal(err)
	}
	codec, err := goavro.NewCodecForStandardJSONFull(esquema)
	if err != nil {
		f.Fatal(err)
	}
	enElCable := func(t testing.TB, texto []byte) []byte {
		nativo, _, err := codec.NativeFromTextual(texto)
		if err != nil {
			t.Fatalf("%s: %v", texto, err)
		}
		bytes, err := codec.BinaryFromNative(nil, nativo)
		if err != nil {
			t.Fatalf("%s: %v", texto, err)
		}
		return bytes
	}
	f.Add(enElCable(f, codificar(f, contracts.NuevoMensaje("bff", contracts.CrearCompra, "", contracts.DatosComandoGestorCompra{
		IDCompra: "01938f5e-7c1a-7000-8000-000000000001", IDUsuario: "ana ñ", Productos: []contracts.Linea{{IDProducto: "1", Cantidad: 2}},
	}))))
	f.Add([]byte{0})
	f.Fuzz(func(t *testing.T, cable []byte) {
		nativo, _, err := codec.NativeFromBinary(cable)
		if err != nil {
			return
		}
		texto, err := codec.TextualFromNative(nil, nativo)
		if err != nil {
			return
		}
		m, err := contracts.Decodificar[contracts.DatosComandoGestorCompra](texto)
		if err != nil {
			return
		}
		primera := enElCable(t, codificar(t, m))
		otra, err := contracts.Decodificar[contracts.DatosComandoGestorCompra](codificar(t, m))
		if err != nil || !bytes.Equal(enElCable(t, codificar(t, otra)), primera) {
			t.Fatalf("%s: %v", texto, err)
		}
	})
}
