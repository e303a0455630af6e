package setup

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"

	"entregas/contracts"
)

// broker is the part of Pulsar's administrative interface that this package uses. It keeps policies and schemas.
type broker struct {
	mu       sync.Mutex
	policies map[string]string
	ttls     map[string]string // of topics, in seconds
	schemas  map[string][]string
	refuses  bool // whether the broker refuses schemas
}

func newBroker(t *testing.T) (*broker, Pulsar) {
	b := &broker{policies: map[string]string{}, ttls: map[string]string{}, schemas: map[string][]string{}}
	s := httptest.NewServer(b)
	t.Cleanup(s.Close)
	return b, Pulsar{URL: s.URL}
}

func (b *broker) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	if policy, found := strings.CutPrefix(r.URL.Path, "/admin/v2/namespaces/public/default/"); found {
		b.policies[policy] = string(body)
		return
	}
	if topic, found := strings.CutSuffix(r.URL.Path, "/messageTTL"); found {
		b.ttls[path.Base(topic)] = r.URL.Query().Get("messageTTL")
		return
	}
	route, found := strings.CutPrefix(r.URL.Path, "/admin/v2/schemas/public/default/")
	if !found {
		return
	}
	topic := path.Dir(route)
	type version struct {
		Type string `json:"type"`
		Text string `json:"data"`
	}
	switch r.Method {
	case http.MethodGet:
		if len(b.schemas[topic]) == 0 {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		var all []version
		for _, text := range b.schemas[topic] {
			all = append(all, version{"AVRO", text})
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"getSchemaResponses": all})
	case http.MethodDelete:
		delete(b.schemas, topic)
	case http.MethodPost:
		var v struct{ Schema string }
		if err := json.Unmarshal(body, &v); err != nil || b.refuses {
			w.WriteHeader(http.StatusConflict)
			return
		}
		if !slices.Contains(b.schemas[topic], v.Schema) {
			b.schemas[topic] = append(b.schemas[topic], v.Schema)
		}
	}
}

// No producer can add a version, so the set-up registers the schema of every topic, and deletes versions that a sidecar would
// misread.
func TestRegistryHoldsOnlyWhatReadsAlike(t *testing.T) {
	const topic = "comandos-gestor-compra"
	ours, err := contracts.AvroSchema(topic)
	if err != nil {
		t.Fatal(err)
	}
	previous := withoutLastField(t, ours)
	swapped := strings.NewReplacer(`"id_compra"`, `"id_usuario"`, `"id_usuario"`, `"id_compra"`).Replace(ours)
	for _, changed := range []string{previous, swapped} {
		if changed == ours {
			t.Fatal("the schema is no longer the one that this test changes")
		}
	}
	withoutDocs := strings.Replace(ours, "Who buys.", "The customer.", 1)
	for _, c := range []struct {
		name           string
		found, remains []string
	}{
		{"nothing yet", nil, []string{ours}},
		{"ours", []string{ours}, []string{ours}},
		{"an earlier release", []string{previous}, []string{previous, ours}},
		{"other words in it", []string{withoutDocs}, []string{withoutDocs, ours}},
		{"two fields changed places", []string{ours, swapped}, []string{ours}},
		{"no record", []string{`"string"`}, []string{ours}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, p := newBroker(t)
			b.schemas[topic] = c.found
			for range 2 { // the set-up runs at every start
				if err := p.CreateTopics(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if !slices.Equal(b.schemas[topic], c.remains) {
				t.Errorf("%d versions are left, want %d", len(b.schemas[topic]), len(c.remains))
			}
			for _, name := range contracts.Names() {
				if len(b.schemas[name]) == 0 || len(b.schemas[name+"-dlq"]) == 0 {
					t.Errorf("%s has no schema", name)
				}
			}
			if b.policies["isAllowAutoUpdateSchema"] != "false" || b.policies["schemaValidationEnforced"] != "true" {
				t.Errorf("policies: %v", b.policies)
			}
		})
	}
	b, p := newBroker(t)
	b.refuses = true
	if err := p.CreateTopics(t.Context()); err == nil {
		t.Error("the broker refused the schemas, and there is no error")
	}
}

// withoutLastField returns schema without the last field of its data, as the release before had it.
func withoutLastField(t *testing.T, schema string) string {
	t.Helper()
	var record map[string]any
	if err := json.Unmarshal([]byte(schema), &record); err != nil {
		t.Fatal(err)
	}
	fields := record["fields"].([]any)
	data := fields[len(fields)-1].(map[string]any)["type"].(map[string]any)
	own := data["fields"].([]any)
	data["fields"] = own[:len(own)-1]
	text, err := json.Marshal(record)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
