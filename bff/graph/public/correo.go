package public

import (
	"context"

	"entregas/contracts"
)

// Correo implements QueryResolver.
func (c queryResolver) Correo(ctx context.Context, idUsuario string) (*contracts.CorreoDeUsuario, error) {
	return orNull(c.gate.Correo(ctx, idUsuario))
}

// GuardarCorreo implements MutationResolver.
func (r root) GuardarCorreo(ctx context.Context, idUsuario, correo string) (*bool, error) {
	return orNull(true, r.gate.SetCorreo(ctx, idUsuario, contracts.CambioDeCorreo{Correo: correo}))
}

// BorrarCorreo implements MutationResolver.
func (r root) BorrarCorreo(ctx context.Context, idUsuario string) (*bool, error) {
	return orNull(true, r.gate.DeleteCorreo(ctx, idUsuario))
}
