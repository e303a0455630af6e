package main

import (
	"bufio"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// replicas says how many copies of a service may run. `make start S=<app>-<n>` starts the second and later ones.
var replicas = map[string]int{"bff": 2, "gestor-compra": 2, "admin-productos": 5}

// infraPorts has every port setting with its default, except the ports of the services, which dapr.yaml has. dapr.yaml and components/
// contain some of these numbers too. All are below 32768: the kernel gives higher ports to outgoing connections.
var infraPorts = map[string]int{
	// These are the ports of the sidecar of the first service. The ports of the next service are one higher, and the ports of a
	// replica 100 higher.
	"SIDECAR_HTTP": 3500, "SIDECAR_GRPC": 4500, "SIDECAR_INTERNAL": 5600, "SIDECAR_METRICS": 7100,
	"POSTGRES": 5432, "PULSAR": 6650, "PULSAR_ADMIN": 8080, "PULSAR_BOOKIE": 3181,
	"PLACEMENT": 4005, "PLACEMENT_HEALTH": 4015, "PLACEMENT_METRICS": 4025, "PLACEMENT_RAFT": 4035,
	"SCHEDULER": 4006, "SCHEDULER_HEALTH": 4016, "SCHEDULER_METRICS": 4026, "SCHEDULER_ETCD": 4036, "SCHEDULER_ETCD_PEERS": 4046,
	"SUPERVISOR": 4010, "SMTP": 1025, "BFF_METRICS": 9464,
}

// instances has the copies of the system that one clone may run. The number is added to the ports of local.env.
var instances = map[string]int{"up": 0, "test": 10000, "chaos": 20000}

// replicaOffset is the distance between the ports of a service and those of its next replica.
const replicaOffset = 100

// Instance is one copy of the system: `up` for daily work, `test` for `make test`, `chaos` for scenarios and faults.
// All share the tools. Each has its own folder, data and ports.
type Instance struct {
	Root, Name, Dir string
	settings        map[string]string
	apps            []string            // the app-ids of the services in the order of their ports in dapr.yaml
	examples        map[string][]string // the implementations of each app
	chosen          map[string]string   // the implementation of an app, where it is not the one in Go
	basePorts       map[string]int      // every port setting with its default
}

// open returns the named instance of the project that contains the working directory, with its settings.
func open(name string) (*Instance, error) {
	if _, found := instances[name]; !found {
		return nil, fmt.Errorf("there is no instance %q; there are: %s", name, strings.Join(slices.Sorted(maps.Keys(instances)), " "))
	}
	root, err := os.Getwd()
	for err == nil && !exists(filepath.Join(root, "dapr.yaml")) {
		if root == "/" {
			return nil, fmt.Errorf("there is no dapr.yaml here or above: run this program in the project")
		}
		root = filepath.Dir(root)
	}
	if err != nil {
		return nil, err
	}
	in := &Instance{Root: root, Name: name, Dir: filepath.Join(root, ".local", name)}
	if in.apps, in.basePorts, err = readServices(root); err != nil {
		return nil, err
	}
	if in.examples, err = readExamples(root, in.apps); err != nil {
		return nil, err
	}
	if err := in.readChosen(); err != nil {
		return nil, err
	}
	if in.settings, err = in.readSettings(filepath.Join(root, "local.env")); err != nil {
		return nil, err
	}
	return in, in.checkChoices()
}

// otherSettings lists the settings that are neither a port nor belong to an app.
var otherSettings = []string{"PULSAR_MEM", "PULSAR_ADVERTISED", "POSTGRES_DSN", "BUILD_TAGS", "WORKFLOW_RETENTION", "CLEANUP_INTERVAL", "TRACES_MEM", collectorSetting}

// isSetting reports whether this program reads the setting name. It accepts every PORT_ name; readSettings refuses unknown ones.
func (in *Instance) isSetting(name string) bool {
	ofApp := func(app string) bool { return strings.HasPrefix(name, "APP_"+inUppercase(app)+"_") }
	isChoice := func(app string) bool { return name == inUppercase(app) }
	return strings.HasPrefix(name, "PORT_") || slices.ContainsFunc(in.apps, ofApp) || slices.ContainsFunc(in.apps, isChoice) || slices.Contains(otherSettings, name)
}

// readSettings reads the NAME=value lines of path. A variable of the environment replaces the value of the file.
func (in *Instance) readSettings(path string) (map[string]string, error) {
	m := map[string]string{}
	f, err := os.Open(path)
	if err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	if err == nil {
		defer f.Close()
		for s := bufio.NewScanner(f); s.Scan(); {
			name, value, ok := strings.Cut(strings.TrimSpace(s.Text()), "=")
			if ok && !strings.HasPrefix(name, "#") {
				m[strings.TrimSpace(name)] = strings.TrimSpace(value)
			}
		}
		for name := range m {
			if !in.isSetting(name) {
				return nil, fmt.Errorf("local.env: there is no setting %s; CHANGELOG.md lists old and new names", name)
			}
		}
	}
	for _, e := range os.Environ() {
		name, value, _ := strings.Cut(e, "=")
		if in.isSetting(name) {
			m[name] = value
		}
	}
	for name := range m {
		p, isPort := strings.CutPrefix(name, "PORT_")
		if _, isKnown := in.basePorts[p]; isPort && !isKnown {
			return nil, fmt.Errorf("there is no setting %s; the ports are: %s", name, strings.Join(slices.Sorted(maps.Keys(in.basePorts)), " "))
		}
		if _, err := strconv.ParseUint(m[name], 10, 16); isPort && err != nil {
			return nil, fmt.Errorf("%s=%q is not a port", name, m[name])
		}
	}
	return m, nil
}

// setting returns a setting's value, or other if it is empty.
func (in *Instance) setting(name, other string) string {
	if v := in.settings[name]; v != "" {
		return v
	}
	return other
}

// port returns this instance's port of that name, a key of in.basePorts.
func (in *Instance) port(name string) int {
	p, ok := in.basePorts[name]
	if !ok {
		panic("unknown port: " + name)
	}
	p, _ = strconv.Atoi(in.setting("PORT_"+name, strconv.Itoa(p)))
	return p + instances[in.Name]
}

// envFrom returns the settings of one app: APP_GESTOR_COMPRA_MAX_IN_FLIGHT=8 is MAX_IN_FLIGHT=8 for gestor-compra and its replicas.
func (in *Instance) envFrom(app string) map[string]string {
	m := map[string]string{}
	for name, value := range in.settings {
		if own, ok := strings.CutPrefix(name, "APP_"+inUppercase(app)+"_"); ok {
			m[own] = value
		}
	}
	return m
}

// servicesDir returns the folder of the services' programs. With build tags (BUILD_TAGS) it is another folder, so that a normal
// start never runs a program with failpoints.
func (in *Instance) servicesDir() string {
	if e := in.setting("BUILD_TAGS", ""); e != "" {
		return in.shared("bin-" + strings.ReplaceAll(e, ",", "-"))
	}
	return in.shared("bin")
}

func inUppercase(app string) string { return strings.ToUpper(strings.ReplaceAll(app, "-", "_")) }

// ownDSN returns the administrator's DSN of the user's own PostgreSQL server, or "". Only the instance `up` uses that server.
func (in *Instance) ownDSN() string {
	if in.Name != "up" {
		return ""
	}
	return in.setting("POSTGRES_DSN", "")
}

var withPort = regexp.MustCompile(`(Port: |name: port, value: "|127\.0\.0\.1:|localhost:)(\d+)\b`)

// translate replaces the defaults in the text of a committed file by this instance's ports, folder and PostgreSQL server.
func (in *Instance) translate(text string) string {
	fresh := map[string]int{}
	for name, database := range in.basePorts {
		fresh[strconv.Itoa(database)] = in.port(name)
		if strings.HasPrefix(name, "SIDECAR_") {
			for i := range in.apps {
				fresh[strconv.Itoa(database+i)] = in.port(name) + i
			}
		}
	}
	text = withPort.ReplaceAllStringFunc(text, func(s string) string {
		g := withPort.FindStringSubmatch(s)
		switch p, ok := fresh[g[2]]; {
		case g[2] == strconv.Itoa(in.basePorts["POSTGRES"]):
			return in.postgresAddress()
		case g[2] == strconv.Itoa(in.basePorts["PULSAR"]):
			return in.setting("PULSAR_ADVERTISED", "127.0.0.1:"+strconv.Itoa(in.port("PULSAR"))) // the address of the proxy in front of Pulsar, if there is one
		case ok:
			return g[1] + strconv.Itoa(p)
		}
		return s
	})
	return strings.ReplaceAll(text, ".local/up/", ".local/"+in.Name+"/")
}

func (in *Instance) path(parts ...string) string {
	return filepath.Join(append([]string{in.Dir}, parts...)...)
}

// shared returns a path below .local, the folder that all instances share.
func (in *Instance) shared(parts ...string) string {
	return filepath.Join(append([]string{in.Root, ".local"}, parts...)...)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
