package contracts_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"entregas/contracts"
)

func TestComprasQuery(t *testing.T) {
	at := time.Date(2026, 11, 26, 15, 4, 5, 0, time.UTC)
	yes := true
	byChange := contracts.Cursor{ActualizadaEn: at, ID: oneCompra}
	full := contracts.ComprasQuery{
		Texto: strings.ToUpper(oneCompra), IDUsuario: "ana", IDProducto: "1", Estados: []contracts.Estado{"FALLIDA", "CANCELADA", "FALLIDA"}, Domicilio: &yes,
		Desde: "2026-11-26", Hasta: "2026-11-26", CambiadaDesde: "2026-11-26T10:04:05-05:00", Orden: "-actualizada_en", Despues: byChange.String(),
	}
	f, after, err := full.Parse()
	if err != nil || f.Texto != oneCompra || !slices.Equal(f.Estados, []contracts.Estado{"CANCELADA", "FALLIDA"}) || after != byChange || f.Criterio != contracts.CambioMasReciente ||
		!f.Desde.Equal(time.Date(2026, 11, 26, 5, 0, 0, 0, time.UTC)) || f.Hasta.Sub(f.Desde) != 24*time.Hour || !f.CambiadaDesde.Equal(at) {
		t.Errorf("%+v %+v %v", f, after, err)
	}
	if f, after, err := (contracts.ComprasQuery{}).Parse(); err != nil || after != (contracts.Cursor{}) || !f.Criterio.Descending() || f.Criterio.Campo() != contracts.PorCreacion {
		t.Errorf("of nothing: %+v %+v %v", f, after, err)
	}
	byCreation := contracts.Cursor{CreadaEn: at, ID: oneCompra}.String()
	byUnits := contracts.MasUnidades.Cursor(contracts.Compra{SolicitudCompra: contracts.SolicitudCompra{ID: oneCompra, Productos: []contracts.Linea{{Cantidad: 2}, {Cantidad: 3}}}}).String()
	for field, queries := range map[string][]contracts.ComprasQuery{
		"texto":          {{Texto: " ana"}, {Texto: "a\x00"}, {Texto: strings.Repeat("a", 65)}, {Texto: "a\xff"}, {Texto: "a\nb"}},
		"id_usuario":     {{IDUsuario: "a\tb"}},
		"id_producto":    {{IDProducto: strings.Repeat("ñ", 65)}},
		"estado":         {{Estados: []contracts.Estado{"NADA"}}, {Estados: []contracts.Estado{""}}},
		"desde":          {{Desde: "ayer"}, {Desde: "2026-02-30"}, {Desde: "1999-12-31"}, {Desde: "20261126"}, {Desde: "2026-11-26 10:00"}, {Desde: "99999-01-01"}, {Desde: "2026-11-26\x00"}},
		"hasta":          {{Hasta: "2026-13-01"}, {Hasta: "9999-12-31"}, {Desde: "2026-11-26", Hasta: "2026-11-25"}, {Desde: "2026-11-26T00:00:00Z", Hasta: "2026-11-26T00:00:00Z"}},
		"cambiada_desde": {{CambiadaDesde: "0"}},
		"orden":          {{Orden: "id"}, {Orden: "CREADA_EN"}, {Orden: "creada_en;"}},
		"despues": {
			{Despues: "x"}, {Despues: byChange.String()}, {Orden: "actualizada_en", Despues: byCreation}, {Orden: "-total", Despues: byUnits}, {Despues: byUnits},
			{Orden: "unidades", Despues: byChange.String()}, {Orden: "unidades", Despues: byCreation},
		},
	} {
		for _, q := range queries {
			_, _, err := q.Parse()
			var wrong *contracts.ValidationError
			if !errors.As(err, &wrong) || len(wrong.Errores) != 1 || wrong.Errores[0].Field != field {
				t.Errorf("%+v: %v, want an error about %s", q, err, field)
			}
		}
	}
	for _, orden := range []string{"", "-creada_en", "creada_en"} {
		if _, _, err := (contracts.ComprasQuery{Orden: orden, Despues: byCreation}).Parse(); err != nil {
			t.Errorf("%q: %v", orden, err)
		}
	}
	if _, after, err := (contracts.ComprasQuery{Orden: "unidades", Despues: byUnits}).Parse(); err != nil || after.Valor != 5 {
		t.Errorf("by units: %+v %v", after, err)
	}
	for _, other := range []string{byChange.String(), byUnits} {
		if _, err := contracts.ParseCursorOfUsuario(other); err == nil {
			t.Errorf("%s is a place in the list of a customer", other)
		}
	}
}
