package waits_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"entregas/internal/waits"
)

// components is the folder of Dapr's components, in the root of the workspace.
func components(t *testing.T) string {
	t.Helper()
	root, err := os.Getwd()
	for ; err == nil; root = filepath.Dir(root) {
		if _, err := os.Stat(filepath.Join(root, "go.work")); err == nil {
			return filepath.Join(root, "components")
		}
		if root == filepath.Dir(root) {
			break
		}
	}
	t.Fatal("this folder is in no workspace: ", err)
	return ""
}

// The files in components/ have the same waits as the programs.
func TestTheComponentsWaitAsLong(t *testing.T) {
	redelivery := regexp.MustCompile(`redeliveryDelay\s+value: "?(\w+)`)
	for _, c := range []struct {
		file string
		wait *regexp.Regexp
		want time.Duration
	}{
		{"resiliency.yaml", regexp.MustCompile(`timeouts:\s+\w+: (\w+)`), waits.Invocation},
		{"pubsub.yaml", redelivery, waits.Redelivery},
		{"pubsub-productos.yaml", redelivery, waits.Redelivery},
	} {
		text, err := os.ReadFile(filepath.Join(components(t), c.file))
		if err != nil {
			t.Fatal(err)
		}
		found := c.wait.FindAllStringSubmatch(string(text), -1)
		if len(found) != 1 || found[0][1] != c.want.String() {
			t.Errorf("components/%s has %q, package waits has %s", c.file, found, c.want)
		}
	}
}
