package deployment

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"gopkg.in/yaml.v3"
)

const (
	root      = "../.."
	namespace = "entregas"
)

// object is one Kubernetes object: the fields that every kind has, and the spec as undecoded YAML.
type object struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string
	Metadata   metadata
	Spec       yaml.Node
	Data       map[string]string
	Auth       struct {
		SecretStore string `yaml:"secretStore"`
	}
	Scopes []string
}

type metadata struct {
	Name, Namespace     string
	Annotations, Labels map[string]string
}

func (o object) String() string { return o.Kind + " " + o.Metadata.Name }

// read decodes the spec of an object as a T.
func read[T any](o object) T {
	var v T
	if !o.Spec.IsZero() {
		if err := o.Spec.Decode(&v); err != nil {
			panic(fmt.Sprintf("%s: %v", o, err)) // the object passed its schema, so T is wrong
		}
	}
	return v
}

// manifests has the objects of one overlay, as `kubectl apply` would get them.
type manifests struct {
	overlay string
	text    string
	objects []object
}

// parseManifests parses the rendered text of an overlay.
func parseManifests(overlay, text string) (*manifests, error) {
	m := &manifests{overlay: overlay, text: text}
	for d := yaml.NewDecoder(strings.NewReader(text)); ; {
		var o object
		if err := d.Decode(&o); errors.Is(err, io.EOF) {
			return m, nil
		} else if err != nil {
			return nil, err
		}
		if o.Kind != "" {
			m.objects = append(m.objects, o)
		}
	}
}

func (m *manifests) kind(kinds ...string) []object {
	var list []object
	for _, o := range m.objects {
		if slices.Contains(kinds, o.Kind) {
			list = append(list, o)
		}
	}
	return list
}

func (m *manifests) search(kind, name string) (object, bool) {
	i := slices.IndexFunc(m.objects, func(o object) bool { return o.Kind == kind && o.Metadata.Name == name })
	if i < 0 {
		return object{}, false
	}
	return m.objects[i], true
}

// workload is a Deployment, StatefulSet or Job with the pods that it makes.
type workload struct {
	object
	Pod  metadata
	Spec podSpec
	// Replicas is the number of pods. It is nil when an autoscaler decides the number.
	Replicas *int
}

// isService reports whether the workload is one of our services, and not a job or a server such as Pulsar.
func (c workload) isService() bool { return c.Pod.Labels["app.kubernetes.io/component"] == "service" }

type podSpec struct {
	ServiceAccountName           string          `yaml:"serviceAccountName"`
	AutomountServiceAccountToken *bool           `yaml:"automountServiceAccountToken"`
	HostNetwork                  bool            `yaml:"hostNetwork"`
	HostPID                      bool            `yaml:"hostPID"`
	SecurityContext              securityContext `yaml:"securityContext"`
	Containers                   []container
	InitContainers               []container `yaml:"initContainers"`
	Volumes                      []volume
	TopologySpreadConstraints    []struct {
		TopologyKey string `yaml:"topologyKey"`
	} `yaml:"topologySpreadConstraints"`
}

type securityContext struct {
	RunAsNonRoot             *bool `yaml:"runAsNonRoot"`
	RunAsUser                *int  `yaml:"runAsUser"`
	ReadOnlyRootFilesystem   *bool `yaml:"readOnlyRootFilesystem"`
	AllowPrivilegeEscalation *bool `yaml:"allowPrivilegeEscalation"`
	Privileged               *bool
	Capabilities             struct{ Drop, Add []string }
	SeccompProfile           struct{ Type string } `yaml:"seccompProfile"`
}

type container struct {
	Name, Image string
	Env         []struct {
		Name, Value string
		ValueFrom   struct {
			SecretKeyRef    reference `yaml:"secretKeyRef"`
			ConfigMapKeyRef reference `yaml:"configMapKeyRef"`
		} `yaml:"valueFrom"`
	}
	EnvFrom []struct {
		ConfigMapRef struct{ Name string } `yaml:"configMapRef"`
		SecretRef    struct{ Name string } `yaml:"secretRef"`
	} `yaml:"envFrom"`
	Ports []struct {
		Name          string
		ContainerPort int `yaml:"containerPort"`
	}
	VolumeMounts []struct {
		Name     string
		ReadOnly bool `yaml:"readOnly"`
	} `yaml:"volumeMounts"`
	LivenessProbe   *probe          `yaml:"livenessProbe"`
	ReadinessProbe  *probe          `yaml:"readinessProbe"`
	StartupProbe    *probe          `yaml:"startupProbe"`
	SecurityContext securityContext `yaml:"securityContext"`
	Resources       struct {
		Requests, Limits map[string]string
	}
}

type reference struct{ Name, Key string }

type probe struct {
	HTTPGet *struct{ Path, Port string } `yaml:"httpGet"`
}

type volume struct {
	Name   string
	Secret *struct {
		SecretName string `yaml:"secretName"`
	}
	ConfigMap *struct{ Name string } `yaml:"configMap"`
	HostPath  *yaml.Node             `yaml:"hostPath"`
}

// workloads returns the objects that create pods.
func (m *manifests) workloads() []workload {
	var list []workload
	for _, o := range m.kind("Deployment", "StatefulSet", "Job") {
		s := read[struct {
			Replicas *int
			Template struct {
				Metadata metadata
				Spec     podSpec
			}
		}](o)
		list = append(list, workload{object: o, Pod: s.Template.Metadata, Spec: s.Template.Spec, Replicas: s.Replicas})
	}
	return list
}

// tool runs a program that tools/k8s pins.
func tool(input string, args ...string) (string, error) {
	return run(input, append([]string{"-C", filepath.Join(root, "tools", "k8s"), "tool"}, args...)...)
}

// run runs the go command outside of the workspace.
func run(input string, args ...string) (string, error) { return runIn(nil, input, args...) }

// runIn is run with further variables of the environment.
func runIn(env []string, input string, args ...string) (string, error) {
	var output, errs bytes.Buffer
	cmd := exec.Command("go", args...)
	cmd.Env = append(append(os.Environ(), "GOWORK=off"), env...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(input), &output, &errs
	if err := cmd.Run(); err != nil {
		return output.String(), fmt.Errorf("%s: %w\n%s", strings.Join(args, " "), err, errs.String())
	}
	return output.String(), nil
}

var (
	facts      = map[string]*manifests{}
	oneAtATime sync.Mutex
)

// build renders an overlay. It renders each overlay only once.
func build(t *testing.T, overlay string) *manifests {
	t.Helper()
	oneAtATime.Lock()
	defer oneAtATime.Unlock()
	if m := facts[overlay]; m != nil {
		return m
	}
	route, err := filepath.Abs(filepath.Join(root, "deploy", "k8s", "overlays", overlay))
	if err != nil {
		t.Fatal(err)
	}
	text, err := tool("", "kustomize", "build", route)
	if err != nil {
		t.Fatal(err)
	}
	m, err := parseManifests(overlay, text)
	if err != nil {
		t.Fatal(err)
	}
	facts[overlay] = m
	return m
}

// validate runs kubeconform on rendered text. It returns the output, and an error when kubeconform refuses an object.
func validate(t *testing.T, text string) (string, error) {
	t.Helper()
	schemas, err := filepath.Abs(filepath.Join(root, "deploy", "k8s", "schemas"))
	if err != nil {
		t.Fatal(err)
	}
	output, err := tool(text, "kubeconform", "-strict", "-summary",
		"-schema-location", schemas+"/{{ .ResourceKind }}-{{ .Group }}-{{ .ResourceAPIVersion }}.json", "-")
	return output, err
}

// secrets is the output of deploy/k8s/secrets.sh for an overlay. Its text begins with the names that the script writes to Secret Manager.
func secrets(t *testing.T, overlay string) *manifests {
	t.Helper()
	target := "local"
	if overlay == "gke" {
		target = "gke"
	}
	cmd := exec.Command("bash", filepath.Join(root, "deploy", "k8s", "secrets.sh"), target)
	cmd.Env = append(os.Environ(), "DRY_RUN=1")
	var kept strings.Builder // the names that the script writes to Secret Manager
	cmd.Stderr = &kept
	text, err := cmd.Output()
	if err != nil {
		t.Fatal(err, kept.String())
	}
	m, err := parseManifests("secrets.sh "+target, string(text))
	if err != nil {
		t.Fatal(err)
	}
	m.text = kept.String() + m.text
	return m
}
