// Package compras is what the public door does: take purchases and tell how they stand, also while the service that owns them
// is away (docs/adr/the-bff-works-alone.md). It knows rules and no technology: whom it asks is behind the interfaces below.
package compras

import (
	"context"
	"errors"
	"time"

	"entregas/contracts"
)

// Gestor is the service that owns the purchases. An error with errores.NoDisponible says that it did not answer, so
// that nobody knows what it did; any other is its answer.
type Gestor interface {
	// Crear takes s, or finds that it already has it.
	Crear(ctx context.Context, s contracts.SolicitudCompra) (contracts.Aceptada, error)
	Leer(ctx context.Context, id string) (contracts.Compra, error)
	// DeUsuario gives at most limite purchases, newest first, after the cursor despues ("" for the first page); those in one of
	// estados, where there are any.
	DeUsuario(ctx context.Context, usuario string, limite int, despues string, estados ...contracts.Estado) (Pagina, error)
}

// Comandos is the way to the owner that needs no answer: what the broker took will reach it.
type Comandos interface {
	CrearCompra(ctx context.Context, s contracts.SolicitudCompra) error
	CancelarCompra(ctx context.Context, c contracts.Compra, motivo string) error
}

// Almacen keeps texts by key for all replicas. Each write of a key gives it a new version.
type Almacen interface {
	// Leer gives one Valor for each key, in their order; Version is "" where there is nothing.
	Leer(ctx context.Context, claves ...string) ([]Valor, error)
	// Crear writes the key where there is nothing, and gives ErrYaCambio where there is something.
	Crear(ctx context.Context, clave string, texto []byte, vida time.Duration) error
	// Reemplazar writes the key where it is still at version, else gives ErrYaCambio.
	Reemplazar(ctx context.Context, clave, version string, texto []byte, vida time.Duration) error
	// Borrar forgets the key where it is still at version, else gives ErrYaCambio.
	Borrar(ctx context.Context, clave, version string) error
}

// Valor is what Almacen has under a key.
type Valor struct {
	Texto   []byte
	Version string
}

// ErrYaCambio says that someone else wrote the key first.
var ErrYaCambio = errors.New("alguien más escribió antes")

// Pagina is a part of a customer's purchases, newest first. Siguiente is the cursor of the next part, "" at the end.
type Pagina struct {
	Compras   []contracts.Compra
	Siguiente string
	Edad      Edad
}

// Leida is a purchase as far as it is known here.
type Leida struct {
	Compra contracts.Compra
	Edad   Edad
}

// Edad tells how old an answer is that does not come from the owner. The zero Edad is first-hand.
type Edad struct {
	DeSegundaMano bool
	Segundos      int
}

// Servicio is the core of the bff. All its methods may be called at once from many goroutines.
type Servicio struct {
	gestor      Gestor
	decisiones  Decisiones
	comandos    Comandos
	estado      estado
	unconfirmed unconfirmed
}

// Dueno is the service that owns the purchases, with all that is asked of it.
type Dueno interface {
	Gestor
	Decisiones
}

// Nuevo makes the core.
func Nuevo(d Dueno, comandos Comandos, almacen Almacen) *Servicio {
	return &Servicio{gestor: d, decisiones: d, comandos: comandos, estado: estado{almacen: almacen, ahora: time.Now}}
}
