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

// How many purchases a page has, and how many a customer's list is while the owner is away.
const (
	MaxPage      = 100
	DefaultPage  = 50
	LatestOfList = 50
)

// LimitForm says in words for a person how many may be asked for.
var LimitForm = fmt.Sprintf("debe ser un número entero de 1 a %d", MaxPage)

// Load gives a purchase: from its owner, or as it is known here when the owner does not know it yet or does not answer.
// NotFound is said only when the owner said so.
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
	return Loaded{Compra: view.Compra, Age: s.state.age(*view)}, nil
}

// OfUsuario gives at most limit (1 to MaxPage) of a customer's purchases, newest first, after the cursor after. With
// estados it is those that are in one of them. While the owner is away it is the last ones that are known here, page by page:
// each page says so by its Edad, and its cursors hold for the owner too. Older ones are Unavailable then.
func (s *Service) OfUsuario(ctx context.Context, usuario string, limit int, after string, estados ...contracts.Estado) (Page, error) {
	var v contracts.Validator
	v.Identifier("id_usuario", usuario)
	if limit < 1 || limit > MaxPage {
		v.Fail("limite", LimitForm)
	}
	if err := v.Error(); err != nil {
		return Page{}, err
	}
	from, err := contracts.ParseCursor(after)
	if err != nil {
		return Page{}, err
	}
	page, err := s.manager.OfUsuario(ctx, usuario, limit, after, estados...)
	if err == nil || errs.Of(err) != errs.Unavailable {
		return page, err
	}
	slog.WarnContext(ctx, "gestor-compra no responde: la lista es la que se conoce aquí", "error", err)
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
