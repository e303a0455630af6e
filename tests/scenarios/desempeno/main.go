// Command desempeno shows that who has its purchase brought home is served first, and that nobody starves for it.
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
	headStart = 15 * time.Second // in the part about ageing
)

func main() {
	common.Run("desempeno", []string{
		fmt.Sprintf("APP_GESTOR_COMPRA_MAX_IN_FLIGHT=%d", capacity), "APP_GESTOR_COMPRA_STEP_PATIENCE=30m", "APP_ADMIN_PRODUCTOS_DELAY=0.15",
	}, func(ctx context.Context, e *common.Scenario) error {
		if err := urgentFirst(ctx, e, "una réplica de gestor-compra"); err != nil {
			return err
		}
		e.Say("arranco la segunda réplica de gestor-compra")
		if err := e.Local.Run(ctx, "start", "gestor-compra-2"); err != nil {
			return err
		}
		if err := urgentFirst(ctx, e, "dos réplicas de gestor-compra"); err != nil {
			return err
		}
		if err := nobodyWaitsForever(ctx, e); err != nil {
			return err
		}
		return e.Audit(ctx, nil)
	})
}

// urgentFirst sends purchases without home delivery, then as many with it, faster than they are served.
func urgentFirst(ctx context.Context, e *common.Scenario, with string) error {
	e.Say("%d compras sin domicilio y luego %d con domicilio, con %s; a la vez van %d", howMany, howMany, with, capacity)
	normal, err := e.Comprar(ctx, "normal", howMany, 16, false)
	if err != nil {
		return err
	}
	urgent, err := e.Comprar(ctx, "urgente", howMany, 16, true)
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
	var lastUrgent time.Time // came in
	for _, t := range turns {
		if t.Domicilio && t.Recibida.After(lastUrgent) {
			lastUrgent = t.Recibida
		}
	}
	remainder, earlier, late := 0, 0, 0
	for _, t := range turns { // in the order in which they started
		switch {
		case t.Iniciada.Before(lastUrgent):
			earlier++
		case !t.Domicilio:
			remainder++
		case remainder > 0:
			late++ // a urgent one after one of the rest
		}
	}
	printDelays(turns)
	e.Say("empezaron antes de llegar la última urgente %d; de las demás, %d sin domicilio; %d urgentes empezaron después de la primera de esas (se admiten %d)", earlier, remainder, late, capacity)
	if remainder == 0 {
		return fmt.Errorf("no quedó cola de compras sin domicilio: no se vio nada")
	}
	if late > capacity {
		return fmt.Errorf("%d urgentes empezaron después que una sin domicilio; caben %d", late, capacity)
	}
	return nil
}

// nobodyWaitsForever lets urgent ones come for longer than the head start: those without home delivery start all the same,
// in the order of their age with the head start counted.
func nobodyWaitsForever(ctx context.Context, e *common.Scenario) error {
	e.Say("envejecimiento: la ventaja de las urgentes baja a %s", headStart)
	e.Local.Settings = append(e.Local.Settings, "APP_GESTOR_COMPRA_DOMICILIO_ADVANTAGE="+headStart.String())
	for _, s := range []string{"gestor-compra", "gestor-compra-2"} {
		if err := e.Local.Run(ctx, "restart", s); err != nil {
			return err
		}
	}
	all, err := e.Comprar(ctx, "cola", 120, 16, true) // so that there is a queue at once
	if err != nil {
		return err
	}
	normal, err := e.Comprar(ctx, "paciente", 40, 16, false)
	if err != nil {
		return err
	}
	all = append(all, normal...)
	for until := time.Now().Add(3 * headStart); time.Now().Before(until); time.Sleep(700 * time.Millisecond) {
		more, err := e.Comprar(ctx, "corriente", 8, 8, true)
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
	overtakings := 0 // urgent ones that came later than the head start and started before one without home delivery
	for i, n := range turns {
		for _, u := range turns[:i] {
			if !n.Domicilio && u.Domicilio && u.Recibida.Sub(n.Recibida) > headStart && n.Iniciada.Sub(u.Iniciada) > margin {
				overtakings++
			}
		}
	}
	e.Say("%d compras sin domicilio entre %d urgentes: %d veces pasó antes una urgente que llegó más de %s después", len(normal), len(all)-len(normal), overtakings, headStart)
	if overtakings > 0 {
		return fmt.Errorf("la ventaja no tuvo fin")
	}
	return nil
}

// margin is within which two that were given their place together may start in either order.
const margin = time.Second

type turn struct {
	Domicilio bool
	Recibida  time.Time
	Iniciada  time.Time
}

// loadTurns gives the purchases in the order in which they got their place: the lease is 30 s from then.
func loadTurns(ctx context.Context, e *common.Scenario, ids []string) ([]turn, error) {
	return client.Rows[turn](ctx, e.Manager, `select domicilio, creada_en as recibida, arriendo_hasta - interval '30 s' as iniciada
		from compra where id = any($1) order by arriendo_hasta`, ids)
}

func printDelays(turns []turn) {
	for _, row := range []struct {
		name      string
		domicilio bool
	}{{"con domicilio", true}, {"sin domicilio", false}} {
		var delays []float64
		for _, t := range turns {
			if t.Domicilio == row.domicilio {
				delays = append(delays, t.Iniciada.Sub(t.Recibida).Seconds())
			}
		}
		fmt.Printf("          %-14s %4d compras, esperaron p50 %5.1f s, p95 %5.1f s\n", row.name, len(delays), common.Percentile(delays, 50), common.Percentile(delays, 95))
	}
}
