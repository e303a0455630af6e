// Package access decides which caller may call which operation. REST, GraphQL and the live streams call the other packages only
// through its Gate. A customer reads and cancels only their own purchases; for a purchase of another customer the Gate answers
// that it does not exist. Most other operations are for operators. See docs/adr/one-door.md.
package access

import (
	"context"

	"entregas/bff/compras"
	"entregas/bff/identity"
	"entregas/contracts"
)

// Operation has the operations of gestor-compra, the owner of the purchases, that only operators may call.
type Operation interface {
	// Buscar returns at most limit purchases of all customers that f selects, after the cursor after. With count the page says how
	// many f selects.
	Buscar(ctx context.Context, f contracts.ComprasFilter, limit int, after string, count bool) (compras.Page, error)
	Mensajes(ctx context.Context, id string) ([]contracts.MensajeDeSaga, error)
	Resumen(ctx context.Context, seconds int) (contracts.Resumen, error)
	Reintentar(ctx context.Context, id string) (contracts.Aceptada, error)
	PersonalData
}

// Desk reads what waits for operators, from gestor-compra.
type Desk interface {
	// PorAprobar returns at most limit purchases that await approval, the oldest first, after the cursor after.
	PorAprobar(ctx context.Context, limit int, after string) (contracts.PaginaPorAprobar, error)
	// Pendientes counts the purchases that await approval, and those that are FALLIDA.
	Pendientes(ctx context.Context) (contracts.PendientesDeOperacion, error)
}

// PersonalData is an owner of personal data of customers.
type PersonalData interface {
	// Borrar erases the personal data of a customer from what has ended. The same call again erases the rest.
	Borrar(ctx context.Context, idUsuario string) (contracts.ParteBorrada, error)
}

// Productos is the service that owns products and stock.
type Productos interface {
	List(ctx context.Context, search string) ([]contracts.Producto, error)
	Load(ctx context.Context, id string) (contracts.Producto, error)
	// Reponer adds cantidad to the stock of a product, once for each key.
	Reponer(ctx context.Context, id string, cantidad int, key string) (contracts.Producto, error)
}

// Precios is the service that owns the prices of products.
type Precios interface {
	// CambiarPrecio changes the price of a product, once for each key.
	CambiarPrecio(ctx context.Context, id string, p contracts.CambioDePrecio, key string) (contracts.Producto, error)
	// Precios returns at most limit prices of a product, newest first, after the cursor after.
	Precios(ctx context.Context, id string, limit int, after string) (contracts.PaginaDePrecios, error)
}

// Ordenes is the service that owns orders.
type Ordenes interface {
	Load(ctx context.Context, id string) (contracts.Orden, error)
	Despachar(ctx context.Context, id string) (contracts.Orden, error)
	// List returns at most limit orders that f selects, home delivery first, then the oldest, after the cursor after.
	List(ctx context.Context, f contracts.OrdenesFilter, limit int, after string) (contracts.PaginaDeOrdenes, error)
	// Zonas returns the zones of the orders that wait for their dispatch, the largest first.
	Zonas(ctx context.Context) ([]contracts.ZonaDeOrdenes, error)
	PersonalData
}

// Monitor is the service that reads the queues and the dead letters.
type Monitor interface {
	Colas(ctx context.Context, minutes int) (contracts.Colas, error)
	DeadLetters
}

// DeadLetters has the operations of monitor on the dead letters.
type DeadLetters interface {
	DeadLetters(ctx context.Context, f contracts.MensajesMuertosFilter) ([]contracts.MensajeMuerto, error)
	DeadLetter(ctx context.Context, id string) (contracts.MensajeMuerto, error)
	PutBackDeadLetter(ctx context.Context, id string) (contracts.MensajeMuerto, error)
	PutBackDeadLetters(ctx context.Context, ids []string) ([]contracts.ResultadoDeDevolucion, error)
	Discard(ctx context.Context, id, motivo string) (contracts.MensajeMuerto, error)
	SetAside(ctx context.Context, id string) (contracts.MensajeMuerto, error)
	// CountDeadLetters returns how many dead letters there are, without reading them.
	CountDeadLetters(ctx context.Context) (int, error)
}

// Gate has every operation of the bff, each for the callers that may use it. The caller is in the context (package identity). The
// errors of each method are NoIdentity, NoPermission, and those of the service that it calls.
type Gate struct {
	Auditors    []Auditor // the services that keep what persons did
	Core        *compras.Service
	Operation   Operation
	Counts      *Counts
	Desk        Desk
	Stock       Productos
	Prices      Precios
	Existencias Existencias
	Warehouse   Ordenes
	Monitor     Monitor
	Health      Health
	Links       Links
	Webhooks    Direcciones
	Deliveries  Entregas
	Wishes      Deseos
	Mail        Correos
}

const operador = identity.Operador
