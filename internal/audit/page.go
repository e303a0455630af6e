package audit

import (
	"context"

	"entregas/contracts"
)

// Lister is the owner of acts.
type Lister interface {
	// Actos returns at most limit acts that f selects and that come after the cursor, newest first.
	Actos(ctx context.Context, f contracts.ActosFilter, after contracts.Cursor, limit int) ([]contracts.Acto, error)
}

// Page returns the page of acts that q asks for. The errors are a *contracts.ValidationError, and those of owner.
func Page(ctx context.Context, owner Lister, q contracts.ActosQuery) (contracts.PaginaDeActos, error) {
	f, after, limit, err := q.Parse()
	if err != nil {
		return contracts.PaginaDeActos{}, err
	}
	found, err := owner.Actos(ctx, f, after, limit+1)
	if err != nil {
		return contracts.PaginaDeActos{}, err
	}
	return Cut(found, limit), nil
}

// Cut returns the first limit acts of found as a page. It has a cursor where found has more.
func Cut(found []contracts.Acto, limit int) contracts.PaginaDeActos {
	page := contracts.PaginaDeActos{Actos: found}
	if len(found) > limit {
		page.Actos, page.Siguiente = found[:limit], found[limit-1].Cursor().String()
	}
	if page.Actos == nil {
		page.Actos = []contracts.Acto{}
	}
	return page
}
