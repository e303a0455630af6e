// Package queues is what monitor knows: how far each reader of each topic is behind.
package queues

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"entregas/contracts"
)

// Cola is one reader's place in one topic, at the instant at which it was read.
type Cola struct {
	Tema        string
	Suscripcion string
	Pendientes  int64     // messages that it did not confirm yet
	Delivered   int64     // those of them that a replica has and is working on
	Replicas    int       // who reads under this name
	Durable     bool      // it outlives its readers: what waits in it will be handled
	Entered     int64     // messages that the topic got since its broker started
	Oldest      time.Time // when the oldest pending message was published; zero where nothing waits
}

// Edad is how long the oldest pending message has waited.
func (c Cola) Edad(now time.Time) time.Duration {
	if c.Pendientes == 0 || c.Oldest.IsZero() {
		return 0
	}
	return max(0, now.Sub(c.Oldest))
}

// Broker tells the readers of a topic: none where there is no such topic yet.
type Broker interface {
	Colas(ctx context.Context, topic string) ([]Cola, error)
}

// Load asks the broker for every topic at once. What it did not tell is not in the map, and in the error.
func Load(ctx context.Context, b Broker) (map[string][]Cola, error) {
	topics := Topics()
	readings, failures := make([][]Cola, len(topics)), make([]error, len(topics))
	var group sync.WaitGroup
	for i, topic := range topics {
		group.Go(func() { readings[i], failures[i] = b.Colas(ctx, topic) })
	}
	group.Wait()
	all := map[string][]Cola{}
	for i, topic := range topics {
		if failures[i] == nil {
			all[topic] = readings[i]
		}
	}
	return all, errors.Join(failures...)
}

// Topics lists every topic that is watched, dead letters included.
func Topics() []string {
	names := contracts.Names()
	topics := make([]string, 0, 2*len(names))
	for _, n := range names {
		topics = append(topics, n, n+deadLetters)
	}
	return topics
}

const deadLetters = "-dlq"

// IsDeadLetters tells that topic holds the dead letters of another, and of which.
func IsDeadLetters(topic string) (origin string, si bool) {
	return strings.CutSuffix(topic, deadLetters)
}

// Pendientes is how many messages of the topic wait for a service. A live stream's own reader does not count: nothing
// waits for it once it is gone.
func Pendientes(queues []Cola) int64 {
	var total int64
	for _, c := range queues {
		if c.Durable {
			total += c.Pendientes
		}
	}
	return total
}
