package dapr

import (
	"context"

	"entregas/contracts"
	"entregas/internal/api/adminproductos"
)

// Balance implements access.Existencias.
func (p Productos) Balance(ctx context.Context, f contracts.BalanceFilter, after string) ([]contracts.LineaDeBalance, error) {
	params := adminproductos.LeerBalanceParams{Buscar: unlessEmpty(f.Buscar), Bajas: &f.Bajas, Despues: unlessEmpty(after)}
	r, err := p.api().LeerBalanceWithResponse(ctx, &params)
	return answer(ctx, p.Service, r, err, adminproductos.LeerBalanceResponse.GetJSON200)
}

// Movimientos implements access.Existencias.
func (p Productos) Movimientos(ctx context.Context, id, tipo string, limit int, after string) (contracts.PaginaDeMovimientos, error) {
	params := adminproductos.ListarMovimientosParams{Tipo: unlessEmpty(tipo), Limite: &limit, Despues: unlessEmpty(after)}
	r, err := p.api().ListarMovimientosWithResponse(ctx, segment(id), &params)
	return answer(ctx, p.Service, r, err, adminproductos.ListarMovimientosResponse.GetJSON200)
}

// Corregir implements access.Existencias.
func (p Productos) Corregir(ctx context.Context, id string, c contracts.Correccion, key string) (contracts.Producto, error) {
	r, err := p.api().CorregirProductoWithResponse(ctx, segment(id), &adminproductos.CorregirProductoParams{IdempotencyKey: &key}, c)
	return answer(ctx, p.Service, r, err, adminproductos.CorregirProductoResponse.GetJSON200)
}

// CambiarUmbral implements access.Existencias.
func (p Productos) CambiarUmbral(ctx context.Context, id string, umbral int) (contracts.LineaDeBalance, error) {
	r, err := p.api().CambiarUmbralWithResponse(ctx, segment(id), contracts.CambioDeUmbral{Umbral: &umbral})
	return answer(ctx, p.Service, r, err, adminproductos.CambiarUmbralResponse.GetJSON200)
}

// Importar implements access.Existencias.
func (p Productos) Importar(ctx context.Context, s contracts.SolicitudDeImportacion, key string) (contracts.Importacion, error) {
	r, err := p.api().ImportarExistenciasWithResponse(ctx, &adminproductos.ImportarExistenciasParams{IdempotencyKey: &key}, s)
	return answer(ctx, p.Service, r, err, adminproductos.ImportarExistenciasResponse.GetJSON200)
}
