package deployment

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// secretsScript is the script that makes what is secret.
var secretsScript = func() string {
	b, _ := os.ReadFile(filepath.Join(root, "deploy", "k8s", "secretos.sh"))
	return string(b)
}()

// allOverlays finds them by their folders, so that a new one is checked too.
func allOverlays(t *testing.T) []string {
	t.Helper()
	routes, err := filepath.Glob(filepath.Join(root, "deploy", "k8s", "overlays", "*", "kustomization.yaml"))
	if err != nil || len(routes) == 0 {
		t.Fatal(err, "no hay overlays")
	}
	var names []string
	for _, r := range routes {
		names = append(names, filepath.Base(filepath.Dir(r)))
	}
	return names
}

func TestOverlays(t *testing.T) {
	c := readCode(t)
	for _, overlay := range allOverlays(t) {
		m, s := build(t, overlay), secrets(t, overlay)
		t.Run(overlay+"/esquemas", func(t *testing.T) {
			output, err := validate(t, m.text)
			if err != nil {
				t.Error(err, output)
			}
			if strings.Contains(output, "Valid: 0") || !strings.Contains(output, "Skipped: 0") {
				t.Error("kubeconform no miró todo: ", output)
			}
			t.Log(strings.TrimSpace(output))
		})
		for _, r := range inspections {
			t.Run(overlay+"/"+r.name, func(t *testing.T) {
				for _, complaint := range r.check(c, m, s) {
					t.Error(complaint)
				}
			})
		}
	}
}

func TestSecretsAreValid(t *testing.T) {
	for _, overlay := range []string{"local", "gke"} {
		if output, err := validate(t, secrets(t, overlay).text); err != nil {
			t.Error(err, output)
		}
	}
}

// Dapr's own injector puts a sidecar into every service's pod, and Kubernetes' own admission takes every pod in (tools/injection).
func TestInjection(t *testing.T) {
	values, err := filepath.Abs(filepath.Join(root, "deploy", "k8s", "helm", "dapr.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	inject := func(text string) (string, error) {
		return run(text, "-C", filepath.Join(root, "tools", "injection"), "run", ".", values)
	}
	for _, overlay := range allOverlays(t) {
		output, err := inject(build(t, overlay).text)
		if err != nil || strings.Count(output, "sidecar: true") != len(readCode(t).apps) {
			t.Errorf("%s: %v\n%s", overlay, err, output)
		}
	}
	for old, x := range map[string]struct{ fresh, says string }{
		`dapr.io/enabled: "true"`:                       {`dapr.io/enabled: "ture"`, "arrancaría sin sidecar"},
		"dapr.io/app-id: bff":                           {"dapr.io/app-id: bff.publico", "Deployment bff"},
		"dapr.io/sidecar-seccomp-profile-type: Runtime": {"dapr.io/sidecar-seccomp-profile-type: Sin", "el espacio no lo admite"},
		"allowPrivilegeEscalation: false":               {"allowPrivilegeEscalation: true", "el espacio no lo admite"},
	} {
		good := build(t, "local").text
		bad := strings.Replace(good, old, x.fresh, 1)
		if _, err := inject(bad); bad == good || err == nil || !strings.Contains(err.Error(), x.says) {
			t.Errorf("%q no se rechazó: %v", x.fresh, err)
		}
	}
}

// Every check refuses a manifest that is bad in its own way: the rendered overlay with one thing changed.
func TestIsRefused(t *testing.T) {
	c := readCode(t)
	for _, x := range []struct {
		overlay, inspection string // "schemas" is kubeconform
		old, fresh          string // the first of it
		says                string
	}{
		{"local", "esquemas", "      containers:\n", "      contenedores: []\n      containers:\n", "contenedores"},
		{"local", "esquemas", "maxReplicaCount: 5", "maxReplicaCount: cinco", "maxReplicaCount"},
		{"local", "esquemas", "samplingRate:", "samplngRate:", "samplngRate"},
		{"gke", "esquemas", "gatewayClassName:", "gatewayClass:", "gatewayClass"},

		{"local", "sidecar", `dapr.io/enabled: "true"`, `dapr.io/enabled: "no"`, "dapr.io/enabled"},
		{"local", "sidecar", "dapr.io/app-id: ordenes", "dapr.io/app-id: pedidos", `debe ser "ordenes"`},
		{"local", "sidecar", "dapr.io/log-as-json", "dapr.io/log-json", "no conoce la anotación"},
		{"local", "sidecar", "dapr.io/config: bff", "dapr.io/config: nadie", "no hay Configuration"},
		{"local", "sidecar", "dapr.io/app-health-check-path: /healthz", "dapr.io/app-health-check-path: /readyz", "app-health-check-path"},

		{"local", "puertos y sondas", `dapr.io/app-port: "5040"`, `dapr.io/app-port: "5041"`, "dapr.yaml dice 5040"},
		{"local", "puertos y sondas", "containerPort: 5001", "containerPort: 5010", "no es http 5001"},
		{"local", "puertos y sondas", "path: /readyz", "path: /ready", "la sonda de disposición"},
		{"local", "puertos y sondas", "targetPort: http", "targetPort: 8000", "Service admin-productos"},

		{"local", "entorno", "name: DATABASE_URL", "name: BASE_DE_DATOS", "nadie lee la variable BASE_DE_DATOS"},
		{"local", "entorno", "name: MIGRATIONS", "name: MIGRAR", "nadie lee la variable MIGRAR"},
		{"local", "entorno", "name: PASSWORDS_FILE", "name: CLAVE", "Job preparar"},

		{"local", "referencias", "secretName: claves-ordenes", "secretName: clave-ordenes", "no hay Secret clave-ordenes"},
		{"local", "referencias", "serviceAccountName: bff", "serviceAccountName: front", "no hay ServiceAccount front"},
		{"gke", "referencias", "postgres-ca:/postgres-ca", "postgres:/postgres-ca", "no es un volumen del pod"},

		{"local", "contenedores cerrados", "readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false", "puede escribir su raíz"},
		{"local", "contenedores cerrados", "allowPrivilegeEscalation: false", "allowPrivilegeEscalation: true", "puede ganar privilegios"},
		{"local", "contenedores cerrados", "runAsNonRoot: true", "runAsNonRoot: false", "puede ser root"},
		{"local", "contenedores cerrados", "runAsUser: 65532", "runAsUser: 0", "o es root"},
		{"local", "contenedores cerrados", "enforce: restricted", "enforce: baseline", "no exige el perfil"},

		{"local", "memory", "value: 96MiB", "value: 112MiB", "GOMEMLIMIT"},
		{"local", "memory", "GOMEMLIMIT=192MiB", "GOMEMLIMIT=224MiB", "sidecar"},

		{"local", "imágenes fijas", "image: entregas/bff:local", "image: entregas/bff", "no está fijada"},
		{"local", "imágenes fijas", "image: postgres:18.6", "image: postgres:latest", "no está fijada"},
		{"gke", "imágenes fijas", "postgresql:18.6-standard-bookworm", "postgresql", "no está fijada"},

		{"local", "escala", "default/comandos-orden", "default/comandos-ordenes", "no hay un tópico"},
		{"local", "escala", "subscription: consolidador", "subscription: consolidadora", "no tiene la suscripción"},
		{"local", "escala", "minReplicaCount: 1", "minReplicaCount: 9", "no va de 1"},
		{"local", "escala", "msgBacklogThreshold:", "msgBacklogThresold:", "KEDA no conoce"},
		{"local", "escala", "adminURL: http://pulsar.entregas.svc.cluster.local", "adminURL: http://pulsar", "no es una dirección"},
		{"gke", "escala", "authModes: bearer\n", "tls: enable\n", "van juntos"},
		{"local-hpa", "escala", "default_comandos_orden", "default_comandos_ordenes", "monitor no da"},

		{"local", "componentes", "name: redeliveryDelay", "name: redeliveryDelays", "no tiene el ajuste"},
		{"local", "componentes", "value: pulsar:6650", "value: 127.0.0.1:6650", "nombra 127.0.0.1"},
		{"local", "componentes", "key: connectionString", "key: connection", "no hay Secret claves-dapr"},
		{"gke", "componentes", "secretStore: secretos", "secretStore: secreto", "no es un almacén"},
		{"local", "componentes", "pubsubname: pubsub-productos", "pubsubname: pubsub-producto", "no hay componente"},

		{"local", "acceso", "name: /productos/**", "name: /producto/**", "no lo deja pasar"},
		{"local", "acceso", "name: /compras/**", "name: /compras/*", "/cancelacion: Configuration gestor-compra no lo deja pasar"},
		{"local", "acceso", "appId: bff", "appId: monitor", "monitor no llama a"},
		{"local", "acceso", "appId: admin-productos", "appId: consolidador", "admin-productos → gestor-compra GET"},
		{"local", "acceso", "trustDomain: entregas", "trustDomain: otro", "no lo deja pasar"},
		{"local", "acceso", "defaultAction: deny\n    policies", "defaultAction: allow\n    policies", "por omisión deja pasar"},
		{"local", "acceso", "namespace: entregas\n      operations", "namespace: otro\n      operations", "no lo deja pasar"},
		{"local", "acceso", "enabled: true\n    sentryAddress", "enabled: false\n    sentryAddress", "sin mTLS"},

		{"local", "red", "port: 50006", "port: 50007", "dapr-system/dapr:50006"},
		{"local", "red", "name: nada", "name: algo", "niegue todo"},
		{"local", "red", "kubernetes.io/metadata.name: keda", "kubernetes.io/metadata.name: cada", "de keda/"},
		{"local", "red", "app.kubernetes.io/name: bff\n    ports", "app.kubernetes.io/name: monitor\n    ports", "de entregas/bff a entregas/admin-productos:50002 pasa = false"},
		{"local", "red", "kubernetes.io/metadata.name: monitoring\n    ports:\n    - port: http", "kubernetes.io/metadata.name: otro\n    ports:\n    - port: http", "monitor:5020 pasa = true"},

		{"gke", "puerta", "value: /stream", "value: /mensajes", "nadie llega a /stream"},
		{"gke", "puerta", "value: /graphql", "value: /", "cualquiera llega a /mensajes/eventos-compra"},
	} {
		t.Run(x.overlay+"/"+x.inspection+"/"+x.fresh, func(t *testing.T) {
			good := build(t, x.overlay)
			bad := strings.Replace(good.text, x.old, x.fresh, 1)
			if bad == good.text {
				t.Fatalf("el manifiesto ya no dice %q: esta prueba no prueba nada", x.old)
			}
			var complaints []string
			if x.inspection == "esquemas" {
				if output, err := validate(t, bad); err != nil {
					complaints = []string{output}
				}
			} else {
				m, err := parseManifests(x.overlay, bad)
				if err != nil {
					t.Fatal(err)
				}
				i := slices.IndexFunc(inspections, func(r inspection) bool { return r.name == x.inspection })
				complaints = inspections[i].check(c, m, secrets(t, x.overlay))
			}
			if !slices.ContainsFunc(complaints, func(q string) bool { return strings.Contains(q, x.says) }) {
				t.Errorf("no se rechazó por %q; quejas: %q", x.says, complaints)
				return
			}
			t.Logf("%.200s", complaints[0])
		})
	}
}
