package dapr

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	dapr "github.com/dapr/go-sdk/client"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"entregas/bff/compras"
	"entregas/bff/memory"
	"entregas/internal/errs"
)

// storeDeadline bounds one call of the bff to its state store.
const storeDeadline = 3 * time.Second

// StoreName is the name of the bff's own state store component (docs/adr/the-bffs-own-store.md).
const StoreName = "state-bff"

// Store is that state store. It implements compras.Store: a version is the store's ETag.
type Store struct{ Sidecar dapr.Client }

// Load implements compras.Store.
func (s Store) Load(ctx context.Context, keys ...string) ([]compras.Value, error) {
	ctx, cancel := context.WithTimeout(ctx, storeDeadline)
	defer cancel()
	together := map[string]compras.Value{}
	if len(keys) > 1 {
		items, err := s.Sidecar.GetBulkState(ctx, StoreName, keys, nil, 1)
		if err != nil {
			return nil, noReply("leer", err)
		}
		for _, i := range items {
			if i.Error != "" {
				return nil, noReply("leer", errors.New(i.Error))
			}
			together[i.Key] = compras.Value{Text: i.Value, Version: i.Etag}
		}
	}
	values := make([]compras.Value, len(keys))
	for n, key := range keys {
		if values[n] = together[key]; values[n].Version != "" {
			continue
		}
		// What is not there is asked for by itself: the component's reading of many (state.postgresql v2, of Dapr 1.18.1) takes
		// a connection that broke for the end of what it found.
		i, err := s.Sidecar.GetState(ctx, StoreName, key, nil)
		if err != nil {
			return nil, noReply("leer", err)
		}
		values[n] = compras.Value{Text: i.Value, Version: i.Etag}
	}
	weight := 0
	for _, v := range values {
		weight += len(v.Text) * memory.Weight
	}
	return values, memory.From(ctx).Take(int64(weight))
}

// Create implements compras.Store. The store refuses a second first write with the same code as any trouble of its
// own, so that a look at the key tells which it was.
func (s Store) Create(ctx context.Context, key string, text []byte, ttl time.Duration) error {
	err := s.save(ctx, key, "", text, ttl)
	if err == nil {
		return nil
	}
	if found, readErr := s.Load(memory.Uncharged(ctx), key); readErr == nil && found[0].Version != "" {
		return compras.ErrChanged
	}
	return err
}

// Replace implements compras.Store.
func (s Store) Replace(ctx context.Context, key, version string, text []byte, ttl time.Duration) error {
	return s.save(ctx, key, version, text, ttl)
}

func (s Store) save(ctx context.Context, key, version string, text []byte, ttl time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, storeDeadline)
	defer cancel()
	err := s.Sidecar.SaveStateWithETag(ctx, StoreName, key, text, version,
		map[string]string{"ttlInSeconds": strconv.Itoa(int(ttl.Seconds()))}, dapr.WithConcurrency(dapr.StateConcurrencyFirstWrite))
	return storeError("guardar", err)
}

// Delete implements compras.Store.
func (s Store) Delete(ctx context.Context, key, version string) error {
	ctx, cancel := context.WithTimeout(ctx, storeDeadline)
	defer cancel()
	err := s.Sidecar.DeleteStateWithETag(ctx, StoreName, key, &dapr.ETag{Value: version}, nil,
		&dapr.StateOptions{Concurrency: dapr.StateConcurrencyFirstWrite})
	return storeError("borrar", err)
}

func storeError(what string, err error) error {
	switch {
	case err == nil:
		return nil
	case status.Code(err) == codes.Aborted: // the ETag is not that any more
		return compras.ErrChanged
	default:
		return noReply(what, err)
	}
}

// noReply: whatever else the store says is trouble of its own, for which the sidecar has more than one code.
func noReply(what string, cause error) error {
	return &errs.Error{
		Codigo: errs.Unavailable, Mensaje: "El almacén de estado no responde. Intente de nuevo en unos segundos.",
		Cause: fmt.Errorf("%s: %w", what, cause),
	}
}
