package deployment

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

type composeService struct {
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

func (s composeService) command() string {
	var words []string
	if s.Command.Kind == yaml.SequenceNode {
		_ = s.Command.Decode(&words)
		return strings.Join(words, " ")
	}
	return s.Command.Value
}

// compose.yaml is held to the code as the manifests are: every program with its sidecar, ports, settings, nothing unpinned.
func TestCompose(t *testing.T) {
	c, file := readCode(t), text(t, "deploy", "compose.yaml")
	for _, complaint := range checkCompose(t, c, file) {
		t.Error(complaint)
	}
	for old, fresh := range map[string]string{
		"--app-port 5040":                     "--app-port 5041",
		"HEALTH: 5001/readyz":                 "HEALTH: 5001/listo",
		"DATABASE_URL: postgres://ordenes@":   "BASE: postgres://ordenes@",
		"apachepulsar/pulsar:4.0.8":           "apachepulsar/pulsar",
		"network_mode: \"service:ordenes-pod": "network_mode: \"service:bff-pod",
		"--app-health-check-path /healthz":    "--app-health-check-path /readyz",
		"aliases: [consolidador]":             "aliases: [consolida]",
	} {
		bad := strings.Replace(file, old, fresh, 1)
		complaints := checkCompose(t, c, bad)
		if bad == file || len(complaints) == 0 {
			t.Errorf("%q en vez de %q no se rechazó", fresh, old)
		}
		t.Log(complaints)
	}
}

func checkCompose(t *testing.T, c *code, file string) []string {
	t.Helper()
	var q complaints
	var everything struct {
		Services map[string]composeService
	}
	if err := yaml.Unmarshal([]byte(file), &everything); err != nil {
		t.Fatal(err)
	}
	var profiles []string
	for linea := range strings.Lines(text(t, "deploy", ".env")) {
		if list, found := strings.CutPrefix(strings.TrimSpace(linea), "COMPOSE_PROFILES="); found {
			profiles = strings.Split(list, ",")
		}
	}
	for name, s := range everything.Services {
		image := regexp.MustCompile(`\$\{\w+:-(\w+)\}`).ReplaceAllString(s.Image, "$1")
		q.si(!isPinned(image), "%s: la imagen %s no está fijada", name, s.Image)
		q.si(s.MemLimit == "" && name != "volumenes", "%s: sin límite de memoria", name)
		q.si(s.Restart == "", "%s: no dice si vuelve", name)
		q.si(len(s.Profiles) == 0, "%s: sin perfil", name)
		for _, p := range s.Profiles {
			q.si(!slices.Contains(profiles, p), "%s: deploy/.env no nombra su perfil %s", name, p)
		}
		q.si(strings.HasPrefix(s.Image, "entregas/") && (!s.ReadOnly || len(s.CapDrop) == 0), "%s: puede escribir su raíz o guarda capacidades", name)
	}
	for id, a := range c.apps {
		s, dapr, pod := everything.Services[id], everything.Services[id+"-dapr"], everything.Services[id+"-pod"]
		port := strconv.Itoa(a.port)
		q.si(!strings.HasPrefix(s.Image, "entregas/"+id+":") || s.Build.Args["SERVICE"] != id, "%s: la imagen es %s, de %s", id, s.Image, s.Build.Args["SERVICE"])
		q.si(s.NetworkMode != "service:"+id+"-pod" || dapr.NetworkMode != s.NetworkMode, "%s y su sidecar no comparten la red de %s-pod", id, id)
		q.si(!slices.Contains(pod.Networks.Default.Aliases, id), "%s-pod no se llama %s en la red", id, id)
		q.si(pod.Environment["HEALTH"] != port+"/readyz" || !slices.Contains(c.health, "/readyz"), "%s-pod pregunta %s", id, pod.Environment["HEALTH"])
		q.si(s.Environment["APP_PORT"] != port, "%s: APP_PORT es %s y dapr.yaml dice %s", id, s.Environment["APP_PORT"], port)
		for _, option := range []string{
			"--app-id " + id + " ", "--app-port " + port + " ", "--dapr-http-port " + s.Environment["DAPR_HTTP_PORT"] + " ", "--dapr-grpc-port " + s.Environment["DAPR_GRPC_PORT"] + " ",
			"--enable-app-health-check", "--app-health-check-path /healthz", "--app-health-probe-interval 1", "--app-health-threshold 3", "--dapr-internal-grpc-port 50002", "--dapr-listen-addresses 127.0.0.1",
		} {
			q.si(!strings.Contains(dapr.command()+" ", option), "%s-dapr no dice %s", id, option)
		}
		for name := range s.Environment {
			_, known := a.env[name]
			known = known || slices.Contains(foreignVariables, name)
			q.si(!known, "%s: nadie lee la variable %s", id, name)
		}
		for name, required := range a.env {
			q.si(required && s.Environment[name] == "", "%s: falta la variable %s", id, name)
		}
	}
	for name := range everything.Services["preparar"].Environment {
		q.si(!c.setup[name], "preparar: nadie lee la variable %s", name)
	}
	slices.Sort(q)
	return q
}

// Every place that must name a version itself says what versions.env says.
func TestVersionsAgree(t *testing.T) {
	v := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^(\w+)=(\S+)$`).FindAllStringSubmatch(text(t, "deploy", "versiones.env"), -1) {
		v[m[1]] = m[2]
	}
	stated := map[string]int{}
	says := func(what, where, version string) {
		stated[what]++
		if version != v[what] {
			t.Errorf("%s dice %s %s y versiones.env %q", where, what, version, v[what])
		}
	}
	images := map[string]string{
		"apachepulsar/pulsar": "PULSAR", "postgres": "POSTGRES", "daprio/daprd": "DAPR", "daprio/placement": "DAPR", "daprio/scheduler": "DAPR", "golang": "GO",
		"ghcr.io/cloudnative-pg/postgresql": "POSTGRES", "otel/opentelemetry-collector-contrib": "COLLECTOR",
	}
	image := regexp.MustCompile(`(?m)(?:image:|imageName:|^FROM(?: --platform=\S+)?) (\S+?):([\w.]+)(?:-\w+)*(?:\s|$)`)
	sources := map[string]string{"compose.yaml": text(t, "deploy", "compose.yaml"), "Dockerfile": text(t, "deploy", "Dockerfile")}
	for _, overlay := range allOverlays(t) {
		sources[overlay] = build(t, overlay).text
	}
	for where, source := range sources {
		for _, m := range image.FindAllStringSubmatch(source, -1) {
			if what := images[m[1]]; what != "" {
				says(what, where, m[2])
			} else if !strings.Contains(m[1], "entregas/") && m[1] != "gcr.io/distroless/static-debian12" {
				t.Errorf("%s usa %s: versiones.env no sabe de ella", where, m[1])
			}
		}
	}
	for what, constant := range map[string]string{"PULSAR": "pulsarVersion", "POSTGRES": "postgresVersion", "DAPR": "daprVersion"} {
		m := regexp.MustCompile(constant + ` += "([\w.]+)"`).FindStringSubmatch(text(t, "tools", "local", "downloads.go") + text(t, "tools", "local", "tools.go"))
		if m == nil {
			t.Errorf("tools/local ya no dice %s", constant)
			continue
		}
		says(what, "tools/local", m[1])
	}
	for what := range v {
		if !strings.HasSuffix(what, "_CHART") && stated[what] == 0 {
			t.Errorf("nadie usa %s de versiones.env", what)
		}
	}
}

// The broker of GKE means the same by a message as the local one: the settings of tools/pulsar that change what is promised.
func TestBrokerPromisesTheSame(t *testing.T) {
	var values struct {
		Broker struct {
			ConfigData map[string]string `yaml:"configData"`
		}
	}
	if err := yaml.Unmarshal([]byte(text(t, "deploy", "k8s", "helm", "pulsar.yaml")), &values); err != nil {
		t.Fatal(err)
	}
	local := text(t, "tools", "pulsar", "standalone.conf")
	for _, setting := range []string{
		"isSchemaValidationEnforced", "schemaCompatibilityStrategy", "isAllowAutoUpdateSchemaEnabled", "brokerDeleteInactiveTopicsEnabled", "allowAutoTopicCreation", "managedLedgerNewEntriesCheckDelayInMillis",
	} {
		m := regexp.MustCompile(fmt.Sprintf(`(?m)^%s=(\S+)$`, setting)).FindStringSubmatch(local)
		if m == nil {
			t.Errorf("standalone.conf ya no dice %s", setting)
			continue
		}
		if at := values.Broker.ConfigData[setting]; at != m[1] {
			t.Errorf("%s es %q en GKE y %q en una máquina", setting, at, m[1])
		}
	}
}
