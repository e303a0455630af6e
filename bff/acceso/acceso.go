// Package acceso is who may do what, for every door: REST, GraphQL and the live streams ask here, and nowhere else is it
// decided. A customer sees and cancels their own purchases, and somebody else's do not exist for them; the rest is for operators.
// docs/adr/one-door.md
package acceso

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/google/uuid"

	"entregas/contracts"
	"entregas/services/bff/compras"
	"entregas/services/bff/identidad"
	"entregas/services/internal/errores"
)

// Operacion is what operators ask of the service that owns the purchases.
type Operacion interface {
	// Buscar gives at most limite purchases of anyone, newest first, after the cursor despues.
	Buscar(ctx context.Context, f contracts.FiltroCompras, limite int, despues string) (compras.Pagina, error)
	Mensajes(ctx context.Context, id string) ([]contracts.MensajeDeSaga, error)
	Resumen(ctx context.Context, segundos int) (contracts.Resumen, error)
	Reintentar(ctx context.Context, id string) (contracts.Aceptada, error)
}

// Productos is the service that owns products and stock.
type Productos interface {
	Listar(ctx context.Context, buscar string) ([]contracts.Producto, error)
	Leer(ctx context.Context, id string) (contracts.Producto, error)
	// Reponer adds to the stock, once for each clave.
	Reponer(ctx context.Context, id string, cantidad int, clave string) (contracts.Producto, error)
	Balance(ctx context.Context) ([]contracts.LineaDeBalance, error)
}

// Ordenes is the service that owns orders.
type Ordenes interface {
	Leer(ctx context.Context, id string) (contracts.Orden, error)
	Despachar(ctx context.Context, id string) (contracts.Orden, error)
}

// Monitor knows the queues.
type Monitor interface {
	Colas(ctx context.Context, minutos int) (contracts.Colas, error)
	Muertos(ctx context.Context) ([]contracts.MensajeMuerto, error)
	ReponerMuerto(ctx context.Context, id string) (contracts.MensajeMuerto, error)
	SetAside(ctx context.Context, id string) (contracts.MensajeMuerto, error)
}

// Puerta has every operation, each for the callers that may use it. The caller is in the context.
// Besides the errors of what it stands on, each method has SinIdentidad and SinPermiso.
type Puerta struct {
	Nucleo    *compras.Servicio
	Operacion Operacion
	Almacen   Productos
	Bodega    Ordenes
	Monitor   Monitor
}

const operador = identidad.Operador

// Crear takes a purchase: a customer's own, which need not name its customer; an operator's for any customer, which must.
func (p Puerta) Crear(ctx context.Context, s contracts.SolicitudCompra, clave string) (contracts.Aceptada, error) {
	if err := identidad.ExigirDe(ctx); err != nil {
		return contracts.Aceptada{}, err
	}
	quien := identidad.De(ctx)
	if !quien.Es(operador) && cmp.Or(s.IDUsuario, quien.Usuario) != quien.Usuario {
		return contracts.Aceptada{}, errores.Nuevo(errores.SinPermiso, "Un cliente compra solo para sí: id_usuario debe ser %s, o faltar.", quien.Usuario)
	}
	if !quien.Es(operador) {
		s.IDUsuario = quien.Usuario
	}
	if clave != "" { // a key is its subject's own
		clave = quien.Usuario + " " + clave
	}
	a, err := p.Nucleo.Crear(ctx, s, clave)
	if err != nil && errores.De(err) == errores.Conflicto && !quien.Es(operador) && p.taken(ctx, s.ID) {
		// The customer learns that the id is taken, and no more: the purchase may be another customer's.
		return a, errores.Nuevo(errores.Conflicto, "El id %s ya está en uso.", s.ID)
	}
	return a, err
}

// taken tells that the id, which a customer gave, is one of a purchase, or may be: a Conflicto of one that is not is about
// something else, like how many purchases the customer has open.
func (p Puerta) taken(ctx context.Context, id string) bool {
	if id == "" {
		return false
	}
	_, err := p.Nucleo.Leer(ctx, id)
	return err == nil || errores.De(err) != errores.NoEncontrado
}

// Leer gives a purchase to its owner or an operator; to others there is none.
func (p Puerta) Leer(ctx context.Context, id string) (compras.Leida, error) {
	if err := identidad.ExigirDe(ctx); err != nil {
		return compras.Leida{}, err
	}
	l, err := p.Nucleo.Leer(ctx, id)
	if err != nil {
		return compras.Leida{}, err
	}
	if !esSuya(ctx, l.Compra) {
		return compras.Leida{}, noExiste(id)
	}
	return l, nil
}

func esSuya(ctx context.Context, c contracts.Compra) bool {
	quien := identidad.De(ctx)
	return quien.Es(operador) || quien.Es(identidad.Cliente) && c.IDUsuario == quien.Usuario
}

// noExiste has the words of the purchase's owner for one that there is not: nobody can tell the two apart.
func noExiste(id string) error {
	return errores.Nuevo(errores.NoEncontrado, "No existe la compra %s.", id)
}

// Conocida is the purchase as the read model has it, for streams that asked Leer first.
func (p Puerta) Conocida(ctx context.Context, id string) (*contracts.Compra, error) {
	c, err := p.Nucleo.Conocida(ctx, id)
	if c != nil && !esSuya(ctx, *c) {
		return nil, noExiste(id)
	}
	return c, err
}

// DeUsuario gives a customer's purchases to that customer, or an operator.
func (p Puerta) DeUsuario(ctx context.Context, usuario string, limite int, despues string, estados ...contracts.Estado) (compras.Pagina, error) {
	if err := identidad.ExigirDe(ctx); err != nil {
		return compras.Pagina{}, err
	}
	if quien := identidad.De(ctx); usuario != quien.Usuario && !quien.Es(operador) {
		return compras.Pagina{}, errores.Nuevo(errores.NoEncontrado, "No existe el usuario %s.", usuario)
	}
	if err := cursor(despues); err != nil {
		return compras.Pagina{}, err
	}
	return p.Nucleo.DeUsuario(ctx, usuario, limite, despues, estados...)
}

// Cancelar asks for a cancellation, in the name of the purchase's owner or by an operator.
func (p Puerta) Cancelar(ctx context.Context, id, motivo string) (a contracts.Aceptada, hecha bool, err error) {
	if err := identidad.ExigirDe(ctx); err != nil {
		return a, false, err
	}
	if !identidad.De(ctx).Es(operador) {
		if _, err := p.Leer(ctx, id); err != nil {
			return a, false, err
		}
	}
	return p.Nucleo.Cancelar(ctx, id, motivo)
}

// Aprobar decides about a purchase that awaits it.
func (p Puerta) Aprobar(ctx context.Context, id string, aprobada bool, motivo string) (contracts.Aceptada, error) {
	if err := identidad.ExigirDe(ctx, operador); err != nil {
		return contracts.Aceptada{}, err
	}
	return p.Nucleo.Aprobar(ctx, id, aprobada, motivo)
}

// Buscar gives anyone's purchases.
func (p Puerta) Buscar(ctx context.Context, f contracts.FiltroCompras, limite int, despues string) (compras.Pagina, error) {
	if err := identidad.ExigirDe(ctx, operador); err != nil {
		return compras.Pagina{}, err
	}
	var v contracts.Validador
	if limite < 1 || limite > compras.MaxPagina {
		v.Falla("limite", compras.FormaDeLimite)
	}
	if f.IDUsuario != "" {
		v.Identificador("id_usuario", f.IDUsuario)
	}
	if err := v.Error(); err != nil {
		return compras.Pagina{}, err
	}
	if err := cursor(despues); err != nil {
		return compras.Pagina{}, err
	}
	return p.Operacion.Buscar(ctx, f, limite, despues)
}

// Mensajes gives what the saga of a purchase asked, and what it was answered.
func (p Puerta) Mensajes(ctx context.Context, id string) ([]contracts.MensajeDeSaga, error) {
	id, err := p.operadorConID(ctx, id)
	if err != nil {
		return nil, err
	}
	return p.Operacion.Mensajes(ctx, id)
}

// Reintentar takes up a purchase that stands still, or what could not be undone of a FALLIDA.
func (p Puerta) Reintentar(ctx context.Context, id string) (contracts.Aceptada, error) {
	id, err := p.operadorConID(ctx, id)
	if err != nil {
		return contracts.Aceptada{}, err
	}
	return compras.Settle(ctx, "/api/compras/"+id, "", func(ctx context.Context, again bool) (contracts.Aceptada, error) {
		a, err := p.Operacion.Reintentar(ctx, id)
		if !again || errores.De(err) != errores.Conflicto {
			return a, err
		}
		// It is not FALLIDA any more: by the first try, which nobody answered, when its history says that it was.
		l, deLeer := p.Nucleo.Leer(ctx, id)
		if deLeer != nil {
			return a, deLeer
		}
		failed := slices.ContainsFunc(l.Compra.Historia, func(h contracts.HechoContado) bool { return h.Paso == string(contracts.EstadoFallida) })
		if l.Edad.DeSegundaMano || !failed || l.Compra.Estado == contracts.EstadoFallida {
			return a, err
		}
		return contracts.Aceptada{ID: id, Estado: l.Compra.Estado}, nil
	})
}

// Resumen tells what goes on now, over the last seconds.
func (p Puerta) Resumen(ctx context.Context, segundos int) (contracts.Resumen, error) {
	if err := identidad.ExigirDe(ctx, operador); err != nil {
		return contracts.Resumen{}, err
	}
	if segundos < 1 || segundos > 24*60*60 {
		return contracts.Resumen{}, contracts.CampoMalo("segundos", FormaDeSegundos)
	}
	return p.Operacion.Resumen(ctx, segundos)
}

// Productos lists the products, those with buscar in their name when it is not "". For anybody.
func (p Puerta) Productos(ctx context.Context, buscar string) ([]contracts.Producto, error) {
	if buscar = strings.TrimSpace(buscar); buscar != "" {
		var v contracts.Validador
		v.FreeText("buscar", buscar, contracts.MaxIdentificador)
		if err := v.Error(); err != nil {
			return nil, err
		}
	}
	return p.Almacen.Listar(ctx, buscar)
}

// Producto gives one product. For anybody.
func (p Puerta) Producto(ctx context.Context, id string) (contracts.Producto, error) {
	var v contracts.Validador
	v.Identificador("id", id)
	if err := v.Error(); err != nil {
		return contracts.Producto{}, err
	}
	return p.Almacen.Leer(ctx, id)
}

// Reponer adds to a product's stock, once for each clave; "" is one of its own. A key is its subject's own, for one product:
// two operators may use the same.
func (p Puerta) Reponer(ctx context.Context, id string, cantidad int, clave string) (contracts.Producto, error) {
	if err := identidad.ExigirDe(ctx, operador); err != nil {
		return contracts.Producto{}, err
	}
	var v contracts.Validador
	v.Identificador("id", id)
	v.Cantidad("cantidad", cantidad)
	if err := v.Error(); err != nil {
		return contracts.Producto{}, err
	}
	repeat := ""
	if clave == "" {
		clave, repeat = uuid.NewString(), "repítalo solo si no se hizo, y use una Idempotency-Key."
	}
	clave = compras.Huella(identidad.De(ctx).Usuario, id, clave) // never too long
	return compras.Settle(ctx, "/api/productos/"+url.PathEscape(id), repeat, func(ctx context.Context, _ bool) (contracts.Producto, error) {
		return p.Almacen.Reponer(ctx, id, cantidad, clave)
	})
}

// Balance gives the books.
func (p Puerta) Balance(ctx context.Context) ([]contracts.LineaDeBalance, error) {
	if err := identidad.ExigirDe(ctx, operador); err != nil {
		return nil, err
	}
	return p.Almacen.Balance(ctx)
}

// Orden gives an order.
func (p Puerta) Orden(ctx context.Context, id string) (contracts.Orden, error) {
	id, err := p.operadorConID(ctx, id)
	if err != nil {
		return contracts.Orden{}, err
	}
	return p.Bodega.Leer(ctx, id)
}

// Despachar sends an order out of the warehouse.
func (p Puerta) Despachar(ctx context.Context, id string) (contracts.Orden, error) {
	id, err := p.operadorConID(ctx, id)
	if err != nil {
		return contracts.Orden{}, err
	}
	return compras.Settle(ctx, "/api/ordenes/"+id, "", func(ctx context.Context, _ bool) (contracts.Orden, error) {
		return p.Bodega.Despachar(ctx, id)
	})
}

// Colas tells the queues, now and over the last minutes.
func (p Puerta) Colas(ctx context.Context, minutos int) (contracts.Colas, error) {
	if err := identidad.ExigirDe(ctx, operador); err != nil {
		return contracts.Colas{}, err
	}
	if minutos < 1 || minutos > 15 {
		return contracts.Colas{}, contracts.CampoMalo("minutos", FormaDeMinutos)
	}
	return p.Monitor.Colas(ctx, minutos)
}

// Muertos lists the dead letters.
func (p Puerta) Muertos(ctx context.Context) ([]contracts.MensajeMuerto, error) {
	if err := identidad.ExigirDe(ctx, operador); err != nil {
		return nil, err
	}
	return p.Monitor.Muertos(ctx)
}

// ReponerMuerto puts a dead letter back.
func (p Puerta) ReponerMuerto(ctx context.Context, id string) (contracts.MensajeMuerto, error) {
	return p.onLetter(ctx, id, p.Monitor.ReponerMuerto)
}

// SetAside makes a dead letter of a message that nobody can read.
func (p Puerta) SetAside(ctx context.Context, id string) (contracts.MensajeMuerto, error) {
	return p.onLetter(ctx, id, p.Monitor.SetAside)
}

func (p Puerta) onLetter(ctx context.Context, id string, do func(context.Context, string) (contracts.MensajeMuerto, error)) (contracts.MensajeMuerto, error) {
	if err := identidad.ExigirDe(ctx, operador); err != nil {
		return contracts.MensajeMuerto{}, err
	}
	var v contracts.Validador
	v.Identificador("id", id)
	if err := v.Error(); err != nil {
		return contracts.MensajeMuerto{}, err
	}
	uno, err := do(ctx, id)
	if compras.InDoubt(err) { // not asked again: it would be put back twice
		return uno, compras.OutcomeUnknown("/api/mensajes-muertos", "repítalo solo si el mensaje sigue en la lista.", err)
	}
	return uno, err
}
