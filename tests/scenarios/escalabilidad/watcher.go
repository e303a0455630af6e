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

// point is what there was at one instant.
type point struct {
	at       time.Duration
	pending  int64
	desired  int
	replicas int // that read the queue
}

// watcher reads monitor, asks the rule, and starts and stops replicas.
type watcher struct {
	e          *common.Scenario
	autoscaler *autoscaler.Autoscaler
	points     []point
	// withFive is when all five read the queue; idleSince, when there was not enough left for all of them.
	withFive, idleSince time.Time
	mu                  sync.Mutex
	shouldRun           map[string]bool // the further replicas that there should be
	readers             int             // that read the queue at the last look
	group               sync.WaitGroup
}

const (
	lookEvery    = 2 * time.Second
	enoughForAll = 10 // pending messages below which one of the five may be idle: two for each
)

// run scales until ctx ends, and then stops the further replicas.
func (m *watcher) run(ctx context.Context) {
	start, monitor := time.Now(), client.Direct(m.e.Env.Monitor)
	for ; ctx.Err() == nil; sleep(ctx, lookEvery) {
		r, err := monitor.Request(ctx, http.MethodGet, "/metrics", nil)
		pending, found := fromMetrics(string(r.Body), "pending_messages_persistent_public_default_comandos_producto")
		if err != nil || !found {
			continue // what is not known is no reason to change anything
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
			m.e.Say("cinco réplicas, %.0f pendientes", pending)
		}
		if !m.withFive.IsZero() && m.idleSince.IsZero() && pending < enoughForAll {
			m.idleSince = now
		}
		m.adjust(ctx, desired)
	}
	m.group.Wait()
}

// adjust starts what is missing and stops what is too much, the last one first.
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

// howMany is how many replicas read the queue at the last look.
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
