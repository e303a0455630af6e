package setup

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"entregas/contracts"
)

// Subscriptions maps each topic to the app-ids of its readers, which are also the names of the subscriptions. Each topic has a
// dead letter topic too, with the subscription `operador`. So has the topic of the discarded dead letters of all topics.
var Subscriptions = func() map[string][]string {
	readers := map[string][]string{}
	for _, t := range contracts.Topics {
		readers[t.Name] = t.Readers()
	}
	return readers
}()

// retention is 7 days, which is shorter than the 30 days for which an inbox remembers a command. So the broker never has a command
// that the inbox has forgotten.
const retention = `{"retentionTimeInMinutes": 10080, "retentionSizeInMB": 1024}`

// backlog is what a topic may keep for its readers, in bytes. A topic whose reader stays away must not fill the disk of all topics. Over it,
// the broker takes no message until the reader has caught up. No message is lost: the senders keep what they could not publish, and
// try again (docs/adr/everything-has-a-limit.md). The broker wants it below the retention.
const backlog = `{"limitSize": 1000000000, "limitTime": -1, "policy": "producer_request_hold"}`

// keepDiscarded is how long a dead letter that an operator discarded can still be returned. It may have an address, so it must end
// (docs/adr/erased-personal-data.md); the retention comes on top.
const keepDiscarded = 30 * 24 * time.Hour

// Pulsar is the broker's administrative interface. A broker with authentication needs Token; Role is then the role of the
// services, and CreateTopics allows it to publish and subscribe.
type Pulsar struct{ URL, Token, Role string }

var httpClient = &http.Client{Timeout: 10 * time.Second}

// CreateTopics sets the namespace's policies and creates topics, subscriptions and schemas. It must run before the first message.
func (p Pulsar) CreateTopics(ctx context.Context) error {
	ns := "/admin/v2/namespaces/public/default"
	requests := []struct{ method, path, body string }{
		{"POST", ns + "/schemaValidationEnforced", "true"},
		{"PUT", ns + "/schemaCompatibilityStrategy", `"FULL_TRANSITIVE"`},
		{"POST", ns + "/isAllowAutoUpdateSchema", "false"}, // no producer adds a version of a schema; only registerSchema does
		{"POST", ns + "/retention", retention},
		{"POST", ns + "/backlogQuota?backlogQuotaType=destination_storage", backlog},
	}
	if p.Role != "" {
		requests = append(requests, struct{ method, path, body string }{"POST", ns + "/permissions/" + p.Role, `["produce", "consume"]`})
	}
	for _, x := range requests {
		if err := p.ask(ctx, x.method, x.path, x.body); err != nil {
			return err
		}
	}
	for topic, readers := range Subscriptions {
		if err := p.createTopic(ctx, topic, readers...); err != nil {
			return err
		}
		if err := p.createTopic(ctx, topic+"-dlq", "operador"); err != nil {
			return err
		}
	}
	kept := "/admin/v2/persistent/public/default/" + contracts.MensajesDescartados // without a schema: it takes records of every topic
	if err := p.ask(ctx, "PUT", kept, ""); err != nil {
		return err
	}
	if err := p.ask(ctx, "PUT", kept+"/subscription/operador", `{"ledgerId": -1, "entryId": -1}`); err != nil {
		return err
	}
	return p.ask(ctx, "POST", fmt.Sprintf("%s/messageTTL?messageTTL=%d", kept, int(keepDiscarded.Seconds())), "")
}

// CheckNew returns an error if CreateTopics was done on this broker before: the topic that it creates last is there.
func (p Pulsar) CheckNew(ctx context.Context) error {
	const path = "/admin/v2/persistent/public/default"
	status, text, err := p.send(ctx, "GET", path, "")
	if err != nil {
		return err
	}
	var topics []string
	if status != http.StatusOK || json.Unmarshal(text, &topics) != nil {
		return notAccepted("GET", path, status, text)
	}
	if slices.ContainsFunc(topics, func(t string) bool { return strings.HasSuffix(t, "/"+contracts.MensajesDescartados) }) {
		return errors.New("the broker has the topics of this system: it is live, or its restore is done already. After a restore, topics " +
			"and scheduler must be new (docs/adr/a-backup-is-one-instant.md). Otherwise run the set-up without RESTORED")
	}
	return nil
}

// createTopic creates a topic with its schema and its subscriptions, each from the earliest message.
func (p Pulsar) createTopic(ctx context.Context, topic string, readers ...string) error {
	path := "/admin/v2/persistent/public/default/" + topic
	if err := p.ask(ctx, "PUT", path, ""); err != nil {
		return err
	}
	for _, reader := range readers {
		if err := p.ask(ctx, "PUT", path+"/subscription/"+reader, `{"ledgerId": -1, "entryId": -1}`); err != nil {
			return err
		}
	}
	return p.registerSchema(ctx, topic)
}

// Healthy returns nil if the broker answers.
func (p Pulsar) Healthy(ctx context.Context) error {
	return p.ask(ctx, "GET", "/admin/v2/namespaces/public/default", "")
}

// Stats returns what the broker says of a topic, as JSON.
func (p Pulsar) Stats(ctx context.Context, topic string) ([]byte, error) {
	path := "/admin/v2/persistent/public/default/" + topic + "/stats"
	status, text, err := p.send(ctx, "GET", path, "")
	if err == nil && status/100 != 2 {
		err = notAccepted("GET", path, status, text)
	}
	return text, err
}

// ask sends one administrative request. It returns nil also for status 409: the topic or subscription exists already.
func (p Pulsar) ask(ctx context.Context, method, path, body string) error {
	status, text, err := p.send(ctx, method, path, body)
	if err != nil || status/100 == 2 || status == http.StatusConflict {
		return err
	}
	return notAccepted(method, path, status, text)
}

// maxResponse is the maximum size of a response in bytes. The schemas of a topic have a few kilobytes each.
const maxResponse = 4 << 20

// send sends one administrative request and returns the status and the body of the answer.
func (p Pulsar) send(ctx context.Context, method, path, body string) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, p.URL+path, bytes.NewBufferString(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	if p.Token != "" {
		req.Header.Set("Authorization", "Bearer "+p.Token)
	}
	r, err := httpClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer r.Body.Close()
	text, err := io.ReadAll(io.LimitReader(r.Body, maxResponse))
	return r.StatusCode, text, err
}

func notAccepted(method, path string, status int, text []byte) error {
	return fmt.Errorf("Pulsar refused %s %s: %d %.500s", method, path, status, text)
}
