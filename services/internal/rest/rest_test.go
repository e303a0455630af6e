package rest_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"entregas/contracts"
	"entregas/services/internal/errores"
	"entregas/services/internal/rest"
)

func problemaDe(t *testing.T, err error) (*httptest.ResponseRecorder, rest.Problema) {
	t.Helper()
	w := httptest.NewRecorder()
	rest.Ruta(func(http.ResponseWriter, *http.Request) error { return err }).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	var p rest.Problema
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
		t.Fatal(err)
	}
	if tipo := w.Header().Get("Content-Type"); tipo != "application/problem+json" || p.Status != w.Code || p.Title == "" {
		t.Errorf("%s, %d: %+v", tipo, w.Code, p)
	}
	return w, p
}

func TestCadaCodigoTieneSuEstado(t *testing.T) {
	for codigo, estado := range map[errores.Codigo]int{
		errores.Invalido: 400, errores.NoEncontrado: 404, errores.Conflicto: 409, errores.OtroCuerpo: 422, errores.Demasiado: 413, errores.UnsupportedType: 415,
		errores.NoDisponible: 503, errores.MensajeMalo: 400, errores.Interno: 500,
	} {
		w, p := problemaDe(t, errores.Nuevo(codigo, "lo que pasó"))
		if p.Status != estado || p.Detail != "lo que pasó" || p.Type != "urn:entregas:problema:"+string(codigo) {
			t.Errorf("%s: %+v", codigo, p)
		}
		if (w.Header().Get("Retry-After") != "") != (estado == 503) {
			t.Errorf("%s: Retry-After %q", codigo, w.Header().Get("Retry-After"))
		}
	}
}

func TestUnErrorInternoNoSeMuestra(t *testing.T) {
	_, p := problemaDe(t, errors.New(`relation "producto" does not exist`))
	if p.Status != 500 || strings.Contains(p.Detail, "producto") {
		t.Errorf("%+v", p)
	}
}

func TestUnaValidacionNombraLosCampos(t *testing.T) {
	_, p := problemaDe(t, contracts.SolicitudCompra{ID: "x"}.Validar())
	if p.Status != 400 || len(p.Errores) != 3 || p.Errores[0].Campo != "id" {
		t.Errorf("%+v", p)
	}
}

func TestLeer(t *testing.T) {
	casos := map[string]struct {
		cuerpo string
		codigo errores.Codigo
		campo  string
	}{
		"well":              {`{"cantidad": 3}`, "", ""},
		"nothing":           {``, errores.Invalido, ""},
		"not JSON":          {`{"cantidad": `, errores.Invalido, ""},
		"another type":      {`{"cantidad": "tres"}`, errores.Invalido, "cantidad"},
		"not whole":         {`{"cantidad": 1.5}`, errores.Invalido, "cantidad"},
		"beyond an integer": {`{"cantidad": 99999999999999999999}`, errores.Invalido, "cantidad"},
		"an unknown field":  {`{"cantida": 3}`, errores.Invalido, "cantida"},
		"a list":            {`[1]`, errores.Invalido, ""},
		"two objects":       {`{"cantidad": 3}{}`, errores.Invalido, ""},
		"more than 1 MiB":   {`{"x": "` + strings.Repeat("x", contracts.MaxCuerpoPeticion) + `"}`, errores.Demasiado, ""},
	}
	for nombre, c := range casos {
		t.Run(nombre, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(c.cuerpo))
			r.Header.Set("Content-Type", "application/json")
			v, err := rest.Leer[struct {
				Cantidad int `json:"cantidad"`
			}](httptest.NewRecorder(), r)
			if c.codigo == "" {
				if err != nil || v.Cantidad != 3 {
					t.Fatalf("%+v, %v", v, err)
				}
				return
			}
			if codigo := errores.De(err); codigo != c.codigo {
				t.Fatalf("%s: %v", codigo, err)
			}
			var campos *contracts.ErrorDeValidacion
			if c.campo != "" && (!errors.As(err, &campos) || campos.Errores[0].Campo != c.campo) {
				t.Errorf("no nombra %s: %v", c.campo, err)
			}
		})
	}
}

// A parameter that a generated server could not read is named, with what it may be.
func TestBadParameter(t *testing.T) {
	type badFormat struct { // as each generated package has its own
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
		var p rest.Problema
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != http.StatusBadRequest || len(p.Errores) != 1 ||
			p.Errores[0] != (contracts.CampoInvalido{Campo: c.field, Detalle: c.detail}) {
			t.Errorf("%v: %d %s, %v", c.err, w.Code, w.Body, err)
		}
	}
}
