package deployment

import (
	"fmt"
	"path/filepath"
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
	Entrypoint  []string
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

// command returns the command line of the container: its entrypoint and its command, which compose.yaml writes as lists.
func (s composeService) command() string {
	var words []string
	_ = s.Command.Decode(&words)
	return strings.Join(append(slices.Clone(s.Entrypoint), words...), " ")
}

// compose.yaml agrees with the code, as the manifests do: it has every program with its sidecar, their ports and settings, and pins
// every image.
func TestCompose(t *testing.T) {
	c, file := readCode(t), text(t, "deploy", "compose.yaml")
	for _, complaint := range checkCompose(t, c, file) {
		t.Error("deploy/compose.yaml: " + complaint)
	}
	for old, fresh := range map[string]string{
		"--app-port=5040":                     "--app-port=5041",
		"HEALTH: 5001/readyz":                 "HEALTH: 5001/ready",
		"DATABASE_URL: postgres://ordenes@":   "DATABASE: postgres://ordenes@",
		"PULSAR_URL: pulsar://pulsar:6650":    "BROKER_URL: pulsar://pulsar:6650",
		"apachepulsar/pulsar:4.0.8":           "apachepulsar/pulsar",
		"network_mode: \"service:ordenes-pod": "network_mode: \"service:bff-pod",
		"--app-health-check-path=/healthz":    "--app-health-check-path=/readyz",
		"aliases: [consolidador]":             "aliases: [consol]",
		"PGPASSFILE: /secrets/ordenes.pgpass": "PGHOST: postgres",
		`user: "15040:15040"`:                 `user: "10003:10003"`,
	} {
		bad := strings.Replace(file, old, fresh, 1)
		complaints := checkCompose(t, c, bad)
		if bad == file || len(complaints) == 0 {
			t.Errorf("%q instead of %q was not refused", fresh, old)
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
	for name, s := range everything.Services {
		image := regexp.MustCompile(`\$\{\w+:-(\w+)\}`).ReplaceAllString(s.Image, "$1")
		q.when(!isPinned(image), "%s: the image %s is not pinned", name, s.Image)
		q.when(s.MemLimit == "" && name != "volumes", "%s: no memory limit", name)
		q.when(s.Restart == "", "%s: no restart policy", name)
		q.when(len(s.Profiles) == 0 && name != "volumes", "%s: no profile", name)
		q.when(strings.HasPrefix(s.Image, "entregas/") && (!s.ReadOnly || len(s.CapDrop) == 0), "%s: can write its root or keeps capabilities", name)
	}
	for id, a := range c.apps {
		if _, found := everything.Services[id]; !found {
			continue // TestEachServiceIsEverywhere reports it
		}
		s, dapr, pod := everything.Services[id], everything.Services[id+"-dapr"], everything.Services[id+"-pod"]
		port := strconv.Itoa(a.port)
		q.when(!strings.HasPrefix(s.Image, "entregas/"+id+":") || s.Build.Args["SERVICE"] != id, "%s: the image is %s, of %s", id, s.Image, s.Build.Args["SERVICE"])
		q.when(s.NetworkMode != "service:"+id+"-pod" || dapr.NetworkMode != s.NetworkMode, "%s and its sidecar do not share the network of %s-pod", id, id)
		q.when(!slices.Contains(pod.Networks.Default.Aliases, id), "%s-pod has no alias %s in the network", id, id)
		q.when(pod.Environment["HEALTH"] != port+"/readyz" || !slices.Contains(c.health, "/readyz"), "%s-pod asks %s", id, pod.Environment["HEALTH"])
		q.when(s.Environment["APP_PORT"] != port, "%s: APP_PORT is %s and dapr.yaml has %s", id, s.Environment["APP_PORT"], port)
		for _, option := range []string{
			"--app-id=" + id + " ", "--app-port=" + port + " ", "--dapr-http-port=" + s.Environment["DAPR_HTTP_PORT"] + " ", "--dapr-grpc-port=" + s.Environment["DAPR_GRPC_PORT"] + " ",
			"--enable-app-health-check ", "--app-health-check-path=/healthz ", "--app-health-probe-interval=1 ", "--app-health-threshold=3 ", "--dapr-internal-grpc-port=50002 ", "--dapr-listen-addresses=127.0.0.1 ",
		} {
			q.when(!strings.Contains(dapr.command()+" ", option), "%s-dapr has no %s", id, option)
		}
		reads := s.Environment["DATABASE_URL"] != "" || s.Environment["OIDC_DEVELOPMENT_KEY_FILE"] != "" // then it reads a file of the volume secrets
		q.when(reads && s.User != "1"+port+":1"+port, "%s: its user is %q, and volumes.sh gives its secrets to 1%s", id, s.User, port)
		// node-postgres ignores passfile= in an address; all drivers read PGPASSFILE.
		address := s.Environment["DATABASE_URL"]
		q.when(address != "" && (s.Environment["PGPASSFILE"] == "" || strings.Contains(address, "passfile")), "%s: its password does not come by PGPASSFILE", id)
		for name := range s.Environment {
			_, known := a.env[name]
			known = known || slices.Contains(foreignVariables, name)
			q.when(!known, "%s: nobody reads the variable %s", id, name)
		}
		for name := range a.local {
			q.when(s.Environment[name] == "", "%s: dapr.yaml sets the variable %s, and compose.yaml does not", id, name)
		}
		for name, required := range a.env {
			q.when(required && s.Environment[name] == "", "%s: the variable %s is missing", id, name)
		}
	}
	for name := range everything.Services["setup"].Environment {
		q.when(!c.setup[name], "setup: nobody reads the variable %s", name)
	}
	slices.Sort(q)
	return q
}

// Every file that must repeat a version has the version of versions.env.
func TestVersionsAgree(t *testing.T) {
	v := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^(\w+)=(\S+)$`).FindAllStringSubmatch(text(t, "deploy", "versions.env"), -1) {
		v[m[1]] = m[2]
	}
	stated := map[string]int{}
	says := func(what, where, version string) {
		stated[what]++
		if version != v[what] {
			t.Errorf("%s has %s %s and versions.env %q", where, what, version, v[what])
		}
	}
	images := map[string]string{
		"apachepulsar/pulsar": "PULSAR", "postgres": "POSTGRES", "daprio/daprd": "DAPR", "daprio/placement": "DAPR", "daprio/scheduler": "DAPR", "golang": "GO",
		"ghcr.io/cloudnative-pg/postgresql": "POSTGRES", "otel/opentelemetry-collector-contrib": "COLLECTOR",
		"jaegertracing/jaeger": "JAEGER", "prom/prometheus": "PROMETHEUS", "grafana/grafana": "GRAFANA", "quay.io/prometheuscommunity/postgres-exporter": "POSTGRES_EXPORTER",
		"quay.io/prometheus/node-exporter": "NODE_EXPORTER",
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
				t.Errorf("%s uses %s: versions.env does not list it", where, m[1])
			}
		}
	}
	for what, constant := range map[string]string{"PULSAR": "pulsarVersion", "POSTGRES": "postgresVersion", "DAPR": "daprVersion"} {
		m := regexp.MustCompile(constant + ` += "([\w.]+)"`).FindStringSubmatch(text(t, "tools", "local", "downloads.go") + text(t, "tools", "local", "tools.go"))
		if m == nil {
			t.Errorf("tools/local has no %s any more", constant)
			continue
		}
		says(what, "tools/local", m[1])
	}
	// The local run has the same versions from the module proxy. Version 3.16 of Prometheus is 0.316 as a module.
	for what, x := range map[string]struct{ module, dependency, as string }{
		"COLLECTOR":         {"collector", "go.opentelemetry.io/collector/otelcol", "$1"},
		"POSTGRES_EXPORTER": {"postgres", "github.com/prometheus-community/postgres_exporter", "v$1"},
		"NODE_EXPORTER":     {"node", "github.com/prometheus/node_exporter", "v$1"},
		"PROMETHEUS":        {"promtool", "github.com/prometheus/prometheus", "v$1"},
	} {
		m := regexp.MustCompile(x.dependency + ` v([\d.]+)`).FindStringSubmatch(text(t, "tools", "observe", x.module, "go.mod"))
		if m == nil {
			t.Errorf("tools/observe/%s has no %s any more", x.module, x.dependency)
			continue
		}
		if what == "PROMETHEUS" {
			m[1] = regexp.MustCompile(`^0\.(\d)(\d\d)\.`).ReplaceAllString(m[1], "$1.$2.")
		}
		says(what, "tools/observe/"+x.module, strings.Replace(x.as, "$1", m[1], 1))
	}
	for what := range v {
		if !strings.HasSuffix(what, "_CHART") && stated[what] == 0 {
			t.Errorf("nobody uses %s of versions.env", what)
		}
	}
}

// The broker of GKE gives the same guarantees as the local one: it has the same values of the settings in tools/pulsar that change
// the guarantees.
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
		"isSchemaValidationEnforced", "schemaCompatibilityStrategy", "isAllowAutoUpdateSchemaEnabled", "acknowledgmentAtBatchIndexLevelEnabled", "brokerDeleteInactiveTopicsEnabled", "allowAutoTopicCreation", "managedLedgerNewEntriesCheckDelayInMillis",
	} {
		m := regexp.MustCompile(fmt.Sprintf(`(?m)^%s=(\S+)$`, setting)).FindStringSubmatch(local)
		if m == nil {
			t.Errorf("standalone.conf has no %s any more", setting)
			continue
		}
		if at := values.Broker.ConfigData[setting]; at != m[1] {
			t.Errorf("%s is %q on GKE and %q on one machine", setting, at, m[1])
		}
	}
}

// deploy/test-compose.sh runs some of the end-to-end tests by name. They must exist, because go test ignores a name that no test has.
func TestTheMainTestsExist(t *testing.T) {
	list := regexp.MustCompile(`main_tests=\(([^)]+)\)`).FindStringSubmatch(text(t, "deploy", "test-compose.sh"))
	if list == nil {
		t.Fatal("deploy/test-compose.sh has no main_tests any more")
	}
	var sources string
	files, err := filepath.Glob(filepath.Join(root, "tests", "e2e", "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		sources += text(t, "tests", "e2e", filepath.Base(f))
	}
	for _, name := range strings.Fields(list[1]) {
		if !strings.Contains(sources, "func Test"+name+"(") {
			t.Errorf("deploy/test-compose.sh: tests/e2e has no Test%s", name)
		}
	}
}
