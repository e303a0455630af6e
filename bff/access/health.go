package access

import (
	"context"

	"entregas/bff/identity"
	"entregas/contracts"
)

// Health looks at the services.
type Health interface {
	Salud(ctx context.Context) []contracts.SaludDeServicio
}

// Links are the addresses of other tools for operators; "" where there is none.
type Links struct{ Trazas, Traza, Tableros string }

// Salud returns the health of the services, and where to look for more, for operators.
func (g Gate) Salud(ctx context.Context) (contracts.Salud, error) {
	if err := identity.Require(ctx, operador); err != nil {
		return contracts.Salud{}, err
	}
	return contracts.Salud{Servicios: g.Health.Salud(ctx), Trazas: g.Links.Trazas, Traza: g.Links.Traza, Tableros: g.Links.Tableros}, nil
}
