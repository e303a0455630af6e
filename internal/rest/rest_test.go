package rest_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"entregas/contracts"
	"entregas/internal/errs"
	"entregas/internal/rest"
)

func problemOf(t *testing.T, err error) (*httptest.ResponseRecorder, rest.Problem) {
	t.Helper()
	w := httptest.NewRecorder()
	rest.Route(func(http.ResponseWriter, *http.Request) error { return err }).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	var p rest.Problem
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
		t.Fatal(err)
	}
	if kind := w.Header().Get("Content-Type"); kind != "application/problem+json" || p.Status != w.Code || p.Title == "" {
		t.Errorf("%s, %d: %+v", kind, w.Code, p)
	}
	return w, p
}

func TestEachCodeHasItsStatus(t *testing.T) {
	for code, status := range map[errs.Code]int{
		errs.Invalid: 400, errs.NotFound: 404, errs.Conflict: 409, errs.OtherBody: 422, errs.TooLarge: 413, errs.UnsupportedType: 415,
		errs.Unavailable: 503, errs.BadMessage: 400, errs.Internal: 500,
	} {
		w, p := problemOf(t, errs.New(code, "lo que pasó"))
		if p.Status != status || p.Detail != "lo que pasó" || p.Type != "urn:entregas:problema:"+string(code) {
			t.Errorf("%s: %+v", code, p)
		}
		if (w.Header().Get("Retry-After") != "") != (status == 503) {
			t.Errorf("%s: Retry-After %q", code, w.Header().Get("Retry-After"))
		}
	}
}

func TestInternalErrorIsNotShown(t *testing.T) {
	_, p := problemOf(t, errors.New(`relation "producto" does not exist`))
	if p.Status != 500 || strings.Contains(p.Detail, "producto") {
		t.Errorf("%+v", p)
	}
}

func TestValidationNamesTheFields(t *testing.T) {
	_, p := problemOf(t, contracts.SolicitudCompra{ID: "x"}.Validate())
	if p.Status != 400 || len(p.Errores) != 3 || p.Errores[0].Field != "id" {
		t.Errorf("%+v", p)
	}
}

func TestReadInput(t *testing.T) {
	cases := map[string]struct {
		body  string
		code  errs.Code
		field string
	}{
		"well":              {`{"cantidad": 3}`, "", ""},
		"nothing":           {``, errs.Invalid, ""},
		"not JSON":          {`{"cantidad": `, errs.Invalid, ""},
		"another type":      {`{"cantidad": "tres"}`, errs.Invalid, "cantidad"},
		"not whole":         {`{"cantidad": 1.5}`, errs.Invalid, "cantidad"},
		"beyond an integer": {`{"cantidad": 99999999999999999999}`, errs.Invalid, "cantidad"},
		"an unknown field":  {`{"cantida": 3}`, errs.Invalid, "cantida"},
		"a list":            {`[1]`, errs.Invalid, ""},
		"two objects":       {`{"cantidad": 3}{}`, errs.Invalid, ""},
		"more than 1 MiB":   {`{"x": "` + strings.Repeat("x", contracts.MaxRequestBody) + `"}`, errs.TooLarge, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(c.body))
			r.Header.Set("Content-Type", "application/json")
			v, err := rest.Read[struct {
				Cantidad int `json:"cantidad"`
			}](httptest.NewRecorder(), r)
			if c.code == "" {
				if err != nil || v.Cantidad != 3 {
					t.Fatalf("%+v, %v", v, err)
				}
				return
			}
			if code := errs.Of(err); code != c.code {
				t.Fatalf("%s: %v", code, err)
			}
			var fields *contracts.ValidationError
			if c.field != "" && (!errors.As(err, &fields) || fields.Errores[0].Field != c.field) {
				t.Errorf("the error does not name %s: %v", c.field, err)
			}
		})
	}
}

// The problem about an unreadable parameter has the name of the parameter and the values that it accepts.
func TestBadParameter(t *testing.T) {
	type badFormat struct { // each generated package has such an error type
		error
		ParamName string
	}
	for _, c := range []struct {
		err           error
		field, detail string
	}{
		{&badFormat{errors.New("x"), "limite"}, "limite", "debe ser un número"},
		{&badFormat{errors.New("x"), "buscar"}, "buscar", "debe estar una vez, como texto"},
		{errors.New("x"), "parámetros", "debe estar una vez, como texto"},
	} {
		w := httptest.NewRecorder()
		rest.BadParameter(map[string]string{"limite": "debe ser un número"})(w, httptest.NewRequest(http.MethodGet, "/", http.NoBody), c.err)
		var p rest.Problem
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != http.StatusBadRequest || len(p.Errores) != 1 ||
			p.Errores[0] != (contracts.InvalidField{Field: c.field, Detalle: c.detail}) {
			t.Errorf("%v: %d %s, %v", c.err, w.Code, w.Body, err)
		}
	}
}
