package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// names writes names.json: the names that the software reads. The software ignores an unknown name without an error.
func (g *generator) names() error {
	n := map[string][]string{}
	annotations, err := read(dapr, "pkg/injector/annotations/annotations.go")
	if err != nil {
		return err
	}
	for _, m := range regexp.MustCompile(`"(dapr\.io/[a-z0-9-]+)"`).FindAllSubmatch(annotations, -1) {
		n["annotations"] = append(n["annotations"], string(m[1]))
	}
	trigger, err := read(keda, "pkg/scalers/pulsar_scaler.go")
	if err != nil {
		return err
	}
	for _, m := range regexp.MustCompile(`keda:"name=(\w+),[^"]*triggerMetadata`).FindAllSubmatch(trigger, -1) {
		n["keda pulsar"] = append(n["keda pulsar"], string(m[1]))
	}
	n["keda pulsar"] = append(n["keda pulsar"], "authModes")
	for kind, file := range map[string]string{
		"pubsub.pulsar":                  "pubsub/pulsar/metadata.yaml",
		"state.postgresql":               "state/postgresql/v2/metadata.yaml",
		"secretstores.gcp.secretmanager": "secretstores/gcp/secretmanager/metadata.yaml",
	} {
		text, err := read(contrib, file)
		if err != nil {
			return err
		}
		for _, m := range regexp.MustCompile(`- name: "?([\w.<>-]+)"?`).FindAllSubmatch(text, -1) {
			n[kind] = append(n[kind], strings.Replace(string(m[1]), "<topic-name>", "*", 1))
		}
	}
	// The first is Dapr's own, the second belongs to a built-in authentication profile.
	n["state.postgresql"] = append(n["state.postgresql"], "actorStateStore")
	n["secretstores.gcp.secretmanager"] = append(n["secretstores.gcp.secretmanager"], "project_id")
	for k := range n {
		slices.Sort(n[k])
		n[k] = slices.Compact(n[k])
	}
	text, err := json.MarshalIndent(n, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(g.target, "names.json"), append(text, '\n'), 0o644)
}
