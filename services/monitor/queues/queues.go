// Package queues has the lengths and ages of the queues: how far each subscription of each topic is behind, now and over the
// last quarter of an hour.
package queues

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"entregas/contracts"
)

// Queue is the state of one subscription of a topic at one instant.
type Queue struct {
	Topic        string
	Subscription string
	Pending      int64     // messages that are not acknowledged
	Delivered    int64     // messages that are delivered to a consumer and not acknowledged
	Replicas     int       // connected consumers
	Durable      bool      // the subscription outlives its consumers, so each pending message will be handled
	Entered      int64     // messages published on the topic since the broker started
	Oldest       time.Time // when the oldest pending message was published; zero when nothing is pending
}

// Age returns how long the oldest pending message has waited, at the instant now.
func (c Queue) Age(now time.Time) time.Duration {
	if c.Pending == 0 || c.Oldest.IsZero() {
		return 0
	}
	return max(0, now.Sub(c.Oldest))
}

// Broker reads the subscriptions of a topic. A topic that does not exist yet has none.
type Broker interface {
	Queues(ctx context.Context, topic string) ([]Queue, error)
}

// Load reads the queues of all topics at once. A topic that could not be read is not in the map, and the error names it.
func Load(ctx context.Context, b Broker) (map[string][]Queue, error) {
	topics := Topics()
	readings, failures := make([][]Queue, len(topics)), make([]error, len(topics))
	var group sync.WaitGroup
	for i, topic := range topics {
		group.Go(func() { readings[i], failures[i] = b.Queues(ctx, topic) })
	}
	group.Wait()
	all := map[string][]Queue{}
	for i, topic := range topics {
		if failures[i] == nil {
			all[topic] = readings[i]
		}
	}
	return all, errors.Join(failures...)
}

// Topics returns every topic of the system, with the topics of dead letters.
func Topics() []string {
	names := contracts.Names()
	topics := make([]string, 0, 2*len(names))
	for _, n := range names {
		topics = append(topics, n, n+deadLetters)
	}
	return topics
}

const deadLetters = "-dlq"

// IsDeadLetters tells whether topic has the dead letters of another topic, origin.
func IsDeadLetters(topic string) (origin string, ok bool) {
	return strings.CutSuffix(topic, deadLetters)
}

// Pending returns how many messages the durable subscriptions among queues have not acknowledged. The subscription of a live
// stream is not durable: its messages are discarded when the stream ends.
func Pending(queues []Queue) int64 {
	var total int64
	for _, c := range queues {
		if c.Durable {
			total += c.Pending
		}
	}
	return total
}
