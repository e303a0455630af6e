package access

import (
	"context"
	"slices"
	"sync"

	"entregas/bff/identity"
	"entregas/bff/memory"
	"entregas/contracts"
	"entregas/internal/audit"
)

// Auditor is a service that keeps what persons did with its data.
type Auditor interface {
	// Actos returns the page of acts that q asks for, newest first.
	Actos(ctx context.Context, q contracts.ActosQuery) (contracts.PaginaDeActos, error)
}

// AuditorsOf returns those of services that keep what persons did.
func AuditorsOf(services ...any) (auditors []Auditor) {
	for _, s := range services {
		if a, keeps := s.(Auditor); keeps {
			auditors = append(auditors, a)
		}
	}
	return auditors
}

// Actos returns a page of what persons did, in all services, newest first, for operators. It fails where a service does not answer: a list
// with a gap would say that nobody did anything there (docs/adr/who-did-it.md).
func (g Gate) Actos(ctx context.Context, q contracts.ActosQuery) (contracts.PaginaDeActos, error) {
	f, after, limit, err := g.actosQuery(ctx, q)
	if err != nil {
		return contracts.PaginaDeActos{}, err
	}
	return g.actos(ctx, f, after, limit)
}

// EachActo calls do for every act that q asks for, newest first, for operators. It ignores the size and the place of q. It holds the memory
// of one page, and stops at an error of do. Error: Busy while MaxExports other files are made.
func (g Gate) EachActo(ctx context.Context, q contracts.ActosQuery, do func(contracts.Acto) error) error {
	q.Limite, q.Despues = nil, nil
	f, after, _, err := g.actosQuery(ctx, q)
	if err != nil {
		return err
	}
	end, err := beginExport()
	if err != nil {
		return err
	}
	defer end()
	for {
		page, err := g.actos(ctx, f, after, exportPage)
		if err != nil {
			return err
		}
		for _, a := range page.Actos {
			if err := do(a); err != nil {
				return err
			}
		}
		if page.Siguiente == "" {
			return nil
		}
		after = page.Actos[len(page.Actos)-1].Cursor()
		memory.From(ctx).Release() // of this page
	}
}

// actosQuery refuses a caller that is no operator, and reads q. The code of a purchase in q becomes its id; a text that only looks like
// a code stays, because an id of anything else may look so.
func (g Gate) actosQuery(ctx context.Context, q contracts.ActosQuery) (f contracts.ActosFilter, after contracts.Cursor, limit int, err error) {
	if err := identity.Require(ctx, operador); err != nil {
		return f, after, 0, err
	}
	if f, after, limit, err = q.Parse(); err != nil {
		return f, after, limit, err
	}
	if codigo, noCode := contracts.ParseCodigo(f.ID); noCode == nil {
		if found, err := g.Core.ByCodigo(ctx, codigo); err == nil {
			f.ID = found.ID
		}
	}
	return f, after, limit, nil
}

// actos reads a page of at most limit acts from each service at the same time, and returns the newest acts of all of them as one page. A page
// of a service may end early, since its acts are long. The acts of the others that are older than its last one must wait for the next page:
// acts of this service may come before them.
func (g Gate) actos(ctx context.Context, f contracts.ActosFilter, after contracts.Cursor, limit int) (contracts.PaginaDeActos, error) {
	pages, failures := make([]contracts.PaginaDeActos, len(g.Auditors)), make([]error, len(g.Auditors))
	var group sync.WaitGroup
	for i, owner := range g.Auditors {
		group.Go(func() { pages[i], failures[i] = owner.Actos(ctx, contracts.NewActosQuery(f, after, limit)) })
	}
	group.Wait()
	var found []contracts.Acto
	var end *contracts.Acto // the newest of the acts with which a page of a service ends that has further acts
	for i, page := range pages {
		if failures[i] != nil {
			return contracts.PaginaDeActos{}, failures[i]
		}
		found = append(found, page.Actos...)
		if n := len(page.Actos); n > 0 && page.Siguiente != "" && (end == nil || contracts.CompareActos(page.Actos[n-1], *end) < 0) {
			end = &page.Actos[n-1]
		}
	}
	slices.SortFunc(found, contracts.CompareActos)
	if end != nil {
		found = slices.DeleteFunc(found, func(a contracts.Acto) bool { return contracts.CompareActos(a, *end) > 0 })
	}
	page, err := audit.Cut(found, limit)
	if err == nil && page.Siguiente == "" && end != nil {
		page.Siguiente = end.Cursor().String()
	}
	return page, err
}
