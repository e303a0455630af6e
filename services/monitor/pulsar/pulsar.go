// Package pulsar reads the queues from the administrative interface of Pulsar, and handles dead letters and undecodable
// messages through its client. Why the client and not a sidecar: a sidecar delivers neither a message that it cannot decode
// nor one at a given position.
package pulsar

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"entregas/services/monitor/queues"
)

// Broker is a client of the administrative interface of the broker.
type Broker struct {
	address string
	token   string
	client  *http.Client
}

// deadline bounds one request to the administrative interface of the broker.
//
// A look at dead letters has no other time limit, and the next look waits for it.
const deadline = 5 * time.Second

// New returns a Broker for the interface at address, a URL. token is "" when the broker needs none.
func New(address, token string) *Broker {
	return &Broker{strings.TrimSuffix(address, "/"), strings.TrimSpace(token), &http.Client{Timeout: deadline}}
}

// statistics has the statistics of a topic that Queues needs.
type statistics struct {
	Entered       int64 `json:"msgInCounter"`
	Subscriptions map[string]struct {
		Pending   int64 `json:"msgBacklog"`
		Delivered int64 `json:"unackedMessages"`
		Durable   bool  `json:"isDurable"`
		Readers   []any `json:"consumers"`
		Oldest    int64 `json:"earliestMsgPublishTimeInBacklog"` // ms since 1970; 0 or less when nothing is pending
	} `json:"subscriptions"`
}

// Queues returns the subscriptions of a topic, or none when the topic does not exist yet.
func (b *Broker) Queues(ctx context.Context, topic string) ([]queues.Queue, error) {
	var e statistics
	found, err := b.ask(ctx, topic, "/stats?getPreciseBacklog=true&getEarliestTimeInBacklog=true", func(r *json.Decoder) error { return r.Decode(&e) })
	if err != nil || !found {
		return nil, err
	}
	list := make([]queues.Queue, 0, len(e.Subscriptions))
	for name, s := range e.Subscriptions {
		c := queues.Queue{
			Topic: topic, Subscription: name, Pending: s.Pending, Delivered: s.Delivered, Replicas: len(s.Readers), Durable: s.Durable,
			Entered: e.Entered,
		}
		if s.Oldest > 0 {
			c.Oldest = time.UnixMilli(s.Oldest)
		}
		list = append(list, c)
	}
	return list, nil
}

// ask gets a resource of a topic and calls read with its JSON. found is false when the topic does not exist.
func (b *Broker) ask(ctx context.Context, topic, what string, read func(*json.Decoder) error) (found bool, err error) {
	address := b.address + "/admin/v2/persistent/public/default/" + url.PathEscape(topic) + what
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return false, fmt.Errorf("topic %s: %w", topic, err)
	}
	if b.token != "" {
		request.Header.Set("Authorization", "Bearer "+b.token)
	}
	response, err := b.client.Do(request)
	if err != nil {
		return false, fmt.Errorf("topic %s: %w", topic, err)
	}
	defer func() { _ = response.Body.Close() }()
	switch response.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound:
		return false, nil
	default:
		return false, fmt.Errorf("topic %s: the broker answered %s", topic, response.Status)
	}
	if err := read(json.NewDecoder(response.Body)); err != nil {
		return false, fmt.Errorf("topic %s: %w", topic, err)
	}
	return true, nil
}
