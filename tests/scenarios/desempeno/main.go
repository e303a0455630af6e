// Command desempeno shows that purchases with home delivery are served first, and that purchases without home delivery are served too.
package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"entregas/contracts"
	"entregas/tests/client"
	"entregas/tests/scenarios/common"
)

const (
	capacity  = 8
	howMany   = 400
	headStart = 15 * time.Second // of purchases with home delivery, in nobodyWaitsForever
)

func main() {
	common.Run("desempeno", []string{
		fmt.Sprintf("APP_GESTOR_COMPRA_MAX_IN_FLIGHT=%d", capacity), "APP_GESTOR_COMPRA_STEP_PATIENCE=30m", "APP_ADMIN_PRODUCTOS_DELAY=0.15",
	}, func(ctx context.Context, e *common.Scenario) error {
		if err := urgentFirst(ctx, e, "one replica of gestor-compra"); err != nil {
			return err
		}
		e.Say("start the second replica of gestor-compra")
		if err := e.Local.Run(ctx, "start", "gestor-compra-2"); err != nil {
			return err
		}
		if err := urgentFirst(ctx, e, "two replicas of gestor-compra"); err != nil {
			return err
		}
		if err := nobodyWaitsForever(ctx, e); err != nil {
			return err
		}
		return e.Audit(ctx, nil)
	})
}

// urgentFirst sends purchases without home delivery, and then the same number with home delivery, faster than the system serves them.
// The purchases with home delivery must start first.
func urgentFirst(ctx context.Context, e *common.Scenario, with string) error {
	e.Say("%d purchases without home delivery, then %d with it; %s, %d places", howMany, howMany, with, capacity)
	normal, err := e.Comprar(ctx, "normal", howMany, 16, false)
	if err != nil {
		return err
	}
	urgent, err := e.Comprar(ctx, "urgent", howMany, 16, true)
	if err != nil {
		return err
	}
	all := slices.Concat(normal, urgent)
	if err := e.Until(ctx, 5*time.Minute, all, len(all), contracts.EstadoConfirmada); err != nil {
		return err
	}
	turns, err := loadTurns(ctx, e, all)
	if err != nil {
		return err
	}
	var lastUrgent time.Time // the arrival of the last urgent purchase
	for _, t := range turns {
		if t.Domicilio && t.Recibida.After(lastUrgent) {
			lastUrgent = t.Recibida
		}
	}
	remainder, earlier, late := 0, 0, 0
	for _, t := range turns { // in the order of their start
		switch {
		case t.Iniciada.Before(lastUrgent):
			earlier++
		case !t.Domicilio:
			remainder++
		case remainder > 0:
			late++ // an urgent purchase that started after one without home delivery
		}
	}
	printDelays(turns)
	e.Say("%d started before the last urgent one arrived; of the others %d are without home delivery; %d urgent ones started after the first of these (at most %d may)", earlier, remainder, late, capacity)
	if remainder == 0 {
		return fmt.Errorf("no purchase without home delivery waited: nothing was shown")
	}
	if late > capacity {
		return fmt.Errorf("%d urgent ones started after one without home delivery; at most %d may", late, capacity)
	}
	return nil
}

// nobodyWaitsForever sends urgent purchases for longer than their head start. Purchases without home delivery must start all the same:
// the system starts purchases by their arrival, less the head start of an urgent purchase.
func nobodyWaitsForever(ctx context.Context, e *common.Scenario) error {
	e.Say("ageing: the head start of urgent ones is now %s", headStart)
	e.Local.Settings = append(e.Local.Settings, "APP_GESTOR_COMPRA_DOMICILIO_ADVANTAGE="+headStart.String())
	for _, s := range []string{"gestor-compra", "gestor-compra-2"} {
		if err := e.Local.Run(ctx, "restart", s); err != nil {
			return err
		}
	}
	all, err := e.Comprar(ctx, "queue", 120, 16, true) // these purchases fill the queue at once
	if err != nil {
		return err
	}
	normal, err := e.Comprar(ctx, "patient", 40, 16, false)
	if err != nil {
		return err
	}
	all = append(all, normal...)
	for until := time.Now().Add(3 * headStart); time.Now().Before(until); time.Sleep(700 * time.Millisecond) {
		more, err := e.Comprar(ctx, "stream", 8, 8, true)
		if err != nil {
			return err
		}
		all = append(all, more...)
	}
	if err := e.Until(ctx, 4*time.Minute, all, len(all), contracts.EstadoConfirmada); err != nil {
		return err
	}
	turns, err := loadTurns(ctx, e, all)
	if err != nil {
		return err
	}
	printDelays(turns)
	overtakings := 0 // urgent purchases that started before one without home delivery, although they arrived later by more than headStart
	for i, n := range turns {
		for _, u := range turns[:i] {
			if !n.Domicilio && u.Domicilio && u.Recibida.Sub(n.Recibida) > headStart && n.Iniciada.Sub(u.Iniciada) > margin {
				overtakings++
			}
		}
	}
	e.Say("%d purchases without home delivery among %d urgent ones: %d times one was passed by an urgent one that arrived more than %s later", len(normal), len(all)-len(normal), overtakings, headStart)
	if overtakings > 0 {
		return fmt.Errorf("the head start has no end")
	}
	return nil
}

// margin is the time within which two purchases that got their place together may start in either order.
const margin = time.Second

// turn has the time when a purchase arrived, and the time when it got its place.
type turn struct {
	Domicilio bool
	Recibida  time.Time
	Iniciada  time.Time
}

// loadTurns returns the turns of the purchases, in the order in which they got their place. A lease lasts 30 s, so a purchase got its
// place 30 s before leased_until.
func loadTurns(ctx context.Context, e *common.Scenario, ids []string) ([]turn, error) {
	return client.Rows[turn](ctx, e.Manager, `select domicilio, creada_en as recibida, leased_until - interval '30 s' as iniciada
		from compra where id = any($1) order by leased_until`, ids)
}

// printDelays prints how long the purchases waited, with and without home delivery.
func printDelays(turns []turn) {
	for _, row := range []struct {
		name      string
		domicilio bool
	}{{"home delivery", true}, {"the others", false}} {
		var delays []float64
		for _, t := range turns {
			if t.Domicilio == row.domicilio {
				delays = append(delays, t.Iniciada.Sub(t.Recibida).Seconds())
			}
		}
		fmt.Printf("          %-14s %4d purchases, waited p50 %5.1f s, p95 %5.1f s\n", row.name, len(delays), common.Percentile(delays, 50), common.Percentile(delays, 95))
	}
}
