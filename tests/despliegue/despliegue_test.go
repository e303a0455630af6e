package despliegue

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// guionSecretos is the script that makes what is secret.
var guionSecretos = func() string {
	b, _ := os.ReadFile(filepath.Join(raiz, "deploy", "k8s", "secretos.sh"))
	return string(b)
}()

// losOverlays finds them by their folders, so that a new one is checked too.
func losOverlays(t *testing.T) []string {
	t.Helper()
	rutas, err := filepath.Glob(filepath.Join(raiz, "deploy", "k8s", "overlays", "*", "kustomization.yaml"))
	if err != nil || len(rutas) == 0 {
		t.Fatal(err, "no hay overlays")
	}
	var nombres []string
	for _, r := range rutas {
		nombres = append(nombres, filepath.Base(filepath.Dir(r)))
	}
	return nombres
}

func TestOverlays(t *testing.T) {
	c := leerCodigo(t)
	for _, overlay := range losOverlays(t) {
		m, s := construir(t, overlay), secretos(t, overlay)
		t.Run(overlay+"/esquemas", func(t *testing.T) {
			salida, err := validar(t, m.texto)
			if err != nil {
				t.Error(err, salida)
			}
			if strings.Contains(salida, "Valid: 0") || !strings.Contains(salida, "Skipped: 0") {
				t.Error("kubeconform no miró todo: ", salida)
			}
			t.Log(strings.TrimSpace(salida))
		})
		for _, r := range revisiones {
			t.Run(overlay+"/"+r.nombre, func(t *testing.T) {
				for _, queja := range r.revisar(c, m, s) {
					t.Error(queja)
				}
			})
		}
	}
}

func TestLosSecretosSonValidos(t *testing.T) {
	for _, overlay := range []string{"local", "gke"} {
		if salida, err := validar(t, secretos(t, overlay).texto); err != nil {
			t.Error(err, salida)
		}
	}
}

// Dapr's own injector puts a sidecar into every service's pod, and Kubernetes' own admission takes every pod in (tools/inyeccion).
func TestInyeccion(t *testing.T) {
	valores, err := filepath.Abs(filepath.Join(raiz, "deploy", "k8s", "helm", "dapr.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	inyectar := func(texto string) (string, error) {
		return correr(texto, "-C", filepath.Join(raiz, "tools", "inyeccion"), "run", ".", valores)
	}
	for _, overlay := range losOverlays(t) {
		salida, err := inyectar(construir(t, overlay).texto)
		if err != nil || strings.Count(salida, "sidecar: true") != len(leerCodigo(t).apps) {
			t.Errorf("%s: %v\n%s", overlay, err, salida)
		}
	}
	for viejo, x := range map[string]struct{ nuevo, dice string }{
		`dapr.io/enabled: "true"`:                       {`dapr.io/enabled: "ture"`, "arrancaría sin sidecar"},
		"dapr.io/app-id: bff":                           {"dapr.io/app-id: bff.publico", "Deployment bff"},
		"dapr.io/sidecar-seccomp-profile-type: Runtime": {"dapr.io/sidecar-seccomp-profile-type: Sin", "el espacio no lo admite"},
		"allowPrivilegeEscalation: false":               {"allowPrivilegeEscalation: true", "el espacio no lo admite"},
	} {
		bien := construir(t, "local").texto
		malo := strings.Replace(bien, viejo, x.nuevo, 1)
		if _, err := inyectar(malo); malo == bien || err == nil || !strings.Contains(err.Error(), x.dice) {
			t.Errorf("%q no se rechazó: %v", x.nuevo, err)
		}
	}
}

// Every check refuses a manifest that is bad in its own way: the rendered overlay with one thing changed.
func TestSeRechaza(t *testing.T) {
	c := leerCodigo(t)
	for _, x := range []struct {
		overlay, revision string // "esquemas" is kubeconform
		viejo, nuevo      string // the first of it
		dice              string
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
		t.Run(x.overlay+"/"+x.revision+"/"+x.nuevo, func(t *testing.T) {
			bien := construir(t, x.overlay)
			malo := strings.Replace(bien.texto, x.viejo, x.nuevo, 1)
			if malo == bien.texto {
				t.Fatalf("el manifiesto ya no dice %q: esta prueba no prueba nada", x.viejo)
			}
			var quejas []string
			if x.revision == "esquemas" {
				if salida, err := validar(t, malo); err != nil {
					quejas = []string{salida}
				}
			} else {
				m, err := desglosar(x.overlay, malo)
				if err != nil {
					t.Fatal(err)
				}
				i := slices.IndexFunc(revisiones, func(r revision) bool { return r.nombre == x.revision })
				quejas = revisiones[i].revisar(c, m, secretos(t, x.overlay))
			}
			if !slices.ContainsFunc(quejas, func(q string) bool { return strings.Contains(q, x.dice) }) {
				t.Errorf("no se rechazó por %q; quejas: %q", x.dice, quejas)
				return
			}
			t.Logf("%.200s", quejas[0])
		})
	}
}
