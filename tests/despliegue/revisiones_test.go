package despliegue

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// revision is a check of what no schema sees. It returns what is wrong, in words that name the object.
type revision struct {
	nombre  string
	revisar func(c *codigo, m, secretos *manifiestos) []string
}

var revisiones = []revision{
	{"sidecar", conSidecar},
	{"puertos y sondas", puertosYSondas},
	{"entorno", entorno},
	{"referencias", referencias},
	{"contenedores cerrados", contenedoresCerrados},
	{"memory", memory},
	{"imágenes fijas", imagenesFijas},
	{"escala", escala},
	{"componentes", componentes},
	{"acceso", acceso},
	{"red", red},
	{"puerta", puerta},
}

// quejas collects what is wrong.
type quejas []string

func (q *quejas) si(mal bool, formato string, args ...any) {
	if mal {
		*q = append(*q, fmt.Sprintf(formato, args...))
	}
}

func falso(b *bool) bool  { return b != nil && !*b }
func cierto(b *bool) bool { return b != nil && *b }

// conSidecar: Dapr's injector passes over what it does not understand, so a pod may start without its sidecar.
func conSidecar(c *codigo, m, _ *manifiestos) []string {
	var q quejas
	vistas := map[string]bool{}
	for _, d := range m.cargas() {
		if d.Kind == "Deployment" && d.esServicio() {
			vistas[d.Metadata.Name] = true
		}
		for nombre := range d.Pod.Annotations {
			q.si(strings.HasPrefix(nombre, "dapr.io/") && !c.conoce("anotaciones", nombre), "%s: Dapr no conoce la anotación %s", d, nombre)
		}
		if !d.esServicio() {
			q.si(d.Pod.Annotations["dapr.io/enabled"] != "", "%s no es un servicio y pide un sidecar", d)
			continue
		}
		a := d.Pod.Annotations
		for nombre, valor := range map[string]string{
			"dapr.io/enabled": "true", "dapr.io/app-id": d.Metadata.Name, "dapr.io/app-protocol": "http", "dapr.io/config": d.Metadata.Name,
			"dapr.io/enable-app-health-check": "true", "dapr.io/app-health-check-path": "/healthz", // docs/adr/health-does-not-feed-back.md: the one that depends on nothing
			"dapr.io/enable-native-sidecar": "true", "dapr.io/disable-builtin-k8s-secret-store": "true",
			"dapr.io/sidecar-seccomp-profile-type": "RuntimeDefault",
		} {
			q.si(a[nombre] != valor, "%s: %s es %q y debe ser %q", d, nombre, a[nombre], valor)
		}
		_, hay := m.buscar("Configuration", a["dapr.io/config"])
		q.si(!hay, "%s: no hay Configuration %q", d, a["dapr.io/config"])
		q.si(strings.Contains(a["dapr.io/env"], "SSL_CERT_DIR"), "%s: con SSL_CERT_DIR el inyector quita la raíz de solo lectura", d)
		q.si(d.Pod.Labels["app.kubernetes.io/name"] != d.Metadata.Name, "%s: la etiqueta app.kubernetes.io/name es %q", d, d.Pod.Labels["app.kubernetes.io/name"])
		q.si(d.Spec.ServiceAccountName != d.Metadata.Name, "%s corre como %q: sentry reconoce a cada app por su cuenta", d, d.Spec.ServiceAccountName)
	}
	for id := range c.apps {
		q.si(!vistas[id], "el programa %s no tiene Deployment", id)
	}
	for id := range vistas {
		_, hay := c.apps[id]
		q.si(!hay, "Deployment %s: no hay un programa de ese nombre", id)
	}
	return q
}

func puertosYSondas(c *codigo, m, _ *manifiestos) []string {
	var q quejas
	for _, d := range m.cargas() {
		if !d.esServicio() {
			continue
		}
		puerto, id := strconv.Itoa(c.apps[d.Metadata.Name].puerto), d.Metadata.Name
		q.si(d.Pod.Annotations["dapr.io/app-port"] != puerto, "%s: dapr.io/app-port es %s y dapr.yaml dice %s", d, d.Pod.Annotations["dapr.io/app-port"], puerto)
		for _, x := range d.Spec.Containers {
			q.si(len(x.Ports) != 1 || x.Ports[0].Name != "http" || strconv.Itoa(x.Ports[0].ContainerPort) != puerto, "%s: el puerto del contenedor no es http %s", d, puerto)
			for _, e := range x.Env {
				q.si(e.Name == "APP_PORT" && e.Value != puerto, "%s: APP_PORT es %s y dapr.yaml dice %s", d, e.Value, puerto)
			}
			for nombre, s := range map[string]struct {
				*sonda
				ruta string
			}{"arranque": {x.StartupProbe, "/healthz"}, "vida": {x.LivenessProbe, "/healthz"}, "disposición": {x.ReadinessProbe, "/readyz"}} {
				if s.sonda == nil || s.HTTPGet == nil {
					q.si(true, "%s: falta la sonda de %s", d, nombre)
					continue
				}
				q.si(s.HTTPGet.Path != s.ruta || !slices.Contains(c.salud, s.HTTPGet.Path), "%s: la sonda de %s pide %s; debe ser %s, y el código sirve %v", d, nombre, s.HTTPGet.Path, s.ruta, c.salud)
				q.si(s.HTTPGet.Port != "http", "%s: la sonda de %s va al puerto %s", d, nombre, s.HTTPGet.Port)
			}
		}
		s, hay := m.buscar("Service", id)
		q.si(!hay, "falta el Service %s", id)
		for _, p := range leer[servicio](s).Ports {
			q.si(p.TargetPort != "http" || strconv.Itoa(p.Port) != puerto, "Service %s: %d → %s, y dapr.yaml dice %s", id, p.Port, p.TargetPort, puerto)
		}
	}
	for _, o := range m.clase("Service", "PodDisruptionBudget") {
		selector := leer[servicio](o).etiquetas()
		q.si(!slices.ContainsFunc(m.cargas(), func(d carga) bool { return contiene(d.Pod.Labels, selector) }), "%s no elige ningún pod: %v", o, selector)
	}
	return q
}

// servicio is a Service's or a PodDisruptionBudget's spec.
type servicio struct {
	Selector struct {
		MatchLabels map[string]string `yaml:"matchLabels"`
		Otras       map[string]string `yaml:",inline"`
	}
	Ports []struct {
		Port       int
		TargetPort string `yaml:"targetPort"`
	}
}

func (s servicio) etiquetas() map[string]string {
	if s.Selector.MatchLabels != nil {
		return s.Selector.MatchLabels
	}
	return s.Selector.Otras
}

func contiene(etiquetas, selector map[string]string) bool {
	for k, v := range selector {
		if etiquetas[k] != v {
			return false
		}
	}
	return true
}

// ajenas are the variables that are not a program's configuration: Go's, pgx's, and those of the sidecar's injector.
var ajenas = []string{"GOMEMLIMIT", "SSL_CERT_FILE", "PGHOST", "PGPORT", "PGSSLMODE", "PGSSLROOTCERT", "PGPASSFILE"}

// entorno: a variable with a wrong name is a setting that nobody reads.
func entorno(c *codigo, m, _ *manifiestos) []string {
	var q quejas
	for _, d := range m.cargas() {
		for _, x := range d.Spec.Containers {
			if x.Name != "app" {
				continue
			}
			sabe := c.apps[strings.TrimPrefix(d.Metadata.Name, "migrar-")].entorno
			if d.Metadata.Name == "preparar" {
				sabe = c.preparar
			}
			tiene := map[string]bool{}
			for _, e := range x.Env {
				tiene[e.Name] = true
			}
			for _, f := range x.EnvFrom {
				datos, _ := m.buscar("ConfigMap", f.ConfigMapRef.Name)
				for nombre := range datos.Data {
					tiene[nombre] = true
				}
			}
			for nombre := range tiene {
				_, conocida := sabe[nombre]
				q.si(!conocida && !slices.Contains(ajenas, nombre), "%s: nadie lee la variable %s", d, nombre)
			}
			for nombre, requerida := range sabe {
				inyectada := strings.HasPrefix(nombre, "DAPR_") && d.esServicio()
				q.si(requerida && d.Metadata.Name != "preparar" && !tiene[nombre] && !inyectada, "%s: falta la variable %s", d, nombre)
			}
			q.si(d.esServicio() && !tiene["LISTEN_ADDRESS"], "%s: sin LISTEN_ADDRESS escucha solo en 127.0.0.1, y las sondas vienen de fuera", d)
		}
	}
	return q
}

// deOtros are the Secrets that an operator makes.
var deOtros = []string{"postgres-ca"} // CloudNativePG: <cluster>-ca

func referencias(_ *codigo, m, secretos *manifiestos) []string {
	var q quejas
	mira := func(de fmt.Stringer, clase, nombre string) {
		if nombre == "" {
			return
		}
		_, hay := m.buscar(clase, nombre)
		if clase == "Secret" && !hay {
			_, hay = secretos.buscar(clase, nombre)
			hay = hay || slices.Contains(deOtros, nombre)
		}
		q.si(!hay, "%s: no hay %s %s", de, clase, nombre)
	}
	for _, d := range m.cargas() {
		mira(d, "ServiceAccount", cmp.Or(d.Spec.ServiceAccountName, "(ninguna)"))
		montables := map[string]bool{}
		for _, v := range d.Spec.Volumes {
			montables[v.Name] = true
			if v.Secret != nil {
				mira(d, "Secret", v.Secret.SecretName)
			}
			if v.ConfigMap != nil {
				mira(d, "ConfigMap", v.ConfigMap.Name)
			}
		}
		for par := range strings.SplitSeq(d.Pod.Annotations["dapr.io/volume-mounts"], ",") {
			nombre, _, _ := strings.Cut(par, ":")
			q.si(nombre != "" && !montables[nombre], "%s: el sidecar monta %s, que no es un volumen del pod", d, nombre)
		}
		for _, x := range slices.Concat(d.Spec.Containers, d.Spec.InitContainers) {
			for _, f := range x.EnvFrom {
				mira(d, "ConfigMap", f.ConfigMapRef.Name)
				mira(d, "Secret", f.SecretRef.Name)
			}
			for _, e := range x.Env {
				mira(d, "Secret", e.ValueFrom.SecretKeyRef.Name)
				mira(d, "ConfigMap", e.ValueFrom.ConfigMapKeyRef.Name)
			}
		}
	}
	for _, o := range m.objetos {
		q.si(o.Kind != "Namespace" && o.Metadata.Namespace != espacio, "%s está en el espacio %q", o, o.Metadata.Namespace)
	}
	return q
}
