// Package compras is the core of the bff. It accepts purchases and returns their state, even while gestor-compra, the owner of
// the purchases, is away (docs/adr/the-bff-works-alone.md). It has rules and no technology: it reaches other services by the
// interfaces below.
package compras

import (
	"context"
	"errors"
	"time"

	"entregas/contracts"
)

// Manager is the service that owns the purchases. The error Unavailable says that the service did not answer, so the bff does not
// know whether the service did the operation. Any other error is the answer of the service.
type Manager interface {
	// Create accepts the purchase s. A second call with the same purchase changes nothing.
	Create(ctx context.Context, s contracts.SolicitudCompra) (contracts.Aceptada, error)
	Load(ctx context.Context, id string) (contracts.Compra, error)
	ByCodigo(ctx context.Context, codigo string) (contracts.CompraDeCodigo, error)
	// OfUsuario returns at most limit purchases of usuario, newest first, after the cursor after ("" for the first page). With
	// estados it returns only purchases in one of them.
	OfUsuario(ctx context.Context, usuario string, limit int, after string, estados ...contracts.Estado) (Page, error)
}

// Commands publishes commands to the owner of the purchases. A command that the broker took reaches the owner later.
type Commands interface {
	CrearCompra(ctx context.Context, s contracts.SolicitudCompra) error
	CancelarCompra(ctx context.Context, c contracts.Compra, motivo string) error
}

// Store keeps texts by key for all replicas. Each write of a key gives it a new version. A value ends after its ttl.
type Store interface {
	// Load returns one Value for each key, in the order of keys. Version is "" for a key that does not exist.
	Load(ctx context.Context, keys ...string) ([]Value, error)
	// Create writes a key that does not exist. Error: ErrChanged if the key exists.
	Create(ctx context.Context, key string, text []byte, ttl time.Duration) error
	// Replace writes a key that is still at version. Error: ErrChanged if the key has another version.
	Replace(ctx context.Context, key, version string, text []byte, ttl time.Duration) error
	// Delete deletes a key that is still at version. Error: ErrChanged if the key has another version.
	Delete(ctx context.Context, key, version string) error
}

// Value is the text that Store has under a key, and its version.
type Value struct {
	Text    []byte
	Version string
}

// ErrChanged is the error of a write that lost the race for its key.
var ErrChanged = errors.New("another writer was first")

// Page is a page of purchases, newest first unless its caller chose another criterion.
type Page struct {
	contracts.PaginaDeCompras
	Age Age
}

// Loaded is a purchase with the age of the answer.
type Loaded struct {
	Compra contracts.Compra
	Age    Age
	Owner  error // of the owner, in whose place the read model answers; nil where the owner answers
}

// Named is the purchase of a code.
type Named struct {
	contracts.CompraDeCodigo
	Owner error // as in Loaded
}

// Age is the age of an answer. An answer that comes from the owner has the zero Age.
type Age struct {
	SecondHand bool // the answer comes from the read model
	Seconds    int  // since the purchase was written into the read model
}

// Service is the core of the bff. Its methods are safe for use by many goroutines.
type Service struct {
	manager     Manager
	decisions   Decisions
	commands    Commands
	state       state
	unconfirmed unconfirmed
}

// Owner is the service that owns the purchases, with all operations that Service calls.
type Owner interface {
	Manager
	Decisions
}

// New returns a Service that calls owner, publishes by commands while owner is away, and keeps the read model in store.
func New(owner Owner, commands Commands, store Store) *Service {
	return &Service{manager: owner, decisions: owner, commands: commands, state: state{store: store, now: time.Now}}
}
