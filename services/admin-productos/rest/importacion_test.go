package rest

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"entregas/contracts"
)

// A file is read as spreadsheets write it.
func TestParseImportacion(t *testing.T) {
	for name, text := range map[string]string{
		"commas":                   "id_producto,cantidad,umbral,nombre\n1,5,,\nx,0,3,\"Uno, \"\"dos\"\"\"\n",
		"semicolons and CRLF":      "id_producto;cantidad;umbral;nombre\r\n1;5;;\r\nx;0;3;\"Uno, \"\"dos\"\"\"\r\n",
		"a byte order mark":        "\ufeffid_producto,cantidad,umbral,nombre\n1,5,,\nx,0,3,\"Uno, \"\"dos\"\"\"",
		"another order, capitals":  "Nombre, CANTIDAD ,umbral,ID_Producto\n,5,,1\n\"Uno, \"\"dos\"\"\",,3, x \n",
		"empty lines at the end":   "id_producto,cantidad,umbral,nombre\n1,5,,\nx,0,3,\"Uno, \"\"dos\"\"\"\n,,,\n\n,,,\n",
		"zeros before the numbers": "id_producto,cantidad,umbral,nombre\n1,05,,\nx,0,03,\"Uno, \"\"dos\"\"\"\n",
	} {
		lines, err := parseImportacion(text)
		if err != nil || len(lines) != 2 {
			t.Errorf("%s: %+v %v", name, lines, err)
			continue
		}
		a, b := lines[0], lines[1]
		if a.Linea != 2 || a.IDProducto != "1" || a.Cantidad != 5 || a.Umbral != nil || a.Nombre != "" ||
			b.Linea != 3 || b.IDProducto != "x" || b.Cantidad != 0 || b.Umbral == nil || *b.Umbral != 3 || b.Nombre != `Uno, "dos"` {
			t.Errorf("%s: %+v", name, lines)
		}
	}
}

// What cannot be is refused, by the number of its line and the name of its column.
func TestImportsThatCannotBe(t *testing.T) {
	const head = "id_producto,cantidad,umbral,nombre\n"
	many := head
	for i := range contracts.MaxImport + 1 {
		many += fmt.Sprintf("p%d,1,,\n", i)
	}
	for name, c := range map[string]struct {
		text   string
		fields []string
	}{
		"nothing":                     {"", []string{"csv"}},
		"a header alone":              {head, []string{"csv"}},
		"no id":                       {"cantidad,umbral\n1,2\n", []string{"csv"}},
		"an id alone":                 {"id_producto\n1\n", []string{"csv"}},
		"prices have their own form":  {"id_producto,precio\n1,2\n", []string{"csv"}},
		"a column twice":              {"id_producto,cantidad,cantidad\n1,2,3\n", []string{"csv"}},
		"too many lines":              {many, []string{"csv"}},
		"a quote that does not end":   {head + "1,1,,\n2,1,,\"abc\n3,1,,\n", []string{"linea[3]"}},
		"a column too few":            {head + "1,1\n2,1,,\n", []string{"linea[2]"}},
		"less than nothing":           {head + "1,-1,,\n", []string{"linea[2].cantidad"}},
		"too much":                    {head + "1,1000001,1000001,\n", []string{"linea[2].cantidad", "linea[2].umbral"}},
		"more than an int64":          {head + "1,99999999999999999999,,\n", []string{"linea[2].cantidad"}},
		"a thousand with a point":     {head + "1,1.000,,\n", []string{"linea[2].cantidad"}},
		"an exponent and a plus":      {head + "1,1e3,+5,\n", []string{"linea[2].cantidad", "linea[2].umbral"}},
		"other digits":                {head + "1,٣,,\n", []string{"linea[2].cantidad"}},
		"a product twice":             {head + "1,1,,\n2,1,,\n1,1,,\n", []string{"linea[4].id_producto"}},
		"no product":                  {head + ",1,,\n", []string{"linea[2].id_producto"}},
		"a control character":         {head + "a\x00,1,,b\x1b\n", []string{"linea[2].id_producto", "linea[2].nombre"}},
		"a name of two lines":         {head + "a,1,,\"b\nc\"\nd,-1,,\n", []string{"linea[2].nombre", "linea[4].cantidad"}},
		"a name that is too long":     {head + "a,1,," + strings.Repeat("ñ", contracts.MaxNombre+1) + "\n", []string{"linea[2].nombre"}},
		"an id that is too long":      {head + strings.Repeat("x", contracts.MaxIdentifier+1) + ",1,,\n", []string{"linea[2].id_producto"}},
		"the other kind of separator": {"id_producto;cantidad,umbral\n1;2,3\n", []string{"csv"}},
	} {
		_, err := parseImportacion(c.text)
		if got := fields(err); !slices.Equal(got, c.fields) {
			t.Errorf("%s: %v, want %v: %v", name, got, c.fields, err)
		}
	}
	if _, err := parseImportacion(head + strings.Repeat("1,-1,,\n", 3000)); len(fields(err)) != 51 {
		t.Errorf("%d errors", len(fields(err)))
	}
}

// The effects of a trial that an answer cannot hold are left out, the last ones first.
func TestTheEffectsOfATrialFit(t *testing.T) {
	effects := make([]contracts.EfectoDeImportacion, contracts.MaxImport)
	for i := range effects {
		effects[i] = contracts.EfectoDeImportacion{Linea: i + 2, IDProducto: "p", Nuevo: true, Nombre: strings.Repeat("ñ", contracts.MaxNombre), Cantidad: 1}
	}
	held := fit(effects)
	text, err := json.Marshal(held)
	if err != nil || len(text) > maxEffects+2 || len(held) < 1000 || held[0].Linea != 2 {
		t.Errorf("%d effects in %d bytes: %v", len(held), len(text), err)
	}
	if all := fit(effects[:100]); len(all) != 100 {
		t.Errorf("%d of 100", len(all))
	}
}

// Any text is refused or read, without a panic, and what is read is within all limits.
func TestAnyTextIsAnImportOrNot(t *testing.T) {
	cell := rapid.SampledFrom([]string{"", "1", "x", "-1", "5", "1000000", "1000001", "\"", "\"a\"\"b\"", "ñ", "\x00", "\xff", "\n", "\r\n", ",", ";", "=1+1"})
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SampledFrom([]string{"", "id_producto,cantidad\n", "id_producto;umbral;nombre\r\n"}).Draw(t, "header") +
			strings.Join(rapid.SliceOfN(cell, 0, 40).Draw(t, "cells"), rapid.SampledFrom([]string{",", "", ";"}).Draw(t, "between"))
		lines, err := parseImportacion(text)
		if err != nil {
			return
		}
		for _, r := range lines {
			var v contracts.Validator
			v.Identifier("id", r.IDProducto)
			if v.Error() != nil || r.Cantidad < 0 || r.Cantidad > contracts.MaxCantidad || r.Umbral != nil && (*r.Umbral < 0 || *r.Umbral > contracts.MaxUmbral) {
				t.Fatalf("%q is read as %+v", text, r)
			}
		}
	})
}

func fields(err error) []string {
	var v *contracts.ValidationError
	var names []string
	if errors.As(err, &v) {
		for _, e := range v.Errores {
			names = append(names, e.Field)
		}
	}
	return names
}
