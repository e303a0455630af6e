package despliegue

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

type servicioCompose struct {
	Image       string
	Profiles    []string
	Command     yaml.Node
	Environment map[string]string
	NetworkMode string `yaml:"network_mode"`
	ReadOnly    bool   `yaml:"read_only"`
	MemLimit    string `yaml:"mem_limit"`
	Restart     string
	User        string
	Build       struct {
		Args map[string]string
	}
	Networks struct {
		Default struct{ Aliases []string }
	}
	Healthcheck struct{ Interval string }
	CapDrop     []string `yaml:"cap_drop"`
}

func (s servicioCompose) orden() string {
	var palabras []string
	if s.Command.Kind == yaml.SequenceNode {
		_ = s.Command.Decode(&palabras)
		return strings.Join(palabras, " ")
	}
	return s.Command.Value
}

// compose.yaml is held to the code as the manifests are: every program with its sidecar, ports, settings, nothing unpinned.
func TestCompose(t *testing.T) {
	c, archivo := leerCodigo(t), texto(t, "deploy", "compose.yaml")
	for _, queja := range revisarCompose(t, c, archivo) {
		t.Error(queja)
	}
	for viejo, nuevo := range map[string]string{
		"--app-port 5040":                     "--app-port 5041",
		"HEALTH: 5001/readyz":                 "HEALTH: 5001/listo",
		"DATABASE_URL: postgres://ordenes@":   "BASE: postgres://ordenes@",
		"apachepulsar/pulsar:4.0.8":           "apachepulsar/pulsar",
		"network_mode: \"service:ordenes-pod": "network_mode: \"service:bff-pod",
		"--app-health-check-path /healthz":    "--app-health-check-path /readyz",
		"aliases: [consolidador]":             "aliases: [consolida]",
	} {
		malo := strings.Replace(archivo, viejo, nuevo, 1)
		quejas := revisarCompose(t, c, malo)
		if malo == archivo || len(quejas) == 0 {
			t.Errorf("%q en vez de %q no se rechazó", nuevo, viejo)
		}
		t.Log(quejas)
	}
}

func revisarCompose(t *testing.T, c *codigo, archivo string) []string {
	t.Helper()
	var q quejas
	var todo struct {
		Services map[string]servicioCompose
	}
	if err := yaml.Unmarshal([]byte(archivo), &todo); err != nil {
		t.Fatal(err)
	}
	var perfiles []string
	for linea := range strings.Lines(texto(t, "deploy", ".env")) {
		if lista, hay := strings.CutPrefix(strings.TrimSpace(linea), "COMPOSE_PROFILES="); hay {
			perfiles = strings.Split(lista, ",")
		}
	}
	for nombre, s := range todo.Services {
		imagen := regexp.MustCompile(`\$\{\w+:-(\w+)\}`).ReplaceAllString(s.Image, "$1")
		q.si(!fija(imagen), "%s: la imagen %s no está fijada", nombre, s.Image)
		q.si(s.MemLimit == "" && nombre != "volumenes", "%s: sin límite de memoria", nombre)
		q.si(s.Restart == "", "%s: no dice si vuelve", nombre)
		q.si(len(s.Profiles) == 0, "%s: sin perfil", nombre)
		for _, p := range s.Profiles {
			q.si(!slices.Contains(perfiles, p), "%s: deploy/.env no nombra su perfil %s", nombre, p)
		}
		q.si(strings.HasPrefix(s.Image, "entregas/") && (!s.ReadOnly || len(s.CapDrop) == 0), "%s: puede escribir su raíz o guarda capacidades", nombre)
	}
	for id, a := range c.apps {
		s, dapr, pod := todo.Services[id], todo.Services[id+"-dapr"], todo.Services[id+"-pod"]
		puerto := strconv.Itoa(a.puerto)
		q.si(!strings.HasPrefix(s.Image, "entregas/"+id+":") || s.Build.Args["SERVICE"] != id, "%s: la imagen es %s, de %s", id, s.Image, s.Build.Args["SERVICE"])
		q.si(s.NetworkMode != "service:"+id+"-pod" || dapr.NetworkMode != s.NetworkMode, "%s y su sidecar no comparten la red de %s-pod", id, id)
		q.si(!slices.Contains(pod.Networks.Default.Aliases, id), "%s-pod no se llama %s en la red", id, id)
		q.si(pod.Environment["HEALTH"] != puerto+"/readyz" || !slices.Contains(c.salud, "/readyz"), "%s-pod pregunta %s", id, pod.Environment["HEALTH"])
		q.si(s.Environment["APP_PORT"] != puerto, "%s: APP_PORT es %s y dapr.yaml dice %s", id, s.Environment["APP_PORT"], puerto)
		for _, opcion := range []string{
			"--app-id " + id + " ", "--app-port " + puerto + " ", "--dapr-http-port " + s.Environment["DAPR_HTTP_PORT"] + " ", "--dapr-grpc-port " + s.Environment["DAPR_GRPC_PORT"] + " ",
			"--enable-app-health-check", "--app-health-check-path /healthz", "--app-health-probe-interval 1", "--app-health-threshold 3", "--dapr-internal-grpc-port 50002", "--dapr-listen-addresses 127.0.0.1",
		} {
			q.si(!strings.Contains(dapr.orden()+" ", opcion), "%s-dapr no dice %s", id, opcion)
		}
		for nombre := range s.Environment {
			_, conocida := a.entorno[nombre]
			conocida = conocida || slices.Contains(ajenas, nombre)
			q.si(!conocida, "%s: nadie lee la variable %s", id, nombre)
		}
		for nombre, requerida := range a.entorno {
			q.si(requerida && s.Environment[nombre] == "", "%s: falta la variable %s", id, nombre)
		}
	}
	for nombre := range todo.Services["preparar"].Environment {
		q.si(!c.preparar[nombre], "preparar: nadie lee la variable %s", nombre)
	}
	slices.Sort(q)
	return q
}

// Every place that must name a version itself says what versiones.env says.
func TestLasVersionesConcuerdan(t *testing.T) {
	v := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^(\w+)=(\S+)$`).FindAllStringSubmatch(texto(t, "deploy", "versiones.env"), -1) {
		v[m[1]] = m[2]
	}
	dichas := map[string]int{}
	dice := func(que, donde, version string) {
		dichas[que]++
		if version != v[que] {
			t.Errorf("%s dice %s %s y versiones.env %q", donde, que, version, v[que])
		}
	}
	imagenes := map[string]string{
		"apachepulsar/pulsar": "PULSAR", "postgres": "POSTGRES", "daprio/daprd": "DAPR", "daprio/placement": "DAPR", "daprio/scheduler": "DAPR", "golang": "GO",
		"ghcr.io/cloudnative-pg/postgresql": "POSTGRES", "otel/opentelemetry-collector-contrib": "COLLECTOR",
	}
	imagen := regexp.MustCompile(`(?m)(?:image:|imageName:|^FROM(?: --platform=\S+)?) (\S+?):([\w.]+)(?:-\w+)*(?:\s|$)`)
	fuentes := map[string]string{"compose.yaml": texto(t, "deploy", "compose.yaml"), "Dockerfile": texto(t, "deploy", "Dockerfile")}
	for _, overlay := range losOverlays(t) {
		fuentes[overlay] = construir(t, overlay).texto
	}
	for donde, fuente := range fuentes {
		for _, m := range imagen.FindAllStringSubmatch(fuente, -1) {
			if que := imagenes[m[1]]; que != "" {
				dice(que, donde, m[2])
			} else if !strings.Contains(m[1], "entregas/") && m[1] != "gcr.io/distroless/static-debian12" {
				t.Errorf("%s usa %s: versiones.env no sabe de ella", donde, m[1])
			}
		}
	}
	for que, constante := range map[string]string{"PULSAR": "versionPulsar", "POSTGRES": "versionPostgres", "DAPR": "versionDapr"} {
		m := regexp.MustCompile(constante + ` += "([\w.]+)"`).FindStringSubmatch(texto(t, "tools", "local", "descargas.go") + texto(t, "tools", "local", "herramientas.go"))
		if m == nil {
			t.Errorf("tools/local ya no dice %s", constante)
			continue
		}
		dice(que, "tools/local", m[1])
	}
	for que := range v {
		if !strings.HasSuffix(que, "_CHART") && dichas[que] == 0 {
			t.Errorf("nadie usa %s de versiones.env", que)
		}
	}
}

// The broker of GKE means the same by a message as the local one: the settings of tools/pulsar that change what is promised.
func TestElBrokerPrometeLoMismo(t *testing.T) {
	var valores struct {
		Broker struct {
			ConfigData map[string]string `yaml:"configData"`
		}
	}
	if err := yaml.Unmarshal([]byte(texto(t, "deploy", "k8s", "helm", "pulsar.yaml")), &valores); err != nil {
		t.Fatal(err)
	}
	local := texto(t, "tools", "pulsar", "standalone.conf")
	for _, ajuste := range []string{
		"isSchemaValidationEnforced", "schemaCompatibilityStrategy", "isAllowAutoUpdateSchemaEnabled", "brokerDeleteInactiveTopicsEnabled", "allowAutoTopicCreation", "managedLedgerNewEntriesCheckDelayInMillis",
	} {
		m := regexp.MustCompile(fmt.Sprintf(`(?m)^%s=(\S+)$`, ajuste)).FindStringSubmatch(local)
		if m == nil {
			t.Errorf("standalone.conf ya no dice %s", ajuste)
			continue
		}
		if en := valores.Broker.ConfigData[ajuste]; en != m[1] {
			t.Errorf("%s es %q en GKE y %q en una máquina", ajuste, en, m[1])
		}
	}
}
