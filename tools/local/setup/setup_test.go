package setup

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"entregas/contracts"
)

const components = "../../../components"

// The set-up creates the subscriptions that components/subscriptions.yaml declares. It does not create the subscriptions of
// pubsub-live: the broker deletes such a subscription when its reader ends.
func TestSubscriptionsAreTheDeclaredOnes(t *testing.T) {
	f, err := os.Open(filepath.Join(components, "subscriptions.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	declared := map[string][]string{}
	for d := yaml.NewDecoder(f); ; {
		var s struct {
			Spec   struct{ Pubsubname, Topic string }
			Scopes []string
		}
		if err := d.Decode(&s); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if s.Spec.Pubsubname != "pubsub-live" {
			declared[s.Spec.Topic] = append(declared[s.Spec.Topic], s.Scopes...)
		}
	}
	for topic, readers := range Subscriptions {
		if !slices.Equal(declared[topic], readers) {
			t.Errorf("the readers of %s are %q, but subscriptions.yaml says %q", topic, readers, declared[topic])
		}
	}
	if len(declared) != len(Subscriptions) {
		t.Errorf("subscriptions.yaml declares %v", declared)
	}
}

func TestCopyComponentsLeavesOnlyTheNewAddresses(t *testing.T) {
	target := t.TempDir()
	if err := Write(filepath.Join(target, "older.yaml"), "left by an earlier version"); err != nil {
		t.Fatal(err)
	}
	mutate := strings.NewReplacer("127.0.0.1:6650", "pulsar:6650", "127.0.0.1:5432", "postgres:5432", ".local/up/pgpass", "/secrets/pgpass").Replace
	if err := CopyComponents(components, target, mutate, "{{.ID}}:50002"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(target, "older.yaml")); !os.IsNotExist(err) {
		t.Error("a component that no longer exists is left")
	}
	earlier := time.Now().Add(-time.Hour).Truncate(time.Second)
	if err := os.Chtimes(filepath.Join(target, "pubsub.yaml"), earlier, earlier); err != nil {
		t.Fatal(err)
	}
	if err := CopyComponents(components, target, mutate, "{{.ID}}:50002"); err != nil {
		t.Fatal(err)
	}
	if i, err := os.Stat(filepath.Join(target, "pubsub.yaml")); err != nil || !i.ModTime().Equal(earlier) {
		t.Errorf("a file that had not changed was written again: %v", err)
	}
	for file, says := range map[string]string{
		"pubsub.yaml": "value: pulsar:6650", "pubsub-live.yaml": "value: pulsar:6650",
		"state.yaml": "postgres://dapr@postgres:5432/dapr?sslmode=disable&passfile=/secrets/pgpass", "config/configuration.yaml": "{{.ID}}:50002",
	} {
		text, err := os.ReadFile(filepath.Join(target, file))
		if err != nil || !strings.Contains(string(text), says) || strings.Contains(string(text), "127.0.0.1") {
			t.Errorf("%s: %v: it does not say %s, or still says 127.0.0.1", file, err, says)
		}
	}
}

func TestTokenGoesInEachRequestAndTheRoleIsGranted(t *testing.T) {
	var requests []string
	broker := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests = append(requests, r.Method+" "+r.URL.Path)
		if r.Header.Get("Authorization") != "Bearer abc" {
			w.WriteHeader(http.StatusUnauthorized)
		} else if r.Method == http.MethodGet { // no schema is registered yet
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	defer broker.Close()
	if err := (Pulsar{URL: broker.URL, Token: "abc", Role: "entregas"}).CreateTopics(context.Background()); err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(requests, "POST /admin/v2/namespaces/public/default/permissions/entregas") {
		t.Errorf("the role got no permission: %v", requests)
	}
	if err := (Pulsar{URL: broker.URL}).CreateTopics(context.Background()); err == nil {
		t.Error("it accepted a request without a token")
	}
}

// A discarded dead letter ends, because it may have an address. No other message ends before it is handled.
func TestOnlyDiscardedLettersEnd(t *testing.T) {
	b, p := newBroker(t)
	if err := p.CreateTopics(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(b.ttls) != 1 || b.ttls[contracts.MensajesDescartados] != "2592000" {
		t.Errorf("messages end after %v seconds", b.ttls)
	}
}

// Failure prevented: an address that RolesOf cannot read gives a wrong role, or none, and its service cannot log in.
func TestAnAddressIsReadWhollyOrRefused(t *testing.T) {
	for _, address := range []string{
		"postgres://Empaque@127.0.0.1:5432/empaque", "postgres://empaque@127.0.0.1:5432/empaque-v2?sslmode=disable",
		"postgres://empaque@127.0.0.1:5432/Empaque", "postgres://empaque:palabra@127.0.0.1:5432/empaque",
		"postgres://empaque@127.0.0.1:5432", "postgresql://empaque@127.0.0.1:5432/empaque",
	} {
		roles, err := RolesOf("a: postgres://ordenes@127.0.0.1:5432/ordenes\nb: " + address + "\n")
		if err == nil || !strings.Contains(err.Error(), address) {
			t.Errorf("%s: %v, %v", address, roles, err)
		}
	}
}

// RolesOf returns the roles in the order of dapr.yaml, because the first role of a database owns it.
func TestRolesAreThoseOfTheAddresses(t *testing.T) {
	want := []Role{{"admin_productos", "productos"}, {"consolidador", "productos"}, {"dapr", "dapr"}}
	text := "a: postgres://admin_productos@127.0.0.1:5432/productos?sslmode=disable\nb: postgres://consolidador@127.0.0.1:5432/productos\n"
	if roles, err := RolesOf(text, "value: 'postgres://dapr@127.0.0.1:5432/dapr'"); err != nil || !slices.Equal(roles, want) {
		t.Error(roles, err)
	}
	file := filepath.Join(t.TempDir(), "pgpass")
	for text, fault := range map[string]string{
		"*:*:*:postgres:a\n*:*:productos:admin_productos:b\n*:*:productos:consolidador:c\n*:*:dapr:dapr:d\n": "",
		"*:*:*:postgres:a\n*:*:*:ordenes:b\n": "ordenes",
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		roles, err := RolesIn(file)
		if fault == "" && (err != nil || !slices.Equal(roles, want)) || fault != "" && (err == nil || !strings.Contains(err.Error(), fault)) {
			t.Errorf("%q: %v, %v", text, roles, err)
		}
	}
}

func TestRoleWithoutAPasswordIsNotCreated(t *testing.T) {
	for _, key := range []string{"", "a'b", `a\b`} {
		if err := createRole(context.Background(), nil, "ordenes", key); err == nil {
			t.Errorf("it accepted the password %q", key)
		}
	}
}

// Failure prevented: a topic whose reader stays away fills the disk of all topics, or the broker refuses the policy because it keeps less
// of what was read.
func TestATopicKeepsABoundedBacklog(t *testing.T) {
	b, p := newBroker(t)
	if err := p.CreateTopics(t.Context()); err != nil {
		t.Fatal(err)
	}
	var quota struct {
		LimitSize int64
		Policy    string
	}
	var kept struct{ RetentionSizeInMB int64 }
	for policy, v := range map[string]any{"backlogQuota": &quota, "retention": &kept} {
		if err := json.Unmarshal([]byte(b.policies[policy]), v); err != nil {
			t.Fatalf("%s: %v", policy, err)
		}
	}
	if quota.LimitSize <= 0 || quota.LimitSize >= kept.RetentionSizeInMB<<20 || quota.Policy != "producer_request_hold" {
		t.Errorf("%+v, %+v", quota, kept)
	}
}
