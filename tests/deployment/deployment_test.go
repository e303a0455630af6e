package deployment

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// allOverlays finds the overlays by their folders, so that the tests check a new overlay too.
func allOverlays(t *testing.T) []string {
	t.Helper()
	routes, err := filepath.Glob(filepath.Join(root, "deploy", "k8s", "overlays", "*", "kustomization.yaml"))
	if err != nil || len(routes) == 0 {
		t.Fatal(err, "there are no overlays")
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
		t.Run(overlay+"/schemas", func(t *testing.T) {
			output, err := validate(t, m.text)
			if err != nil {
				t.Error(err, output)
			}
			if strings.Contains(output, "Valid: 0") || !strings.Contains(output, "Skipped: 0") {
				t.Error("kubeconform did not check all: ", output)
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

// Dapr's injector adds a sidecar to the pod of every service, and Kubernetes' admission code accepts every pod (tools/injection).
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
		`dapr.io/enabled: "true"`:                       {`dapr.io/enabled: "ture"`, "it would start without a sidecar"},
		"dapr.io/app-id: bff":                           {"dapr.io/app-id: bff.public", "Deployment bff"},
		"dapr.io/sidecar-seccomp-profile-type: Runtime": {"dapr.io/sidecar-seccomp-profile-type: None", "the namespace refuses it"},
		"allowPrivilegeEscalation: false":               {"allowPrivilegeEscalation: true", "the namespace refuses it"},
	} {
		good := build(t, "local").text
		bad := strings.Replace(good, old, x.fresh, 1)
		if _, err := inject(bad); bad == good || err == nil || !strings.Contains(err.Error(), x.says) {
			t.Errorf("%q was not refused: %v", x.fresh, err)
		}
	}
}

// Every check refuses the manifest that it exists for: the rendered overlay with one change.
func TestIsRefused(t *testing.T) {
	c := readCode(t)
	for _, x := range []struct {
		overlay, inspection string // "schemas" is kubeconform
		old, fresh          string // fresh replaces the first occurrence of old
		says                string
	}{
		{"local", "schemas", "      containers:\n", "      contaners: []\n      containers:\n", "contaners"},
		{"local", "schemas", "maxReplicaCount: 5", "maxReplicaCount: five", "maxReplicaCount"},
		{"local", "schemas", "samplingRate:", "samplngRate:", "samplngRate"},
		{"gke", "schemas", "gatewayClassName:", "gatewayClass:", "gatewayClass"},

		{"local", "sidecar", `dapr.io/enabled: "true"`, `dapr.io/enabled: "no"`, "dapr.io/enabled"},
		{"local", "sidecar", "dapr.io/app-id: ordenes", "dapr.io/app-id: orders", `must be "ordenes"`},
		{"local", "sidecar", "dapr.io/log-as-json", "dapr.io/log-json", "does not know the annotation"},
		{"local", "sidecar", "dapr.io/config: bff", "dapr.io/config: nobody", "there is no Configuration"},
		{"local", "sidecar", "dapr.io/app-health-check-path: /healthz", "dapr.io/app-health-check-path: /readyz", "app-health-check-path"},

		{"local", "ports and probes", `dapr.io/app-port: "5040"`, `dapr.io/app-port: "5041"`, "dapr.yaml has 5040"},
		{"local", "ports and probes", "containerPort: 5001", "containerPort: 5010", "is not http 5001"},
		{"local", "ports and probes", "path: /readyz", "path: /ready", "the readiness probe"},
		{"local", "ports and probes", "targetPort: http", "targetPort: 8000", "Service admin-productos"},

		{"local", "environment", "name: DATABASE_URL", "name: DATABASE", "nobody reads the variable DATABASE"},
		{"local", "environment", "name: MIGRATIONS", "name: MIGRATE", "nobody reads the variable MIGRATE"},
		{"local", "environment", "PULSAR_URL:", "PULSAR_TOKEN:", "dapr.yaml sets the variable PULSAR_URL"},
		{"gke", "environment", "name: OIDC_ISSUER", "name: OIDC_CLIENT_ID", "dapr.yaml sets the variable OIDC_ISSUER"},
		{"local", "environment", "name: PGPASSWORD", "name: PGPASSFILE", "does not come in PGPASSWORD alone"},
		{"local", "environment", "name: PASSWORDS_FILE", "name: KEYS_FILE", "Job setup"},

		{"local", "references", "name: passwords-ordenes", "name: password-ordenes", "there is no Secret password-ordenes"},
		{"local", "references", "serviceAccountName: bff", "serviceAccountName: front", "there is no ServiceAccount front"},
		{"gke", "references", "postgres-ca:/postgres-ca", "postgres:/postgres-ca", "is not a volume of the pod"},

		{"local", "closed containers", "readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false", "can write its root"},
		{"local", "closed containers", "allowPrivilegeEscalation: false", "allowPrivilegeEscalation: true", "can gain privileges"},
		{"local", "closed containers", "runAsNonRoot: true", "runAsNonRoot: false", "can be root"},
		{"local", "closed containers", "runAsUser: 65532", "runAsUser: 0", "or is root"},
		{"local", "closed containers", "enforce: restricted", "enforce: baseline", "does not enforce the restricted profile"},

		{"local", "memory", "value: 96MiB", "value: 112MiB", "GOMEMLIMIT"},
		{"local", "memory", "GOMEMLIMIT=192MiB", "GOMEMLIMIT=224MiB", "sidecar"},

		{"local", "pinned images", "image: entregas/bff:local", "image: entregas/bff", "is not pinned"},
		{"local", "pinned images", "image: postgres:18.6", "image: postgres:latest", "is not pinned"},
		{"gke", "pinned images", "postgresql:18.6-standard-bookworm", "postgresql", "is not pinned"},

		{"local", "scaling", "default/comandos-orden", "default/comandos-ordenes", "there is no topic"},
		{"local", "scaling", "subscription: consolidador", "subscription: consolidadora", "has no subscription"},
		{"local", "scaling", "minReplicaCount: 1", "minReplicaCount: 9", "does not go from 1"},
		{"local", "scaling", "msgBacklogThreshold:", "msgBacklogThresold:", "KEDA does not know"},
		{"local", "scaling", "adminURL: http://pulsar.entregas.svc.cluster.local", "adminURL: http://pulsar", "is not an address"},
		{"gke", "scaling", "authModes: bearer\n", "tls: enable\n", "go together"},
		{"local-hpa", "scaling", "default_comandos_orden", "default_comandos_ordenes", "monitor does not export"},

		{"local", "components", "name: redeliveryDelay", "name: redeliveryDelays", "has no setting"},
		{"local", "components", "value: pulsar:6650", "value: 127.0.0.1:6650", "names 127.0.0.1"},
		{"local", "components", "key: connectionString", "key: connection", "there is no Secret passwords-dapr"},
		{"gke", "components", "secretStore: secret-manager", "secretStore: secrets", "is no secret store"},
		{"local", "components", "pubsubname: pubsub-productos", "pubsubname: pubsub-producto", "there is no component"},

		{"local", "access", "name: /productos/**", "name: /producto/**", "does not let it through"},
		{"local", "access", "name: /compras/**", "name: /compras/*", "/cancelacion: Configuration gestor-compra does not let it through"},
		{"local", "access", "appId: bff", "appId: monitor", "monitor does not call"},
		{"local", "access", "appId: admin-productos", "appId: consolidador", "admin-productos → gestor-compra GET"},
		{"local", "access", "trustDomain: entregas", "trustDomain: other", "does not let it through"},
		{"local", "access", "defaultAction: deny\n    policies", "defaultAction: allow\n    policies", "lets through by default"},
		{"local", "access", "namespace: entregas\n      operations", "namespace: other\n      operations", "does not let it through"},
		{"local", "access", "enabled: true\n    sentryAddress", "enabled: false\n    sentryAddress", "without mTLS"},

		{"local", "network", "port: 50006", "port: 50007", "dapr-system/dapr:50006"},
		{"local", "network", "name: deny-all", "name: some", "denies everything"},
		{"local", "network", "kubernetes.io/metadata.name: keda", "kubernetes.io/metadata.name: other", "from keda/"},
		{"local", "network", "app.kubernetes.io/name: bff\n    ports", "app.kubernetes.io/name: monitor\n    ports", "from entregas/bff to entregas/admin-productos:50002 is allowed = false"},
		{"local", "network", "kubernetes.io/metadata.name: monitoring\n    ports:\n    - port: http", "kubernetes.io/metadata.name: other\n    ports:\n    - port: http", "monitor:5020 is allowed = true"},

		{"gke", "gateway", "value: /stream", "value: /mensajes", "nobody reaches /stream"},
		{"gke", "gateway", "value: /graphql", "value: /", "anybody reaches /mensajes/eventos-compra"},
	} {
		t.Run(x.overlay+"/"+x.inspection+"/"+x.fresh, func(t *testing.T) {
			good := build(t, x.overlay)
			bad := strings.Replace(good.text, x.old, x.fresh, 1)
			if bad == good.text {
				t.Fatalf("the manifest has no %q any more: this case tests nothing", x.old)
			}
			var complaints []string
			if x.inspection == "schemas" {
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
				t.Errorf("was not refused for %q; complaints: %q", x.says, complaints)
				return
			}
			t.Logf("%.200s", complaints[0])
		})
	}
}
