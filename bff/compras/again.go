package compras

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"entregas/contracts"
	"entregas/internal/actor"
	"entregas/internal/errs"
	"entregas/internal/logging"
)

// MaxUnconfirmed bounds how many published commands a replica remembers. Each has an id and a reason or an address: 2 kB at most.
const MaxUnconfirmed = 10_000

// askAfter are the waits from a publication of a command until the bff asks the owner whether it has the command. The first wait
// follows the first publication, each further wait one further publication. If the owner does not have the command after the last
// wait, the bff gives the command up.
var askAfter = []time.Duration{30 * time.Second, 30 * time.Second, 60 * time.Second, 120 * time.Second}

// unconfirmed are the commands that this replica published and that the owner may not have (docs/adr/told-twice.md). The
// purchases themselves are in the read model, but for their addresses (docs/adr/personal-data.md).
type unconfirmed struct {
	mu       sync.Mutex
	commands map[commandKey]*sentCommand
}

// commandKey identifies a command: a purchase has at most one of each type.
type commandKey struct {
	kind contracts.MessageType
	id   string
}

type sentCommand struct {
	commandKey
	motivo    string               // of a cancellation
	direccion *contracts.Direccion // of a purchase
	by        actor.Actor          // who asked for it
	first     time.Time            // when it was first published
	ask       time.Time            // when to ask the owner about it
	again     int                  // how often it was published again
}

// crearCompra returns the command that creates a purchase.
func crearCompra(s contracts.SolicitudCompra) sentCommand {
	return sentCommand{commandKey: commandKey{contracts.CrearCompra, s.ID}, direccion: s.Direccion}
}

// cancelarCompra returns the command that cancels a purchase.
func cancelarCompra(id, motivo string) sentCommand {
	return sentCommand{commandKey: commandKey{contracts.CancelarCompra, id}, motivo: motivo}
}

// add remembers a published command and the person who acts in ctx. If u has MaxUnconfirmed commands already, add drops the oldest.
func (u *unconfirmed) add(ctx context.Context, c sentCommand, now time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.commands[c.commandKey] != nil {
		return
	}
	if u.commands == nil {
		u.commands = map[commandKey]*sentCommand{}
	}
	if len(u.commands) >= MaxUnconfirmed {
		oldest := slices.MinFunc(u.all(), older)
		delete(u.commands, oldest.commandKey)
		slog.WarnContext(logging.WithCompra(ctx, oldest.id), "too many commands on the topic: this one is not published again", "type", oldest.kind)
	}
	c.by, c.first, c.ask = actor.Of(ctx), now, now.Add(askAfter[0])
	u.commands[c.commandKey] = &c
}

func (u *unconfirmed) all() []*sentCommand {
	list := make([]*sentCommand, 0, len(u.commands))
	for _, c := range u.commands {
		list = append(list, c)
	}
	return list
}

func older(a, b *sentCommand) int { return cmp.Or(a.first.Compare(b.first), cmp.Compare(a.id, b.id)) }

// due returns the commands about which the owner must be asked now, oldest first.
func (u *unconfirmed) due(now time.Time) []*sentCommand {
	u.mu.Lock()
	defer u.mu.Unlock()
	list := slices.DeleteFunc(u.all(), func(c *sentCommand) bool { return c.ask.After(now) })
	slices.SortFunc(list, older)
	return list
}

func (u *unconfirmed) forget(c *sentCommand) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.commands, c.commandKey)
}

// sentAgain records that c was published again, and sets when to ask the owner about c next.
func (u *unconfirmed) sentAgain(c *sentCommand, now time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	c.again++
	c.ask = now.Add(askAfter[c.again])
}

// SendAgain asks the owner about each command that is due. If the owner does not have the command, the broker may have lost it,
// and SendAgain publishes it again. If the owner, the store or the broker does not answer, SendAgain ends early, and the next
// call continues with the same command. Only one call may run at a time. Errors: those of the store and of the broker.
func (s *Service) SendAgain(ctx context.Context) error {
	for _, c := range s.unconfirmed.due(s.state.now()) {
		ctx := actor.With(logging.WithCompra(ctx, c.id), c.by)
		known, err := s.Known(ctx, c.id)
		if err != nil {
			return err
		}
		if known == nil {
			slog.WarnContext(ctx, "a command on the topic is not published again: its purchase is not in the read model", "type", c.kind)
			s.unconfirmed.forget(c)
			continue
		}
		err = s.ask(ctx, c, *known)
		switch {
		case err == nil || errs.Of(err) == errs.Conflict: // the owner has the command, or can no longer do it
			s.unconfirmed.forget(c)
		case errs.Of(err) == errs.Unavailable: // the topic keeps the command until the owner is back
			return nil
		default: // NotFound, or an error that does not show whether the owner has the command
			if err := s.sendAgain(ctx, c, *known); err != nil {
				return err
			}
		}
	}
	return nil
}

// ask asks the owner whether it has the command c. Errors: NotFound if the owner does not have c; Unavailable if the owner does
// not answer.
func (s *Service) ask(ctx context.Context, c *sentCommand, known contracts.Compra) error {
	if c.kind == contracts.CancelarCompra { // idempotent: the bff asks by sending the request itself
		_, _, err := s.decisions.Cancelar(ctx, c.id, c.motivo)
		return err
	}
	if known.Numero() > 0 { // the owner has published the purchase
		return nil
	}
	_, err := s.manager.Load(ctx, c.id)
	return err
}

// sendAgain publishes c again, or gives it up after the last of askAfter.
func (s *Service) sendAgain(ctx context.Context, c *sentCommand, known contracts.Compra) error {
	if c.again == len(askAfter)-1 {
		slog.ErrorContext(ctx, "gestor-compra does not have a command that was published again and again: it is given up", "type", c.kind, "times", c.again)
		s.unconfirmed.forget(c)
		return nil
	}
	slog.WarnContext(ctx, "gestor-compra does not have a command of the topic: it is published again", "type", c.kind)
	publish := func() error { return s.commands.CancelarCompra(ctx, known, c.motivo) }
	if c.kind == contracts.CrearCompra {
		known.Direccion = c.direccion
		publish = func() error { return s.commands.CrearCompra(ctx, known.SolicitudCompra) }
	}
	if err := publish(); err != nil {
		return err
	}
	s.unconfirmed.sentAgain(c, s.state.now())
	return nil
}
