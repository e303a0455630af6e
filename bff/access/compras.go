package access

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"entregas/bff/compras"
	"entregas/bff/identity"
	"entregas/contracts"
	"entregas/internal/errs"
)

// Create takes a purchase. A customer buys only for their own account, and may leave out s.IDUsuario; an operator names the
// customer in s.IDUsuario.
func (g Gate) Create(ctx context.Context, s contracts.SolicitudCompra, key string) (contracts.Aceptada, error) {
	if err := identity.Require(ctx); err != nil {
		return contracts.Aceptada{}, err
	}
	who := identity.Of(ctx)
	if !who.Is(operador) && cmp.Or(s.IDUsuario, who.Usuario) != who.Usuario {
		return contracts.Aceptada{}, errs.New(errs.NoPermission, "Un cliente compra solo para sí: id_usuario debe ser %s, o faltar.", who.Usuario)
	}
	if !who.Is(operador) {
		s.IDUsuario = who.Usuario
	}
	if key != "" { // two subjects may use the same key
		key = who.Usuario + " " + key
	}
	a, err := g.Core.Create(ctx, s, key)
	if err != nil && errs.Of(err) == errs.Conflict && !who.Is(operador) && g.taken(ctx, s.ID) {
		// The customer learns only that the id is taken: the purchase may be another customer's.
		return a, errs.New(errs.Conflict, "El id %s ya está en uso.", s.ID)
	}
	return a, err
}

// taken reports whether a purchase with this id exists, or may exist. If no such purchase exists, a Conflict has another reason,
// such as too many open purchases of the customer.
func (g Gate) taken(ctx context.Context, id string) bool {
	if id == "" {
		return false
	}
	_, err := g.Core.Load(ctx, id)
	return err == nil || errs.Of(err) != errs.NotFound
}

// Load returns a purchase to its customer or to an operator. For others the error is that of a purchase that no service knows.
func (g Gate) Load(ctx context.Context, id string) (compras.Loaded, error) {
	if err := identity.Require(ctx); err != nil {
		return compras.Loaded{}, err
	}
	id, err := g.Resolve(ctx, id)
	if err != nil {
		return compras.Loaded{}, err
	}
	l, err := g.Core.Load(ctx, id)
	if err != nil {
		return compras.Loaded{}, err
	}
	if !isTheirs(ctx, l.Compra.IDUsuario) {
		return compras.Loaded{}, unreadable(id, l.Owner)
	}
	l.Compra = g.Shown(ctx, l.Compra)
	return l, nil
}

// Shown returns c as the caller may see it. An operator sees who did each thing of the history. Anybody else sees only their own name,
// and of others the role: "an operator" (docs/adr/who-did-it.md).
func (g Gate) Shown(ctx context.Context, c contracts.Compra) contracts.Compra {
	who := identity.Of(ctx)
	if who.Is(operador) {
		return c
	}
	c.Traza = ""
	c.Historia = slices.Clone(c.Historia) // other callers share it
	for i, h := range c.Historia {
		if h.Sujeto != who.Usuario {
			c.Historia[i].Sujeto = ""
		}
	}
	return c
}

// shownPage returns page as the caller may see it.
func (g Gate) shownPage(ctx context.Context, page compras.Page, err error) (compras.Page, error) {
	for i, c := range page.Compras {
		page.Compras[i] = g.Shown(ctx, c)
	}
	return page, err
}

// isTheirs reports whether the caller may read the purchases of the customer usuario.
func isTheirs(ctx context.Context, usuario string) bool {
	who := identity.Of(ctx)
	return who.Is(operador) || who.Is(identity.Cliente) && usuario == who.Usuario
}

// Resolve returns the id of the purchase that name names, which is its id or its code. For the code of another customer's purchase the
// error is that of a code that no purchase has, so that a customer learns nothing from a code. Errors: NoIdentity, NoPermission;
// WrongCodigo for a code with a wrong character; NotFound; Unavailable.
func (g Gate) Resolve(ctx context.Context, name string) (string, error) {
	if err := identity.Require(ctx); err != nil {
		return "", err
	}
	codigo, err := contracts.ParseCodigo(name)
	switch {
	case errors.Is(err, contracts.ErrNoCodigo):
		return contracts.CanonicalID(name), nil
	case err != nil:
		return "", errs.New(errs.WrongCodigo, "El código %s está mal escrito: su último carácter no corresponde a los demás. Revíselo.", strings.ToUpper(name))
	}
	found, err := g.Core.ByCodigo(ctx, codigo)
	if err == nil && !isTheirs(ctx, found.IDUsuario) {
		err = unreadable(contracts.FormatCodigo(codigo), found.Owner)
	}
	return found.ID, err
}

// unreadable returns the error for a purchase that the caller may not read. It is the error for a purchase that does not exist, so that a
// client cannot tell the two apart. Where the owner does not answer, nobody knows what does not exist: then it is the error of the owner.
func unreadable(id string, owner error) error {
	if owner != nil {
		return owner
	}
	return errs.New(errs.NotFound, "No existe la compra %s.", id)
}

// Known returns a purchase from the read model, or nil if the read model does not have the purchase. It is for a stream, which
// calls Load first.
func (g Gate) Known(ctx context.Context, id string) (*contracts.Compra, error) {
	c, err := g.Core.Known(ctx, id)
	if c == nil {
		return nil, err
	}
	if !isTheirs(ctx, c.IDUsuario) {
		return nil, unreadable(id, nil)
	}
	shown := g.Shown(ctx, *c)
	return &shown, err
}

// OfUsuario returns a page of a customer's purchases to that customer or to an operator. For others the error is NotFound.
func (g Gate) OfUsuario(ctx context.Context, usuario string, limit int, after string, estados ...contracts.Estado) (compras.Page, error) {
	if err := identity.Require(ctx); err != nil {
		return compras.Page{}, err
	}
	if who := identity.Of(ctx); usuario != who.Usuario && !who.Is(operador) {
		return compras.Page{}, errs.New(errs.NotFound, "No existe el usuario %s.", usuario)
	}
	if err := cursor(after); err != nil {
		return compras.Page{}, err
	}
	page, err := g.Core.OfUsuario(ctx, usuario, limit, after, estados...)
	return g.shownPage(ctx, page, err)
}

// Cancelar requests the cancellation of a purchase, for its customer or an operator.
func (g Gate) Cancelar(ctx context.Context, id, motivo string) (a contracts.Aceptada, done bool, err error) {
	if err := identity.Require(ctx); err != nil {
		return a, false, err
	}
	if id, err = g.Resolve(ctx, id); err != nil {
		return a, false, err
	}
	if !identity.Of(ctx).Is(operador) {
		if _, err := g.Load(ctx, id); err != nil {
			return a, false, err
		}
	}
	return g.Core.Cancelar(ctx, id, motivo)
}

// Aprobar approves or rejects a purchase that awaits approval, for operators.
func (g Gate) Aprobar(ctx context.Context, id string, aprobada bool, motivo string) (contracts.Aceptada, error) {
	if err := identity.Require(ctx, operador); err != nil {
		return contracts.Aceptada{}, err
	}
	id, err := g.Resolve(ctx, id)
	if err != nil {
		return contracts.Aceptada{}, err
	}
	return g.Core.Aprobar(ctx, id, aprobada, motivo)
}

// Mensajes returns the commands of a purchase's saga and their replies, for operators.
func (g Gate) Mensajes(ctx context.Context, id string) ([]contracts.MensajeDeSaga, error) {
	id, err := g.compraForOperador(ctx, id)
	if err != nil {
		return nil, err
	}
	return g.Operation.Mensajes(ctx, id)
}

// Reintentar restarts the stalled saga of a purchase, or the rollback of a FALLIDA purchase, for operators.
func (g Gate) Reintentar(ctx context.Context, id string) (contracts.Aceptada, error) {
	id, err := g.compraForOperador(ctx, id)
	if err != nil {
		return contracts.Aceptada{}, err
	}
	return compras.Settle(ctx, "/api/compras/"+id, "", func(ctx context.Context, again bool) (contracts.Aceptada, error) {
		a, err := g.Operation.Reintentar(ctx, id)
		if !again || errs.Of(err) != errs.Conflict {
			return a, err
		}
		// The purchase is not FALLIDA now. If its history has a FALLIDA, the first try changed the state, and only its answer was
		// lost.
		l, loadErr := g.Core.Load(ctx, id)
		if loadErr != nil {
			return a, loadErr
		}
		failed := slices.ContainsFunc(l.Compra.Historia, func(h contracts.HechoContado) bool { return h.Paso == string(contracts.EstadoFallida) })
		if l.Age.SecondHand || !failed || l.Compra.Estado == contracts.EstadoFallida {
			return a, err
		}
		return contracts.Aceptada{ID: id, Codigo: l.Compra.Codigo, Estado: l.Compra.Estado}, nil
	})
}
