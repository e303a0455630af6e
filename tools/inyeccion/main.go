// Command inyeccion reads rendered manifests and says of each pod what becomes of it in a cluster: Dapr's injector (the very
// code, with the settings of deploy/k8s/helm/dapr.yaml) puts its sidecar in, and Kubernetes' admission decides whether the
// pod is fit for a namespace of the restricted profile. It ends with 1 where a pod is refused, or asks for a sidecar in vain.
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

// valores is the part of the chart's values that the injector goes by; the defaults are the chart's.
type valores struct {
	Inyector struct {
		Capacidades bool `yaml:"sidecarDropALLCapabilities"`
		SinRoot     bool `yaml:"sidecarRunAsNonRoot"`
		SoloLectura bool `yaml:"sidecarReadOnlyRootFilesystem"`
	} `yaml:"dapr_sidecar_injector"`
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "uso: go run . VALORES-DE-DAPR < manifiestos")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(archivo string, manifiestos io.Reader, salida io.Writer) error {
	var v valores
	v.Inyector.SinRoot, v.Inyector.SoloLectura = true, true
	texto, err := os.ReadFile(archivo)
	if err != nil {
		return err
	}
	if err := yaml.Unmarshal(texto, &v); err != nil {
		return err
	}
	juez, err := policy.NewEvaluator(policy.DefaultChecks())
	if err != nil {
		return err
	}
	var malos []error
	for d := yaml.NewDecoder(manifiestos); ; {
		var o map[string]any
		if err := d.Decode(&o); errors.Is(err, io.EOF) {
			return errors.Join(malos...)
		} else if err != nil {
			return err
		}
		pod, nombre, hay, err := podDe(o)
		if err != nil {
			return err
		}
		if !hay {
			continue
		}
		quiere := pod.Annotations[annotations.KeyEnabled] != ""
		if pod, err = conSidecar(pod, v); err != nil {
			malos = append(malos, fmt.Errorf("%s: %w", nombre, err))
			continue
		}
		lleva := tieneSidecar(pod)
		r := policy.AggregateCheckResults(juez.EvaluatePod(api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}, &pod.ObjectMeta, &pod.Spec))
		switch {
		case quiere && !lleva:
			malos = append(malos, fmt.Errorf("%s: arrancaría sin sidecar", nombre))
		case !r.Allowed:
			malos = append(malos, fmt.Errorf("%s: el espacio no lo admite: %s", nombre, r.ForbiddenDetail()))
		default:
			fmt.Fprintf(salida, "%-35s sidecar: %-5v restricted: %v\n", nombre, lleva, r.Allowed)
		}
	}
}

// podDe is the pod that an object makes, if it makes one.
func podDe(o map[string]any) (pod *corev1.Pod, nombre string, hay bool, err error) {
	clase := fmt.Sprint(o["kind"])
	if !slices.Contains([]string{"Deployment", "StatefulSet", "Job"}, clase) {
		return nil, "", false, nil
	}
	texto, err := json.Marshal(o)
	if err != nil {
		return nil, "", false, err
	}
	var x struct {
		Metadata struct{ Name string }
		Spec     struct{ Template corev1.PodTemplateSpec }
	}
	if err := json.Unmarshal(texto, &x); err != nil {
		return nil, "", false, err
	}
	return &corev1.Pod{ObjectMeta: x.Spec.Template.ObjectMeta, Spec: x.Spec.Template.Spec}, clase + " " + x.Metadata.Name, true, nil
}

// conSidecar does what the injector does at the creation of a pod.
func conSidecar(pod *corev1.Pod, v valores) (*corev1.Pod, error) {
	c := patcher.NewSidecarConfig(pod)
	c.Mode, c.Namespace, c.MTLSEnabled, c.SchedulerEnabled = consts.ModeKubernetes, "entregas", true, true
	c.ControlPlaneNamespace, c.KubeClusterDomain, c.SidecarImage = "dapr-system", "cluster.local", "daprio/daprd"
	c.RunAsNonRoot, c.ReadOnlyRootFilesystem, c.SidecarDropALLCapabilities = v.Inyector.SinRoot, v.Inyector.SoloLectura, v.Inyector.Capacidades
	c.SetFromPodAnnotations()
	cambios, err := c.GetPatch()
	if err != nil || len(cambios) == 0 {
		return pod, err
	}
	return patcher.PatchPod(pod, cambios)
}

func tieneSidecar(pod *corev1.Pod) bool {
	return slices.ContainsFunc(slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers), func(c corev1.Container) bool {
		return c.Name == consts.SidecarContainerName
	})
}
