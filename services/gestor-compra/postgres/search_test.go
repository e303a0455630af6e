package postgres_test

import (
	"cmp"
	"slices"
	"testing"
	"time"

	"entregas/contracts"
	"entregas/services/gestor-compra/postgrestest"
)

func idsOf(list []contracts.Compra) []string {
	var ids []string
	for _, one := range list {
		ids = append(ids, one.ID)
	}
	return ids
}

func TestFind(t *testing.T) {
	a := postgrestest.New(t)
	confirmed, failed := a.Compra(t, contracts.EstadoConfirmada), a.Compra(t, contracts.EstadoFallida)
	evasCompra := a.Compra(t, contracts.EstadoConfirmada)
	a.Do(t, `update compra set id_usuario = 'eva', domicilio = true, id_orden = 'orden', productos = '[{"id_producto": "1", "cantidad": 1}, {"id_producto": "a\"b", "cantidad": 3}]'
where id = $1`, evasCompra.ID)
	day := time.Date(2026, 3, 5, 5, 0, 0, 0, time.UTC)
	a.Do(t, `update compra set creada_en = $2, actualizada_en = $2 where id = $1`, confirmed.ID, day)
	a.Do(t, `update compra set creada_en = $2, actualizada_en = $2 where id = $1`, failed.ID, day.Add(24*time.Hour-time.Microsecond))
	a.Do(t, `update compra set codigo = '0000000' || case id when $1 then '0' else '1' end where id in ($1, $2)`, evasCompra.ID, failed.ID)
	yes, no := true, false
	for name, c := range map[string]struct {
		filter contracts.ComprasFilter
		want   []string
	}{
		"all":                    {contracts.ComprasFilter{}, []string{evasCompra.ID, failed.ID, confirmed.ID}},
		"by state":               {contracts.ComprasFilter{Estados: []contracts.Estado{contracts.EstadoFallida}}, []string{failed.ID}},
		"by several states":      {contracts.ComprasFilter{Estados: []contracts.Estado{contracts.EstadoFallida, contracts.EstadoConfirmada}}, []string{evasCompra.ID, failed.ID, confirmed.ID}},
		"by customer":            {contracts.ComprasFilter{IDUsuario: "ana"}, []string{failed.ID, confirmed.ID}},
		"by customer and state":  {contracts.ComprasFilter{IDUsuario: "ana", Estados: []contracts.Estado{contracts.EstadoConfirmada}}, []string{confirmed.ID}},
		"home delivery":          {contracts.ComprasFilter{Domicilio: &yes}, []string{evasCompra.ID}},
		"no home delivery":       {contracts.ComprasFilter{Domicilio: &no}, []string{failed.ID, confirmed.ID}},
		"nobody's":               {contracts.ComprasFilter{IDUsuario: "leo"}, nil},
		"of a customer, at home": {contracts.ComprasFilter{IDUsuario: "ana", Domicilio: &yes}, nil},
		"by id":                  {contracts.ComprasFilter{Texto: failed.ID}, []string{failed.ID}},
		"by code":                {contracts.ComprasFilter{Texto: "oooo-000o"}, []string{evasCompra.ID}},
		"by a wrong code":        {contracts.ComprasFilter{Texto: "00000001"}, nil},
		"by order":               {contracts.ComprasFilter{Texto: "orden"}, []string{evasCompra.ID}},
		"by customer as text":    {contracts.ComprasFilter{Texto: "ana"}, []string{failed.ID, confirmed.ID}},
		"by a part of an id":     {contracts.ComprasFilter{Texto: failed.ID[:20]}, nil},
		"by product":             {contracts.ComprasFilter{IDProducto: `a"b`}, []string{evasCompra.ID}},
		"by every product":       {contracts.ComprasFilter{IDProducto: "1"}, []string{evasCompra.ID, failed.ID, confirmed.ID}},
		"by no product":          {contracts.ComprasFilter{IDProducto: "%"}, nil},
		"since an instant":       {contracts.ComprasFilter{Desde: day.Add(time.Microsecond)}, []string{evasCompra.ID, failed.ID}},
		"of a day":               {contracts.ComprasFilter{Desde: day, Hasta: day.Add(24 * time.Hour)}, []string{failed.ID, confirmed.ID}},
		"before an instant":      {contracts.ComprasFilter{Hasta: day}, nil},
		"changed":                {contracts.ComprasFilter{CambiadaDesde: day.Add(time.Hour)}, []string{evasCompra.ID, failed.ID}},
		"oldest first":           {contracts.ComprasFilter{Criterio: contracts.MasAntiguas}, []string{confirmed.ID, failed.ID, evasCompra.ID}},
	} {
		list, err := a.Buscar(t.Context(), c.filter, contracts.Cursor{}, 10)
		if ids := idsOf(list); err != nil || !slices.Equal(ids, c.want) {
			t.Errorf("%s: %v %v, want %v", name, ids, err, c.want)
		}
		if n, err := a.Contar(t.Context(), c.filter, 2); err != nil || n != min(len(c.want), 2) {
			t.Errorf("%s: counted %d %v", name, n, err)
		}
	}
}

// Page by page, each criterion has every purchase once, in its order, although several have the same instant and new purchases come
// between two pages.
func TestPagesOfEachCriterion(t *testing.T) {
	a := postgrestest.New(t)
	for i := range 7 {
		c := a.Compra(t, contracts.EstadoConfirmada)
		a.Do(t, `update compra set creada_en = '2026-01-01'::timestamptz + $2 * interval '1 microsecond', actualizada_en = '2026-01-02'::timestamptz - $2 * interval '1 microsecond',
productos = jsonb_build_array(jsonb_build_object('id_producto', '1', 'cantidad', 7 - $2::int), jsonb_build_object('id_producto', '2', 'cantidad', 9)),
total = $2 * 9007199254740, moneda = case when $2 = 0 then '' else 'COP' end where id = $1`, c.ID, i/3)
	}
	old, err := a.Buscar(t.Context(), contracts.ComprasFilter{}, contracts.Cursor{}, 10)
	if err != nil {
		t.Fatal(err)
	}
	for _, by := range contracts.Criterios {
		want := slices.SortedFunc(slices.Values(old), func(x, y contracts.Compra) int {
			n := cmp.Or(map[contracts.Campo]int{
				contracts.PorCreacion: x.CreadaEn.Compare(y.CreadaEn), contracts.PorCambio: x.ActualizadaEn.Compare(y.ActualizadaEn),
				contracts.PorUnidades: cmp.Compare(x.Unidades(), y.Unidades()), contracts.PorTotal: cmp.Compare(x.Total, y.Total),
			}[by.Campo()], cmp.Compare(x.ID, y.ID))
			if by.Descending() {
				n = -n
			}
			return n
		})
		var seen []string
		var after contracts.Cursor
		for {
			page, err := a.Buscar(t.Context(), contracts.ComprasFilter{IDUsuario: "ana", Criterio: by}, after, 2)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range page {
				if slices.ContainsFunc(old, func(o contracts.Compra) bool { return o.ID == c.ID }) {
					seen = append(seen, c.ID)
				}
			}
			if len(page) < 2 {
				break
			}
			if after, err = contracts.ParseCursor(by.Cursor(page[1]).String()); err != nil {
				t.Fatal(err)
			}
			if len(seen) < len(old) {
				a.Compra(t, contracts.EstadoRecibida)
			}
		}
		if !slices.Equal(seen, idsOf(want)) {
			t.Errorf("%s: %v\nwant %v", by, seen, idsOf(want))
		}
	}
}

// Failure prevented: a search reads every purchase. The searches that an operator makes use an index, whatever the size of the table.
func TestSearchesUseTheIndexes(t *testing.T) {
	a := oneConnection(t)
	a.Do(t, `insert into compra (id, id_usuario, estado, domicilio, productos, id_orden, creada_en, actualizada_en)
select 'c' || n, 'u' || n % 1000, case when n % 1000 = 0 then 'FALLIDA' when n % 3 = 0 then 'RECHAZADA' else 'DESPACHADA' end, n % 2 = 0,
  jsonb_build_array(jsonb_build_object('id_producto', case when n % 1000 = 1 then 'rare' else (n % 9)::text end, 'cantidad', 1)),
  'o' || n, now() - n * interval '1 minute', now() - n * interval '1 minute' from generate_series(1, 20000) n`)
	a.Do(t, `vacuum analyze compra`)
	at, yes := time.Now().Add(-100*time.Minute), true
	for name, c := range map[string]struct {
		filter contracts.ComprasFilter
		all    bool // the count reads purchases until it has its limit, and so an index is of no use
	}{
		"all":                       {contracts.ComprasFilter{}, true},
		"all by change":             {contracts.ComprasFilter{Criterio: contracts.CambioMasAntiguo}, true},
		"all by units":              {contracts.ComprasFilter{Criterio: contracts.MasUnidades}, true},
		"all by total":              {contracts.ComprasFilter{Criterio: contracts.MenorTotal}, true},
		"home delivery":             {contracts.ComprasFilter{Domicilio: &yes}, true},
		"a state of most":           {contracts.ComprasFilter{Estados: []contracts.Estado{contracts.EstadoDespachada}}, true},
		"a rare state":              {contracts.ComprasFilter{Estados: []contracts.Estado{contracts.EstadoFallida}}, false},
		"rare states":               {contracts.ComprasFilter{Estados: []contracts.Estado{contracts.EstadoFallida, contracts.EstadoPorAprobar}}, false},
		"a rare state by change":    {contracts.ComprasFilter{Estados: []contracts.Estado{contracts.EstadoFallida}, Criterio: contracts.CambioMasReciente}, false},
		"a customer":                {contracts.ComprasFilter{IDUsuario: "u7"}, false},
		"a rare product":            {contracts.ComprasFilter{IDProducto: "rare"}, false},
		"no product":                {contracts.ComprasFilter{IDProducto: "none"}, false},
		"an order":                  {contracts.ComprasFilter{Texto: "o77"}, false},
		"a code":                    {contracts.ComprasFilter{Texto: "0000-0000"}, false},
		"no text":                   {contracts.ComprasFilter{Texto: "none"}, false},
		"since":                     {contracts.ComprasFilter{Desde: at}, false},
		"a period by change":        {contracts.ComprasFilter{Desde: at, Hasta: at.Add(time.Hour), Criterio: contracts.CambioMasReciente}, false},
		"changed":                   {contracts.ComprasFilter{CambiadaDesde: at, Criterio: contracts.CambioMasAntiguo}, false},
		"changed, of a product too": {contracts.ComprasFilter{CambiadaDesde: at, IDProducto: "3", Domicilio: &yes, Criterio: contracts.CambioMasAntiguo}, false},
	} {
		n := scans(t, a, func() error {
			_, err := a.Buscar(t.Context(), c.filter, contracts.Cursor{}, 50)
			if err != nil || c.all {
				return err
			}
			_, err = a.Contar(t.Context(), c.filter, contracts.MaxContadas+1)
			return err
		})
		if n > 0 {
			t.Errorf("%s read all purchases %d times", name, n)
		}
	}
}

// Failure prevented: the page of now reads all purchases and their whole history every two seconds.
func TestTheSummaryUsesTheIndexes(t *testing.T) {
	a := oneConnection(t)
	fill(t, a, 20000)
	a.Do(t, `update compra set productos = jsonb_build_array(jsonb_build_object('id_producto', repeat('x', 400), 'cantidad', 1))`) // as long as real ones
	a.Do(t, `vacuum full analyze compra`)
	a.Do(t, `vacuum compra`)
	a.Do(t, `insert into historia (id_compra, numero, paso, tipo, en) select id, n, case n when 1 then 'CONFIRMADA' else 'INICIADA' end, 'X', now() - right(id, -1)::int * interval '1 minute'
from compra, generate_series(1, 2) n where estado = 'DESPACHADA'`)
	a.Do(t, `vacuum analyze historia`)
	for _, window := range []time.Duration{15 * time.Minute, time.Hour, 24 * time.Hour} {
		n := scans(t, a, func() error {
			r, err := a.Resumen(t.Context(), window)
			if minutes := int(window.Minutes()); err == nil && (r.Confirmadas > minutes || r.Confirmadas < minutes-1) {
				t.Errorf("%s: %+v", window, r)
			}
			return err
		})
		if n > 0 {
			t.Errorf("%s read everything %d times", window, n)
		}
	}
}
