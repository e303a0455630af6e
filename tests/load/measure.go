package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"entregas/contracts"
	"entregas/tests/client"
)

// meter is one measurement: it sends total purchases and waits for them.
type meter struct {
	env     client.Env
	store   *client.Client // client of admin-productos, which has the stock
	compras *client.Client // client of the service that gets the purchases
	manager *client.Database
	total   int
	series  string // tells the measurements of a run apart
}

type result struct {
	perSecond     float64
	p50, p95, p99 float64 // ms from the first history entry of a purchase to CONFIRMADA
	estados       string
}

// kindsBought is the number of products that the load buys. A purchase has one to three lines of one to three units.
const kindsBought = 10

// measure sends m.total purchases with inFlight at the same time: when a purchase is at rest, it sends the next purchase.
func (m *meter) measure(ctx context.Context, inFlight int) (result, error) {
	runName := fmt.Sprintf("load-%s%s-%d", mark, m.series, inFlight)
	minimums := map[string]int{}
	for i := range kindsBought {
		minimums[fmt.Sprint(i+1)] = m.total * 3
	}
	if _, err := m.store.Restock(ctx, minimums, runName); err != nil {
		return result{}, err
	}
	waits := newWaiter(m.manager)
	waitCtx, cancel := context.WithCancel(ctx)
	defer cancel()
	go waits.run(waitCtx)

	var group sync.WaitGroup
	failures, numbers := make(chan error, inFlight), make(chan int)
	start := time.Now()
	for range inFlight {
		group.Go(func() {
			for i := range numbers {
				if err := m.one(ctx, waits, runName, i); err != nil {
					select {
					case failures <- err:
					default: // one error is enough
					}
				}
			}
		})
	}
	for i := range m.total {
		numbers <- i
	}
	close(numbers)
	group.Wait()
	duration := time.Since(start)
	select {
	case err := <-failures:
		return result{}, err
	default:
	}
	r, err := m.summarize(ctx, runName)
	r.perSecond = float64(m.total) / duration.Seconds()
	return r, err
}

// one sends purchase i of the run and waits until it is at rest.
func (m *meter) one(ctx context.Context, waits *waiter, runName string, i int) error {
	s := contracts.SolicitudCompra{ID: uuid.Must(uuid.NewV7()).String(), IDUsuario: fmt.Sprintf("%s-%d", runName, i%50), Domicilio: i%4 == 0}
	for k := range 1 + i%3 {
		s.Productos = append(s.Productos, contracts.Linea{IDProducto: fmt.Sprint(1 + (i+3*k)%kindsBought), Cantidad: 1 + (i+k)%3})
	}
	accepted, err := m.compras.Comprar(ctx, s)
	if err != nil {
		return fmt.Errorf("buy: %w", err)
	}
	return waits.until(ctx, accepted.ID)
}

// summarize returns the end states and the durations of the purchases of the run. It reads them from the histories in the database.
func (m *meter) summarize(ctx context.Context, runName string) (result, error) {
	type row struct {
		Estado string
		Ms     float64
	}
	rows, err := client.Rows[row](ctx, m.manager, `
		select c.estado, coalesce(extract(epoch from max(h.en) filter (where h.paso = 'CONFIRMADA') - min(h.en)) * 1000, 0)::float8 as ms
		from compra c join historia h on h.id_compra = c.id where c.id_usuario like $1 || '-%' group by c.id`, runName)
	if err != nil {
		return result{}, err
	}
	howMany, durations := map[string]int{}, []float64{}
	for _, f := range rows {
		howMany[f.Estado]++
		if f.Ms > 0 {
			durations = append(durations, f.Ms)
		}
	}
	slices.Sort(durations)
	var estados []string
	for _, e := range slices.Sorted(maps.Keys(howMany)) {
		estados = append(estados, fmt.Sprintf("%d %s", howMany[e], e))
	}
	return result{p50: percentile(durations, 50), p95: percentile(durations, 95), p99: percentile(durations, 99), estados: strings.Join(estados, ", ")}, nil
}

// percentile returns the p-th percentile of sorted values, by nearest rank.
func percentile(values []float64, p int) float64 {
	if len(values) == 0 {
		return 0
	}
	return values[max(0, (len(values)*p+99)/100-1)]
}
