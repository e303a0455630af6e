package main

import (
	_ "embed"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/template"

	"gopkg.in/yaml.v3"

	"entregas/tools/local/setup"
)

// service is one app with its sidecar. Each replica is a service of its own.
type service struct {
	Name, App                           string
	AppPort, HTTPPort                   int
	grpcPort, internalPort, metricsPort int
}

// allServices returns the services of dapr.yaml, each followed by the replicas that may be started.
func (in *Instance) allServices() []service {
	var all []service
	for i, app := range in.apps {
		for k := 1; k <= max(1, replicas[app]); k++ {
			name, offset := app, replicaOffset*(k-1)
			if k > 1 {
				name = fmt.Sprintf("%s-%d", app, k)
			}
			all = append(all, service{
				Name: name, App: app,
				AppPort:      in.port(inUppercase(app)) + offset,
				HTTPPort:     in.port("SIDECAR_HTTP") + i + offset,
				grpcPort:     in.port("SIDECAR_GRPC") + i + offset,
				internalPort: in.port("SIDECAR_INTERNAL") + i + offset,
				metricsPort:  in.port("SIDECAR_METRICS") + i + offset,
			})
		}
	}
	return all
}

func (s service) isReplica() bool { return s.Name != s.App }

// service returns the service of that name.
func (in *Instance) service(name string) (service, error) {
	var names []string
	for _, s := range in.allServices() {
		if s.Name == name {
			return s, nil
		}
		names = append(names, s.Name)
	}
	return service{}, fmt.Errorf("there is no service %q; there are: %s", name, strings.Join(names, " "))
}

// writeFiles writes the files that this instance's processes read: components, the launcher of sidecars, one run file for
// each service, and the configuration of the supervisor and of the broker.
func (in *Instance) writeFiles() error {
	if err := in.closeFolders(); err != nil {
		return err
	}
	if err := in.copyComponents(); err != nil {
		return err
	}
	if err := in.launcher(); err != nil {
		return err
	}
	if err := in.writeRunFiles(); err != nil {
		return fmt.Errorf("dapr.yaml: %w", err)
	}
	if err := in.configurePulsar(); err != nil {
		return err
	}
	return in.writeSupervisorConfig()
}

// closeFolders makes the folders that only this user may read: logs, configuration, and the data of the broker. PostgreSQL and
// the scheduler close their own folders. The folder of the instance stays open, because PostgreSQL may run as another user.
func (in *Instance) closeFolders() error {
	for _, folder := range []string{in.path("logs"), in.path("run"), in.path("data", "pulsar")} {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return err
		}
		if err := os.Chmod(folder, 0o700); err != nil { // #nosec G302 -- a folder
			return err
		}
	}
	return nil
}

// copyComponents writes the instance's copy of components/. An instance with other ports (the instance `test`, a second clone)
// gets a fixed table of app-ids and addresses. mDNS knows nothing of instances: with it, the bff of one instance would call
// the services of another.
func (in *Instance) copyComponents() error {
	var tmpl strings.Builder
	for _, s := range in.allServices() {
		if !s.isReplica() && in.port("SIDECAR_INTERNAL") != in.basePorts["SIDECAR_INTERNAL"] {
			fmt.Fprintf(&tmpl, `{{if eq .ID %q}}127.0.0.1:%d{{end}}`, s.App, s.internalPort)
		}
	}
	limits := strings.NewReplacer(
		"anyTerminal: 24h", "anyTerminal: "+in.setting("WORKFLOW_RETENTION", "24h"),
		"name: cleanupInterval\n      value: 10m", "name: cleanupInterval\n      value: "+in.setting("CLEANUP_INTERVAL", "10m"),
	)
	translate := func(text string) string { return limits.Replace(in.translate(text)) }
	target := in.path("run", "components")
	if err := setup.CopyComponents(filepath.Join(in.Root, "components"), target, translate, tmpl.String(), mailFile); err != nil {
		return err
	}
	return setup.Write(filepath.Join(target, mailFile), in.translate(mailComponent))
}

// mailComponent is the binding through which avisos sends mails to the catcher, and mailFile the name of its file.
//
//go:embed mail.yaml
var mailComponent string

const (
	mailFile    = "correo.yaml"
	mailBinding = "correo"
)

// daprFile has the form of dapr.yaml and of a run file.
type daprFile struct {
	Version int              `yaml:"version"`
	Common  map[string]any   `yaml:"common"`
	Apps    []map[string]any `yaml:"apps"`
}

// daprYaml returns dapr.yaml with this instance's ports and paths.
func (in *Instance) daprYaml() (a daprFile, err error) {
	text, err := os.ReadFile(filepath.Join(in.Root, "dapr.yaml"))
	if err != nil {
		return a, err
	}
	if err := yaml.Unmarshal([]byte(in.translate(string(text))), &a); err != nil {
		return a, err
	}
	a.Common["runtimePath"] = in.shared("launcher")
	a.Common["resourcesPaths"] = []string{in.path("run", "components")}
	a.Common["configFilePath"] = in.path("run", "components", "config", "configuration.yaml")
	for _, app := range a.Apps {
		app["appDirPath"] = in.Root
		if err := in.adjustApp(app); err != nil {
			return a, err
		}
	}
	return a, nil
}

// adjustApp adds the settings from local.env or the environment to an app of dapr.yaml, and the path of its program. The command of an
// example takes the place of the program, and its environment is added to that of the service.
func (in *Instance) adjustApp(app map[string]any) error {
	name, _ := app["appID"].(string)
	env, _ := app["env"].(map[string]any)
	env = maps.Clone(env)
	if env == nil {
		env = map[string]any{}
	}
	if language := in.implementation(name); language != inGo {
		example, err := in.exampleApp(language, name)
		if err != nil {
			return err
		}
		app["command"] = example["command"]
		more, _ := example["env"].(map[string]any)
		maps.Copy(env, more)
	} else if in.servicesDir() != in.shared("bin") {
		app["command"] = []string{filepath.Join(in.servicesDir(), name)}
	}
	if name == "avisos" {
		env["MAIL_BINDING"] = mailBinding
	}
	for key, value := range in.envFrom(name) {
		env[key] = value
	}
	if len(env) > 0 {
		app["env"] = env
	}
	return nil
}

func (a daprFile) write(path string) error {
	text, err := yaml.Marshal(a)
	if err != nil {
		return err
	}
	return setup.Write(path, string(text))
}

// writeRunFiles writes one run file for each service. Each service then has its own process of the Dapr CLI and stops alone.
func (in *Instance) writeRunFiles() error {
	everything, err := in.daprYaml()
	if err != nil {
		return err
	}
	for _, s := range in.allServices() {
		i := slices.IndexFunc(everything.Apps, func(a map[string]any) bool { return a["appID"] == s.App })
		if i < 0 {
			return fmt.Errorf("the service %s is missing", s.App)
		}
		app := maps.Clone(everything.Apps[i])
		app["appPort"], app["daprHTTPPort"], app["daprGRPCPort"] = s.AppPort, s.HTTPPort, s.grpcPort
		app["daprInternalGRPCPort"], app["metricsPort"] = s.internalPort, s.metricsPort
		one := daprFile{everything.Version, everything.Common, []map[string]any{app}}
		if err := one.write(in.path("run", s.Name+".yaml")); err != nil {
			return err
		}
	}
	return nil
}

//go:embed process-compose.yaml.tmpl
var supervisorTemplate string

func (in *Instance) log(name string) string { return in.path("logs", name+".log") }

// supervisorValues has the values for process-compose.yaml.tmpl. It is a struct, so that a wrong name in the template is an error.
type supervisorValues struct {
	Root, Dir, Instance  string
	Services             []service
	OwnPostgres          bool // the user has a PostgreSQL server, so this program starts none
	Setpriv              []string
	Postgres             string // the path of the server's program
	Java, Pulsar, Memory string // the JVM, the folder of Pulsar's jars, the heap
	Loopback             string // the address that secretLoopback returns
	Zipkin, TracesMemory string // the program of Zipkin, its heap
	PostgresDSN          string // where the exporter reads the statistics of PostgreSQL
	Disks                string // a regular expression on the mount points whose free space is watched
}

// writeSupervisorConfig writes the configuration of process-compose from process-compose.yaml.tmpl.
func (in *Instance) writeSupervisorConfig() error {
	setpriv, _, _, err := in.unprivileged()
	if err != nil {
		return err
	}
	loopback, err := in.secretLoopback()
	if err != nil {
		return err
	}
	t, err := template.New("").Funcs(template.FuncMap{
		"port": in.port, "path": in.path, "shared": in.shared, "log": in.log,
	}).Parse(supervisorTemplate)
	if err != nil {
		return err
	}
	var text strings.Builder
	if err := t.Execute(&text, supervisorValues{
		Root: in.Root, Dir: in.Dir, Instance: in.Name, Services: in.allServices(),
		OwnPostgres: in.ownDSN() != "", Setpriv: setpriv, Postgres: in.postgresDir("bin", "postgres"),
		Java: java(), Pulsar: in.pulsarDir(), Memory: in.setting("PULSAR_MEM", "512m"), Loopback: loopback,
		Zipkin: in.zipkin(), TracesMemory: in.setting("TRACES_MEM", "768m"),
		PostgresDSN: fmt.Sprintf("postgresql://%s@%s/postgres?sslmode=%s", setup.Observer, in.postgresAddress(), in.sslMode()),
		Disks:       disks(in.Dir),
	}); err != nil {
		return fmt.Errorf("process-compose.yaml.tmpl: %w", err)
	}
	return setup.Write(in.path("run", "process-compose.yaml"), text.String())
}
