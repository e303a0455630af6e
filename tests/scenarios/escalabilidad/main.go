// Command escalabilidad fills the queue of admin-productos, and starts and stops real replicas as KEDA does in a cluster. Five
// replicas must be at least four times as fast as one.
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
	delay    = 8 // seconds for one reservation
	firstFew = 5 // number of purchases for measuring the rate of one replica
	burst    = 90
)

func main() {
	chart := flag.String("svg", filepath.Join("docs", "results", "scalability.svg"), "where to write the chart")
	flag.Parse()
	common.Run("escalabilidad", []string{
		fmt.Sprintf("APP_ADMIN_PRODUCTOS_DELAY=%d", delay), "APP_ADMIN_PRODUCTOS_MAX_CONCURRENT_RESERVATIONS=1",
		"APP_GESTOR_COMPRA_STEP_PATIENCE=30m", "APP_GESTOR_COMPRA_ASK_AGAIN_AFTER=30m", "APP_GESTOR_COMPRA_MAX_IN_FLIGHT=200",
	}, func(ctx context.Context, e *common.Scenario) error { return scalability(ctx, e, *chart) })
}

func scalability(ctx context.Context, e *common.Scenario, chart string) error {
	e.Say("one replica, %d s for a reservation, one handler: measure its rate with %d purchases", delay, firstFew)
	ids, err := e.Comprar(ctx, "measure", firstFew, firstFew, false)
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
	e.Say("one replica reserves %.3f purchases/s; now a burst of %d, with the autoscaler running", ofOne, burst)
	m := &watcher{e: e, autoscaler: autoscaler.New(autoscaler.KedaRule), shouldRun: map[string]bool{}}
	own, stop := context.WithCancel(ctx)
	finished := make(chan struct{})
	go func() { defer close(finished); m.run(own) }()
	more, err := e.Comprar(ctx, "burst", burst, 16, false)
	if err == nil {
		ids = append(ids, more...)
		err = e.Until(ctx, 5*time.Minute, ids, len(ids), contracts.EstadoConfirmada)
	}
	if err == nil {
		e.Say("all confirmed; wait until one replica is left")
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
	e.Say("chart: %s", chart)
	return m.judge(ctx, ids, ofOne)
}

// judge returns an error unless five replicas are four times as fast as one, nothing was reserved twice or compensated, and one replica is
// left.
func (m *watcher) judge(ctx context.Context, ids []string, ofOne float64) error {
	ofFive, n, err := pace(ctx, m.e, ids, m.withFive, m.idleSince)
	if err != nil {
		return err
	}
	m.e.Say("five replicas: %.3f purchases/s in %d reservations, %.1f times one", ofFive, n, ofFive/ofOne)
	doubles, err := client.One[int](ctx, m.e.Productos, `select count(*) from (select 1 from movimiento where tipo = 'RESERVA' group by id_compra having count(*) > 1) x`)
	if err != nil {
		return err
	}
	undone, err := client.One[int](ctx, m.e.Manager, `select count(*) from historia where paso = 'COMPENSANDO'`)
	if err != nil {
		return err
	}
	m.e.Say("reserved twice: %d; compensated: %d; replicas at the end: %d", doubles, undone, m.howMany())
	switch {
	case doubles > 0 || undone > 0:
		return fmt.Errorf("purchases were reserved twice or compensated")
	case m.withFive.IsZero():
		return fmt.Errorf("there were never five replicas")
	case ofFive < 4*ofOne:
		return fmt.Errorf("five replicas are %.1f times as fast as one, want 4", ofFive/ofOne)
	case m.howMany() > 1:
		return fmt.Errorf("%d replicas are left", m.howMany())
	}
	return m.e.Audit(ctx, ids)
}

// pace returns the rate and the number of the reservations between two instants.
func pace(ctx context.Context, e *common.Scenario, ids []string, from, until time.Time) (perSecond float64, n int, err error) {
	type row struct{ En time.Time }
	rows, err := client.Rows[row](ctx, e.Productos, `select en from movimiento where tipo = 'RESERVA' and id_compra = any($1) and en between $2 and $3 order by en`, ids, from, until)
	if err != nil {
		return 0, 0, err
	}
	if len(rows) < 3 {
		return 0, len(rows), fmt.Errorf("%d reservations are not enough to measure a rate", len(rows))
	}
	return float64(len(rows)-1) / rows[len(rows)-1].En.Sub(rows[0].En).Seconds(), len(rows), nil
}

func replica(n int) string { return fmt.Sprintf("admin-productos-%d", n) }

// fromMetrics returns the value of a series in the metrics of monitor.
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
