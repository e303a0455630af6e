package identidad

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"time"

	"entregas/services/bff/compras"
	"entregas/services/internal/errores"
)

// abierta is a session in the list of its subject's, in the store under sesiones/<hash of the subject>, oldest first.
type abierta struct {
	Clave string    `json:"clave"`
	Hasta time.Time `json:"hasta"`
}

// turnsForList bounds how often a lost race for a subject's list is run again.
const turnsForList = 20

// inscribir puts the session clave in its subject's list, and ends the oldest of those that are more than there may be.
func (s *Sesiones) inscribir(ctx context.Context, usuario string, nueva abierta) error {
	if s.max <= 0 {
		return nil
	}
	var over []abierta
	err := s.changeList(ctx, usuario, func(list []abierta) []abierta {
		list = append(list, nueva)
		over = slices.Clone(list[:max(0, len(list)-s.max)])
		return list[len(over):]
	})
	if err != nil {
		return err
	}
	for _, one := range over {
		values, err := s.almacen.Leer(ctx, one.Clave)
		if err == nil && values[0].Version != "" {
			err = s.almacen.Borrar(ctx, one.Clave, values[0].Version)
		}
		if err != nil && !errors.Is(err, compras.ErrYaCambio) {
			return err
		}
	}
	return nil
}

// borrarDeLista takes a session out of the list that was ended. Failing, its place is free when its time ends.
func (s *Sesiones) borrarDeLista(ctx context.Context, usuario, clave string) {
	if s.max <= 0 {
		return
	}
	err := s.changeList(ctx, usuario, func(list []abierta) []abierta {
		return slices.DeleteFunc(list, func(a abierta) bool { return a.Clave == clave })
	})
	if err != nil {
		slog.WarnContext(ctx, "an ended session keeps its place", "error", err)
	}
}

// changeList writes what change makes of the subject's list, without the sessions whose time has ended.
func (s *Sesiones) changeList(ctx context.Context, usuario string, change func([]abierta) []abierta) error {
	key := "sesiones/" + compras.Huella(usuario)
	for range turnsForList {
		values, err := s.almacen.Leer(ctx, key)
		if err != nil {
			return err
		}
		var list []abierta
		if values[0].Version != "" {
			if err := json.Unmarshal(values[0].Texto, &list); err != nil {
				return err
			}
		}
		list = slices.DeleteFunc(list, func(a abierta) bool { return !s.ahora().Before(a.Hasta) })
		text, err := json.Marshal(change(list))
		if err != nil {
			return err
		}
		if values[0].Version == "" {
			err = s.almacen.Crear(ctx, key, text, vidaDeSesion)
		} else {
			err = s.almacen.Reemplazar(ctx, key, values[0].Version, text, vidaDeSesion)
		}
		if !errors.Is(err, compras.ErrYaCambio) {
			return err
		}
	}
	return errores.Nuevo(errores.NoDisponible, "Hay demasiados ingresos a la vez. Intente de nuevo.")
}
