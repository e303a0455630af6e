// Package actos keeps what persons did with dead letters. monitor has no database, so it keeps the acts in the state store of Dapr
// (docs/adr/who-did-it.md).
package actos

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	dapr "github.com/dapr/go-sdk/client"
	"github.com/google/uuid"

	"entregas/contracts"
	"entregas/internal/actor"
	"entregas/internal/errs"
	"entregas/internal/pubsub"
)

// State is the part of a client of Dapr that a Log uses.
type State interface {
	GetState(ctx context.Context, storeName, key string, meta map[string]string) (*dapr.StateItem, error)
	SaveStateWithETag(ctx context.Context, storeName, key string, data []byte, etag string, meta map[string]string, so ...dapr.StateOption) error
}

// Log keeps acts in the state store:
//
//	actos               the keys of the parts, oldest first
//	actos/<day>/<n>     the acts of a part of a day, oldest first
//
// A part has at most maxPart acts, so that a write stays small. Each write is a compare-and-set.
type Log struct {
	state State
	now   func() time.Time
}

// NewLog returns a Log in state.
func NewLog(state State) *Log { return &Log{state: state, now: time.Now} }

const (
	indexKey = "actos"
	maxPart  = 200 // acts of one key
	maxTurns = 20  // how often a write repeats a lost race
	// callTimeout bounds one call of the state store.
	callTimeout = 3 * time.Second
)

// Add keeps acts of the person who acts in ctx. It fills their ID, Sujeto, Rol and En, and returns them with the key of their part.
func (l *Log) Add(ctx context.Context, acts []contracts.Acto) (part string, added []contracts.Acto, err error) {
	who, now := actor.Of(ctx), l.now().UTC().Truncate(time.Millisecond)
	for _, a := range acts {
		id, err := uuid.NewV7()
		if err != nil {
			return "", nil, err
		}
		a.ID, a.Sujeto, a.Rol, a.En = id.String(), who.Sujeto, who.Rol, now
		added = append(added, a)
	}
	day := indexKey + "/" + now.Format(time.DateOnly) + "/"
	for n := range maxTurns {
		if part, err = l.partOf(ctx, day, n > 0); err != nil {
			return "", nil, err
		}
		full := false
		err = change(ctx, l.state, part, func(list []contracts.Acto) []contracts.Acto {
			if full = len(list) > 0 && len(list)+len(added) > maxPart; full {
				return nil
			}
			return append(list, added...)
		})
		if err != nil || !full {
			return part, added, err
		}
	}
	return "", nil, tooMany()
}

// partOf returns the last part of a day. It begins the day, and a further part where the last one is full. The index gets a part before the
// part gets its acts, so that no act is lost after a crash between the two.
func (l *Log) partOf(ctx context.Context, day string, further bool) (string, error) {
	var part string
	err := change(ctx, l.state, indexKey, func(index []string) []string {
		own := 0
		for _, key := range index {
			if strings.HasPrefix(key, day) {
				own++
			}
		}
		if own > 0 && !further {
			part = fmt.Sprint(day, own-1)
			return nil
		}
		part = fmt.Sprint(day, own)
		return append(index, part)
	})
	return part, err
}

// Settle replaces acts that Add kept in part by those of the same ids in happened, and removes those that did not happen.
func (l *Log) Settle(ctx context.Context, part string, added, happened []contracts.Acto) error {
	withID := func(list []contracts.Acto, id string) int {
		return slices.IndexFunc(list, func(a contracts.Acto) bool { return a.ID == id })
	}
	return change(ctx, l.state, part, func(list []contracts.Acto) []contracts.Acto {
		kept := make([]contracts.Acto, 0, len(list))
		for _, a := range list {
			if i := withID(happened, a.ID); i >= 0 {
				kept = append(kept, happened[i])
			} else if withID(added, a.ID) < 0 {
				kept = append(kept, a)
			}
		}
		return kept
	})
}

// Actos implements audit.Lister.
func (l *Log) Actos(ctx context.Context, f contracts.ActosFilter, after contracts.Cursor, limit int) ([]contracts.Acto, error) {
	index, _, err := load[string](ctx, l.state, indexKey)
	if err != nil {
		return nil, err
	}
	found, day := []contracts.Acto{}, ""
	for _, part := range slices.Backward(index) {
		of := strings.Split(part, "/")[1]
		if of != day && len(found) >= limit { // the acts of one day are in no order between their parts
			break
		}
		day = of
		if !f.Hasta.IsZero() && day > f.Hasta.UTC().Format(time.DateOnly) || !after.CreadaEn.IsZero() && day > after.CreadaEn.Format(time.DateOnly) {
			continue
		}
		if day < f.Desde.UTC().Format(time.DateOnly) {
			break
		}
		list, _, err := load[contracts.Acto](ctx, l.state, part)
		if err != nil {
			return nil, err
		}
		for _, a := range list {
			place := contracts.Acto{En: after.CreadaEn, ID: after.ID}
			if f.Selects(a) && (after == (contracts.Cursor{}) || contracts.CompareActos(a, place) > 0) {
				found = append(found, a)
			}
		}
	}
	slices.SortFunc(found, contracts.CompareActos)
	return found[:min(len(found), limit)], nil
}

// load returns the list that the state store has under key, and its version. A key that does not exist has an empty list and no version.
func load[T any](ctx context.Context, state State, key string) ([]T, string, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	item, err := state.GetState(ctx, pubsub.StateStore, key, nil)
	if err != nil {
		return nil, "", errs.Transient(fmt.Errorf("read the acts: %w", err))
	}
	var list []T
	if len(item.Value) > 0 {
		if err := json.Unmarshal(item.Value, &list); err != nil {
			return nil, "", fmt.Errorf("the acts of %s: %w", key, err)
		}
	}
	return list, item.Etag, nil
}

// change replaces the list under key with what f returns, unless that is nil. It runs f again where another write came first. The store has one error for that
// and for its own trouble: a new version tells the two apart.
func change[T any](ctx context.Context, state State, key string, f func([]T) []T) error {
	list, version, err := load[T](ctx, state, key)
	for range maxTurns {
		if err != nil {
			return err
		}
		fresh := f(list)
		if fresh == nil {
			return nil
		}
		text, err := json.Marshal(fresh)
		if err != nil {
			return err
		}
		saved := save(ctx, state, key, version, text)
		if saved == nil {
			return nil
		}
		var now string
		if list, now, err = load[T](ctx, state, key); err == nil && now == version {
			return errs.Transient(fmt.Errorf("store the acts: %w", saved))
		}
		version = now
	}
	return tooMany()
}

func save(ctx context.Context, state State, key, version string, text []byte) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return state.SaveStateWithETag(ctx, pubsub.StateStore, key, text, version, nil, dapr.WithConcurrency(dapr.StateConcurrencyFirstWrite))
}

func tooMany() error {
	return errs.New(errs.Unavailable, "Hay demasiados cambios a la vez. Intente de nuevo.")
}
