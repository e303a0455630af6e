package dapr

import (
	"context"

	"entregas/contracts"
	"entregas/internal/api/adminproductos"
	"entregas/internal/api/avisos"
	"entregas/internal/api/gestorcompra"
	"entregas/internal/api/monitor"
	"entregas/internal/api/ordenes"
)

// Actos implements access.Auditor.
func (m Manager) Actos(ctx context.Context, q contracts.ActosQuery) (contracts.PaginaDeActos, error) {
	params := gestorcompra.ListarActosDeComprasParams(q)
	r, err := m.api().ListarActosDeComprasWithResponse(ctx, &params)
	return answer(ctx, m.Service, r, err, gestorcompra.ListarActosDeComprasResponse.GetJSON200)
}

// Actos implements access.Auditor.
func (p Productos) Actos(ctx context.Context, q contracts.ActosQuery) (contracts.PaginaDeActos, error) {
	params := adminproductos.ListarActosDeProductosParams(q)
	r, err := p.api().ListarActosDeProductosWithResponse(ctx, &params)
	return answer(ctx, p.Service, r, err, adminproductos.ListarActosDeProductosResponse.GetJSON200)
}

// Actos implements access.Auditor.
func (o Ordenes) Actos(ctx context.Context, q contracts.ActosQuery) (contracts.PaginaDeActos, error) {
	params := ordenes.ListarActosDeOrdenesParams(q)
	r, err := o.api().ListarActosDeOrdenesWithResponse(ctx, &params)
	return answer(ctx, o.Service, r, err, ordenes.ListarActosDeOrdenesResponse.GetJSON200)
}

// Actos implements access.Auditor.
func (m Monitor) Actos(ctx context.Context, q contracts.ActosQuery) (contracts.PaginaDeActos, error) {
	params := monitor.ListarActosDeMensajesParams(q)
	r, err := m.api().ListarActosDeMensajesWithResponse(ctx, &params)
	return answer(ctx, m.Service, r, err, monitor.ListarActosDeMensajesResponse.GetJSON200)
}

// Actos implements access.Auditor.
func (a Avisos) Actos(ctx context.Context, q contracts.ActosQuery) (contracts.PaginaDeActos, error) {
	params := avisos.ListarActosDeAvisosParams(q)
	r, err := a.api().ListarActosDeAvisosWithResponse(ctx, &params)
	return answer(ctx, a.Service, r, err, avisos.ListarActosDeAvisosResponse.GetJSON200)
}
