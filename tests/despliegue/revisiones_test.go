package despliegue

import (
	"cmp"
	"fmt"
	"net/url"
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
			"dapr.io/enable-app-health-check": "true", "dapr.io/app-health-check-path": "/healthz", // decision 13: the one that depends on nothing
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
			q.si(d.esServicio() && !tiene["DIRECCION"], "%s: sin DIRECCION escucha solo en 127.0.0.1, y las sondas vienen de fuera", d)
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

// contenedoresCerrados is what the restricted profile asks, and what it does not: a root that cannot be written, limits.
func contenedoresCerrados(_ *codigo, m, _ *manifiestos) []string {
	var q quejas
	for _, d := range m.cargas() {
		p := d.Spec
		q.si(p.HostNetwork || p.HostPID, "%s usa la red o los procesos del nodo", d)
		q.si(!falso(p.AutomountServiceAccountToken), "%s lleva el token de su cuenta", d)
		for _, v := range p.Volumes {
			q.si(v.HostPath != nil, "%s monta una carpeta del nodo: %s", d, v.Name)
		}
		for _, x := range slices.Concat(p.Containers, p.InitContainers) {
			s := x.SecurityContext
			q.si(!cierto(s.ReadOnlyRootFilesystem), "%s, contenedor %s: puede escribir su raíz", d, x.Name)
			q.si(!falso(s.AllowPrivilegeEscalation) || cierto(s.Privileged), "%s, contenedor %s: puede ganar privilegios", d, x.Name)
			q.si(!slices.Contains(s.Capabilities.Drop, "ALL") || len(s.Capabilities.Add) > 0, "%s, contenedor %s: guarda capacidades", d, x.Name)
			q.si(!cierto(p.SecurityContext.RunAsNonRoot) && !cierto(s.RunAsNonRoot), "%s, contenedor %s: puede ser root", d, x.Name)
			usuario := cmp.Or(s.RunAsUser, p.SecurityContext.RunAsUser)
			q.si(usuario == nil || *usuario == 0, "%s, contenedor %s: no dice con qué usuario corre, o es root", d, x.Name)
			q.si(cmp.Or(s.SeccompProfile.Type, p.SecurityContext.SeccompProfile.Type) != "RuntimeDefault", "%s, contenedor %s: sin perfil seccomp", d, x.Name)
			q.si(x.Resources.Requests["cpu"] == "" || x.Resources.Requests["memory"] == "" || x.Resources.Limits["memory"] == "", "%s, contenedor %s: sin recursos pedidos o sin límite de memoria", d, x.Name)
		}
		if d.esServicio() {
			q.si(!slices.ContainsFunc(p.TopologySpreadConstraints, func(t struct {
				TopologyKey string `yaml:"topologyKey"`
			}) bool {
				return t.TopologyKey == "topology.kubernetes.io/zone"
			}), "%s no se reparte por zonas", d)
			_, hay := m.buscar("PodDisruptionBudget", d.Metadata.Name)
			q.si(!hay, "%s: falta su PodDisruptionBudget", d)
		}
	}
	n, hay := m.buscar("Namespace", espacio)
	q.si(!hay || n.Metadata.Labels["pod-security.kubernetes.io/enforce"] != "restricted", "el espacio %s no exige el perfil restricted", espacio)
	return q
}

func imagenesFijas(_ *codigo, m, _ *manifiestos) []string {
	var q quejas
	for _, d := range m.cargas() {
		for _, x := range slices.Concat(d.Spec.Containers, d.Spec.InitContainers) {
			q.si(!fija(x.Image), "%s: la imagen %s no está fijada", d, x.Image)
		}
	}
	for _, o := range m.clase("Cluster") {
		imagen := leer[struct {
			ImageName string `yaml:"imageName"`
		}](o).ImageName
		q.si(!fija(imagen), "%s: la imagen %s no está fijada", o, imagen)
	}
	return q
}

// fija says whether an image names one version and always the same.
func fija(imagen string) bool {
	if strings.Contains(imagen, "@sha256:") {
		return true
	}
	_, etiqueta, hay := strings.Cut(imagen[strings.LastIndex(imagen, "/")+1:], ":")
	return hay && etiqueta != "" && !slices.Contains([]string{"latest", "edge", "main", "master", "stable", "nightly"}, etiqueta)
}

type objetoEscalado struct {
	ScaleTargetRef  struct{ Name, Kind string } `yaml:"scaleTargetRef"`
	MinReplicaCount *int                        `yaml:"minReplicaCount"`
	MaxReplicaCount *int                        `yaml:"maxReplicaCount"`
	Triggers        []struct {
		Type              string
		Metadata          map[string]string
		AuthenticationRef struct{ Name string } `yaml:"authenticationRef"`
	}
}

type hpa struct {
	ScaleTargetRef struct{ Name string } `yaml:"scaleTargetRef"`
	MinReplicas    *int                  `yaml:"minReplicas"`
	MaxReplicas    int                   `yaml:"maxReplicas"`
	Metrics        []struct {
		External struct {
			Metric struct{ Name string }
			Target struct {
				AverageValue string `yaml:"averageValue"`
			}
		}
	}
}

// escala: KEDA takes min over max, and triggers on topics and subscriptions that do not exist; the scaler then fails for ever.
func escala(c *codigo, m, _ *manifiestos) []string {
	var q quejas
	escalados, mirados := map[string]bool{}, map[string]bool{}
	for _, o := range m.clase("ScaledObject") {
		s := leer[objetoEscalado](o)
		app := s.ScaleTargetRef.Name
		escalados[app] = true
		q.si(s.MinReplicaCount == nil || s.MaxReplicaCount == nil || *s.MinReplicaCount < 1 || *s.MinReplicaCount > *s.MaxReplicaCount, "%s: no va de 1 o más a otro tanto o más", o)
		for i, t := range s.Triggers {
			q.si(t.Type != "pulsar", "%s: el disparador %d es %s", o, i, t.Type)
			for nombre := range t.Metadata {
				q.si(!c.conoce("keda pulsar", nombre), "%s: KEDA no conoce %s en un disparador pulsar", o, nombre)
			}
			tema, suscripcion := strings.TrimPrefix(t.Metadata["topic"], "persistent://public/default/"), t.Metadata["subscription"]
			mirados[tema] = true
			q.si(!slices.Contains(c.temas, tema), "%s: no hay un tópico %s", o, t.Metadata["topic"])
			q.si(c.lectores[tema] != suscripcion, "%s: %s no tiene la suscripción %q (lo lee %q)", o, tema, suscripcion, c.lectores[tema])
			q.si(suscripcion != app, "%s: mira la cola de %s y escala %s", o, suscripcion, app)
			u, err := url.Parse(t.Metadata["adminURL"])
			q.si(err != nil || u.Host == "" || !strings.HasPrefix(u.Scheme, "http") || !strings.Contains(u.Host, ".svc"), "%s: adminURL %q no es una dirección que KEDA alcance desde su espacio", o, t.Metadata["adminURL"])
			q.si((t.Metadata["authModes"] != "") != (t.AuthenticationRef.Name != ""), "%s: authModes y authenticationRef van juntos", o)
			if t.AuthenticationRef.Name != "" {
				_, hay := m.buscar("TriggerAuthentication", t.AuthenticationRef.Name)
				q.si(!hay, "%s: no hay TriggerAuthentication %s", o, t.AuthenticationRef.Name)
			}
		}
	}
	const prefijo = "pending_messages_persistent_public_default_" // services/monitor/rest
	for _, o := range m.clase("HorizontalPodAutoscaler") {
		h := leer[hpa](o)
		escalados[h.ScaleTargetRef.Name] = true
		q.si(h.MinReplicas == nil || *h.MinReplicas < 1 || *h.MinReplicas > h.MaxReplicas, "%s: no va de 1 o más a otro tanto o más", o)
		for _, x := range h.Metrics {
			i := slices.IndexFunc(c.temas, func(t string) bool { return prefijo+strings.ReplaceAll(t, "-", "_") == x.External.Metric.Name })
			if i < 0 {
				q.si(true, "%s: monitor no da %s", o, x.External.Metric.Name)
				continue
			}
			mirados[c.temas[i]] = true
			q.si(c.lectores[c.temas[i]] != h.ScaleTargetRef.Name, "%s: %s lo lee %s", o, c.temas[i], c.lectores[c.temas[i]])
		}
	}
	for tema, app := range c.lectores {
		q.si(!mirados[tema], "nadie escala %s por lo que espera en %s", app, tema)
	}
	for app := range escalados {
		d, hay := m.buscar("Deployment", app)
		q.si(!hay, "se escala %s, que no es un Deployment", app)
		q.si(leer[struct{ Replicas *int }](d).Replicas != nil, "Deployment %s dice cuántas réplicas quiere, y otro las cuenta", app)
	}
	return q
}

// componentes: Dapr passes over a setting whose name it does not know.
func componentes(c *codigo, m, secretos *manifiestos) []string {
	var q quejas
	for _, o := range m.clase("Component") {
		x := leer[componente](o)
		q.si(c.conocidos[x.Type] == nil, "%s: tipo %s desconocido aquí", o, x.Type)
		for _, d := range x.Metadata {
			q.si(!c.conoce(x.Type, d.Name), "%s: %s no tiene el ajuste %s", o, x.Type, d.Name)
			q.si(d.Value != "" && d.SecretKeyRef.Name != "", "%s: %s tiene valor y secreto", o, d.Name)
			q.si(strings.Contains(d.Value, "127.0.0.1"), "%s: %s nombra 127.0.0.1", o, d.Name)
			q.si(strings.HasPrefix(d.Value, "postgres://"), "%s: %s está a la vista", o, d.Name)
			if d.SecretKeyRef.Name == "" {
				continue
			}
			if o.Auth.SecretStore == "" {
				s, hay := secretos.buscar("Secret", d.SecretKeyRef.Name)
				_, clave := s.Data[d.SecretKeyRef.Key]
				q.si(!hay || !clave, "%s: no hay Secret %s con %s", o, d.SecretKeyRef.Name, d.SecretKeyRef.Key)
				continue
			}
			almacen, hay := m.buscar("Component", o.Auth.SecretStore)
			q.si(!hay || !strings.HasPrefix(leer[componente](almacen).Type, "secretstores."), "%s: %s no es un almacén de secretos", o, o.Auth.SecretStore)
			q.si(!strings.Contains(guionSecretos, "en_gestor "+d.SecretKeyRef.Name+" "), "%s: secretos.sh no guarda %s en Secret Manager", o, d.SecretKeyRef.Name)
			q.si(d.SecretKeyRef.Key != d.SecretKeyRef.Name, "%s: en Secret Manager la clave de %s es su nombre", o, d.SecretKeyRef.Name)
		}
	}
	for _, o := range m.clase("Subscription") {
		s := leer[suscripcion](o)
		_, hay := m.buscar("Component", s.Pubsubname)
		q.si(!hay, "%s: no hay componente %s", o, s.Pubsubname)
		q.si(!slices.Contains(c.temas, s.Topic), "%s: no hay tópico %s", o, s.Topic)
	}
	for _, o := range m.clase("Component", "Subscription", "Resiliency") {
		for _, id := range o.Scopes {
			_, hay := c.apps[id]
			q.si(!hay, "%s: es de %s, que no es un programa", o, id)
		}
	}
	return q
}

// puerta: what the way in lets through is what is for people. On the same port the bff takes messages from its sidecar.
func puerta(c *codigo, m, _ *manifiestos) []string {
	var q quejas
	abierta := false
	deja := func(camino string) bool {
		for _, o := range m.clase("HTTPRoute") {
			for _, r := range leer[rutaHTTP](o).Rules {
				for _, x := range r.Matches {
					abierta = true
					if x.Path.Value == camino || x.Path.Type == "PathPrefix" && (x.Path.Value == "/" || strings.HasPrefix(camino+"/", strings.TrimSuffix(x.Path.Value, "/")+"/")) {
						return true
					}
				}
			}
		}
		return false
	}
	for _, camino := range c.publicas {
		if pasa := deja(camino); abierta {
			q.si(!pasa, "HTTPRoute: nadie llega a %s, que el bff sirve", camino)
		}
	}
	for _, camino := range slices.Concat(c.entregas["bff"], c.salud) {
		q.si(deja(camino), "HTTPRoute: cualquiera llega a %s", camino)
	}
	for _, o := range m.clase("HTTPRoute") {
		for _, r := range leer[rutaHTTP](o).Rules {
			q.si(len(r.Matches) == 0 && len(r.BackendRefs) > 0, "%s: deja pasar todo", o)
			for _, b := range r.BackendRefs {
				q.si(b.Name != "bff" || b.Port != c.apps["bff"].puerto, "%s: lleva a %s:%d", o, b.Name, b.Port)
			}
		}
	}
	return q
}

type rutaHTTP struct {
	Rules []struct {
		Matches     []struct{ Path struct{ Type, Value string } }
		BackendRefs []struct {
			Name string
			Port int
		} `yaml:"backendRefs"`
	}
}
