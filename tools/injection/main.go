// Command injection reads rendered manifests and checks each pod as a cluster would. Dapr's injector (its own code, with the
// settings of deploy/k8s/helm/dapr.yaml) adds the sidecar. Kubernetes' admission code then decides whether a namespace of the
// restricted profile accepts the pod. The exit status is 1 if it refuses a pod, or if a pod asks for a sidecar and gets none.
//
//	kustomize build deploy/k8s/overlays/gke | GOWORK=off go run . ../../deploy/k8s/helm/dapr.yaml
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/dapr/dapr/pkg/injector/annotations"
	"github.com/dapr/dapr/pkg/injector/consts"
	"github.com/dapr/dapr/pkg/injector/patcher"
	"go.yaml.in/yaml/v3"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

// values is the part of the chart's values that the injector uses. The defaults are the chart's.
type values struct {
	Injector struct {
		Capabilities bool `yaml:"sidecarDropALLCapabilities"`
		NonRoot      bool `yaml:"sidecarRunAsNonRoot"`
		ReadOnly     bool `yaml:"sidecarReadOnlyRootFilesystem"`
	} `yaml:"dapr_sidecar_injector"`
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: go run . DAPR-VALUES < manifests")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(file string, manifests io.Reader, output io.Writer) error {
	var v values
	v.Injector.NonRoot, v.Injector.ReadOnly = true, true
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if err := yaml.Unmarshal(text, &v); err != nil {
		return err
	}
	judge, err := policy.NewEvaluator(policy.DefaultChecks())
	if err != nil {
		return err
	}
	var badOnes []error
	for d := yaml.NewDecoder(manifests); ; {
		var o map[string]any
		if err := d.Decode(&o); errors.Is(err, io.EOF) {
			return errors.Join(badOnes...)
		} else if err != nil {
			return err
		}
		pod, name, found, err := podOf(o)
		if err != nil {
			return err
		}
		if !found {
			continue
		}
		wants := pod.Annotations[annotations.KeyEnabled] != ""
		if pod, err = withSidecar(pod, v); err != nil {
			badOnes = append(badOnes, fmt.Errorf("%s: %w", name, err))
			continue
		}
		hasOne := hasSidecar(pod)
		r := policy.AggregateCheckResults(judge.EvaluatePod(api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}, &pod.ObjectMeta, &pod.Spec))
		switch {
		case wants && !hasOne:
			badOnes = append(badOnes, fmt.Errorf("%s: it would start without a sidecar", name))
		case !r.Allowed:
			badOnes = append(badOnes, fmt.Errorf("%s: the namespace refuses it: %s", name, r.ForbiddenDetail()))
		default:
			fmt.Fprintf(output, "%-35s sidecar: %-5v restricted: %v\n", name, hasOne, r.Allowed)
		}
	}
}

// podOf returns the pod of a Deployment, StatefulSet or Job. found is false for other objects.
func podOf(o map[string]any) (pod *corev1.Pod, name string, found bool, err error) {
	class := fmt.Sprint(o["kind"])
	if !slices.Contains([]string{"Deployment", "StatefulSet", "Job"}, class) {
		return nil, "", false, nil
	}
	text, err := json.Marshal(o)
	if err != nil {
		return nil, "", false, err
	}
	var x struct {
		Metadata struct{ Name string }
		Spec     struct{ Template corev1.PodTemplateSpec }
	}
	if err := json.Unmarshal(text, &x); err != nil {
		return nil, "", false, err
	}
	return &corev1.Pod{ObjectMeta: x.Spec.Template.ObjectMeta, Spec: x.Spec.Template.Spec}, class + " " + x.Metadata.Name, true, nil
}

// withSidecar returns the pod as the injector changes it at its creation.
func withSidecar(pod *corev1.Pod, v values) (*corev1.Pod, error) {
	c := patcher.NewSidecarConfig(pod)
	c.Mode, c.Namespace, c.MTLSEnabled, c.SchedulerEnabled = consts.ModeKubernetes, "entregas", true, true
	c.ControlPlaneNamespace, c.KubeClusterDomain, c.SidecarImage = "dapr-system", "cluster.local", "daprio/daprd"
	c.RunAsNonRoot, c.ReadOnlyRootFilesystem, c.SidecarDropALLCapabilities = v.Injector.NonRoot, v.Injector.ReadOnly, v.Injector.Capabilities
	c.SetFromPodAnnotations()
	changes, err := c.GetPatch()
	if err != nil || len(changes) == 0 {
		return pod, err
	}
	return patcher.PatchPod(pod, changes)
}

func hasSidecar(pod *corev1.Pod) bool {
	return slices.ContainsFunc(slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers), func(c corev1.Container) bool {
		return c.Name == consts.SidecarContainerName
	})
}
