// Command scalability fills admin-productos' queue and lets it grow by real replicas, as KEDA would in a cluster.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"entregas/contracts"
	"entregas/tests/client"
	"entregas/tests/scenarios/autoscaler"
	"entregas/tests/scenarios/common"
)

const (
	delay    = 8 // seconds that a reservation takes
	firstFew = 5 // with which the rate of one replica is measured
	burst    = 90
)

func main() {
	chart := flag.String("svg", filepath.Join("docs", "results", "scalability.svg"), "dónde dejar el gráfico")
	flag.Parse()
	common.Run("escalabilidad", []string{
		fmt.Sprintf("APP_ADMIN_PRODUCTOS_DELAY=%d", delay), "APP_ADMIN_PRODUCTOS_MAX_CONCURRENT_RESERVATIONS=1",
		"APP_GESTOR_COMPRA_STEP_PATIENCE=30m", "APP_GESTOR_COMPRA_ASK_AGAIN_AFTER=30m", "APP_GESTOR_COMPRA_MAX_IN_FLIGHT=200",
	}, func(ctx context.Context, e *common.Scenario) error { return scalability(ctx, e, *chart) })
}

func scalability(ctx context.Context, e *common.Scenario, chart string) error {
	e.Say("una réplica, %d s por reserva, un manejador: mido su ritmo con %d compras", delay, firstFew)
	ids, err := e.Comprar(ctx, "medida", firstFew, firstFew, false)
	if err != nil {
		return err
	}
	if err := e.Until(ctx, 2*time.Minute, ids, len(ids), contracts.EstadoConfirmada); err != nil {
		return err
	}
	ofOne, _, err := pace(ctx, e, ids, time.Time{}, time.Now())
	if err != nil {
		return err
	}
	e.Say("una réplica reserva %.3f compras/s; ahora una ráfaga de %d, y el escalador en marcha", ofOne, burst)
	m := &watcher{e: e, autoscaler: autoscaler.New(autoscaler.KedaRule), shouldRun: map[string]bool{}}
	own, stop := context.WithCancel(ctx)
	finished := make(chan struct{})
	go func() { defer close(finished); m.run(own) }()
	more, err := e.Comprar(ctx, "rafaga", burst, 16, false)
	if err == nil {
		ids = append(ids, more...)
		err = e.Until(ctx, 5*time.Minute, ids, len(ids), contracts.EstadoConfirmada)
	}
	if err == nil {
		e.Say("todas confirmadas; espero a que quede una réplica")
		for limit := time.Now().Add(90 * time.Second); m.howMany() > 1 && time.Now().Before(limit); time.Sleep(time.Second) {
		}
	}
	stop()
	<-finished
	if err != nil {
		return err
	}
	fmt.Print(forTerminal(m.points))
	if err := os.MkdirAll(filepath.Dir(chart), 0o755); err != nil { // #nosec G301 -- a folder of documents
		return err
	}
	if err := os.WriteFile(chart, []byte(asSVG(m.points)), 0o644); err != nil { // #nosec G306 -- a document
		return err
	}
	e.Say("gráfico: %s", chart)
	return m.judge(ctx, ids, ofOne)
}

// judge compares the rate of five with that of one, and looks for anything done twice or undone.
func (m *watcher) judge(ctx context.Context, ids []string, ofOne float64) error {
	ofFive, n, err := pace(ctx, m.e, ids, m.withFive, m.idleSince)
	if err != nil {
		return err
	}
	m.e.Say("con cinco réplicas: %.3f compras/s en %d reservas, %.1f veces una", ofFive, n, ofFive/ofOne)
	doubles, err := client.One[int](ctx, m.e.Productos, `select count(*) from (select 1 from movimiento where tipo = 'RESERVA' group by id_compra having count(*) > 1) x`)
	if err != nil {
		return err
	}
	undone, err := client.One[int](ctx, m.e.Manager, `select count(*) from historia where paso = 'COMPENSANDO'`)
	if err != nil {
		return err
	}
	m.e.Say("reservadas dos veces: %d; compensadas: %d; réplicas al final: %d", doubles, undone, m.howMany())
	switch {
	case doubles > 0 || undone > 0:
		return fmt.Errorf("hubo compras reservadas dos veces o compensadas")
	case m.withFive.IsZero():
		return fmt.Errorf("no llegó a haber cinco réplicas")
	case ofFive < 4*ofOne:
		return fmt.Errorf("cinco réplicas van %.1f veces tan rápido como una; se esperaban 4", ofFive/ofOne)
	case m.howMany() > 1:
		return fmt.Errorf("quedaron %d réplicas", m.howMany())
	}
	return m.e.Audit(ctx, ids)
}

// pace is how many purchases were reserved per second between two instants: from the first reservation to the last.
func pace(ctx context.Context, e *common.Scenario, ids []string, from, until time.Time) (perSecond float64, n int, err error) {
	type row struct{ En time.Time }
	rows, err := client.Rows[row](ctx, e.Productos, `select en from movimiento where tipo = 'RESERVA' and id_compra = any($1) and en between $2 and $3 order by en`, ids, from, until)
	if err != nil {
		return 0, 0, err
	}
	if len(rows) < 3 {
		return 0, len(rows), fmt.Errorf("hay %d reservas: no bastan para medir un ritmo", len(rows))
	}
	return float64(len(rows)-1) / rows[len(rows)-1].En.Sub(rows[0].En).Seconds(), len(rows), nil
}

func replica(n int) string { return fmt.Sprintf("admin-productos-%d", n) }

// fromMetrics finds a series in what monitor tells.
func fromMetrics(text, series string) (float64, bool) {
	for line := range strings.Lines(text) {
		if remainder, ok := strings.CutPrefix(line, series+" "); ok {
			var v float64
			_, err := fmt.Sscan(remainder, &v)
			return v, err == nil
		}
	}
	return 0, false
}
