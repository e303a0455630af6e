package contracts_test

import (
	"encoding/json"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"entregas/contracts"
)

// Each message about a purchase carries every field of SolicitudCompra. A failure names the field and the schema that lacks it.
func TestEveryFieldOfAPurchaseIsCarried(t *testing.T) {
	kind := reflect.TypeFor[contracts.SolicitudCompra]()
	for i := range kind.NumField() {
		var s contracts.SolicitudCompra
		name := kind.Field(i).Tag.Get("json")
		switch field := reflect.ValueOf(&s).Elem().Field(i); field.Kind() {
		case reflect.String:
			field.SetString("x")
		case reflect.Bool:
			field.SetBool(true)
		case reflect.Int:
			field.SetInt(1)
		case reflect.Slice:
			field.Set(reflect.MakeSlice(field.Type(), 1, 1))
		case reflect.Pointer: // to a record, which in a message is empty where there is none
			field.Set(reflect.New(field.Type().Elem()))
			field.Elem().Field(0).SetString("x")
		default:
			t.Fatalf("this test has no value of a %s, for the field %s: edit contracts/carried_test.go", field.Type(), name)
		}
		if got := s.CommandData("").NewSolicitud(); !reflect.DeepEqual(got, s) {
			t.Errorf("a command to gestor-compra loses %s: append it to data in contracts/avro/comandos-gestor-compra.avsc, then make generate", name)
		}
		if got := s.OrdenData().NewSolicitud(); !reflect.DeepEqual(got, s) {
			t.Errorf("a command to ordenes loses %s: append it to data in contracts/avro/comandos-orden.avsc, then make generate", name)
		}
		c, inEvent := contracts.Compra{SolicitudCompra: s}, s
		inEvent.Direccion = nil // every reader of the topic would have it: docs/adr/personal-data.md
		if got := c.Event().Compra().SolicitudCompra; !reflect.DeepEqual(got, inEvent) {
			t.Errorf("the event about a purchase loses %s: append it to data in contracts/avro/eventos-compra.avsc, then make generate", name)
		}
		if !c.IsSame(s) || name != "id" && (contracts.Compra{}).IsSame(s) {
			t.Errorf("two purchases that differ in %s are taken for one: see same in contracts/compra.go", name)
		}
	}
}

// An order shows every field of the command that created it.
func TestAnOrderHasTheDataOfItsCommand(t *testing.T) {
	data, pedido := reflect.TypeFor[contracts.DatosComandoOrden](), reflect.TypeFor[contracts.Pedido]()
	for i := range data.NumField() {
		name := data.Field(i).Name
		if field, found := pedido.FieldByName(name); !found || field.Tag.Get("json") == "" {
			t.Errorf("an order loses %s: add it to Pedido in contracts/orden.go", name)
		}
	}
	d := contracts.DatosComandoOrden{IDCompra: oneCompra, Domicilio: true, Direccion: address}
	if p := d.Pedido(); p.IDCompra != d.IDCompra || !p.Domicilio || p.Direccion == nil || *p.Direccion != address {
		t.Errorf("the order of %+v has %+v", d, p)
	}
	if p := (contracts.DatosComandoOrden{Moneda: "COP", Total: 7}).Pedido(); p.Moneda != "COP" || p.Total != 7 {
		t.Errorf("the order costs %+v", p)
	}
	d.Direccion, d.Precios = contracts.Direccion{}, []contracts.PrecioFijado{}
	if text, err := json.Marshal(contracts.Orden{Pedido: d.Pedido()}); err != nil || regexp.MustCompile("direccion|tienda|moneda|total|precios|codigo").Match(text) {
		t.Errorf("an order without an address, a shop, a price and a code has one in JSON: %s", text)
	}
}

// No text of a purchase may have a control character: not in a request, and not in a message.
func TestEveryTextOfAPurchaseIsValidated(t *testing.T) {
	kind := reflect.TypeFor[contracts.SolicitudCompra]()
	for i := range kind.NumField() {
		if kind.Field(i).Type.Kind() != reflect.String {
			continue
		}
		name := kind.Field(i).Tag.Get("json")
		s := good()
		e := contracts.Compra{SolicitudCompra: s, Estado: contracts.EstadoRecibida, CreadaEn: time.Now(), ActualizadaEn: time.Now()}
		e.Historia = []contracts.HechoContado{{Numero: 1, Paso: "RECIBIDA", En: e.CreadaEn}}
		if err := e.Event().Validate(); err != nil {
			t.Fatal(err)
		}
		reflect.ValueOf(&s).Elem().Field(i).SetString("a\x00")
		e.SolicitudCompra = s
		if s.Validate() == nil || e.Event().Validate() == nil {
			t.Errorf("%s may have a control character: edit Validator.Solicitud in contracts/compra.go", name)
		}
	}
}

// shapes are the types behind the schemas of a purchase in the public description.
var shapes = map[string]reflect.Type{
	"SolicitudCompra": reflect.TypeFor[contracts.SolicitudCompra](), "Compra": reflect.TypeFor[contracts.Compra](), "Orden": reflect.TypeFor[contracts.Orden](),
	"Direccion": reflect.TypeFor[contracts.Direccion](), "Tienda": reflect.TypeFor[contracts.Tienda](),
	"Linea": reflect.TypeFor[contracts.Linea](), "Faltante": reflect.TypeFor[contracts.Faltante](), "Hecho": reflect.TypeFor[contracts.HechoContado](),
	"Acto": reflect.TypeFor[contracts.Acto](), "Aceptada": reflect.TypeFor[contracts.Aceptada](),
	"Producto": reflect.TypeFor[contracts.Producto](), "MensajeDeSaga": reflect.TypeFor[contracts.MensajeDeSaga](),
	"PrecioFijado": reflect.TypeFor[contracts.PrecioFijado](), "Precio": reflect.TypeFor[contracts.Precio](), "PaginaDePrecios": reflect.TypeFor[contracts.PaginaDePrecios](), "CambioDePrecio": reflect.TypeFor[contracts.CambioDePrecio](),
}

// The schemas in openapi.yaml have the fields of the Go types that are read and written.
func TestOpenAPIHasTheFields(t *testing.T) {
	var document struct {
		Components struct {
			Schemas map[string]struct{ Properties map[string]any }
		}
	}
	if err := yaml.Unmarshal(contracts.OpenAPI, &document); err != nil {
		t.Fatal(err)
	}
	for name, kind := range shapes {
		want := fieldsInJSON(kind)
		slices.Sort(want)
		if got := slices.Sorted(maps.Keys(document.Components.Schemas[name].Properties)); !slices.Equal(got, want) {
			t.Errorf("the schema %s of contracts/openapi.yaml has the fields %v, and %s has %v: edit contracts/openapi.yaml, then make generate", name, got, kind, want)
		}
	}
}

// The schema of the kinds of acts has every kind.
func TestOpenAPIHasTheKindsOfActs(t *testing.T) {
	var document struct {
		Components struct {
			Schemas struct {
				TipoDeActo struct{ Enum []contracts.TipoDeActo } `yaml:"TipoDeActo"`
			}
		}
	}
	if err := yaml.Unmarshal(contracts.OpenAPI, &document); err != nil {
		t.Fatal(err)
	}
	if got := document.Components.Schemas.TipoDeActo.Enum; !slices.Equal(got, contracts.TiposDeActo) {
		t.Errorf("contracts/openapi.yaml has the kinds %v, and contracts/acto.go %v", got, contracts.TiposDeActo)
	}
}

// fieldsInJSON returns the names of the fields of a struct in JSON, with those of embedded structs.
func fieldsInJSON(kind reflect.Type) []string {
	var names []string
	for _, field := range reflect.VisibleFields(kind) {
		if name, _, _ := strings.Cut(field.Tag.Get("json"), ","); name != "" && !field.Anonymous {
			names = append(names, name)
		}
	}
	return names
}
