package setup

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"entregas/contracts"
)

// Subscriptions maps each topic to the service that reads it: the subscription's name is its app-id.
// Every topic has a dead letter topic, kept by the subscription `operador`.
var Subscriptions = func() map[string]string {
	readers := map[string]string{}
	for _, t := range contracts.Topics {
		readers[t.Name] = t.Reader
	}
	return readers
}()

// Less than the 30 days for which a service remembers a command: so no broker can still hold what an inbox forgot.
const retention = `{"retentionTimeInMinutes": 10080, "retentionSizeInMB": 1024}`

// Pulsar is the broker's administrative interface. Token is for a broker that asks for one; Role is then who the services are
// for it, and may publish and subscribe.
type Pulsar struct{ URL, Token, Role string }

var httpClient = &http.Client{Timeout: 10 * time.Second}

// CreateTopics sets the namespace's policies, and makes topics and subscriptions before anybody publishes.
func (p Pulsar) CreateTopics(ctx context.Context) error {
	ns := "/admin/v2/namespaces/public/default"
	requests := []struct{ method, path, body string }{
		{"POST", ns + "/schemaValidationEnforced", "true"},
		{"PUT", ns + "/schemaCompatibilityStrategy", `"FULL_TRANSITIVE"`},
		{"POST", ns + "/isAllowAutoUpdateSchema", "false"}, // a producer cannot add a version: registerSchema does
		{"POST", ns + "/retention", retention},
	}
	if p.Role != "" {
		requests = append(requests, struct{ method, path, body string }{"POST", ns + "/permissions/" + p.Role, `["produce", "consume"]`})
	}
	for _, x := range requests {
		if err := p.ask(ctx, x.method, x.path, x.body); err != nil {
			return err
		}
	}
	for topic, reader := range Subscriptions {
		for _, t := range [][2]string{{topic, reader}, {topic + "-dlq", "operador"}} {
			path := "/admin/v2/persistent/public/default/" + t[0]
			if err := p.ask(ctx, "PUT", path, ""); err != nil {
				return err
			}
			if err := p.ask(ctx, "PUT", path+"/subscription/"+t[1], `{"ledgerId": -1, "entryId": -1}`); err != nil { // from the earliest message
				return err
			}
			if err := p.registerSchema(ctx, t[0]); err != nil {
				return err
			}
		}
	}
	return nil
}

// Healthy says whether the broker serves.
func (p Pulsar) Healthy(ctx context.Context) error {
	return p.ask(ctx, "GET", "/admin/v2/namespaces/public/default", "")
}

// ask sends one administrative request; what already exists (409) is as good as made.
func (p Pulsar) ask(ctx context.Context, method, path, body string) error {
	status, text, err := p.send(ctx, method, path, body)
	if err != nil || status/100 == 2 || status == http.StatusConflict {
		return err
	}
	return notAccepted(method, path, status, text)
}

// maxResponse bounds what is read of an answer: a topic's schemas are a few kilobytes each.
const maxResponse = 4 << 20

// send sends one administrative request and returns the answer's status and body.
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
	return fmt.Errorf("petición que Pulsar no aceptó: %s %s: %d %.500s", method, path, status, text)
}
