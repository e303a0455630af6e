package identity

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"time"

	"entregas/bff/compras"
	"entregas/internal/errs"
)

// opened is an entry in the list of a subject's sessions. The store has the list under sessions/<hash of the subject>, oldest
// session first.
type opened struct {
	Key   string    `json:"key"`
	Until time.Time `json:"until"`
}

// turnsForList bounds how often changeList repeats a lost race.
const turnsForList = 20

// enroll adds a session to its subject's list and ends the oldest sessions beyond the limit.
func (s *Sessions) enroll(ctx context.Context, usuario string, fresh opened) error {
	if s.max <= 0 {
		return nil
	}
	var over []opened
	err := s.changeList(ctx, usuario, func(list []opened) []opened {
		list = append(list, fresh)
		over = slices.Clone(list[:max(0, len(list)-s.max)])
		return list[len(over):]
	})
	if err != nil {
		return err
	}
	for _, one := range over {
		values, err := s.store.Load(ctx, one.Key)
		if err == nil && values[0].Version != "" {
			err = s.store.Delete(ctx, one.Key, values[0].Version)
		}
		if err != nil && !errors.Is(err, compras.ErrChanged) {
			return err
		}
	}
	return nil
}

// deleteFromList removes an ended session from its subject's list. If the removal fails, the entry counts until the time of the
// session is over.
func (s *Sessions) deleteFromList(ctx context.Context, usuario, key string) {
	if s.max <= 0 {
		return
	}
	err := s.changeList(ctx, usuario, func(list []opened) []opened {
		return slices.DeleteFunc(list, func(a opened) bool { return a.Key == key })
	})
	if err != nil {
		slog.WarnContext(ctx, "an ended session keeps its place", "error", err)
	}
}

// changeList replaces the list of usuario with what change returns. change gets the list without sessions whose time is over.
func (s *Sessions) changeList(ctx context.Context, usuario string, change func([]opened) []opened) error {
	key := "sessions/" + compras.Fingerprint(usuario)
	for range turnsForList {
		values, err := s.store.Load(ctx, key)
		if err != nil {
			return err
		}
		var list []opened
		if values[0].Version != "" {
			if err := json.Unmarshal(values[0].Text, &list); err != nil {
				return err
			}
		}
		list = slices.DeleteFunc(list, func(a opened) bool { return !s.now().Before(a.Until) })
		text, err := json.Marshal(change(list))
		if err != nil {
			return err
		}
		if values[0].Version == "" {
			err = s.store.Create(ctx, key, text, sessionTTL)
		} else {
			err = s.store.Replace(ctx, key, values[0].Version, text, sessionTTL)
		}
		if !errors.Is(err, compras.ErrChanged) {
			return err
		}
	}
	return errs.New(errs.Unavailable, "Hay demasiados ingresos a la vez. Intente de nuevo.")
}
