package inbox_test

import (
	"testing"

	"entregas/contracts"
	"entregas/services/internal/inbox"
)

type lineaDeHoy struct {
	Producto string `json:"producto"`
	Cantidad int    `json:"cantidad"`
}

type datosDeHoy struct {
	Motivo string       `json:"motivo"`
	Lineas []lineaDeHoy `json:"lineas"`
}

type lineaDeManana struct {
	lineaDeHoy
	Regalo bool `json:"regalo"`
}

type datosDeManana struct {
	Lineas []lineaDeManana `json:"lineas"`
	Motivo string          `json:"motivo"`
	Nota   string          `json:"nota"`
	Bodega struct {
		Pasillo int `json:"pasillo"`
	} `json:"bodega"`
	Marcas []string `json:"marcas"`
}

func clave[D any](t *testing.T, datos D) inbox.Comando {
	t.Helper()
	c, err := inbox.DeMensaje(contracts.NuevoMensaje("prueba", contracts.ReservarProducto, "", datos), "c")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Failure prevented: a command that was answered before an upgrade is asked again after it, by a sender whose schema has fields
// more; taken for another content it would be a dead letter, and its purchase would wait in vain.
func TestUnCampoMasNoEsOtroContenido(t *testing.T) {
	hoy := clave(t, datosDeHoy{Motivo: "m", Lineas: []lineaDeHoy{{"1", 2}, {"2", 0}}})
	manana := func(cambiar func(*datosDeManana)) inbox.Comando {
		d := datosDeManana{Motivo: "m", Lineas: []lineaDeManana{{lineaDeHoy: lineaDeHoy{"1", 2}}, {lineaDeHoy: lineaDeHoy{"2", 0}}}}
		cambiar(&d)
		return clave(t, d)
	}
	for nombre, c := range map[string]struct {
		cambiar func(*datosDeManana)
		mismo   bool
	}{
		"the new fields say nothing": {func(*datosDeManana) {}, true},
		"an empty list":              {func(d *datosDeManana) { d.Marcas = []string{} }, true},
		"a new field says something": {func(d *datosDeManana) { d.Nota = "n" }, false},
		"so in a line":               {func(d *datosDeManana) { d.Lineas[1].Regalo = true }, false},
		"so in a record":             {func(d *datosDeManana) { d.Bodega.Pasillo = 1 }, false},
		"another quantity":           {func(d *datosDeManana) { d.Lineas[0].Cantidad = 3 }, false},
		"none":                       {func(d *datosDeManana) { d.Lineas[0].Cantidad = 0 }, false},
		"the lines turned round":     {func(d *datosDeManana) { d.Lineas[0], d.Lineas[1] = d.Lineas[1], d.Lineas[0] }, false},
		"a line less":                {func(d *datosDeManana) { d.Lineas = d.Lineas[:1] }, false},
		"no reason":                  {func(d *datosDeManana) { d.Motivo = "" }, false},
	} {
		if mismo := manana(c.cambiar) == hoy; mismo != c.mismo {
			t.Errorf("%s: el mismo contenido: %v", nombre, mismo)
		}
	}
}
