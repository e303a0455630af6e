package public

import (
	"context"
	"time"

	"entregas/bff/optional"
	"entregas/contracts"
)

// Direcciones implements QueryResolver.
func (c queryResolver) Direcciones(ctx context.Context) ([]contracts.DireccionDeAviso, error) {
	return c.gate.Direcciones(ctx)
}

// Entregas implements QueryResolver.
func (c queryResolver) Entregas(ctx context.Context, idDireccion, idCompra *string, canal *contracts.CanalDeEntrega, estado *contracts.EstadoEntrega, limit *int, after *string) (*contracts.PaginaDeEntregas, error) {
	f := contracts.EntregasFilter{Canal: optional.Or(canal, ""), IDDireccion: optional.Or(idDireccion, ""), IDCompra: optional.Or(idCompra, ""), Estado: optional.Or(estado, "")}
	return orNull(c.gate.Entregas(ctx, f, optional.Or(limit, contracts.UsualEntregas), optional.Or(after, "")))
}

// AvisosDeExistencias implements QueryResolver.
func (c queryResolver) AvisosDeExistencias(ctx context.Context) ([]contracts.Deseo, error) {
	return c.gate.Deseos(ctx)
}

// Avisame implements MutationResolver.
func (r root) Avisame(ctx context.Context, idProducto string, cantidad int) (*contracts.Deseo, error) {
	return orNull(r.gate.AddDeseo(ctx, idProducto, cantidad))
}

// NoMeAvise implements MutationResolver.
func (r root) NoMeAvise(ctx context.Context, idProducto string, avisadoEn *time.Time) (*bool, error) {
	return orNull(true, r.gate.DeleteDeseo(ctx, idProducto, avisadoEn))
}

// CrearDireccion implements MutationResolver.
func (r root) CrearDireccion(ctx context.Context, url string, descripcion *string, estados []contracts.Estado) (*contracts.DireccionDeAviso, error) {
	return orNull(r.gate.CreateDireccion(ctx, contracts.NuevaDireccion{URL: url, Descripcion: optional.Or(descripcion, ""), Estados: estados}))
}

// CambiarDireccion implements MutationResolver.
func (r root) CambiarDireccion(ctx context.Context, id string, activa bool) (*contracts.DireccionDeAviso, error) {
	return orNull(r.gate.ChangeDireccion(ctx, id, activa))
}

// BorrarDireccion implements MutationResolver.
func (r root) BorrarDireccion(ctx context.Context, id string) (*bool, error) {
	return orNull(true, r.gate.DeleteDireccion(ctx, id))
}

// RenovarSecreto implements MutationResolver.
func (r root) RenovarSecreto(ctx context.Context, id string) (*contracts.DireccionDeAviso, error) {
	return orNull(r.gate.RenewSecreto(ctx, id))
}

// ProbarDireccion implements MutationResolver.
func (r root) ProbarDireccion(ctx context.Context, id string) (*contracts.EntregaDeAviso, error) {
	return orNull(r.gate.TestDireccion(ctx, id))
}

// ReenviarEntrega implements MutationResolver.
func (r root) ReenviarEntrega(ctx context.Context, id string) (*contracts.EntregaDeAviso, error) {
	return orNull(r.gate.SendAgain(ctx, id))
}
