package database

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"entregas/internal/telemetry"
)

// Gauge is a metric that a statement reads from the database.
type Gauge struct {
	Name, Unit, Meaning string // Unit s adds the suffix _seconds to the name
	Label               string // the label of the first column; without one the statement has one row and one column
	SQL                 string // its last column is the value, double precision
}

const (
	// gaugesFor is how long one reading answers all scrapes.
	gaugesFor = 5 * time.Second
	// gaugesTimeout bounds one reading. It is below the 10 s that Prometheus waits by default.
	gaugesTimeout = 3 * time.Second
)

// reading keeps the values of gauges for gaugesFor.
type reading struct {
	pool   *pgxpool.Pool
	gauges []Gauge

	mu     sync.Mutex
	at     time.Time
	up     int64
	values []map[string]float64 // of each gauge, by its label
}

// Measure makes metrics of gauges. They are read at a scrape, and at most once each gaugesFor. While the database does not answer,
// their series are absent and entregas_database_up is 0. A gauge that fails while the database answers is absent alone. All replicas of a
// program read the same.
func Measure(pool *pgxpool.Pool, gauges ...Gauge) error {
	return (&reading{pool: pool, gauges: gauges}).register()
}

func (r *reading) register() error {
	gauges := r.gauges
	up, err := telemetry.Meter().Int64ObservableGauge("entregas_database_up",
		metric.WithDescription("1 when the database answered at the last reading. While it is 0, the metrics that are read from the database are absent."))
	if err != nil {
		return err
	}
	instruments, all := make([]metric.Float64ObservableGauge, len(gauges)), []metric.Observable{up}
	for i, g := range gauges {
		if instruments[i], err = telemetry.Meter().Float64ObservableGauge(g.Name, metric.WithUnit(g.Unit), metric.WithDescription(g.Meaning)); err != nil {
			return err
		}
		all = append(all, instruments[i])
	}
	_, err = telemetry.Meter().RegisterCallback(func(ctx context.Context, o metric.Observer) error {
		isUp, values := r.now(ctx)
		o.ObserveInt64(up, isUp)
		for i, byLabel := range values {
			for label, v := range byLabel {
				var labels []attribute.KeyValue
				if name := gauges[i].Label; name != "" {
					labels = append(labels, attribute.String(name, label))
				}
				o.ObserveFloat64(instruments[i], v, metric.WithAttributes(labels...))
			}
		}
		return nil
	}, all...)
	return err
}

func (r *reading) now(ctx context.Context) (up int64, values []map[string]float64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if time.Since(r.at) < gaugesFor {
		return r.up, r.values
	}
	ctx, cancel := context.WithTimeout(ctx, gaugesTimeout)
	defer cancel()
	r.up, r.values = 0, nil
	if err := r.pool.Ping(ctx); err != nil {
		slog.WarnContext(ctx, "the metrics could not be read: the database does not answer", "error", err)
	} else {
		r.up, r.values = 1, make([]map[string]float64, len(r.gauges))
		for i, g := range r.gauges {
			if r.values[i], err = r.share(ctx, g); err != nil {
				slog.WarnContext(ctx, "a metric could not be read from the database", "metric", g.Name, "error", err)
			}
		}
	}
	r.at = time.Now()
	return r.up, r.values
}

// share reads g for at most half of the time that is left, so that a slow gauge does not take the time of those after it.
func (r *reading) share(ctx context.Context, g Gauge) (map[string]float64, error) {
	end, _ := ctx.Deadline()
	ctx, cancel := context.WithTimeout(ctx, time.Until(end)/2)
	defer cancel()
	return g.read(ctx, r.pool)
}

func (g Gauge) read(ctx context.Context, pool *pgxpool.Pool) (map[string]float64, error) {
	rows, err := pool.Query(ctx, g.SQL)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", g.Name, err)
	}
	byLabel, label, value := map[string]float64{}, "", float64(0)
	into := []any{&value}
	if g.Label != "" {
		into = []any{&label, &value}
	}
	if _, err = pgx.ForEachRow(rows, into, func() error { byLabel[label] = value; return nil }); err != nil {
		return nil, fmt.Errorf("%s: %w", g.Name, err)
	}
	return byLabel, nil
}

// InboxGauges are the metrics of a database with an inbox.
var InboxGauges = []Gauge{{Name: "entregas_inbox_rows", Meaning: "Commands whose replies are kept, as PostgreSQL estimates it.",
	SQL: "select greatest(reltuples, 0)::float8 from pg_class where oid = 'inbox'::regclass"}}
