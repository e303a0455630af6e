package contracts_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"entregas/contracts"
)

// Each message about a purchase carries every field of SolicitudCompra. A failure names the field, and the function that does not copy it.
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
		default:
			t.Fatalf("this test has no value of a %s, for the field %s", field.Type(), name)
		}
		if got := s.CommandData("").NewSolicitud(); !reflect.DeepEqual(got, s) {
			t.Errorf("a command to gestor-compra loses %s: see CommandData and NewSolicitud in contracts/compra.go", name)
		}
		c := contracts.Compra{SolicitudCompra: s}
		if got := c.Event().Compra().SolicitudCompra; !reflect.DeepEqual(got, s) {
			t.Errorf("the event about a purchase loses %s: see Event and Compra in contracts/view.go", name)
		}
		if !c.IsSame(s) || i > 0 && (contracts.Compra{}).IsSame(s) {
			t.Errorf("two purchases that differ in %s are taken for one: see IsSame in contracts/view.go", name)
		}
		asked := name
		if name == "id" {
			asked = "id_compra"
		}
		if got, want := inJSON(t, s.OrdenData())[asked], inJSON(t, s)[name]; got != want {
			t.Errorf("a command to ordenes loses %s: see OrdenData in contracts/compra.go", name)
		}
	}
}

func inJSON(t *testing.T, v any) map[string]string {
	text, err := json.Marshal(v)
	fields := map[string]json.RawMessage{}
	if err == nil {
		err = json.Unmarshal(text, &fields)
	}
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{}
	for name, value := range fields {
		texts[name] = string(value)
	}
	return texts
}
