// Command desempeno shows that who has its purchase brought home is served first, and that nobody starves for it.
package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"entregas/contracts"
	"entregas/tests/cliente"
	"entregas/tests/escenarios/comun"
)

const (
	cupo    = 8
	cuantas = 400
	ventaja = 15 * time.Second // in the part about ageing
)

func main() {
	comun.Correr("desempeno", []string{
		fmt.Sprintf("APP_GESTOR_COMPRA_MAX_IN_FLIGHT=%d", cupo), "APP_GESTOR_COMPRA_STEP_PATIENCE=30m", "APP_ADMIN_PRODUCTOS_DELAY=0.15",
	}, func(ctx context.Context, e *comun.Escenario) error {
		if err := urgentesPrimero(ctx, e, "una réplica de gestor-compra"); err != nil {
			return err
		}
		e.Decir("arranco la segunda réplica de gestor-compra")
		if err := e.Local.Orden(ctx, "start", "gestor-compra-2"); err != nil {
			return err
		}
		if err := urgentesPrimero(ctx, e, "dos réplicas de gestor-compra"); err != nil {
			return err
		}
		if err := nadieEsperaSinFin(ctx, e); err != nil {
			return err
		}
		return e.Auditar(ctx, nil)
	})
}

// urgentesPrimero sends purchases without home delivery, then as many with it, faster than they are served.
func urgentesPrimero(ctx context.Context, e *comun.Escenario, con string) error {
	e.Decir("%d compras sin domicilio y luego %d con domicilio, con %s; a la vez van %d", cuantas, cuantas, con, cupo)
	normales, err := e.Comprar(ctx, "normal", cuantas, 16, false)
	if err != nil {
		return err
	}
	urgentes, err := e.Comprar(ctx, "urgente", cuantas, 16, true)
	if err != nil {
		return err
	}
	todas := slices.Concat(normales, urgentes)
	if err := e.Hasta(ctx, 5*time.Minute, todas, len(todas), contracts.EstadoConfirmada); err != nil {
		return err
	}
	turnos, err := leerTurnos(ctx, e, todas)
	if err != nil {
		return err
	}
	var ultimaUrgente time.Time // came in
	for _, t := range turnos {
		if t.Domicilio && t.Recibida.After(ultimaUrgente) {
			ultimaUrgente = t.Recibida
		}
	}
	resto, antes, tarde := 0, 0, 0
	for _, t := range turnos { // in the order in which they started
		switch {
		case t.Iniciada.Before(ultimaUrgente):
			antes++
		case !t.Domicilio:
			resto++
		case resto > 0:
			tarde++ // a urgent one after one of the rest
		}
	}
	imprimirEsperas(turnos)
	e.Decir("empezaron antes de llegar la última urgente %d; de las demás, %d sin domicilio; %d urgentes empezaron después de la primera de esas (se admiten %d)", antes, resto, tarde, cupo)
	if resto == 0 {
		return fmt.Errorf("no quedó cola de compras sin domicilio: no se vio nada")
	}
	if tarde > cupo {
		return fmt.Errorf("%d urgentes empezaron después que una sin domicilio; caben %d", tarde, cupo)
	}
	return nil
}

// nadieEsperaSinFin lets urgent ones come for longer than the head start: those without home delivery start all the same,
// in the order of their age with the head start counted.
func nadieEsperaSinFin(ctx context.Context, e *comun.Escenario) error {
	e.Decir("envejecimiento: la ventaja de las urgentes baja a %s", ventaja)
	e.Local.Ajustes = append(e.Local.Ajustes, "APP_GESTOR_COMPRA_DOMICILIO_ADVANTAGE="+ventaja.String())
	for _, s := range []string{"gestor-compra", "gestor-compra-2"} {
		if err := e.Local.Orden(ctx, "restart", s); err != nil {
			return err
		}
	}
	todas, err := e.Comprar(ctx, "cola", 120, 16, true) // so that there is a queue at once
	if err != nil {
		return err
	}
	normales, err := e.Comprar(ctx, "paciente", 40, 16, false)
	if err != nil {
		return err
	}
	todas = append(todas, normales...)
	for hasta := time.Now().Add(3 * ventaja); time.Now().Before(hasta); time.Sleep(700 * time.Millisecond) {
		mas, err := e.Comprar(ctx, "corriente", 8, 8, true)
		if err != nil {
			return err
		}
		todas = append(todas, mas...)
	}
	if err := e.Hasta(ctx, 4*time.Minute, todas, len(todas), contracts.EstadoConfirmada); err != nil {
		return err
	}
	turnos, err := leerTurnos(ctx, e, todas)
	if err != nil {
		return err
	}
	imprimirEsperas(turnos)
	adelantos := 0 // urgent ones that came later than the head start and started before one without home delivery
	for i, n := range turnos {
		for _, u := range turnos[:i] {
			if !n.Domicilio && u.Domicilio && u.Recibida.Sub(n.Recibida) > ventaja && n.Iniciada.Sub(u.Iniciada) > margen {
				adelantos++
			}
		}
	}
	e.Decir("%d compras sin domicilio entre %d urgentes: %d veces pasó antes una urgente que llegó más de %s después", len(normales), len(todas)-len(normales), adelantos, ventaja)
	if adelantos > 0 {
		return fmt.Errorf("la ventaja no tuvo fin")
	}
	return nil
}

// margen is within which two that were given their place together may start in either order.
const margen = time.Second

type turno struct {
	Domicilio bool
	Recibida  time.Time
	Iniciada  time.Time
}

// leerTurnos gives the purchases in the order in which they got their place: the lease is 30 s from then.
func leerTurnos(ctx context.Context, e *comun.Escenario, ids []string) ([]turno, error) {
	return cliente.Filas[turno](ctx, e.Gestor, `select domicilio, creada_en as recibida, arriendo_hasta - interval '30 s' as iniciada
		from compra where id = any($1) order by arriendo_hasta`, ids)
}

func imprimirEsperas(turnos []turno) {
	for _, fila := range []struct {
		nombre    string
		domicilio bool
	}{{"con domicilio", true}, {"sin domicilio", false}} {
		var esperas []float64
		for _, t := range turnos {
			if t.Domicilio == fila.domicilio {
				esperas = append(esperas, t.Iniciada.Sub(t.Recibida).Seconds())
			}
		}
		fmt.Printf("          %-14s %4d compras, esperaron p50 %5.1f s, p95 %5.1f s\n", fila.nombre, len(esperas), comun.Percentil(esperas, 50), comun.Percentil(esperas, 95))
	}
}
