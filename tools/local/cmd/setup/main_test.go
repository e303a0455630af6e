package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// RESTORED=true on a live system would delete the workflows of all purchases that are under way. It is refused before anything is changed.
// Failure prevented: the variable was left in the manifest of the job, and the next deployment ran it again.
func TestRestoredIsForARestoredSystemOnly(t *testing.T) {
	for name, c := range map[string]struct {
		restored, topics, postgres string
		want                       string
	}{
		"the broker has our topics":    {"true", `["persistent://public/default/mensajes-descartados"]`, closed, "has the topics"},
		"a broker of others":           {"true", `["persistent://public/default/theirs"]`, closed, "PostgreSQL did not answer"},
		"a new broker":                 {"true", `[]`, closed, "PostgreSQL did not answer"},
		"no list of topics":            {"true", `{"reason": "x"}`, closed, "refused GET"},
		"without PostgreSQL":           {"true", `[]`, "", "POSTGRES_DSN"},
		"neither true nor false":       {"1", `[]`, closed, "RESTORED=1"},
		"a set-up that is not restore": {"", `["persistent://public/default/mensajes-descartados"]`, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			var changes atomic.Int32
			broker := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method != http.MethodGet {
					changes.Add(1)
				}
				if strings.HasSuffix(r.URL.Path, "/persistent/public/default") {
					_, _ = w.Write([]byte(c.topics))
				}
			}))
			t.Cleanup(broker.Close)
			for k, v := range map[string]string{"RESTORED": c.restored, "PULSAR_ADMIN": broker.URL, "POSTGRES_DSN": c.postgres, "WAIT_TIMEOUT": "1s", "PASSWORDS_FILE": "/dev/null"} {
				t.Setenv(k, v)
			}
			err := run(t.Context())
			if c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("%v, want %s", err, c.want)
			}
			if c.restored != "" && changes.Load() > 0 {
				t.Errorf("%d requests changed the broker", changes.Load())
			}
			if c.restored == "" && changes.Load() == 0 {
				t.Error("a set-up without RESTORED made no topics")
			}
		})
	}
}

// closed is the address of a PostgreSQL that does not answer.
const closed = "postgres://postgres@127.0.0.1:1/postgres"
