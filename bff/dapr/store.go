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

// Store is the bff's own state store. It implements compras.Store; a version is an ETag of Dapr.
type Store struct{ Sidecar dapr.Client }

// Load implements compras.Store.
func (s Store) Load(ctx context.Context, keys ...string) ([]compras.Value, error) {
	ctx, cancel := context.WithTimeout(ctx, storeDeadline)
	defer cancel()
	together := map[string]compras.Value{}
	if len(keys) > 1 {
		items, err := s.Sidecar.GetBulkState(ctx, StoreName, keys, nil, 1)
		if err != nil {
			return nil, noReply("read", err)
		}
		for _, i := range items {
			if i.Error != "" {
				return nil, noReply("read", errors.New(i.Error))
			}
			together[i.Key] = compras.Value{Text: i.Value, Version: i.Etag}
		}
	}
	values := make([]compras.Value, len(keys))
	for n, key := range keys {
		if values[n] = together[key]; values[n].Version != "" {
			continue
		}
		// A key that the bulk read did not find is read by itself. The bulk read of state.postgresql v2 (Dapr 1.18.1) takes a
		// connection that broke for the end of the rows.
		i, err := s.Sidecar.GetState(ctx, StoreName, key, nil)
		if err != nil {
			return nil, noReply("read", err)
		}
		values[n] = compras.Value{Text: i.Value, Version: i.Etag}
	}
	weight := 0
	for _, v := range values {
		weight += len(v.Text) * memory.Weight
	}
	return values, memory.From(ctx).Take(int64(weight))
}

// Create implements compras.Store. The store answers the same code for a key that exists and for a problem of its own. Create
// reads the key to tell the two apart.
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
	return storeError("save", err)
}

// Delete implements compras.Store.
func (s Store) Delete(ctx context.Context, key, version string) error {
	ctx, cancel := context.WithTimeout(ctx, storeDeadline)
	defer cancel()
	err := s.Sidecar.DeleteStateWithETag(ctx, StoreName, key, &dapr.ETag{Value: version}, nil,
		&dapr.StateOptions{Concurrency: dapr.StateConcurrencyFirstWrite})
	return storeError("delete", err)
}

// storeError returns the error of compras.Store for err. The text what names the operation.
func storeError(what string, err error) error {
	switch {
	case err == nil:
		return nil
	case status.Code(err) == codes.Aborted: // the key has another ETag
		return compras.ErrChanged
	default:
		return noReply(what, err)
	}
}

// noReply returns an error Unavailable with cause. Every error of the store except a changed ETag is a problem of the store or of
// the sidecar, and the sidecar has several codes for such problems.
func noReply(what string, cause error) error {
	return &errs.Error{
		Code: errs.Unavailable, Message: "El almacén de estado no responde. Intente de nuevo en unos segundos.",
		Cause: fmt.Errorf("%s: %w", what, cause),
	}
}
