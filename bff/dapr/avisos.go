package dapr

import (
	"context"
	"net/http"
	"time"

	"entregas/contracts"
	"entregas/internal/api/avisos"
)

// Avisos calls the service avisos. It implements access.Direcciones, access.Entregas, access.Deseos and access.Correos.
type Avisos struct{ *Service }

func (a Avisos) api() *avisos.ClientWithResponses {
	return &avisos.ClientWithResponses{ClientInterface: &avisos.Client{Server: a.server(), Client: a}}
}

// Direcciones implements access.Direcciones.
func (a Avisos) Direcciones(ctx context.Context) ([]contracts.DireccionDeAviso, error) {
	r, err := a.api().ListarDireccionesWithResponse(ctx)
	return answer(ctx, a.Service, r, err, avisos.ListarDireccionesResponse.GetJSON200)
}

// CreateDireccion implements access.Direcciones.
func (a Avisos) CreateDireccion(ctx context.Context, d contracts.NuevaDireccion) (contracts.DireccionDeAviso, error) {
	r, err := a.api().CrearDireccionWithResponse(ctx, d)
	return answer(ctx, a.Service, r, err, avisos.CrearDireccionResponse.GetJSON201)
}

// ChangeDireccion implements access.Direcciones.
func (a Avisos) ChangeDireccion(ctx context.Context, id string, activa bool) (contracts.DireccionDeAviso, error) {
	r, err := a.api().CambiarDireccionWithResponse(ctx, segment(id), contracts.CambioDeDireccion{Activa: &activa})
	return answer(ctx, a.Service, r, err, avisos.CambiarDireccionResponse.GetJSON200)
}

// RenewSecreto implements access.Direcciones.
func (a Avisos) RenewSecreto(ctx context.Context, id string) (contracts.DireccionDeAviso, error) {
	r, err := a.api().RenovarSecretoWithResponse(ctx, segment(id))
	return answer(ctx, a.Service, r, err, avisos.RenovarSecretoResponse.GetJSON200)
}

// DeleteDireccion implements access.Direcciones.
func (a Avisos) DeleteDireccion(ctx context.Context, id string) error {
	r, err := a.api().BorrarDireccionWithResponse(ctx, segment(id))
	_, err = answer(ctx, a.Service, r, err, noContent[avisos.BorrarDireccionResponse])
	return err
}

// noContent returns a value for an answer without content, or nil for another.
func noContent[R interface{ StatusCode() int }](r R) *struct{} {
	if r.StatusCode() != http.StatusNoContent {
		return nil
	}
	return &struct{}{}
}

// Entregas implements access.Entregas.
func (a Avisos) Entregas(ctx context.Context, f contracts.EntregasFilter, limit int, after string) (contracts.PaginaDeEntregas, error) {
	params := avisos.ListarEntregasParams{IdDireccion: unlessEmpty(f.IDDireccion), IdCompra: unlessEmpty(f.IDCompra), Limite: &limit, Despues: unlessEmpty(after)}
	if f.Canal != "" {
		params.Canal = &f.Canal
	}
	if f.Estado != "" {
		params.Estado = &f.Estado
	}
	r, err := a.api().ListarEntregasWithResponse(ctx, &params)
	return answer(ctx, a.Service, r, err, avisos.ListarEntregasResponse.GetJSON200)
}

// TestDireccion implements access.Entregas.
func (a Avisos) TestDireccion(ctx context.Context, id string) (contracts.EntregaDeAviso, error) {
	r, err := a.api().ProbarDireccionWithResponse(ctx, segment(id))
	return answer(ctx, a.Service, r, err, avisos.ProbarDireccionResponse.GetJSON202)
}

// SendAgain implements access.Entregas.
func (a Avisos) SendAgain(ctx context.Context, id string) (contracts.EntregaDeAviso, error) {
	r, err := a.api().ReenviarEntregaWithResponse(ctx, segment(id))
	return answer(ctx, a.Service, r, err, avisos.ReenviarEntregaResponse.GetJSON202)
}

// Deseos implements access.Deseos.
func (a Avisos) Deseos(ctx context.Context, idUsuario string) ([]contracts.Deseo, error) {
	r, err := a.api().ListarDeseosWithResponse(ctx, segment(idUsuario))
	return answer(ctx, a.Service, r, err, avisos.ListarDeseosResponse.GetJSON200)
}

// AddDeseo implements access.Deseos.
func (a Avisos) AddDeseo(ctx context.Context, idUsuario, idProducto string, cantidad int) (contracts.Deseo, error) {
	r, err := a.api().CrearDeseoWithResponse(ctx, segment(idUsuario), segment(idProducto), contracts.NuevoDeseo{Cantidad: cantidad})
	return answer(ctx, a.Service, r, err, avisos.CrearDeseoResponse.GetJSON200)
}

// DeleteDeseo implements access.Deseos.
func (a Avisos) DeleteDeseo(ctx context.Context, idUsuario, idProducto string, avisadoEn *time.Time) error {
	r, err := a.api().BorrarDeseoWithResponse(ctx, segment(idUsuario), segment(idProducto), &avisos.BorrarDeseoParams{AvisadoEn: avisadoEn})
	_, err = answer(ctx, a.Service, r, err, noContent[avisos.BorrarDeseoResponse])
	return err
}

// Correo implements access.Correos.
func (a Avisos) Correo(ctx context.Context, idUsuario string) (contracts.CorreoDeUsuario, error) {
	r, err := a.api().LeerCorreoWithResponse(ctx, segment(idUsuario))
	return answer(ctx, a.Service, r, err, avisos.LeerCorreoResponse.GetJSON200)
}

// SetCorreo implements access.Correos.
func (a Avisos) SetCorreo(ctx context.Context, idUsuario string, c contracts.CambioDeCorreo) error {
	r, err := a.api().GuardarCorreoWithResponse(ctx, segment(idUsuario), c)
	_, err = answer(ctx, a.Service, r, err, noContent[avisos.GuardarCorreoResponse])
	return err
}

// DeleteCorreo implements access.Correos.
func (a Avisos) DeleteCorreo(ctx context.Context, idUsuario string) error {
	r, err := a.api().BorrarCorreoWithResponse(ctx, segment(idUsuario))
	_, err = answer(ctx, a.Service, r, err, noContent[avisos.BorrarCorreoResponse])
	return err
}

// Borrar implements access.PersonalData.
func (a Avisos) Borrar(ctx context.Context, idUsuario string) (contracts.ParteBorrada, error) {
	r, err := a.api().BorrarDatosDeAvisosWithResponse(ctx, segment(idUsuario))
	return answer(ctx, a.Service, r, err, avisos.BorrarDatosDeAvisosResponse.GetJSON200)
}
