// Command restore rehearses the loss of everything: it takes a backup while customers buy, deletes the instance, restores the backup into
// an empty one, and audits it. It prints what was lost (RPO) and how long it took (RTO).
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"strings"
	"time"

	"entregas/contracts"
	"entregas/tests/auditor"
	"entregas/tests/client"
	"entregas/tests/scenarios/common"
)

func main() {
	before := flag.Duration("before", 20*time.Second, "how long customers buy before the backup")
	after := flag.Duration("after", 10*time.Second, "how long they go on after it, until everything is deleted")
	customers := flag.Int("customers", 8, "customers at the same time")
	flag.Parse()
	common.Run("restore", nil, func(ctx context.Context, e *common.Scenario) error {
		return rehearse(ctx, e, *before, *after, *customers)
	})
}

func rehearse(ctx context.Context, e *common.Scenario, before, after time.Duration, customers int) error {
	shop := open(ctx, e, customers)
	if err := sleep(ctx, before); err != nil {
		return err
	}
	begun := time.Now()
	if err := e.Local.Run(ctx, "backup"); err != nil {
		return err
	}
	ended := time.Now()
	e.Say("backup: %.1f s, with %d purchases accepted before it", ended.Sub(begun).Seconds(), shop.accepted(time.Time{}, begun))
	if err := sleep(ctx, after); err != nil {
		return err
	}
	lost := time.Now()
	for _, command := range []string{"down", "reset"} {
		if err := e.Local.Run(ctx, command); err != nil {
			return err
		}
	}
	if err := shop.close(); err != nil {
		return err
	}
	e.Say("everything is deleted: %d purchases were accepted in all", shop.accepted(time.Time{}, time.Now()))
	start := time.Now()
	if err := e.Local.Run(ctx, "restore"); err != nil {
		return err
	}
	if err := e.Connect(ctx); err != nil {
		return err
	}
	healthy := time.Since(start)
	unfinished, err := waiting(ctx, e)
	if err != nil {
		return err
	}
	e.Say("restored and healthy after %.1f s, with %d purchases under way", healthy.Seconds(), unfinished)
	if err := finish(ctx, e); err != nil {
		return err
	}
	e.Say("no purchase is under way %.1f s after the start of the restore", time.Since(start).Seconds())
	if err := shop.compare(ctx, e, begun, ended, lost); err != nil {
		return err
	}
	if err := e.Audit(ctx, shop.ids(time.Time{}, begun), auditor.ReconcilerFound); err != nil {
		return err
	}
	if err := withoutTheOwner(ctx, e); err != nil {
		return err
	}
	ids, err := e.Comprar(ctx, "anew", 20, 4, false)
	if err != nil {
		return err
	}
	e.Say("20 new purchases")
	return e.Until(ctx, time.Minute, ids, len(ids), contracts.EstadoConfirmada)
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

const underWay = `select count(*)::int from compra c where estado not in ('CONFIRMADA', 'DESPACHADA', 'RECHAZADA', 'CANCELADA', 'FALLIDA')
	or exists (select from tramite t where t.id_compra = c.id and t.terminado_en is null)`

func waiting(ctx context.Context, e *common.Scenario) (int, error) {
	return client.One[int](ctx, e.Manager, underWay)
}

// finish approves what waits for an operator, and waits until no purchase is under way.
func finish(ctx context.Context, e *common.Scenario) error {
	for limit := time.Now().Add(5 * time.Minute); ; {
		ids, err := client.Rows[struct{ ID string }](ctx, e.Manager, `select id from compra c where estado = 'POR_APROBAR' and not exists (select from decision d where d.id_compra = c.id)`)
		if err != nil {
			return err
		}
		for _, one := range ids {
			if _, err := e.BFF.Decide(ctx, one.ID, true, ""); err != nil {
				return err
			}
		}
		n, err := waiting(ctx, e)
		if err != nil || n == 0 {
			return err
		}
		if time.Now().After(limit) {
			return fmt.Errorf("after 5 minutes %d purchases are under way", n)
		}
		if err := sleep(ctx, time.Second); err != nil {
			return err
		}
	}
}

// withoutTheOwner stops gestor-compra and compares what the bff still knows with what gestor-compra had: the read model missed nothing.
func withoutTheOwner(ctx context.Context, e *common.Scenario) error {
	type row struct {
		ID     string
		Estado contracts.Estado
	}
	all, err := client.Rows[row](ctx, e.Manager, `select id, estado from compra order by actualizada_en desc limit 200`)
	if err != nil {
		return err
	}
	if err := e.Local.Run(ctx, "stop", "gestor-compra"); err != nil {
		return err
	}
	var wrong []string
	for _, c := range all {
		view, err := e.BFF.Load(ctx, c.ID)
		if err != nil || view.Estado != c.Estado {
			wrong = append(wrong, fmt.Sprintf("%s is %s, and the bff says %s %v", c.ID, c.Estado, view.Estado, err))
		}
	}
	if err := e.Local.Run(ctx, "start", "gestor-compra"); err != nil {
		return err
	}
	if len(wrong) > 0 {
		return errors.New(strings.Join(wrong, "\n"))
	}
	e.Say("without gestor-compra the bff shows the %d purchases that changed last as they are", len(all))
	return nil
}

// missing reports whether the bff says that a purchase does not exist.
func missing(err error) bool {
	var p *client.Problem
	return errors.As(err, &p) && p.Status == http.StatusNotFound
}
