package postgres

import (
	"context"

	"entregas/contracts"
	"entregas/services/gestor-compra/compras"
)

// WithoutCodigo is the statement by which FillCodigos finds its purchases.
const WithoutCodigo = withoutCodigo

// AcceptDrawing is Accept with the codes that draw returns.
func (s *Store) AcceptDrawing(ctx context.Context, request contracts.SolicitudCompra, limit compras.OpenLimit, draw func() string) (contracts.Compra, bool, error) {
	return s.accept(ctx, request, limit, draw)
}
