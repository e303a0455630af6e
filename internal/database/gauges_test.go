package database_test

import (
	"io"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"

	"entregas/internal/database"
	"entregas/internal/databasetest"
	"entregas/internal/telemetrytest"
)

// A scrape has the values of the database. While the database is away or hangs, a scrape says so within its limit: the values are absent,
// neither 0 nor the last known ones, and the rest of it stays. Then the values come back.
func TestGaugesOfADatabase(t *testing.T) {
	telemetrytest.Scrape(t)
	config := databasetest.New(t, nil).Config()
	relay := newRelay(t, net.JoinHostPort(config.ConnConfig.Host, strconv.Itoa(int(config.ConnConfig.Port))))
	host, port, _ := net.SplitHostPort(relay.listener.Addr().String())
	n, _ := strconv.ParseUint(port, 10, 16)
	dsn := config.ConnConfig.Copy()
	pool, err := database.Open(t.Context(), "postgres://"+dsn.User+":"+dsn.Password+"@"+net.JoinHostPort(host, strconv.FormatUint(n, 10))+"/"+dsn.Database+"?sslmode=disable", 2)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	expire, err := database.MeasureForTest(pool,
		database.Gauge{Name: "entregas_test_rows", Meaning: "-", Label: "state", SQL: "select v, 2::float8 from unnest(array['A', 'B']) v"},
		database.Gauge{Name: "entregas_test_age", Unit: "s", Meaning: "-", SQL: "select 1.5::float8"})
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]float64{`entregas_test_rows{state="A"}`: 2, `entregas_test_rows{state="B"}`: 2, "entregas_test_age_seconds": 1.5}
	for _, c := range []struct {
		name  string
		mode  mode
		up    float64
		limit time.Duration
	}{
		{"it answers", passes, 1, time.Minute},
		{"it is away", refuses, 0, database.GaugesTimeout / 2},
		{"it hangs", hangs, 0, database.GaugesTimeout + 2*time.Second},
		{"it answers again", passes, 1, time.Minute},
	} {
		relay.set(c.mode)
		expire()
		for attempt := range 3 { // a connection of before may be found broken first; then the pool opens another one
			begun := time.Now()
			got := telemetrytest.Scrape(t)
			if took := time.Since(begun); took > c.limit {
				t.Errorf("%s: the scrape took %s", c.name, took)
			}
			if got["entregas_database_up"] != c.up && attempt < 2 {
				expire()
				continue
			}
			if up, found := got["entregas_database_up"]; !found || up != c.up || got["go_goroutines"] == 0 {
				t.Errorf("%s: entregas_database_up is %v (%v)", c.name, up, found)
			}
			for series, want := range values {
				if v, found := got[series]; found != (c.up == 1) || found && v != want {
					t.Errorf("%s: %s is %v (%v)", c.name, series, v, found)
				}
			}
			break
		}
	}
}

// While the database answers, a gauge that fails or takes too long is absent. The other gauges are there.
func TestAGaugeFailsAlone(t *testing.T) {
	telemetrytest.Scrape(t)
	_, err := database.MeasureForTest(databasetest.New(t, nil),
		database.Gauge{Name: "entregas_test_slow", Meaning: "-", SQL: "select 1::float8 from pg_sleep(60)"},
		database.Gauge{Name: "entregas_test_broken", Meaning: "-", SQL: "select 1::float8 from no_such_table"},
		database.Gauge{Name: "entregas_test_good", Meaning: "-", SQL: "select 1::float8"})
	if err != nil {
		t.Fatal(err)
	}
	got := telemetrytest.Scrape(t)
	for series, want := range map[string]bool{"entregas_test_slow": false, "entregas_test_broken": false, "entregas_test_good": true} {
		if _, found := got[series]; found != want {
			t.Errorf("%s is there: %v, not %v", series, found, want)
		}
	}
	if got["entregas_database_up"] != 1 {
		t.Errorf("entregas_database_up is %v", got["entregas_database_up"])
	}
}

// mode is what a relay does with connections.
type mode int

const (
	passes  mode = iota
	refuses      // closes each at once
	hangs        // takes them, and passes nothing on
)

// relay stands between a pool and its database.
type relay struct {
	listener net.Listener
	address  string
	mu       sync.Mutex
	mode     mode
	open     []net.Conn
}

func newRelay(t *testing.T, address string) *relay {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{listener: l, address: address}
	t.Cleanup(func() { _ = l.Close(); r.set(refuses) })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			r.take(c)
		}
	}()
	return r
}

// set changes the mode and closes what is open.
func (r *relay) set(m mode) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mode = m
	for _, c := range r.open {
		_ = c.Close()
	}
	r.open = nil
}

func (r *relay) take(c net.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.mode == refuses {
		_ = c.Close()
		return
	}
	r.open = append(r.open, c)
	if r.mode == hangs {
		return
	}
	to, err := net.Dial("tcp", r.address) //nolint:noctx // of this machine
	if err != nil {
		_ = c.Close()
		return
	}
	r.open = append(r.open, to)
	for _, pair := range [][2]net.Conn{{c, to}, {to, c}} {
		go func() { _, _ = io.Copy(pair[0], pair[1]); _ = pair[0].Close(); _ = pair[1].Close() }()
	}
}
