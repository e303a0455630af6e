package compras

import (
	"context"
	"fmt"
	"log/slog"
	"slices"

	"entregas/contracts"
	"entregas/internal/errs"
	"entregas/internal/logging"
)

// The sizes of pages and lists.
const (
	MaxPage      = 100 // purchases of a page
	DefaultPage  = 50  // purchases of a page where the client gives no limit
	LatestOfList = 50  // purchases of a customer's list in the read model
)

// LimitForm says in Spanish which limit a client may give.
var LimitForm = fmt.Sprintf("debe ser un número entero de 1 a %d", MaxPage)

// Load returns a purchase from its owner, or from the read model where the owner does not have it yet or does not answer. Errors:
// NotFound only where the owner answered so; Unavailable.
func (s *Service) Load(ctx context.Context, id string) (Loaded, error) {
	id = contracts.CanonicalID(id)
	var v contracts.Validator
	v.IDCompra("id", id)
	if err := v.Error(); err != nil {
		return Loaded{}, err
	}
	ctx = logging.WithCompra(ctx, id)
	compra, err := s.manager.Load(ctx, id)
	if err == nil {
		return Loaded{Compra: compra}, nil
	}
	if code := errs.Of(err); code != errs.NotFound && code != errs.Unavailable {
		return Loaded{}, err
	}
	view, stateErr := s.state.load(ctx, id)
	if stateErr != nil {
		return Loaded{}, stateErr
	}
	if view == nil {
		return Loaded{}, err
	}
	return Loaded{Compra: view.Compra, Age: s.state.age(*view), Owner: err}, nil
}

// ByCodigo returns the purchase of a code from its owner, or from the read model where the owner does not answer. Errors: NotFound;
// Unavailable.
func (s *Service) ByCodigo(ctx context.Context, codigo string) (Named, error) {
	c, err := s.manager.ByCodigo(ctx, codigo)
	if errs.Of(err) != errs.Unavailable {
		return Named{CompraDeCodigo: c}, err
	}
	known, _, stateErr := loadJSON[contracts.CompraDeCodigo](ctx, s.state.store, codigoKey(codigo))
	if stateErr != nil {
		return Named{}, stateErr
	}
	if known == nil {
		return Named{}, err
	}
	return Named{CompraDeCodigo: *known, Owner: err}, nil
}

// OfUsuario returns at most limit (1 to MaxPage) purchases of a customer, newest first, after the cursor after. With estados it
// returns only purchases in one of them. While the owner is away, the pages come from the read model and have an Age, and the
// owner accepts their cursors too. The read model has only the LatestOfList newest purchases of a customer; for older purchases
// the error is Unavailable.
func (s *Service) OfUsuario(ctx context.Context, usuario string, limit int, after string, estados ...contracts.Estado) (Page, error) {
	var v contracts.Validator
	v.Identifier("id_usuario", usuario)
	if limit < 1 || limit > MaxPage {
		v.Fail("limite", LimitForm)
	}
	if err := v.Error(); err != nil {
		return Page{}, err
	}
	from, err := contracts.ParseCursorOfUsuario(after)
	if err != nil {
		return Page{}, err
	}
	page, err := s.manager.OfUsuario(ctx, usuario, limit, after, estados...)
	if err == nil || errs.Of(err) != errs.Unavailable {
		return page, err
	}
	slog.WarnContext(ctx, "gestor-compra does not answer: the list comes from the read model", "error", err)
	page, err = s.state.latestOf(ctx, usuario, from)
	if len(estados) > 0 {
		page.Compras = slices.DeleteFunc(page.Compras, func(c contracts.Compra) bool { return !slices.Contains(estados, c.Estado) })
	}
	if len(page.Compras) > limit {
		page.Compras = page.Compras[:limit]
		page.Siguiente = contracts.CursorOf(page.Compras[limit-1]).String()
	}
	return page, err
}
