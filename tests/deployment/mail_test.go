package deployment

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The network lets avisos reach the mail server at the port that the component names.
func TestThePortOfTheMailServerIsOpen(t *testing.T) {
	read := func(file string) string {
		text, err := os.ReadFile(filepath.Join("../../deploy/k8s/components/mail", file))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	found := regexp.MustCompile(`name: port, value: "(\d+)"`).FindStringSubmatch(read("mail.yaml"))
	if found == nil || !strings.Contains(read("kustomization.yaml"), "{port: "+found[1]+", protocol: TCP}") {
		t.Errorf("the network policy does not open the port %q", found)
	}
}
