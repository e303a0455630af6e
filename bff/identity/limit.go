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

// opened is a session in the list of its subject's, in the store under sessions/<hash of the subject>, oldest first.
type opened struct {
	Key   string    `json:"clave"`
	Until time.Time `json:"hasta"`
}

// turnsForList bounds how often a lost race for a subject's list is run again.
const turnsForList = 20

// enroll puts the session key in its subject's list, and ends the oldest of those that are more than there may be.
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

// deleteFromList takes a session out of the list that was ended. Failing, its place is free when its time ends.
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

// changeList writes what change makes of the subject's list, without the sessions whose time has ended.
func (s *Sessions) changeList(ctx context.Context, usuario string, change func([]opened) []opened) error {
	key := "sesiones/" + compras.Fingerprint(usuario)
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
