package client

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// `local env` prints every variable that this package reads. A variable that it does not print would be empty here. Without the
// secret of the issuer, for example, the bff would refuse every request as anonymous.
func TestLocalPrintsWhatIsRead(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "..", "tools", "local", "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no sources of local: %v", err)
	}
	var source strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		source.Write(text)
	}
	_, _ = envFrom(func(name string) string {
		service, isURL := strings.CutSuffix(name, "_URL") // printed for each service as "%s_URL="
		if isURL && service != "PULSAR" {
			return ""
		}
		if !strings.Contains(source.String(), name+"=") && !strings.Contains(source.String(), `"`+name+`":`) {
			t.Errorf("`local env` does not print %s", name)
		}
		return ""
	})
}
