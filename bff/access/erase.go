package access

import (
	"context"
	"net/url"

	"entregas/bff/compras"
	"entregas/bff/identity"
	"entregas/contracts"
)

// eraseCalls bounds how often one request calls the owner of the purchases, which erases a limited number of them in each call.
const eraseCalls = 20

// BorrarDatos erases the personal data of a customer from all owners, for operators (docs/adr/erased-personal-data.md). After an error the same
// request does the rest.
func (g Gate) BorrarDatos(ctx context.Context, idUsuario string) (contracts.DatosBorrados, error) {
	erased := contracts.DatosBorrados{IDUsuario: idUsuario}
	if err := identity.Require(ctx, operador); err != nil {
		return erased, err
	}
	var v contracts.Validator
	v.Identifier("id", idUsuario)
	if err := v.Error(); err != nil {
		return erased, err
	}
	see := "/api/usuarios/" + url.PathEscape(idUsuario) + "/compras"
	for range eraseCalls {
		part, err := eraseFrom(ctx, g.Operation, see, idUsuario)
		if err != nil {
			return erased, err
		}
		erased.Compras, erased.Abiertas, erased.Quedan = erased.Compras+part.Borradas, part.Abiertas, part.Quedan
		if part.Quedan == 0 {
			break
		}
	}
	part, err := eraseFrom(ctx, g.Warehouse, see, idUsuario)
	if erased.Ordenes = part.Borradas; err != nil {
		return erased, err
	}
	part, err = eraseFrom(ctx, g.Wishes, see, idUsuario)
	erased.Deseos, erased.Correo = part.Borradas, part.Correo
	return erased, err
}

func eraseFrom(ctx context.Context, owner PersonalData, see, idUsuario string) (contracts.ParteBorrada, error) {
	return compras.Settle(ctx, see, "", func(ctx context.Context, _ bool) (contracts.ParteBorrada, error) {
		return owner.Borrar(ctx, idUsuario)
	})
}
