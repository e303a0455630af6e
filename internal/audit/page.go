package audit

import (
	"context"

	"entregas/contracts"
	"entregas/internal/rest"
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
	return Cut(found, limit)
}

// MaxPageBytes is the limit for the acts of a page as JSON. It is small, since the bff holds a page of each service at the same time, of the
// memory that one operator may hold (docs/adr/bounded-memory.md). Acts of a usual length fit, also contracts.MaxActos of them.
const MaxPageBytes = 192 << 10

// Cut returns the first acts of found as a page: at most limit acts, and at most MaxPageBytes but at least one act. The page has a cursor
// where found has more.
func Cut(found []contracts.Acto, limit int) (contracts.PaginaDeActos, error) {
	page := contracts.PaginaDeActos{Actos: []contracts.Acto{}}
	size := 0
	for _, a := range found {
		text, err := rest.Encode(a)
		if err != nil {
			return contracts.PaginaDeActos{}, err
		}
		size += len(text)
		if n := len(page.Actos); n == limit || n > 0 && size > MaxPageBytes {
			page.Siguiente = page.Actos[n-1].Cursor().String()
			break
		}
		page.Actos = append(page.Actos, a)
	}
	return page, nil
}
