package deployment

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// inspection is a check of what no schema sees. It returns what is wrong, in words that name the object.
type inspection struct {
	name  string
	check func(c *code, m, secrets *manifests) []string
}

var inspections = []inspection{
	{"sidecar", withSidecar},
	{"puertos y sondas", portsAndProbes},
	{"entorno", env},
	{"referencias", references},
	{"contenedores cerrados", containersAreClosed},
	{"memory", memory},
	{"imágenes fijas", pinnedImages},
	{"escala", scaling},
	{"componentes", components},
	{"acceso", access},
	{"red", network},
	{"puerta", gate},
}

// complaints collects what is wrong.
type complaints []string

func (q *complaints) si(bad bool, format string, args ...any) {
	if bad {
		*q = append(*q, fmt.Sprintf(format, args...))
	}
}

func isFalse(b *bool) bool { return b != nil && !*b }
func isTrue(b *bool) bool  { return b != nil && *b }

// withSidecar: Dapr's injector passes over what it does not understand, so a pod may start without its sidecar.
func withSidecar(c *code, m, _ *manifests) []string {
	var q complaints
	seen := map[string]bool{}
	for _, d := range m.workloads() {
		if d.Kind == "Deployment" && d.isService() {
			seen[d.Metadata.Name] = true
		}
		for name := range d.Pod.Annotations {
			q.si(strings.HasPrefix(name, "dapr.io/") && !c.knows("anotaciones", name), "%s: Dapr no conoce la anotación %s", d, name)
		}
		if !d.isService() {
			q.si(d.Pod.Annotations["dapr.io/enabled"] != "", "%s no es un servicio y pide un sidecar", d)
			continue
		}
		a := d.Pod.Annotations
		for name, value := range map[string]string{
			"dapr.io/enabled": "true", "dapr.io/app-id": d.Metadata.Name, "dapr.io/app-protocol": "http", "dapr.io/config": d.Metadata.Name,
			"dapr.io/enable-app-health-check": "true", "dapr.io/app-health-check-path": "/healthz", // docs/adr/health-does-not-feed-back.md: the one that depends on nothing
			"dapr.io/enable-native-sidecar": "true", "dapr.io/disable-builtin-k8s-secret-store": "true",
			"dapr.io/sidecar-seccomp-profile-type": "RuntimeDefault",
		} {
			q.si(a[name] != value, "%s: %s es %q y debe ser %q", d, name, a[name], value)
		}
		_, found := m.search("Configuration", a["dapr.io/config"])
		q.si(!found, "%s: no hay Configuration %q", d, a["dapr.io/config"])
		q.si(strings.Contains(a["dapr.io/env"], "SSL_CERT_DIR"), "%s: con SSL_CERT_DIR el inyector quita la raíz de solo lectura", d)
		q.si(d.Pod.Labels["app.kubernetes.io/name"] != d.Metadata.Name, "%s: la etiqueta app.kubernetes.io/name es %q", d, d.Pod.Labels["app.kubernetes.io/name"])
		q.si(d.Spec.ServiceAccountName != d.Metadata.Name, "%s corre como %q: sentry reconoce a cada app por su cuenta", d, d.Spec.ServiceAccountName)
	}
	for id := range c.apps {
		q.si(!seen[id], "el programa %s no tiene Deployment", id)
	}
	for id := range seen {
		_, found := c.apps[id]
		q.si(!found, "Deployment %s: no hay un programa de ese nombre", id)
	}
	return q
}

func portsAndProbes(c *code, m, _ *manifests) []string {
	var q complaints
	for _, d := range m.workloads() {
		if !d.isService() {
			continue
		}
		port, id := strconv.Itoa(c.apps[d.Metadata.Name].port), d.Metadata.Name
		q.si(d.Pod.Annotations["dapr.io/app-port"] != port, "%s: dapr.io/app-port es %s y dapr.yaml dice %s", d, d.Pod.Annotations["dapr.io/app-port"], port)
		for _, x := range d.Spec.Containers {
			q.si(len(x.Ports) != 1 || x.Ports[0].Name != "http" || strconv.Itoa(x.Ports[0].ContainerPort) != port, "%s: el puerto del contenedor no es http %s", d, port)
			for _, e := range x.Env {
				q.si(e.Name == "APP_PORT" && e.Value != port, "%s: APP_PORT es %s y dapr.yaml dice %s", d, e.Value, port)
			}
			for name, s := range map[string]struct {
				*probe
				route string
			}{"arranque": {x.StartupProbe, "/healthz"}, "vida": {x.LivenessProbe, "/healthz"}, "disposición": {x.ReadinessProbe, "/readyz"}} {
				if s.probe == nil || s.HTTPGet == nil {
					q.si(true, "%s: falta la sonda de %s", d, name)
					continue
				}
				q.si(s.HTTPGet.Path != s.route || !slices.Contains(c.health, s.HTTPGet.Path), "%s: la sonda de %s pide %s; debe ser %s, y el código sirve %v", d, name, s.HTTPGet.Path, s.route, c.health)
				q.si(s.HTTPGet.Port != "http", "%s: la sonda de %s va al puerto %s", d, name, s.HTTPGet.Port)
			}
		}
		s, found := m.search("Service", id)
		q.si(!found, "falta el Service %s", id)
		for _, p := range read[service](s).Ports {
			q.si(p.TargetPort != "http" || strconv.Itoa(p.Port) != port, "Service %s: %d → %s, y dapr.yaml dice %s", id, p.Port, p.TargetPort, port)
		}
	}
	for _, o := range m.kind("Service", "PodDisruptionBudget") {
		selector := read[service](o).labels()
		q.si(!slices.ContainsFunc(m.workloads(), func(d workload) bool { return contains(d.Pod.Labels, selector) }), "%s no elige ningún pod: %v", o, selector)
	}
	return q
}

// service is a Service's or a PodDisruptionBudget's spec.
type service struct {
	Selector struct {
		MatchLabels map[string]string `yaml:"matchLabels"`
		Others      map[string]string `yaml:",inline"`
	}
	Ports []struct {
		Port       int
		TargetPort string `yaml:"targetPort"`
	}
}

func (s service) labels() map[string]string {
	if s.Selector.MatchLabels != nil {
		return s.Selector.MatchLabels
	}
	return s.Selector.Others
}

func contains(labels, selector map[string]string) bool {
	for k, v := range selector {
		if labels[k] != v {
			return false
		}
	}
	return true
}

// foreignVariables are the variables that are not a program's configuration: Go's, pgx's, and those of the sidecar's injector.
var foreignVariables = []string{"GOMEMLIMIT", "SSL_CERT_FILE", "PGHOST", "PGPORT", "PGSSLMODE", "PGSSLROOTCERT", "PGPASSFILE"}

// env: a variable with a wrong name is a setting that nobody reads.
func env(c *code, m, _ *manifests) []string {
	var q complaints
	for _, d := range m.workloads() {
		for _, x := range d.Spec.Containers {
			if x.Name != "app" {
				continue
			}
			knows := c.apps[strings.TrimPrefix(d.Metadata.Name, "migrar-")].env
			if d.Metadata.Name == "preparar" {
				knows = c.setup
			}
			has := map[string]bool{}
			for _, e := range x.Env {
				has[e.Name] = true
			}
			for _, f := range x.EnvFrom {
				data, _ := m.search("ConfigMap", f.ConfigMapRef.Name)
				for name := range data.Data {
					has[name] = true
				}
			}
			for name := range has {
				_, known := knows[name]
				q.si(!known && !slices.Contains(foreignVariables, name), "%s: nadie lee la variable %s", d, name)
			}
			for name, required := range knows {
				injected := strings.HasPrefix(name, "DAPR_") && d.isService()
				q.si(required && d.Metadata.Name != "preparar" && !has[name] && !injected, "%s: falta la variable %s", d, name)
			}
			q.si(d.isService() && !has["LISTEN_ADDRESS"], "%s: sin LISTEN_ADDRESS escucha solo en 127.0.0.1, y las sondas vienen de fuera", d)
		}
	}
	return q
}

// ofOthers are the Secrets that an operator makes.
var ofOthers = []string{"postgres-ca"} // CloudNativePG: <cluster>-ca

func references(_ *code, m, secrets *manifests) []string {
	var q complaints
	look := func(from fmt.Stringer, kind, name string) {
		if name == "" {
			return
		}
		_, found := m.search(kind, name)
		if kind == "Secret" && !found {
			_, found = secrets.search(kind, name)
			found = found || slices.Contains(ofOthers, name)
		}
		q.si(!found, "%s: no hay %s %s", from, kind, name)
	}
	for _, d := range m.workloads() {
		look(d, "ServiceAccount", cmp.Or(d.Spec.ServiceAccountName, "(ninguna)"))
		mountable := map[string]bool{}
		for _, v := range d.Spec.Volumes {
			mountable[v.Name] = true
			if v.Secret != nil {
				look(d, "Secret", v.Secret.SecretName)
			}
			if v.ConfigMap != nil {
				look(d, "ConfigMap", v.ConfigMap.Name)
			}
		}
		for pair := range strings.SplitSeq(d.Pod.Annotations["dapr.io/volume-mounts"], ",") {
			name, _, _ := strings.Cut(pair, ":")
			q.si(name != "" && !mountable[name], "%s: el sidecar monta %s, que no es un volumen del pod", d, name)
		}
		for _, x := range slices.Concat(d.Spec.Containers, d.Spec.InitContainers) {
			for _, f := range x.EnvFrom {
				look(d, "ConfigMap", f.ConfigMapRef.Name)
				look(d, "Secret", f.SecretRef.Name)
			}
			for _, e := range x.Env {
				look(d, "Secret", e.ValueFrom.SecretKeyRef.Name)
				look(d, "ConfigMap", e.ValueFrom.ConfigMapKeyRef.Name)
			}
		}
	}
	for _, o := range m.objects {
		q.si(o.Kind != "Namespace" && o.Metadata.Namespace != namespace, "%s está en el espacio %q", o, o.Metadata.Namespace)
	}
	return q
}
