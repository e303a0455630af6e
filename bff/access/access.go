// Package access is who may do what, for every door: REST, GraphQL and the live streams ask here, and nowhere else is it
// decided. A customer sees and cancels their own purchases, and somebody else's do not exist for them; the rest is for operators.
// docs/adr/one-door.md
package access

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/google/uuid"

	"entregas/bff/compras"
	"entregas/bff/identity"
	"entregas/contracts"
	"entregas/internal/errs"
)

// Operation is what operators ask of the service that owns the purchases.
type Operation interface {
	// Buscar gives at most limit purchases of anyone, newest first, after the cursor after.
	Buscar(ctx context.Context, f contracts.ComprasFilter, limit int, after string) (compras.Page, error)
	Mensajes(ctx context.Context, id string) ([]contracts.MensajeDeSaga, error)
	Resumen(ctx context.Context, seconds int) (contracts.Resumen, error)
	Reintentar(ctx context.Context, id string) (contracts.Aceptada, error)
}

// Productos is the service that owns products and stock.
type Productos interface {
	List(ctx context.Context, search string) ([]contracts.Producto, error)
	Load(ctx context.Context, id string) (contracts.Producto, error)
	// Reponer adds to the stock, once for each key.
	Reponer(ctx context.Context, id string, cantidad int, key string) (contracts.Producto, error)
	Balance(ctx context.Context) ([]contracts.LineaDeBalance, error)
}

// Ordenes is the service that owns orders.
type Ordenes interface {
	Load(ctx context.Context, id string) (contracts.Orden, error)
	Despachar(ctx context.Context, id string) (contracts.Orden, error)
}

// Monitor knows the queues.
type Monitor interface {
	Colas(ctx context.Context, minutes int) (contracts.Colas, error)
	DeadLetters(ctx context.Context) ([]contracts.MensajeMuerto, error)
	PutBackDeadLetter(ctx context.Context, id string) (contracts.MensajeMuerto, error)
	SetAside(ctx context.Context, id string) (contracts.MensajeMuerto, error)
}

// Gate has every operation, each for the callers that may use it. The caller is in the context.
// Besides the errors of what it stands on, each method has NoIdentity and NoPermission.
type Gate struct {
	Core      *compras.Service
	Operation Operation
	Stock     Productos
	Warehouse Ordenes
	Monitor   Monitor
}

const operador = identity.Operador

// Create takes a purchase: a customer's own, which need not name its customer; an operator's for any customer, which must.
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
	if key != "" { // a key is its subject's own
		key = who.Usuario + " " + key
	}
	a, err := g.Core.Create(ctx, s, key)
	if err != nil && errs.Of(err) == errs.Conflict && !who.Is(operador) && g.taken(ctx, s.ID) {
		// The customer learns that the id is taken, and no more: the purchase may be another customer's.
		return a, errs.New(errs.Conflict, "El id %s ya está en uso.", s.ID)
	}
	return a, err
}

// taken tells that the id, which a customer gave, is one of a purchase, or may be: a Conflict of one that is not is about
// something else, like how many purchases the customer has open.
func (g Gate) taken(ctx context.Context, id string) bool {
	if id == "" {
		return false
	}
	_, err := g.Core.Load(ctx, id)
	return err == nil || errs.Of(err) != errs.NotFound
}

// Load gives a purchase to its owner or an operator; to others there is none.
func (g Gate) Load(ctx context.Context, id string) (compras.Loaded, error) {
	if err := identity.Require(ctx); err != nil {
		return compras.Loaded{}, err
	}
	l, err := g.Core.Load(ctx, id)
	if err != nil {
		return compras.Loaded{}, err
	}
	if !isTheirs(ctx, l.Compra) {
		return compras.Loaded{}, doesNotExist(id)
	}
	return l, nil
}

func isTheirs(ctx context.Context, c contracts.Compra) bool {
	who := identity.Of(ctx)
	return who.Is(operador) || who.Is(identity.Cliente) && c.IDUsuario == who.Usuario
}

// doesNotExist has the words of the purchase's owner for one that there is not: nobody can tell the two apart.
func doesNotExist(id string) error {
	return errs.New(errs.NotFound, "No existe la compra %s.", id)
}

// Known is the purchase as the read model has it, for streams that asked Load first.
func (g Gate) Known(ctx context.Context, id string) (*contracts.Compra, error) {
	c, err := g.Core.Known(ctx, id)
	if c != nil && !isTheirs(ctx, *c) {
		return nil, doesNotExist(id)
	}
	return c, err
}

// OfUsuario gives a customer's purchases to that customer, or an operator.
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
	return g.Core.OfUsuario(ctx, usuario, limit, after, estados...)
}

// Cancelar asks for a cancellation, in the name of the purchase's owner or by an operator.
func (g Gate) Cancelar(ctx context.Context, id, motivo string) (a contracts.Aceptada, done bool, err error) {
	if err := identity.Require(ctx); err != nil {
		return a, false, err
	}
	if !identity.Of(ctx).Is(operador) {
		if _, err := g.Load(ctx, id); err != nil {
			return a, false, err
		}
	}
	return g.Core.Cancelar(ctx, id, motivo)
}

// Aprobar decides about a purchase that awaits it.
func (g Gate) Aprobar(ctx context.Context, id string, aprobada bool, motivo string) (contracts.Aceptada, error) {
	if err := identity.Require(ctx, operador); err != nil {
		return contracts.Aceptada{}, err
	}
	return g.Core.Aprobar(ctx, id, aprobada, motivo)
}

// Buscar gives anyone's purchases.
func (g Gate) Buscar(ctx context.Context, f contracts.ComprasFilter, limit int, after string) (compras.Page, error) {
	if err := identity.Require(ctx, operador); err != nil {
		return compras.Page{}, err
	}
	var v contracts.Validator
	if limit < 1 || limit > compras.MaxPage {
		v.Fail("limite", compras.LimitForm)
	}
	if f.IDUsuario != "" {
		v.Identifier("id_usuario", f.IDUsuario)
	}
	if err := v.Error(); err != nil {
		return compras.Page{}, err
	}
	if err := cursor(after); err != nil {
		return compras.Page{}, err
	}
	return g.Operation.Buscar(ctx, f, limit, after)
}

// Mensajes gives what the saga of a purchase asked, and what it was answered.
func (g Gate) Mensajes(ctx context.Context, id string) ([]contracts.MensajeDeSaga, error) {
	id, err := g.operadorByID(ctx, id)
	if err != nil {
		return nil, err
	}
	return g.Operation.Mensajes(ctx, id)
}

// Reintentar takes up a purchase that stands still, or what could not be undone of a FALLIDA.
func (g Gate) Reintentar(ctx context.Context, id string) (contracts.Aceptada, error) {
	id, err := g.operadorByID(ctx, id)
	if err != nil {
		return contracts.Aceptada{}, err
	}
	return compras.Settle(ctx, "/api/compras/"+id, "", func(ctx context.Context, again bool) (contracts.Aceptada, error) {
		a, err := g.Operation.Reintentar(ctx, id)
		if !again || errs.Of(err) != errs.Conflict {
			return a, err
		}
		// It is not FALLIDA any more: by the first try, which nobody answered, when its history says that it was.
		l, loadErr := g.Core.Load(ctx, id)
		if loadErr != nil {
			return a, loadErr
		}
		failed := slices.ContainsFunc(l.Compra.Historia, func(h contracts.HechoContado) bool { return h.Paso == string(contracts.EstadoFallida) })
		if l.Age.SecondHand || !failed || l.Compra.Estado == contracts.EstadoFallida {
			return a, err
		}
		return contracts.Aceptada{ID: id, Estado: l.Compra.Estado}, nil
	})
}

// Resumen tells what goes on now, over the last seconds.
func (g Gate) Resumen(ctx context.Context, seconds int) (contracts.Resumen, error) {
	if err := identity.Require(ctx, operador); err != nil {
		return contracts.Resumen{}, err
	}
	if seconds < 1 || seconds > 24*60*60 {
		return contracts.Resumen{}, contracts.BadField("segundos", SecondsForm)
	}
	return g.Operation.Resumen(ctx, seconds)
}

// Productos lists the products, those with search in their name when it is not "". For anybody.
func (g Gate) Productos(ctx context.Context, search string) ([]contracts.Producto, error) {
	if search = strings.TrimSpace(search); search != "" {
		var v contracts.Validator
		v.FreeText("buscar", search, contracts.MaxIdentifier)
		if err := v.Error(); err != nil {
			return nil, err
		}
	}
	return g.Stock.List(ctx, search)
}

// Producto gives one product. For anybody.
func (g Gate) Producto(ctx context.Context, id string) (contracts.Producto, error) {
	var v contracts.Validator
	v.Identifier("id", id)
	if err := v.Error(); err != nil {
		return contracts.Producto{}, err
	}
	return g.Stock.Load(ctx, id)
}

// Reponer adds to a product's stock, once for each key; "" is one of its own. A key is its subject's own, for one product:
// two operators may use the same.
func (g Gate) Reponer(ctx context.Context, id string, cantidad int, key string) (contracts.Producto, error) {
	if err := identity.Require(ctx, operador); err != nil {
		return contracts.Producto{}, err
	}
	var v contracts.Validator
	v.Identifier("id", id)
	v.Cantidad("cantidad", cantidad)
	if err := v.Error(); err != nil {
		return contracts.Producto{}, err
	}
	repeat := ""
	if key == "" {
		key, repeat = uuid.NewString(), "repítalo solo si no se hizo, y use una Idempotency-Key."
	}
	key = compras.Fingerprint(identity.Of(ctx).Usuario, id, key) // never too long
	return compras.Settle(ctx, "/api/productos/"+url.PathEscape(id), repeat, func(ctx context.Context, _ bool) (contracts.Producto, error) {
		return g.Stock.Reponer(ctx, id, cantidad, key)
	})
}

// Balance gives the books.
func (g Gate) Balance(ctx context.Context) ([]contracts.LineaDeBalance, error) {
	if err := identity.Require(ctx, operador); err != nil {
		return nil, err
	}
	return g.Stock.Balance(ctx)
}

// Orden gives an order.
func (g Gate) Orden(ctx context.Context, id string) (contracts.Orden, error) {
	id, err := g.operadorByID(ctx, id)
	if err != nil {
		return contracts.Orden{}, err
	}
	return g.Warehouse.Load(ctx, id)
}

// Despachar sends an order out of the warehouse.
func (g Gate) Despachar(ctx context.Context, id string) (contracts.Orden, error) {
	id, err := g.operadorByID(ctx, id)
	if err != nil {
		return contracts.Orden{}, err
	}
	return compras.Settle(ctx, "/api/ordenes/"+id, "", func(ctx context.Context, _ bool) (contracts.Orden, error) {
		return g.Warehouse.Despachar(ctx, id)
	})
}

// Colas tells the queues, now and over the last minutes.
func (g Gate) Colas(ctx context.Context, minutes int) (contracts.Colas, error) {
	if err := identity.Require(ctx, operador); err != nil {
		return contracts.Colas{}, err
	}
	if minutes < 1 || minutes > 15 {
		return contracts.Colas{}, contracts.BadField("minutos", MinutesForm)
	}
	return g.Monitor.Colas(ctx, minutes)
}

// DeadLetters lists the dead letters.
func (g Gate) DeadLetters(ctx context.Context) ([]contracts.MensajeMuerto, error) {
	if err := identity.Require(ctx, operador); err != nil {
		return nil, err
	}
	return g.Monitor.DeadLetters(ctx)
}

// PutBackDeadLetter puts a dead letter back.
func (g Gate) PutBackDeadLetter(ctx context.Context, id string) (contracts.MensajeMuerto, error) {
	return g.onLetter(ctx, id, g.Monitor.PutBackDeadLetter)
}

// SetAside makes a dead letter of a message that nobody can read.
func (g Gate) SetAside(ctx context.Context, id string) (contracts.MensajeMuerto, error) {
	return g.onLetter(ctx, id, g.Monitor.SetAside)
}

func (g Gate) onLetter(ctx context.Context, id string, do func(context.Context, string) (contracts.MensajeMuerto, error)) (contracts.MensajeMuerto, error) {
	if err := identity.Require(ctx, operador); err != nil {
		return contracts.MensajeMuerto{}, err
	}
	var v contracts.Validator
	v.Identifier("id", id)
	if err := v.Error(); err != nil {
		return contracts.MensajeMuerto{}, err
	}
	one, err := do(ctx, id)
	if compras.InDoubt(err) { // not asked again: it would be put back twice
		return one, compras.OutcomeUnknown("/api/mensajes-muertos", "repítalo solo si el mensaje sigue en la lista.", err)
	}
	return one, err
}
