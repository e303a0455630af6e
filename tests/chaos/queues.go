package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"entregas/contracts"
	"entregas/tests/client"
)

// queueFaults returns the faults that an administrator of the broker can cause: they delete the backlog of a subscription, or unload
// the topics, which closes every producer and consumer of the topics.
func queueFaults() []fault {
	var f []fault
	for _, t := range contracts.Topics { // the subscription has the name of the reader's app
		f = append(f, fault{what: "backlog deleted while its reader is away", step: t.Name, act: backlogDeleted(t.Name, t.Reader), mayNeedMending: true})
	}
	return append(f, fault{what: "topics unloaded every 3 s", step: "all", act: topicsUnloaded})
}

const (
	unloadEvery = 3 * time.Second
	unloadFor   = 20 * time.Second
	skipEvery   = 100 * time.Millisecond
)

// backlogDeleted kills the reader of the topic with its sidecar, and deletes the backlog until the reader is back. When there was no
// backlog it tries again, at most three times.
func backlogDeleted(topic, app string) func(context.Context, *chaos) error {
	return func(ctx context.Context, c *chaos) error {
		deleted := 0
		for tries := 0; deleted == 0 && tries < 3; tries++ {
			if _, err := c.local.Kill(ctx, func(p client.Process) bool { return p.Name == app || p.Name == app+"-2" }); err != nil {
				return err
			}
			gone := false // the broker must first notice that the reader is gone
			for until := time.Now().Add(30 * time.Second); time.Now().Before(until) && ctx.Err() == nil; sleep(ctx, skipEvery) {
				waiting, consumers, err := c.waiting(ctx, topic, app)
				if err != nil {
					return err
				}
				switch {
				case consumers > 0 && gone:
					until = time.Now()
					continue
				case consumers > 0:
					continue
				}
				if gone = true; waiting == 0 {
					continue
				}
				if _, err := get(ctx, http.MethodPost, c.adminOf(topic)+"/subscription/"+app+"/skip_all"); err != nil {
					return err
				}
				deleted += waiting
			}
			sleep(ctx, time.Second)
		}
		if deleted == 0 {
			return didNotOccur("there were no messages to delete")
		}
		return nil
	}
}

// adminOf returns the address of a topic in the admin interface of the broker.
func (c *chaos) adminOf(topic string) string {
	return c.env.PulsarAdmin + "/admin/v2/persistent/public/default/" + topic
}

// waiting returns the backlog of a subscription, and the number of its consumers.
func (c *chaos) waiting(ctx context.Context, topic, subscription string) (messages, consumers int, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.adminOf(topic)+"/stats?getPreciseBacklog=true", nil)
	if err != nil {
		return 0, 0, err
	}
	r, err := httpClient.Do(request)
	if err != nil {
		return 0, 0, err
	}
	defer func() { _ = r.Body.Close() }()
	var stats struct {
		Subscriptions map[string]struct {
			Backlog   int               `json:"msgBacklog"`
			Consumers []json.RawMessage `json:"consumers"`
		} `json:"subscriptions"`
	}
	if r.StatusCode != http.StatusOK {
		return 0, 0, fmt.Errorf("%s: %s", topic, r.Status)
	}
	if err := json.NewDecoder(r.Body).Decode(&stats); err != nil {
		return 0, 0, err
	}
	s, there := stats.Subscriptions[subscription]
	if !there {
		return 0, 0, fmt.Errorf("%s has no subscription %s", topic, subscription)
	}
	return s.Backlog, len(s.Consumers), nil
}

func topicsUnloaded(ctx context.Context, c *chaos) error {
	for until := time.Now().Add(unloadFor); time.Now().Before(until) && ctx.Err() == nil; sleep(ctx, unloadEvery) {
		for _, topic := range contracts.Names() {
			if _, err := get(ctx, http.MethodPut, c.adminOf(topic)+"/unload"); err != nil {
				return err
			}
		}
	}
	return nil
}
