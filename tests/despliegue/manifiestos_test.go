package despliegue

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
	raiz    = "../.."
	espacio = "entregas"
)

// objeto is one Kubernetes object: what every kind has, and the rest still unread.
type objeto struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string
	Metadata   metadatos
	Spec       yaml.Node
	Data       map[string]string
	Auth       struct {
		SecretStore string `yaml:"secretStore"`
	}
	Scopes []string
}

type metadatos struct {
	Name, Namespace     string
	Annotations, Labels map[string]string
}

func (o objeto) String() string { return o.Kind + " " + o.Metadata.Name }

// leer reads an object's spec as a T.
func leer[T any](o objeto) T {
	var v T
	if !o.Spec.IsZero() {
		if err := o.Spec.Decode(&v); err != nil {
			panic(fmt.Sprintf("%s: %v", o, err)) // it passed its schema: T is wrong
		}
	}
	return v
}

// manifiestos is one overlay as it would be applied.
type manifiestos struct {
	overlay string
	texto   string
	objetos []objeto
}

// desglosar reads rendered text.
func desglosar(overlay, texto string) (*manifiestos, error) {
	m := &manifiestos{overlay: overlay, texto: texto}
	for d := yaml.NewDecoder(strings.NewReader(texto)); ; {
		var o objeto
		if err := d.Decode(&o); errors.Is(err, io.EOF) {
			return m, nil
		} else if err != nil {
			return nil, err
		}
		if o.Kind != "" {
			m.objetos = append(m.objetos, o)
		}
	}
}

func (m *manifiestos) clase(clases ...string) []objeto {
	var lista []objeto
	for _, o := range m.objetos {
		if slices.Contains(clases, o.Kind) {
			lista = append(lista, o)
		}
	}
	return lista
}

func (m *manifiestos) buscar(clase, nombre string) (objeto, bool) {
	i := slices.IndexFunc(m.objetos, func(o objeto) bool { return o.Kind == clase && o.Metadata.Name == nombre })
	if i < 0 {
		return objeto{}, false
	}
	return m.objetos[i], true
}

// carga is a Deployment, StatefulSet or Job with the pods that it makes.
type carga struct {
	objeto
	Pod  metadatos
	Spec podSpec
	// Replicas is the number that it asks for; nil leaves it to its scaler.
	Replicas *int
}

// esServicio tells our services from jobs and from what they stand on.
func (c carga) esServicio() bool { return c.Pod.Labels["app.kubernetes.io/component"] == "servicio" }

type podSpec struct {
	ServiceAccountName           string   `yaml:"serviceAccountName"`
	AutomountServiceAccountToken *bool    `yaml:"automountServiceAccountToken"`
	HostNetwork                  bool     `yaml:"hostNetwork"`
	HostPID                      bool     `yaml:"hostPID"`
	SecurityContext              contexto `yaml:"securityContext"`
	Containers                   []contenedor
	InitContainers               []contenedor `yaml:"initContainers"`
	Volumes                      []volumen
	TopologySpreadConstraints    []struct {
		TopologyKey string `yaml:"topologyKey"`
	} `yaml:"topologySpreadConstraints"`
}

type contexto struct {
	RunAsNonRoot             *bool `yaml:"runAsNonRoot"`
	RunAsUser                *int  `yaml:"runAsUser"`
	ReadOnlyRootFilesystem   *bool `yaml:"readOnlyRootFilesystem"`
	AllowPrivilegeEscalation *bool `yaml:"allowPrivilegeEscalation"`
	Privileged               *bool
	Capabilities             struct{ Drop, Add []string }
	SeccompProfile           struct{ Type string } `yaml:"seccompProfile"`
}

type contenedor struct {
	Name, Image string
	Env         []struct {
		Name, Value string
		ValueFrom   struct {
			SecretKeyRef    referencia `yaml:"secretKeyRef"`
			ConfigMapKeyRef referencia `yaml:"configMapKeyRef"`
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
	LivenessProbe   *sonda   `yaml:"livenessProbe"`
	ReadinessProbe  *sonda   `yaml:"readinessProbe"`
	StartupProbe    *sonda   `yaml:"startupProbe"`
	SecurityContext contexto `yaml:"securityContext"`
	Resources       struct {
		Requests, Limits map[string]string
	}
}

type referencia struct{ Name, Key string }

type sonda struct {
	HTTPGet *struct{ Path, Port string } `yaml:"httpGet"`
}

type volumen struct {
	Name   string
	Secret *struct {
		SecretName string `yaml:"secretName"`
	}
	ConfigMap *struct{ Name string } `yaml:"configMap"`
	HostPath  *yaml.Node             `yaml:"hostPath"`
}

// cargas lists what makes pods.
func (m *manifiestos) cargas() []carga {
	var lista []carga
	for _, o := range m.clase("Deployment", "StatefulSet", "Job") {
		s := leer[struct {
			Replicas *int
			Template struct {
				Metadata metadatos
				Spec     podSpec
			}
		}](o)
		lista = append(lista, carga{objeto: o, Pod: s.Template.Metadata, Spec: s.Template.Spec, Replicas: s.Replicas})
	}
	return lista
}

// herramienta runs a program that tools/k8s pins.
func herramienta(entrada string, args ...string) (string, error) {
	return correr(entrada, append([]string{"-C", filepath.Join(raiz, "tools", "k8s"), "tool"}, args...)...)
}

// correr runs go outside of the workspace.
func correr(entrada string, args ...string) (string, error) {
	var salida, errores bytes.Buffer
	cmd := exec.Command("go", args...)
	cmd.Env = append(os.Environ(), "GOWORK=off")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(entrada), &salida, &errores
	if err := cmd.Run(); err != nil {
		return salida.String(), fmt.Errorf("%s: %w\n%s", strings.Join(args, " "), err, errores.String())
	}
	return salida.String(), nil
}

var (
	hechos    = map[string]*manifiestos{}
	unoALaVez sync.Mutex
)

// construir renders an overlay, once.
func construir(t *testing.T, overlay string) *manifiestos {
	t.Helper()
	unoALaVez.Lock()
	defer unoALaVez.Unlock()
	if m := hechos[overlay]; m != nil {
		return m
	}
	ruta, err := filepath.Abs(filepath.Join(raiz, "deploy", "k8s", "overlays", overlay))
	if err != nil {
		t.Fatal(err)
	}
	texto, err := herramienta("", "kustomize", "build", ruta)
	if err != nil {
		t.Fatal(err)
	}
	m, err := desglosar(overlay, texto)
	if err != nil {
		t.Fatal(err)
	}
	hechos[overlay] = m
	return m
}

// validar gives kubeconform's word on rendered text: its summary, and what it refuses.
func validar(t *testing.T, texto string) (string, error) {
	t.Helper()
	esquemas, err := filepath.Abs(filepath.Join(raiz, "deploy", "k8s", "esquemas"))
	if err != nil {
		t.Fatal(err)
	}
	salida, err := herramienta(texto, "kubeconform", "-strict", "-summary",
		"-schema-location", esquemas+"/{{ .ResourceKind }}-{{ .Group }}-{{ .ResourceAPIVersion }}.json", "-")
	return salida, err
}

// secretos renders what deploy/k8s/secretos.sh makes for an overlay.
func secretos(t *testing.T, overlay string) *manifiestos {
	t.Helper()
	destino := "local"
	if overlay == "gke" {
		destino = "gke"
	}
	cmd := exec.Command("bash", filepath.Join(raiz, "deploy", "k8s", "secretos.sh"), destino)
	cmd.Env = append(os.Environ(), "DRY_RUN=1")
	texto, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	m, err := desglosar("secretos.sh "+destino, string(texto))
	if err != nil {
		t.Fatal(err)
	}
	return m
}
