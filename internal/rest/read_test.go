package rest_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"entregas/contracts"
	"entregas/internal/errs"
	"entregas/internal/rest"
)

// A body has each field of the contract at most once and no other field. An error names the path of the wrong field.
func TestDecode(t *testing.T) {
	line := func(fields string) string { return `{"productos":[{"id_producto":"1","cantidad":1},{` + fields + `}]}` }
	for _, c := range []struct {
		name, body string
		field      string // the wrong field; "-" means the whole body, "" means that no field is wrong
	}{
		{"well", line(`"id_producto":"2","cantidad":2`), ""},
		{"a product that is a number, as the earlier system has it", line(`"id_producto":2,"cantidad":2`), ""},
		{"a product that is a long number", line(`"id_producto":12345678901234567890,"cantidad":2`), ""},
		{"missing is for the contract to say", `{}`, ""},
		{"null counts as missing", `{"id":null,"productos":null,"domicilio":null}`, ""},
		{"null in a line", line(`"id_producto":null,"cantidad":null`), ""},
		{"a name in other letters of JSON", `{"\u0069d":"x"}`, ""},

		{"a quantity that is a text", line(`"id_producto":"2","cantidad":"2"`), "productos[1].cantidad"},
		{"a quantity with a fraction", line(`"id_producto":"2","cantidad":1.5`), "productos[1].cantidad"},
		{"a quantity with a fraction of nothing", line(`"id_producto":"2","cantidad":1.0`), "productos[1].cantidad"},
		{"a quantity with an exponent", line(`"id_producto":"2","cantidad":1e2`), "productos[1].cantidad"},
		{"a quantity of an exponent beyond numbers", line(`"id_producto":"2","cantidad":1e400`), "productos[1].cantidad"},
		{"a quantity beyond an integer", line(`"id_producto":"2","cantidad":99999999999999999999`), "productos[1].cantidad"},
		{"a quantity that is a list", line(`"id_producto":"2","cantidad":[2]`), "productos[1].cantidad"},
		{"a quantity twice", line(`"id_producto":"2","cantidad":1,"cantidad":2`), "productos[1].cantidad"},
		{"a quantity in capitals", line(`"id_producto":"2","Cantidad":1`), "productos[1].Cantidad"},
		{"a product with an exponent", line(`"id_producto":1e0,"cantidad":1`), "productos[1].id_producto"},
		{"a product less than nothing", line(`"id_producto":-1,"cantidad":1`), "productos[1].id_producto"},
		{"a product that is true", line(`"id_producto":true,"cantidad":1`), "productos[1].id_producto"},
		{"a product that is an object", line(`"id_producto":{"id":1},"cantidad":1`), "productos[1].id_producto"},
		{"a product with half a character", line(`"id_producto":"\ud800","cantidad":1`), "productos[1].id_producto"},
		{"a product with a broken byte", line(`"id_producto":"` + "\xff" + `","cantidad":1`), "productos[1].id_producto"},
		{"a line of something more", line(`"precio":1`), "productos[1].precio"},
		{"a line that is a number", `{"productos":[1]}`, "productos[0]"},
		{"lines that are an object", `{"productos":{"0":{}}}`, "productos"},
		{"lines that are a text", `{"productos":"1:2"}`, "productos"},
		{"an id twice", `{"id":"a","id":"a"}`, "id"},
		{"an id twice, written otherwise", `{"id":"a","\u0069d":"b"}`, "id"},
		{"an id in capitals", `{"ID":"a"}`, "ID"},
		{"an id that is a number", `{"id":1}`, "id"},
		{"home delivery that is a text", `{"domicilio":"true"}`, "domicilio"},
		{"something unknown", `{"precio":1}`, "precio"},
		{"a list", `[{}]`, "-"},
		{"null", `null`, "-"},
		{"a text", `"{}"`, "-"},
		{"a byte order mark", "\ufeff{}", "-"},
		{"UTF-16", "{\x00}\x00", "-"},
		{"a comma too many", `{"id":"a",}`, "-"},
		{"a comment", `{} // nothing`, "-"},
		{"something behind it", `{}x`, "-"},
		{"two objects", `{}{}`, "-"},
		{"cut", `{"productos":[{"id_producto":"1"`, "-"},
		{"deep beyond reason", strings.Repeat("[", 100_000), "-"},
		{"deep within a field", `{"productos":` + strings.Repeat("[", 100_000), "productos[0]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := rest.Decode[contracts.SolicitudCompra]([]byte(c.body))
			var fields *contracts.ValidationError
			named := errors.As(err, &fields)
			switch {
			case c.field == "" && err != nil, c.field != "" && errs.Of(err) != errs.Invalid:
				t.Errorf("%v", err)
			case c.field != "" && c.field != "-" && (!named || len(fields.Errores) != 1 || fields.Errores[0].Field != c.field || fields.Errores[0].Detalle == ""):
				t.Errorf("%v does not name %s", err, c.field)
			}
		})
	}
	if s, err := rest.Decode[contracts.SolicitudCompra]([]byte(line(`"id_producto":2,"cantidad":3`))); err != nil || s.Productos[1] != (contracts.Linea{IDProducto: "2", Cantidad: 3}) {
		t.Errorf("%+v %v", s, err)
	}
	if _, err := rest.Decode[contracts.SolicitudCompra]([]byte(`{"` + strings.Repeat("a", 1<<19) + `":1}`)); len(err.Error()) > 500 {
		t.Errorf("half a megabyte of a name comes back as %d bytes", len(err.Error()))
	}
}

// Any body is a valid purchase or causes an Invalid error of the client, never an internal error.
func FuzzDecode(f *testing.F) {
	for _, body := range []string{`{"id":"a","productos":[{"id_producto":1,"cantidad":2}]}`, `[`, `{"id":"\ud800"}`, "\xff", `{"productos":[{"cantidad":1e400}]}`} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		if _, err := rest.Decode[contracts.SolicitudCompra]([]byte(body)); err != nil && errs.Of(err) != errs.Invalid {
			t.Errorf("%q: %v", body, err)
		}
	})
}

func TestRequireJSON(t *testing.T) {
	for kind, taken := range map[string]bool{
		"application/json": true, "Application/JSON; charset=UTF-8": true, "application/json;charset=utf-8": true,
		"": false, "text/plain": false, "application/x-www-form-urlencoded": false, "application/json; charset=latin1": false,
		"application/problem+json": false, "application/json, text/plain": false, "json": false,
	} {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(`{}`))
		r.Header.Set("Content-Type", kind)
		_, err := rest.Read[struct{}](httptest.NewRecorder(), r)
		if (err == nil) != taken || err != nil && errs.Of(err) != errs.UnsupportedType {
			t.Errorf("%q: %v", kind, err)
		}
	}
	for encoding, taken := range map[string]bool{"gzip": false, "identity": true, "Identity": true} {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(`{}`))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Content-Encoding", encoding)
		if _, err := rest.ReadOptional[struct{}](httptest.NewRecorder(), r); (err == nil) != taken || err != nil && errs.Of(err) != errs.UnsupportedType {
			t.Errorf("%s: %v", encoding, err)
		}
	}
	if w, _ := problemOf(t, errs.New(errs.UnsupportedType, "no")); w.Header().Get("Accept") != "application/json" {
		t.Errorf("%v", w.Header())
	}
}

// All instants have the same form, whatever their time zone and precision.
func TestEncode(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 100_999_999, time.FixedZone("", -5*60*60))
	for _, one := range []time.Time{at, at.Round(time.Second)} {
		text, err := rest.Encode(contracts.RespuestaTardia{Tipo: "<x>", En: one})
		if want := `{"tipo":"\u003cx\u003e","en":"` + one.UTC().Format("2006-01-02T15:04:05.000") + `Z"}`; err != nil || string(text) != want {
			t.Errorf("%s, want %s: %v", text, want, err)
		}
	}
	if text, err := rest.Encode(map[string]any{"b": []int(nil), "a": &at}); err != nil || string(text) != `{"a":"2026-01-02T08:04:05.100Z","b":null}` {
		t.Errorf("%s %v", text, err)
	}
}
