package deployment

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// inspection is a check of a rule that no schema can express. It returns the errors that it found, in words that name the object.
type inspection struct {
	name  string
	check func(c *code, m, secrets *manifests) []string
}

var inspections = []inspection{
	{"sidecar", withSidecar},
	{"ports and probes", portsAndProbes},
	{"environment", env},
	{"references", references},
	{"closed containers", containersAreClosed},
	{"memory", memory},
	{"pinned images", pinnedImages},
	{"scaling", scaling},
	{"components", components},
	{"access", access},
	{"network", network},
	{"gateway", gate},
}

// complaints collects the errors that a check found.
type complaints []string

func (q *complaints) when(bad bool, format string, args ...any) {
	if bad {
		*q = append(*q, fmt.Sprintf(format, args...))
	}
}

func isFalse(b *bool) bool { return b != nil && !*b }
func isTrue(b *bool) bool  { return b != nil && *b }

// withSidecar checks the annotations of each pod that needs a sidecar. Dapr's injector ignores an annotation that it does not know, so
// a pod may start without its sidecar.
func withSidecar(c *code, m, _ *manifests) []string {
	var q complaints
	seen := map[string]bool{}
	for _, d := range m.workloads() {
		if d.Kind == "Deployment" && d.isService() {
			seen[d.Metadata.Name] = true
		}
		for name := range d.Pod.Annotations {
			q.when(strings.HasPrefix(name, "dapr.io/") && !c.knows("annotations", name), "%s: Dapr does not know the annotation %s", d, name)
		}
		if !d.isService() {
			q.when(d.Pod.Annotations["dapr.io/enabled"] != "", "%s is no service and asks for a sidecar", d)
			continue
		}
		a := d.Pod.Annotations
		for name, value := range map[string]string{
			"dapr.io/enabled": "true", "dapr.io/app-id": d.Metadata.Name, "dapr.io/app-protocol": "http", "dapr.io/config": d.Metadata.Name,
			"dapr.io/enable-app-health-check": "true", "dapr.io/app-health-check-path": "/healthz", // docs/adr/health-does-not-feed-back.md: the path that depends on no other program
			"dapr.io/enable-native-sidecar": "true", "dapr.io/disable-builtin-k8s-secret-store": "true",
			"dapr.io/sidecar-seccomp-profile-type": "RuntimeDefault",
		} {
			q.when(a[name] != value, "%s: %s is %q and must be %q", d, name, a[name], value)
		}
		_, found := m.search("Configuration", a["dapr.io/config"])
		q.when(!found, "%s: there is no Configuration %q", d, a["dapr.io/config"])
		q.when(strings.Contains(a["dapr.io/env"], "SSL_CERT_DIR"), "%s: with SSL_CERT_DIR the injector takes away the read-only root", d)
		q.when(d.Pod.Labels["app.kubernetes.io/name"] != d.Metadata.Name, "%s: the label app.kubernetes.io/name is %q", d, d.Pod.Labels["app.kubernetes.io/name"])
		q.when(d.Spec.ServiceAccountName != d.Metadata.Name, "%s runs as %q: sentry knows each app by its account", d, d.Spec.ServiceAccountName)
	}
	for id := range c.apps {
		q.when(!seen[id], "deploy/k8s/base/%s/app.yaml: the program %s has no Deployment", id, id)
	}
	for id := range seen {
		_, found := c.apps[id]
		q.when(!found, "Deployment %s: there is no program of this name", id)
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
		q.when(d.Pod.Annotations["dapr.io/app-port"] != port, "%s: dapr.io/app-port is %s and dapr.yaml has %s", d, d.Pod.Annotations["dapr.io/app-port"], port)
		for _, x := range d.Spec.Containers {
			q.when(len(x.Ports) != 1 || x.Ports[0].Name != "http" || strconv.Itoa(x.Ports[0].ContainerPort) != port, "%s: the port of the container is not http %s", d, port)
			for _, e := range x.Env {
				q.when(e.Name == "APP_PORT" && e.Value != port, "%s: APP_PORT is %s and dapr.yaml has %s", d, e.Value, port)
			}
			for name, s := range map[string]struct {
				*probe
				route string
			}{"startup": {x.StartupProbe, "/healthz"}, "liveness": {x.LivenessProbe, "/healthz"}, "readiness": {x.ReadinessProbe, "/readyz"}} {
				if s.probe == nil || s.HTTPGet == nil {
					q.when(true, "%s: the %s probe is missing", d, name)
					continue
				}
				q.when(s.HTTPGet.Path != s.route || !slices.Contains(c.health, s.HTTPGet.Path), "%s: the %s probe asks %s; it must be %s, and the code serves %v", d, name, s.HTTPGet.Path, s.route, c.health)
				q.when(s.HTTPGet.Port != "http", "%s: the %s probe goes to port %s", d, name, s.HTTPGet.Port)
			}
		}
		s, found := m.search("Service", id)
		q.when(!found, "there is no Service %s", id)
		for _, p := range read[service](s).Ports {
			q.when(p.TargetPort != "http" || strconv.Itoa(p.Port) != port, "Service %s: %d → %s, and dapr.yaml has %s", id, p.Port, p.TargetPort, port)
		}
	}
	for _, o := range m.kind("Service", "PodDisruptionBudget") {
		selector := read[service](o).labels()
		q.when(!slices.ContainsFunc(m.workloads(), func(d workload) bool { return contains(d.Pod.Labels, selector) }), "%s selects no pod: %v", o, selector)
	}
	return q
}

// service is the spec of a Service or of a PodDisruptionBudget.
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

// foreignVariables are the variables that the configuration of no program has: variables of Go, of PostgreSQL, and of the sidecar's injector.
var foreignVariables = []string{"GOMEMLIMIT", "SSL_CERT_FILE", "PGHOST", "PGPORT", "PGSSLMODE", "PGSSLROOTCERT", "PGPASSFILE", "PGPASSWORD"}

// localOnly are the variables of dapr.yaml that an overlay need not set.
var localOnly = map[string][]string{
	"gke": {"MODE", "OIDC_DEVELOPMENT_KEY_FILE"}, // of the development issuer: there MODE is production, and the issuer is yours
}

// env checks the names of the variables: no program reads a variable with a wrong name, and every variable that dapr.yaml sets for a
// program is set here too. Otherwise the program uses its default, which is an address on the developer's machine.
func env(c *code, m, _ *manifests) []string {
	var q complaints
	for _, d := range m.workloads() {
		for _, x := range d.Spec.Containers {
			if x.Name != "app" {
				continue
			}
			knows := c.apps[strings.TrimPrefix(d.Metadata.Name, "migrate-")].env
			if d.Metadata.Name == "setup" {
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
				q.when(!known && !slices.Contains(foreignVariables, name), "%s: nobody reads the variable %s", d, name)
			}
			for name := range c.apps[d.Metadata.Name].local {
				q.when(!has[name] && name != "PGPASSFILE" && !slices.Contains(localOnly[m.overlay], name), "%s: dapr.yaml sets the variable %s, and the overlay does not", d, name)
			}
			for name, required := range knows {
				injected := strings.HasPrefix(name, "DAPR_") && d.isService()
				q.when(required && d.Metadata.Name != "setup" && !has[name] && !injected, "%s: the variable %s is missing", d, name)
			}
			// libpq and node-postgres refuse a password file that a group may read, as all files of a Secret are, and node-postgres ignores passfile=.
			database := has["DATABASE_URL"]
			q.when(database && (!has["PGPASSWORD"] || has["PGPASSFILE"]), "%s: its password does not come in PGPASSWORD alone", d)
			q.when(d.isService() && !has["LISTEN_ADDRESS"], "%s: without LISTEN_ADDRESS it listens on 127.0.0.1 only, and the probes come from outside", d)
		}
	}
	return q
}

// ofOthers are the Secrets that a Kubernetes operator creates, not our script.
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
		q.when(!found, "%s: there is no %s %s", from, kind, name)
	}
	for _, d := range m.workloads() {
		look(d, "ServiceAccount", cmp.Or(d.Spec.ServiceAccountName, "(none)"))
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
			q.when(name != "" && !mountable[name], "%s: the sidecar mounts %s, which is not a volume of the pod", d, name)
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
		q.when(o.Kind != "Namespace" && o.Metadata.Namespace != namespace, "%s is in namespace %q", o, o.Metadata.Namespace)
	}
	return q
}
