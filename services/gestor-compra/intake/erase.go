package intake

import (
	"context"
	"log/slog"

	"golang.org/x/sync/errgroup"

	"entregas/contracts"
	"entregas/internal/errs"
	"entregas/internal/logging"
	"entregas/services/gestor-compra/compras"
	"entregas/workflows/compra"
)

// Erasure has the personal data of customers.
type Erasure interface {
	ToErase(ctx context.Context, idUsuario string, limit int) (list []compras.ToErase, total int, err error)
	Erase(ctx context.Context, idUsuario string, ids []string) (erased []contracts.Compra, open int, err error)
}

const (
	eraseBatch  = 100 // purchases of one call: the bff waits a second for it
	removeBatch = 8   // workflows that are removed at the same time
)

// Borrar erases the personal data of at most eraseBatch purchases of a customer that have ended: addresses, and what the customer wrote.
// The history and the books stay (docs/adr/erased-personal-data.md). The engine keeps its inputs for a day, so the workflows of a purchase with a
// reason of the customer are removed first: after a failure in between the same call does the rest. Errors: Invalid; Unavailable when the
// engine does not answer.
func (i *Intake) Borrar(ctx context.Context, idUsuario string) (contracts.ParteBorrada, error) {
	var v contracts.Validator
	v.Identifier("id", idUsuario)
	if err := v.Error(); err != nil {
		return contracts.ParteBorrada{}, err
	}
	list, total, err := i.store.ToErase(ctx, idUsuario, eraseBatch)
	if err != nil {
		return contracts.ParteBorrada{}, err
	}
	if err := i.removeWorkflows(ctx, list); err != nil {
		return contracts.ParteBorrada{}, errs.Transient(err)
	}
	ids := make([]string, len(list))
	for n, one := range list {
		ids[n] = one.ID
	}
	erased, open, err := i.store.Erase(ctx, idUsuario, ids)
	if err != nil {
		return contracts.ParteBorrada{}, err
	}
	for _, c := range erased {
		slog.InfoContext(logging.WithCompra(ctx, c.ID), "personal data erased")
		i.broadcaster.Broadcast(c) // readers replace what they keep of the purchase
	}
	return contracts.ParteBorrada{Borradas: len(erased), Abiertas: open, Quedan: total - len(list)}, nil
}

func (i *Intake) removeWorkflows(ctx context.Context, list []compras.ToErase) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(removeBatch)
	for _, one := range list {
		if !one.Motivo {
			continue
		}
		for _, tramite := range []string{"", compra.TramiteDespacho, compra.TramiteCancelacion} {
			_, id := compra.WorkflowOf(one.ID, tramite)
			group.Go(func() error { return i.options.Remove(ctx, id) })
		}
	}
	return group.Wait()
}
