package main

import (
	"context"
	"net/http"
	"sync"
	"time"

	"entregas/tests/client"
	"entregas/tests/scenarios/autoscaler"
	"entregas/tests/scenarios/common"
)

// point is the state of the queue and of its consumers at one instant.
type point struct {
	at       time.Duration
	pending  int64
	desired  int
	replicas int // consumers of the queue
}

// watcher reads the metrics of monitor, asks the autoscaler, and starts and stops replicas.
type watcher struct {
	e          *common.Scenario
	autoscaler *autoscaler.Autoscaler
	points     []point
	// withFive is the time when five replicas first consumed from the queue. idleSince is the time after that when the queue first
	// had too few messages to keep all five busy.
	withFive, idleSince time.Time
	mu                  sync.Mutex
	shouldRun           map[string]bool // the replicas after the first that should run
	readers             int             // consumers at the last look
	group               sync.WaitGroup
}

const (
	lookEvery    = 2 * time.Second
	enoughForAll = 10 // pending messages: two for each of five replicas; with fewer, a replica may be idle
)

// run scales until ctx ends, and waits until the commands under way are done.
func (m *watcher) run(ctx context.Context) {
	start, monitor := time.Now(), client.Direct(m.e.Env.Monitor)
	for ; ctx.Err() == nil; sleep(ctx, lookEvery) {
		r, err := monitor.Request(ctx, http.MethodGet, "/metrics", nil)
		pending, found := fromMetrics(string(r.Body), "pending_messages_persistent_public_default_comandos_producto")
		if err != nil || !found {
			continue // without metrics the number of replicas stays the same
		}
		readers, _ := fromMetrics(string(r.Body), `entregas_consumers{subscription="admin-productos",topic="comandos-producto"}`)
		m.mu.Lock()
		m.readers = int(readers)
		m.mu.Unlock()
		now := time.Now()
		desired := m.autoscaler.Replicas(int64(pending), now)
		m.points = append(m.points, point{now.Sub(start), int64(pending), desired, int(readers)})
		if readers >= 5 && m.withFive.IsZero() {
			m.withFive = now
			m.e.Say("five replicas, %.0f pending", pending)
		}
		if !m.withFive.IsZero() && m.idleSince.IsZero() && pending < enoughForAll {
			m.idleSince = now
		}
		m.adjust(ctx, desired)
	}
	m.group.Wait()
}

// adjust starts the missing replicas, or stops the superfluous ones.
func (m *watcher) adjust(ctx context.Context, desired int) {
	for n := 2; n <= 5; n++ {
		name := replica(n)
		m.mu.Lock()
		isRunning, should := m.shouldRun[name], n <= desired
		m.shouldRun[name] = should
		m.mu.Unlock()
		if isRunning == should {
			continue
		}
		command := "stop"
		if should {
			command = "start"
		}
		m.e.Say("%s %s", command, name)
		m.group.Go(func() {
			if err := m.e.Local.Run(context.WithoutCancel(ctx), command, name); err != nil {
				m.e.Say("%v", err)
			}
		})
	}
}

// howMany returns how many replicas consumed from the queue at the last look.
func (m *watcher) howMany() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.readers
}

func sleep(ctx context.Context, howLong time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(howLong):
	}
}
