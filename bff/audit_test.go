package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"entregas/bff/comprastest"
	"entregas/bff/identity"
	"entregas/contracts"
	"entregas/internal/audit"
	"entregas/internal/errs"
)

// withActos gives each service n acts. Of each instant there is one in every service, so that a page ends between acts of one instant.
func (p gate) withActos(n int) (all []contracts.Acto) {
	start := time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	for i := range n {
		for s, owner := range []*comprastest.Acts{&p.manager.Acts, &p.acts[0], &p.acts[1], &p.acts[2], &p.acts[3]} {
			a := contracts.Acto{
				ID: uuid.Must(uuid.NewV7()).String(), Tipo: []contracts.TipoDeActo{contracts.ActoAprobacion, contracts.ActoReposicion, contracts.ActoDespacho, contracts.ActoMensajeDevuelto, contracts.ActoAviso}[s],
				Sujeto: []string{"oti", "eli"}[i%2], Rol: contracts.RolOperador, Objeto: fmt.Sprint("o", i), Motivo: "=1+1", Detalle: "a, \"b\"\nc", En: start.Add(time.Duration(i) * time.Hour),
			}
			if s == 0 {
				a.IDCompra = anasCompra
			}
			owner.List, all = append(owner.List, a), append(all, a)
		}
	}
	slices.SortFunc(all, contracts.CompareActos)
	return all
}

// The list has the acts of all services, each once and newest first, however small the pages are, and each filter selects its acts.
func TestTheAuditIsOneList(t *testing.T) {
	p := newGate(t)
	p.withAnasCompra(t, "")
	all := p.withActos(13)
	only := func(f func(a contracts.Acto) bool) (ids []string) {
		for _, a := range all {
			if f(a) {
				ids = append(ids, a.ID)
			}
		}
		return ids
	}
	codigo := contracts.FormatCodigo(p.manager.Compras()[0].Codigo)
	for query, want := range map[string][]string{
		"":                                 only(func(contracts.Acto) bool { return true }),
		"sujeto=eli":                       only(func(a contracts.Acto) bool { return a.Sujeto == "eli" }),
		"sujeto=nadie":                     nil,
		"tipo=despacho&tipo=aprobacion":    only(func(a contracts.Acto) bool { return a.Tipo == "despacho" || a.Tipo == "aprobacion" }),
		"desde=2026-03-01T12:00:00Z":       only(func(a contracts.Acto) bool { return a.En.Hour() >= 12 }),
		"hasta=2026-03-01T12:00:00Z":       only(func(a contracts.Acto) bool { return a.En.Hour() < 12 }),
		"desde=2026-03-01":                 only(func(contracts.Acto) bool { return true }),
		"hasta=2026-02-28":                 nil,
		"id=o3":                            only(func(a contracts.Acto) bool { return a.Objeto == "o3" }),
		"id=" + anasCompra:                 only(func(a contracts.Acto) bool { return a.IDCompra == anasCompra }),
		"id=" + strings.ToLower(codigo):    only(func(a contracts.Acto) bool { return a.IDCompra == anasCompra }),
		"id=" + contracts.NewCodigo():      nil,
		"id=ABCDEFGH":                      nil, // it looks like a code, and may be the id of something else
		"sujeto=oti&tipo=reposicion&id=o4": only(func(a contracts.Acto) bool { return a.Objeto == "o4" && a.Tipo == "reposicion" }),
	} {
		for _, size := range []int{3, 4, 500} {
			var ids []string
			for after, pages := "", 0; ; pages++ {
				r := p.do(t, http.MethodGet, fmt.Sprintf("/api/auditoria?limite=%d&despues=%s&%s", size, url.QueryEscape(after), query), "")
				var page contracts.PaginaDeActos
				if err := json.Unmarshal(r.Body.Bytes(), &page); err != nil || r.Code != http.StatusOK || len(page.Actos) > size || pages > len(all) {
					t.Fatalf("%s: %d %s %v", query, r.Code, r.Body, err)
				}
				for _, a := range page.Actos {
					ids = append(ids, a.ID)
				}
				if after = page.Siguiente; after == "" {
					break
				}
			}
			if !slices.Equal(ids, want) {
				t.Errorf("%q in pages of %d: %d acts, want %d", query, size, len(ids), len(want))
			}
		}
	}
	said := p.graphql(t, `{auditoria(sujeto:"eli",tipos:[mensaje_devuelto],limite:1){siguiente actos{id tipo sujeto rol objeto idCompra motivo detalle en}}}`)
	if len(said.Errors) > 0 || !strings.Contains(string(said.Data), `"tipo":"mensaje_devuelto"`) || !strings.Contains(string(said.Data), `"idCompra":""`) {
		t.Errorf("%s %+v", said.Data, said.Errors)
	}
}

// Failure prevented: a page of the largest size, of acts with long reasons, is more than the bff reads of a service, and is refused. Such a
// page ends early, and the next one begins where it ended, though the pages of other services are whole.
func TestTheAuditOfLongReasons(t *testing.T) {
	for name, long := range map[string]int{"of one service": 1, "of all services": 4} {
		t.Run(name, func(t *testing.T) {
			p := newGate(t, func(cfg *config) { cfg.InFlight, cfg.MaxAnswer = 32<<20, 1<<20 })
			p.withActos(contracts.MaxActos / 2)
			all := p.manager.Acts.List
			for s, owner := range p.acts {
				for i := range owner.List {
					if s < long { // the newest ones, so that each page ends among them
						owner.List[i].En = owner.List[i].En.AddDate(1, 0, 0)
						owner.List[i].Motivo = strings.Repeat("<", contracts.MaxMotivo) // six bytes each in JSON
					}
				}
				all = slices.Concat(all, owner.List)
			}
			slices.SortFunc(all, contracts.CompareActos)
			var ids []string
			for after, pages := "", 0; ; pages++ {
				r := p.do(t, http.MethodGet, fmt.Sprintf("/api/auditoria?limite=%d&despues=%s", contracts.MaxActos, url.QueryEscape(after)), "")
				var page contracts.PaginaDeActos
				if err := json.Unmarshal(r.Body.Bytes(), &page); err != nil || r.Code != http.StatusOK || r.Body.Len() > audit.MaxPageBytes+1000 || pages > 40 {
					t.Fatalf("page %d: %d, %d bytes: %.300s %v", pages, r.Code, r.Body.Len(), r.Body, err)
				}
				for _, a := range page.Actos {
					ids = append(ids, a.ID)
				}
				if after = page.Siguiente; after == "" {
					break
				}
			}
			if !slices.EqualFunc(ids, all, func(id string, a contracts.Acto) bool { return id == a.ID }) {
				t.Errorf("%d acts of %d, or in another order", len(ids), len(all))
			}
		})
	}
}

// A wrong filter names its field, and nothing is asked. Without one of the services there is no list: a gap would look like nobody's act.
func TestTheAuditRefuses(t *testing.T) {
	p := newGate(t)
	p.withActos(1)
	for query, field := range map[string]string{
		"sujeto=%00": "sujeto", "sujeto=" + strings.Repeat("a", 65): "sujeto", "sujeto=a&sujeto=b": "sujeto", "tipo=robo": "tipo", "desde=ayer": "desde", "desde=2026-03-02&hasta=2026-03-01": "hasta",
		"id=%0a": "id", "limite=0": "limite", "limite=501": "limite", "limite=-1": "limite", "limite=x": "limite", "despues=x": "despues", "despues=-2026": "despues",
	} {
		for _, accept := range []string{"application/json", "text/csv"} {
			if accept == "text/csv" && (strings.HasPrefix(query, "limite=") && query != "limite=x" || strings.HasPrefix(query, "despues")) {
				continue // a file has no pages
			}
			r := p.do(t, http.MethodGet, "/api/auditoria?"+query, "", "Accept", accept)
			if said := problem(t, r); r.Code != http.StatusBadRequest || len(said.Errores) != 1 || said.Errores[0].Field != field {
				t.Errorf("%s as %s: %d %s", query, accept, r.Code, r.Body)
			}
		}
	}
	p.manager.Respond(errs.New(errs.Unavailable, "gestor-compra no responde."))
	for _, accept := range []string{"application/json", "text/csv"} {
		if r := p.do(t, http.MethodGet, "/api/auditoria", "", "Accept", accept); r.Code != http.StatusServiceUnavailable || strings.Contains(r.Body.String(), "oti") {
			t.Errorf("without gestor-compra, as %s: %d %s", accept, r.Code, r.Body)
		}
	}
}

// The file has every act that matches, from all pages, and no spreadsheet takes a cell of it for a formula.
func TestTheAuditAsAFile(t *testing.T) {
	p := newGate(t)
	all := p.withActos(contracts.MaxActos/4 + 7) // more than one page
	r := p.do(t, http.MethodGet, "/api/auditoria?limite=3", "", "Accept", "text/csv")
	text, marked := strings.CutPrefix(r.Body.String(), "\ufeff")
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil || r.Code != http.StatusOK || !marked || len(rows) != len(all)+1 || r.Header().Get("Vary") != "Accept" {
		t.Fatalf("%d, %d rows of %d: %v", r.Code, len(rows), len(all), err)
	}
	for i, a := range all {
		want := []string{contracts.FormatInstant(a.En), string(a.Tipo), a.Sujeto, a.Rol, a.Objeto, a.IDCompra, "'=1+1", a.Detalle, a.ID}
		if !slices.Equal(rows[i+1], want) {
			t.Fatalf("row %d: %q, want %q", i, rows[i+1], want)
		}
	}
	if r := p.do(t, http.MethodGet, "/api/auditoria", "", append(p.as(t, "ana", identity.Cliente), "Accept", "text/csv")...); r.Code != http.StatusForbidden {
		t.Errorf("a customer: %d %s", r.Code, r.Body)
	}
}

// Failure prevented: the file holds the memory of all its pages, and ends in the middle where there are many acts.
func TestTheAuditAsALongFile(t *testing.T) {
	p := newGate(t, func(cfg *config) { cfg.InFlight = 32 << 20 })
	all := p.withActos(3 * contracts.MaxActos)
	r := p.do(t, http.MethodGet, "/api/auditoria", "", "Accept", "text/csv")
	rows, err := csv.NewReader(r.Body).ReadAll()
	if err != nil || r.Code != http.StatusOK || len(rows) != len(all)+1 {
		t.Errorf("%d, %d rows of %d: %v", r.Code, len(rows), len(all), err)
	}
}
