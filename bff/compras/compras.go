// Package compras is what the public door does: take purchases and tell how they stand, also while the service that owns them
// is away (docs/adr/the-bff-works-alone.md). It knows rules and no technology: whom it asks is behind the interfaces below.
package compras

import (
	"context"
	"errors"
	"time"

	"entregas/contracts"
)

// Manager is the service that owns the purchases. An error with errs.Unavailable says that it did not answer, so
// that nobody knows what it did; any other is its answer.
type Manager interface {
	// Create takes s, or finds that it already has it.
	Create(ctx context.Context, s contracts.SolicitudCompra) (contracts.Aceptada, error)
	Load(ctx context.Context, id string) (contracts.Compra, error)
	// OfUsuario gives at most limit purchases, newest first, after the cursor after ("" for the first page); those in one of
	// estados, where there are any.
	OfUsuario(ctx context.Context, usuario string, limit int, after string, estados ...contracts.Estado) (Page, error)
}

// Commands is the way to the owner that needs no answer: what the broker took will reach it.
type Commands interface {
	CrearCompra(ctx context.Context, s contracts.SolicitudCompra) error
	CancelarCompra(ctx context.Context, c contracts.Compra, motivo string) error
}

// Store keeps texts by key for all replicas. Each write of a key gives it a new version.
type Store interface {
	// Load gives one Value for each key, in their order; Version is "" where there is nothing.
	Load(ctx context.Context, keys ...string) ([]Value, error)
	// Create writes the key where there is nothing, and gives ErrChanged where there is something.
	Create(ctx context.Context, key string, text []byte, ttl time.Duration) error
	// Replace writes the key where it is still at version, else gives ErrChanged.
	Replace(ctx context.Context, key, version string, text []byte, ttl time.Duration) error
	// Delete forgets the key where it is still at version, else gives ErrChanged.
	Delete(ctx context.Context, key, version string) error
}

// Value is what Store has under a key.
type Value struct {
	Text    []byte
	Version string
}

// ErrChanged says that someone else wrote the key first.
var ErrChanged = errors.New("alguien más escribió antes")

// Pagina is a part of a customer's purchases, newest first. Siguiente is the cursor of the next part, "" at the end.
type Page struct {
	Compras   []contracts.Compra
	Siguiente string
	Age       Age
}

// Loaded is a purchase as far as it is known here.
type Loaded struct {
	Compra contracts.Compra
	Age    Age
}

// Edad tells how old an answer is that does not come from the owner. The zero Edad is first-hand.
type Age struct {
	SecondHand bool
	Seconds    int
}

// Service is the core of the bff. All its methods may be called at once from many goroutines.
type Service struct {
	manager     Manager
	decisions   Decisions
	commands    Commands
	state       state
	unconfirmed unconfirmed
}

// Owner is the service that owns the purchases, with all that is asked of it.
type Owner interface {
	Manager
	Decisions
}

// New makes the core.
func New(d Owner, commands Commands, store Store) *Service {
	return &Service{manager: d, decisions: d, commands: commands, state: state{store: store, now: time.Now}}
}
