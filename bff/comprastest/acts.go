package comprastest

import (
	"context"
	"net/http"
	"slices"

	"entregas/contracts"
	"entregas/internal/audit"
	"entregas/internal/rest"
)

// Acts keeps acts of persons in memory. It implements audit.Lister, and serves a page as each service does.
type Acts struct{ List []contracts.Acto }

// Actos implements audit.Lister.
func (a *Acts) Actos(_ context.Context, f contracts.ActosFilter, after contracts.Cursor, limit int) ([]contracts.Acto, error) {
	found := slices.Clone(a.List)
	slices.SortFunc(found, contracts.CompareActos)
	place := contracts.Acto{En: after.CreadaEn, ID: after.ID}
	found = slices.DeleteFunc(found, func(one contracts.Acto) bool {
		return !f.Selects(one) || after != (contracts.Cursor{}) && contracts.CompareActos(one, place) <= 0
	})
	return found[:min(len(found), limit)], nil
}

// Serve answers the page that q asks for.
func (a *Acts) Serve(w http.ResponseWriter, r *http.Request, q contracts.ActosQuery) {
	page, err := audit.Page(r.Context(), a, q)
	rest.Answer(w, r, http.StatusOK, page, err)
}
