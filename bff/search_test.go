package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"entregas/bff/access"
	"entregas/bff/edge"
	"entregas/bff/identity"
	"entregas/contracts"
	"entregas/internal/errs"
)

// withCompras stores n purchases. Those with an even number are of eva, with the product 2.
func (p gate) withCompras(t *testing.T, n int) {
	t.Helper()
	for i := range n {
		body := fmt.Sprintf(`{"id_usuario":%q,"productos":[{"id_producto":"%d","cantidad":%d}],"domicilio":%v}`, []string{"eva", "=1+1"}[i%2], 2-i%2, i+1, i%2 == 0)
		if r := p.do(t, http.MethodPost, "/api/compras", body); r.Code != http.StatusAccepted {
			t.Fatalf("%d %s", r.Code, r.Body)
		}
		time.Sleep(time.Millisecond) // so that no two have the same instant
	}
}

// REST and GraphQL select, sort and count alike.
func TestSearch(t *testing.T) {
	p := newGate(t)
	p.withCompras(t, 5)
	all := p.manager.Compras() // oldest first
	p.manager.Advance(all[1].ID, contracts.EstadoFallida)
	tomorrow := time.Now().Add(24 * time.Hour).UTC().Format(time.RFC3339)
	for name, c := range map[string]struct {
		query url.Values
		want  []int // the numbers of the purchases
	}{
		"all":              {url.Values{}, []int{4, 3, 2, 1, 0}},
		"oldest first":     {url.Values{"orden": {"creada_en"}}, []int{0, 1, 2, 3, 4}},
		"by change":        {url.Values{"orden": {"-actualizada_en"}}, []int{1, 4, 3, 2, 0}},
		"by units":         {url.Values{"orden": {"-unidades"}}, []int{4, 3, 2, 1, 0}},
		"fewest units":     {url.Values{"orden": {"unidades"}, "id_usuario": {"eva"}}, []int{0, 2, 4}},
		"by total":         {url.Values{"orden": {"total"}}, []int{0, 1, 2, 3, 4}}, // none has a price, so their ids decide
		"a state":          {url.Values{"estado": {"FALLIDA", "CANCELADA"}}, []int{1}},
		"a customer":       {url.Values{"id_usuario": {"eva"}}, []int{4, 2, 0}},
		"the text of one":  {url.Values{"texto": {strings.ToUpper(all[3].ID)}}, []int{3}},
		"a product":        {url.Values{"id_producto": {"2"}}, []int{4, 2, 0}},
		"home delivery":    {url.Values{"domicilio": {"false"}}, []int{3, 1}},
		"all of it":        {url.Values{"texto": {"eva"}, "id_producto": {"2"}, "domicilio": {"true"}, "orden": {"creada_en"}}, []int{0, 2, 4}},
		"from tomorrow":    {url.Values{"desde": {tomorrow}}, nil},
		"until tomorrow":   {url.Values{"hasta": {tomorrow}}, []int{4, 3, 2, 1, 0}},
		"changed tomorrow": {url.Values{"cambiada_desde": {tomorrow}}, nil},
	} {
		var want []string
		for _, i := range c.want {
			want = append(want, all[i].ID)
		}
		c.query.Set("contar", "true")
		c.query.Set("limite", "2")
		var got []string
		for more := true; more; { // page by page
			r := p.do(t, http.MethodGet, "/api/compras?"+c.query.Encode(), "")
			var page contracts.PaginaDeCompras
			if err := json.Unmarshal(r.Body.Bytes(), &page); err != nil || page.Cuantas == nil || *page.Cuantas != len(want) || page.HayMas {
				t.Fatalf("%s: %d %s %v", name, r.Code, r.Body, err)
			}
			for _, one := range page.Compras {
				got = append(got, one.ID)
			}
			c.query.Set("despues", page.Siguiente)
			more = page.Siguiente != "" && len(got) < 9
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
		c.query.Del("despues")
		if got := p.searchByGraphQL(t, c.query); !slices.Equal(got, want) {
			t.Errorf("%s, by GraphQL: %v, want %v", name, got, want)
		}
	}
}

// searchByGraphQL returns the ids that a search by the parameters of REST finds.
func (p gate) searchByGraphQL(t *testing.T, query url.Values) []string {
	t.Helper()
	arguments := "limite: 50, contar: true"
	for key, values := range query {
		switch key {
		case "limite", "contar":
		case "estado":
			arguments += ", estados: [" + strings.Join(values, " ") + "]"
		case "domicilio":
			arguments += ", domicilio: " + values[0]
		default:
			arguments += fmt.Sprintf(", %s: %q", camelCase(key), values[0])
		}
	}
	r := p.graphql(t, "{compras("+arguments+"){compras{id} cuantas hayMas}}")
	var data struct {
		Compras struct {
			Compras []struct{ ID string }
			Cuantas int
			HayMas  bool
		}
	}
	if err := json.Unmarshal(r.Data, &data); err != nil || len(r.Errors) > 0 || data.Compras.Cuantas != len(data.Compras.Compras) || data.Compras.HayMas {
		t.Fatalf("%s: %s %+v", arguments, r.Data, r.Errors)
	}
	var ids []string
	for _, c := range data.Compras.Compras {
		ids = append(ids, c.ID)
	}
	return ids
}

// The file has every purchase of the search, from all pages, and no formula.
func TestSearchAsFile(t *testing.T) {
	p := newGate(t)
	p.withCompras(t, 203) // more than a page
	rows := func(query string) [][]string {
		r := p.do(t, http.MethodGet, "/api/compras?"+query, "", "Accept", "text/csv")
		text, marked := strings.CutPrefix(r.Body.String(), "\ufeff")
		list, err := csv.NewReader(strings.NewReader(text)).ReadAll()
		if err != nil || r.Code != http.StatusOK || !marked || !strings.HasPrefix(r.Header().Get("Content-Disposition"), "attachment; filename=compras-2") || r.Header().Get("Vary") != "Accept" {
			t.Fatalf("%d %v %s %v", r.Code, r.Header(), r.Body, err)
		}
		return list
	}
	list := rows("orden=creada_en&limite=7")
	all := p.manager.Compras()
	if len(list) != len(all)+1 || strings.Join(list[0], " ") != "id codigo estado id_usuario unidades productos domicilio tienda creada_en actualizada_en id_orden motivo moneda total" {
		t.Fatalf("%d rows: %v", len(list), list[0])
	}
	for i, c := range all {
		customer := []string{"eva", "'=1+1"}[i%2]
		want := []string{c.ID, contracts.FormatCodigo(c.Codigo), "RECIBIDA", customer, fmt.Sprint(i + 1), fmt.Sprintf("%d × %d", i+1, 2-i%2), fmt.Sprint(i%2 == 0), "", contracts.FormatInstant(c.CreadaEn), contracts.FormatInstant(c.ActualizadaEn), "", "", "", ""}
		if !slices.Equal(list[i+1], want) {
			t.Errorf("row %d: %v, want %v", i, list[i+1], want)
		}
	}
	if list := rows("id_usuario=nobody"); len(list) != 1 {
		t.Errorf("of nobody: %v", list)
	}
	p.manager.GoDown()
	if r := p.do(t, http.MethodGet, "/api/compras", "", "Accept", "text/csv"); problem(t, r).Status != http.StatusServiceUnavailable {
		t.Errorf("gestor-compra is away: %d %s", r.Code, r.Body)
	}
}

// A file may take longer than another answer. A header alone gives no request more time.
func TestDeadlineOfAFile(t *testing.T) {
	left := map[string]time.Duration{}
	h := edge.Deadline(time.Minute)(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		until, _ := r.Context().Deadline()
		left[r.Method+" "+r.URL.Path+" "+r.Header.Get("Accept")] = time.Until(until).Round(time.Minute)
	}))
	for want, requests := range map[time.Duration][]string{
		10 * time.Minute: {"GET /api/compras text/csv"},
		time.Minute:      {"GET /api/compras application/json", "GET /api/productos text/csv", "POST /api/compras text/csv"},
	} {
		for _, one := range requests {
			parts := strings.Fields(one)
			r := httptest.NewRequest(parts[0], parts[1], http.NoBody)
			r.Header.Set("Accept", parts[2])
			if h.ServeHTTP(httptest.NewRecorder(), r); left[one] != want {
				t.Errorf("%s has %s, want %s", one, left[one], want)
			}
		}
	}
}

// Failure prevented: files of all purchases or acts, which run long, take all of the services.
func TestFewFilesAtOnce(t *testing.T) {
	p := newGate(t)
	p.withCompras(t, 1)
	ctx := identity.With(t.Context(), identity.Person{Usuario: "oti", Roles: []string{identity.Operador}})
	g := access.Gate{Operation: p.manager}
	begun := 0
	var another func(contracts.Compra) error // begins one more file while the present one is written
	another = func(contracts.Compra) error {
		if begun++; begun == access.MaxExports {
			if err := g.EachActo(ctx, contracts.ActosQuery{}, nil); errs.Of(err) != errs.Busy {
				t.Errorf("an audit besides: %v", err)
			}
		}
		return g.EachCompra(ctx, contracts.ComprasQuery{}, another)
	}
	for range 2 { // the second time all have ended
		begun = 0
		if err := g.EachCompra(ctx, contracts.ComprasQuery{}, another); errs.Of(err) != errs.Busy || begun != access.MaxExports {
			t.Errorf("%d at once, then %v", begun, err)
		}
	}
}
