// Command schemas writes deploy/k8s/schemas: JSON schemas by which kubeconform checks our manifests strictly, without a cluster
// or the network, and names that a schema does not contain (annotations, component settings, trigger settings).
// It reads them from the modules that define them, at the versions below. Run it in this folder:
//
//	GOWORK=off go run . ../../../deploy/k8s/schemas
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// The versions that a cluster should have (deploy/versions.env). Kubernetes is the oldest version of GKE's regular channel.
const (
	kubernetes = "k8s.io/kubernetes@v1.34.4"
	dapr       = "github.com/dapr/dapr@v1.18.1"
	contrib    = "github.com/dapr/components-contrib@v1.18.0"
	keda       = "github.com/kedacore/keda/v2@v2.20.2"
	gatewayAPI = "sigs.k8s.io/gateway-api@v1.4.1"
	prometheus = "github.com/prometheus-operator/prometheus-operator@v0.93.1"
	cnpg       = "github.com/cloudnative-pg/cloudnative-pg@v1.30.0"
	barman     = "github.com/cloudnative-pg/plugin-barman-cloud@v0.13.0"
)

// own lists the kinds of Kubernetes itself for which this program writes a schema.
var own = []string{
	"Namespace", "Service", "ServiceAccount", "ConfigMap", "Secret", "PersistentVolumeClaim", "Deployment", "StatefulSet", "Job",
	"PodDisruptionBudget", "NetworkPolicy", "HorizontalPodAutoscaler",
}

// foreignSchemas lists the files that define other kinds: the path in a module, or in this folder. No module contains the kinds of
// GKE: their files are from GoogleCloudPlatform/gke-networking-recipes, gateway-api/config/servicepolicies/crd/standard, at cce1618.
var foreignSchemas = []struct{ module, file string }{
	{dapr, "charts/dapr/crds/components.yaml"},
	{dapr, "charts/dapr/crds/configuration.yaml"},
	{dapr, "charts/dapr/crds/resiliency.yaml"},
	{dapr, "charts/dapr/crds/subscription.yaml"},
	{keda, "config/crd/bases/keda.sh_scaledobjects.yaml"},
	{keda, "config/crd/bases/keda.sh_triggerauthentications.yaml"},
	{gatewayAPI, "config/crd/standard/gateway.networking.k8s.io_gateways.yaml"},
	{gatewayAPI, "config/crd/standard/gateway.networking.k8s.io_httproutes.yaml"},
	{prometheus, "example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml"},
	{prometheus, "example/prometheus-operator-crd/monitoring.coreos.com_podmonitors.yaml"},
	{prometheus, "example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml"},
	{cnpg, "config/crd/bases/postgresql.cnpg.io_clusters.yaml"},
	{cnpg, "config/crd/bases/postgresql.cnpg.io_scheduledbackups.yaml"},
	{barman, "config/crd/bases/barmancloud.cnpg.io_objectstores.yaml"},
	{"", "gke/gcpbackendpolicies.yaml"},
	{"", "gke/healthcheckpolicy.yaml"},
}

// schema is a JSON schema, or a part of one.
type schema = map[string]any

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: go run . FOLDER")
		os.Exit(2)
	}
	if err := writeAll(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func writeAll(target string) error {
	if err := os.RemoveAll(target); err != nil {
		return err
	}
	if err := os.MkdirAll(target, 0o755); err != nil {
		return err
	}
	g := generator{target: target}
	if err := g.kubernetes(); err != nil {
		return err
	}
	for _, a := range foreignSchemas {
		if err := g.crd(a.module, a.file); err != nil {
			return fmt.Errorf("%s %s: %w", a.module, a.file, err)
		}
	}
	if err := g.names(); err != nil {
		return err
	}
	fmt.Println(g.writtenCount, "schemas")
	return nil
}

type generator struct {
	target       string
	definitions  map[string]schema // of Kubernetes; other schemas refer to them
	writtenCount int
}

// module returns the folder of a module's source. It downloads the module if necessary.
func module(path string) (string, error) {
	var output, errs bytes.Buffer
	cmd := exec.Command("go", "mod", "download", "-json", path)
	cmd.Stdout, cmd.Stderr = &output, &errs
	err := cmd.Run()
	var m struct{ Dir, Error string }
	if err := errors.Join(err, json.Unmarshal(output.Bytes(), &m)); err != nil || m.Error != "" {
		return "", fmt.Errorf("%s: %w %s %s", path, err, m.Error, errs.String())
	}
	return m.Dir, nil
}

func read(mod, file string) ([]byte, error) {
	dir := "."
	if mod != "" {
		var err error
		if dir, err = module(mod); err != nil {
			return nil, err
		}
	}
	return os.ReadFile(filepath.Join(dir, file))
}
