package inbox_test

import (
	"testing"

	"entregas/contracts"
	"entregas/internal/inbox"
)

type todaysLinea struct {
	Producto string `json:"producto"`
	Cantidad int    `json:"cantidad"`
}

type todaysData struct {
	Motivo string        `json:"motivo"`
	Lineas []todaysLinea `json:"lineas"`
}

type tomorrowsLinea struct {
	todaysLinea
	Gift bool `json:"regalo"`
}

type tomorrowsData struct {
	Lineas []tomorrowsLinea `json:"lineas"`
	Motivo string           `json:"motivo"`
	Note   string           `json:"nota"`
	Bodega struct {
		Aisle int `json:"pasillo"`
	} `json:"bodega"`
	Marks []string `json:"marcas"`
}

func key[D any](t *testing.T, data D) inbox.Command {
	t.Helper()
	c, err := inbox.FromMessage(contracts.NewMessage("test", contracts.ReservarProducto, "", data), "c")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Failure prevented: a participant answers a command. After an upgrade a sender with further fields in its schema sends the
// command again. The participant takes it for a command with other data and makes a dead letter of it. Its purchase waits in
// vain.
func TestOneMoreFieldIsNotOtherContent(t *testing.T) {
	today := key(t, todaysData{Motivo: "m", Lineas: []todaysLinea{{"1", 2}, {"2", 0}}})
	tomorrow := func(mutate func(*tomorrowsData)) inbox.Command {
		d := tomorrowsData{Motivo: "m", Lineas: []tomorrowsLinea{{todaysLinea: todaysLinea{"1", 2}}, {todaysLinea: todaysLinea{"2", 0}}}}
		mutate(&d)
		return key(t, d)
	}
	for name, c := range map[string]struct {
		mutate func(*tomorrowsData)
		same   bool
	}{
		"the new fields say nothing": {func(*tomorrowsData) {}, true},
		"an empty list":              {func(d *tomorrowsData) { d.Marks = []string{} }, true},
		"a new field says something": {func(d *tomorrowsData) { d.Note = "n" }, false},
		"so in a line":               {func(d *tomorrowsData) { d.Lineas[1].Gift = true }, false},
		"so in a record":             {func(d *tomorrowsData) { d.Bodega.Aisle = 1 }, false},
		"another quantity":           {func(d *tomorrowsData) { d.Lineas[0].Cantidad = 3 }, false},
		"none":                       {func(d *tomorrowsData) { d.Lineas[0].Cantidad = 0 }, false},
		"the lines turned round":     {func(d *tomorrowsData) { d.Lineas[0], d.Lineas[1] = d.Lineas[1], d.Lineas[0] }, false},
		"a line less":                {func(d *tomorrowsData) { d.Lineas = d.Lineas[:1] }, false},
		"no reason":                  {func(d *tomorrowsData) { d.Motivo = "" }, false},
	} {
		if same := tomorrow(c.mutate) == today; same != c.same {
			t.Errorf("%s: the same content: %v", name, same)
		}
	}
}
