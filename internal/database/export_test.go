package database

import (
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// MeasureForTest is Measure. The function that it returns makes the next scrape read the database again.
func MeasureForTest(pool *pgxpool.Pool, gauges ...Gauge) (expire func(), err error) {
	r := &reading{pool: pool, gauges: gauges}
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.at = time.Time{}
	}, r.register()
}

// GaugesTimeout bounds a scrape while the database hangs.
const GaugesTimeout = gaugesTimeout
