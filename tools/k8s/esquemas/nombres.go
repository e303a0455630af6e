package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// nombres writes nombres.json: what the software knows by name and, where it does not know a name, passes over in silence.
func (g *generador) nombres() error {
	n := map[string][]string{}
	anotaciones, err := leer(dapr, "pkg/injector/annotations/annotations.go")
	if err != nil {
		return err
	}
	for _, m := range regexp.MustCompile(`"(dapr\.io/[a-z0-9-]+)"`).FindAllSubmatch(anotaciones, -1) {
		n["anotaciones"] = append(n["anotaciones"], string(m[1]))
	}
	disparador, err := leer(keda, "pkg/scalers/pulsar_scaler.go")
	if err != nil {
		return err
	}
	for _, m := range regexp.MustCompile(`keda:"name=(\w+),[^"]*triggerMetadata`).FindAllSubmatch(disparador, -1) {
		n["keda pulsar"] = append(n["keda pulsar"], string(m[1]))
	}
	n["keda pulsar"] = append(n["keda pulsar"], "authModes")
	for tipo, archivo := range map[string]string{
		"pubsub.pulsar":                  "pubsub/pulsar/metadata.yaml",
		"state.postgresql":               "state/postgresql/v2/metadata.yaml",
		"secretstores.gcp.secretmanager": "secretstores/gcp/secretmanager/metadata.yaml",
	} {
		texto, err := leer(contrib, archivo)
		if err != nil {
			return err
		}
		for _, m := range regexp.MustCompile(`- name: "?([\w.<>-]+)"?`).FindAllSubmatch(texto, -1) {
			n[tipo] = append(n[tipo], strings.Replace(string(m[1]), "<topic-name>", "*", 1))
		}
	}
	// Dapr's own, and those of a built-in authentication profile.
	n["state.postgresql"] = append(n["state.postgresql"], "actorStateStore")
	n["secretstores.gcp.secretmanager"] = append(n["secretstores.gcp.secretmanager"], "project_id")
	for k := range n {
		slices.Sort(n[k])
		n[k] = slices.Compact(n[k])
	}
	texto, err := json.MarshalIndent(n, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(g.destino, "nombres.json"), append(texto, '\n'), 0o644)
}
