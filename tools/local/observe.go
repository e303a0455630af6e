package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"gopkg.in/yaml.v3"

	"entregas/tools/local/setup"
)

// `make observe` runs six more processes beside the system: a collector and Zipkin for traces, VictoriaMetrics and vmalert for metrics and
// rules, and exporters of PostgreSQL's statistics and of the free space of the disks. While it is on, each service and sidecar gets the address of the collector.

const zipkinVersion = "3.5.1"

// collectorSetting is the address of an OpenTelemetry collector. Services and sidecars send it their traces.
const collectorSetting = "OTEL_EXPORTER_OTLP_ENDPOINT"

// observerPorts has the ports of the processes of make observe, and the port of the bff's metrics.
var observerPorts = map[string]int{
	"OTLP": 4317, "COLLECTOR_HEALTH": 8886, "COLLECTOR_METRICS": 8887, "TRACES": 9411, "PROMETHEUS": 9090, "ALERTS": 8880, "POSTGRES_METRICS": 9187, "NODE_METRICS": 9100,
}

// observers returns the processes of make observe.
func (in *Instance) observers() []oneProcess {
	return []oneProcess{
		{Name: "collector", Kind: "observe", Port: in.port("OTLP"), check: in.health(in.port("COLLECTOR_HEALTH"), "/", 200)},
		{Name: "traces", Kind: "observe", Port: in.port("TRACES"), check: in.health(in.port("TRACES"), "/health", 200)},
		{Name: "metrics", Kind: "observe", Port: in.port("PROMETHEUS"), check: in.health(in.port("PROMETHEUS"), "/health", 200)},
		{Name: "alerts", Kind: "observe", Port: in.port("ALERTS"), check: in.health(in.port("ALERTS"), "/health", 200)},
		{Name: "postgres-exporter", Kind: "observe", Port: in.port("POSTGRES_METRICS"), check: in.health(in.port("POSTGRES_METRICS"), "/", 200)},
		{Name: "node-exporter", Kind: "observe", Port: in.port("NODE_METRICS"), check: in.health(in.port("NODE_METRICS"), "/", 200)},
	}
}

// observing reports whether make observe is on. It stays on over make down and make up.
func (in *Instance) observing() bool { return exists(in.observeMark()) }

func (in *Instance) observeMark() string { return in.path("observe") }

// observe switches the observation on or off. It starts or stops the processes, and restarts each running service whose environment does not
// fit, one after the other: a program reads the address of the collector only when it starts. If the system is not up, the
// next make up does the rest.
func (in *Instance) observe(off bool) error {
	if off {
		if err := os.Remove(in.observeMark()); err != nil && !os.IsNotExist(err) {
			return err
		}
	} else {
		if err := in.observeTools(); err != nil {
			return err
		}
		if err := in.freePorts(in.portsOfObservers()); err != nil {
			return err
		}
		if err := setup.Write(in.observeMark(), "make observe is on; make observe OFF=1 ends it\n"); err != nil {
			return err
		}
	}
	ps, err := in.supervised()
	if errors.Is(err, errNotUp) {
		if !off {
			say("the system is not up: make up starts it, with what observes it")
			in.printObservers()
		}
		return nil
	}
	if err != nil {
		return err
	}
	if _, found := ps["collector"]; !found {
		return fmt.Errorf("the system was started by an older version: make down, make up")
	}
	if !off {
		if err := in.startObservers(); err != nil {
			return err
		}
	}
	if err := in.restartServices(ps); err != nil {
		return err
	}
	if off {
		for _, p := range slices.Backward(in.observers()) {
			if ps[p.Name].active() {
				if err := in.halt(p.Name); err != nil {
					return err
				}
			}
		}
		say("nothing observes the system any more; the data stays in %s", in.path("data"))
		return nil
	}
	return in.waitForObservers()
}

// startObservers starts the processes of make observe, if it is on. Zipkin needs half a minute, so startObservers does not wait.
func (in *Instance) startObservers() error {
	if !in.observing() {
		return nil
	}
	if err := in.writeObserveFiles(); err != nil {
		return err
	}
	if err := in.createObserver(); err != nil {
		return fmt.Errorf("the role %s of PostgreSQL: %w", setup.Observer, err)
	}
	say("starting what observes the system")
	for _, p := range in.observers() {
		if err := in.start(p.Name); err != nil {
			return err
		}
	}
	return nil
}

// waitForObservers waits until the processes of make observe are healthy, and prints their addresses.
func (in *Instance) waitForObservers() error {
	if !in.observing() {
		return nil
	}
	for _, p := range in.observers() {
		if err := in.await(p.Name, p.check); err != nil {
			return err
		}
	}
	in.printObservers()
	return nil
}

func (in *Instance) printObservers() {
	at := func(name string) string { return fmt.Sprintf("http://127.0.0.1:%d", in.port(name)) }
	say("dashboards  %s/vmui/#/dashboards", at("PROMETHEUS"))
	say("metrics     %s/vmui/", at("PROMETHEUS"))
	say("alerts      %s/vmui/#/rules", at("PROMETHEUS"))
	say("traces      %s/zipkin/", at("TRACES"))
	say("collector   %s (OTLP over gRPC)", at("OTLP"))
}

// restartServices restarts each running service that sends its traces elsewhere than the settings say.
func (in *Instance) restartServices(ps map[string]processStatus) error {
	address := in.collectorAddress()
	for _, s := range in.allServices() {
		if !ps[s.Name].active() || in.sendsTo(s.Name, address) {
			continue
		}
		say("restarting %s", s.Name)
		if err := in.halt(s.Name); err != nil {
			return err
		}
		if err := in.start(s.Name); err != nil {
			return err
		}
		if err := in.waitForService(s); err != nil {
			return err
		}
	}
	return nil
}

// sendsTo reports whether the running service sends its traces to address; "" stands for none.
func (in *Instance) sendsTo(name, address string) bool {
	mark := serviceMark + "=" + name
	if address != "" {
		return len(processes(in.mark(), mark, collectorSetting+"="+address)) > 0
	}
	for _, pid := range processes(in.mark(), mark) {
		env, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
		if err == nil && strings.Contains("\x00"+string(env), "\x00"+collectorSetting+"=") {
			return false
		}
	}
	return true
}

// collectorAddress returns the address to which the services send their traces: the setting, else the collector of make
// observe, else none.
func (in *Instance) collectorAddress() string {
	if address := in.setting(collectorSetting, ""); address != "" || !in.observing() {
		return address
	}
	return fmt.Sprintf("http://127.0.0.1:%d", in.port("OTLP"))
}

// telemetryEnv returns the variables of a service and of its sidecar that say where traces go, where the bff shows its metrics, and to
// which pages the bff links. A setting APP_<SERVICE>_<NAME> replaces each.
func (in *Instance) telemetryEnv(s service) []string {
	var env []string
	if address := in.collectorAddress(); address != "" {
		insecure := strings.HasPrefix(address, "http://") // the sidecar does not take this from the address
		env = append(env, collectorSetting+"="+address, fmt.Sprintf("OTEL_EXPORTER_OTLP_INSECURE=%t", insecure), "OTEL_BSP_SCHEDULE_DELAY=1000")
	}
	if s.App != "bff" {
		return env
	}
	env = append(env, fmt.Sprintf("METRICS_PORT=%d", in.bffMetricsPort(s)))
	if in.observing() {
		env = append(env, fmt.Sprintf("TRACES_URL=http://127.0.0.1:%d/zipkin/", in.port("TRACES")),
			fmt.Sprintf("TRACE_URL=http://127.0.0.1:%d/zipkin/traces/{traza}", in.port("TRACES")),
			fmt.Sprintf("DASHBOARDS_URL=http://127.0.0.1:%d/vmui/", in.port("PROMETHEUS")))
	}
	return env
}

// bffMetricsPort returns the port on which a replica of the bff shows its metrics. Its other port is public.
func (in *Instance) bffMetricsPort(s service) int {
	return in.port("BFF_METRICS") + s.AppPort - in.port("BFF")
}

// target is an entry of targets.yaml, which Prometheus and VictoriaMetrics read (file_sd_configs).
type target struct {
	Targets []string          `yaml:"targets"`
	Labels  map[string]string `yaml:"labels"`
}

// targets returns what is scraped: the services that run, their sidecars, and the infrastructure.
func (in *Instance) targets() []target {
	var all []target
	add := func(job, app, path string, port int) {
		labels := map[string]string{"job": job, "__metrics_path__": path}
		if app != "" {
			labels["app"] = app
		}
		all = append(all, target{[]string{fmt.Sprintf("127.0.0.1:%d", port)}, labels})
	}
	ps, _ := in.supervised() // replicas are scraped while they run
	for _, s := range in.allServices() {
		if s.isReplica() && !ps[s.Name].active() {
			continue
		}
		port := s.AppPort
		if s.App == "bff" {
			port = in.bffMetricsPort(s)
		}
		add("services", s.App, "/metrics", port)
		add("sidecars", s.App, "/", s.metricsPort)
	}
	add("dapr", "placement", "/", in.port("PLACEMENT_METRICS"))
	add("dapr", "scheduler", "/", in.port("SCHEDULER_METRICS"))
	add("pulsar", "", "/metrics/", in.port("PULSAR_ADMIN"))
	add("postgres", "", "/metrics", in.port("POSTGRES_METRICS"))
	add("observability", "node", "/metrics", in.port("NODE_METRICS"))
	add("observability", "collector", "/metrics", in.port("COLLECTOR_METRICS"))
	add("observability", "traces", "/prometheus", in.port("TRACES"))
	add("observability", "metrics", "/metrics", in.port("PROMETHEUS"))
	add("observability", "alerts", "/metrics", in.port("ALERTS"))
	return all
}

// scraped returns the targets that run without make observe, as job/app=url.
func (in *Instance) scraped() (all []string) {
	for _, t := range in.targets() {
		if job := t.Labels["job"]; job != "observability" && job != "postgres" {
			all = append(all, fmt.Sprintf("%s/%s=http://%s%s", job, t.Labels["app"], t.Targets[0], t.Labels["__metrics_path__"]))
		}
	}
	return all
}

// writeTargets writes the list of what is scraped. The store of metrics reads it again within seconds.
func (in *Instance) writeTargets() error {
	text, err := yaml.Marshal(in.targets())
	if err != nil {
		return err
	}
	return setup.Write(in.path("run", "observe", "targets.yaml"), string(text))
}

// writeObserveFiles writes what the store of metrics reads: its configuration, the targets and the dashboards.
func (in *Instance) writeObserveFiles() error {
	if err := os.MkdirAll(in.path("run", "observe", "dashboards"), 0o700); err != nil {
		return err
	}
	text, err := os.ReadFile(filepath.Join(in.Root, "deploy", "observability", "prometheus.yml"))
	if err != nil {
		return err
	}
	if err := setup.Write(in.path("run", "observe", "prometheus.yml"), string(text)); err != nil {
		return err
	}
	if err := in.writeTargets(); err != nil {
		return err
	}
	return convertDashboards(filepath.Join(in.Root, "deploy", "observability", "dashboards"), in.path("run", "observe", "dashboards"))
}

// disks returns a regular expression on the mount points with the data of an instance: that of its folder, and those inside of it. The
// other file systems of the machine are nobody's concern here.
func disks(folder string) string {
	mount := folder
	for up := filepath.Dir(mount); up != mount && device(up) == device(folder); up = filepath.Dir(mount) {
		mount = up
	}
	return "^(" + regexp.QuoteMeta(mount) + "|" + regexp.QuoteMeta(folder) + "/.*)$"
}

// device returns the device of a file or folder; 0 when it does not exist.
func device(path string) uint64 {
	var s syscall.Stat_t
	if syscall.Stat(path, &s) != nil {
		return 0
	}
	return uint64(s.Dev) //nolint:unconvert // int32 on some systems
}

// createObserver creates the role that may read PostgreSQL's statistics, and the extension with the statistics of statements if
// the server has loaded it.
func (in *Instance) createObserver() error {
	keys, err := in.keys()
	if err != nil {
		return err
	}
	c, err := in.connect("postgres")
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	defer c.Close(ctx)
	return setup.CreateObserver(ctx, c, keys[setup.Observer])
}

// observeSpecs returns the builds of make observe.
func observeSpecs() []buildSpec {
	return []buildSpec{
		{module: "observe/collector", target: "bin", output: []string{"collector"}, howLong: "about a minute on 2 cores, only the first time", packages: []string{"."}},
		{module: "observe/metrics", target: "bin", output: []string{"victoria-metrics", "vmalert"}, howLong: "less than a minute",
			packages: []string{"github.com/VictoriaMetrics/VictoriaMetrics/app/victoria-metrics", "github.com/VictoriaMetrics/VictoriaMetrics/app/vmalert"}},
		{module: "observe/postgres", target: "bin", output: []string{"postgres_exporter"}, howLong: "less than a minute",
			packages: []string{"github.com/prometheus-community/postgres_exporter/cmd/postgres_exporter"}},
		{module: "observe/node", target: "bin", output: []string{"node_exporter"}, howLong: "less than a minute",
			packages: []string{"github.com/prometheus/node_exporter"}},
	}
}

// observeTools builds or downloads the programs of make observe that are missing under .local/.
func (in *Instance) observeTools() error {
	for _, d := range []string{"bin", "downloads"} {
		if err := os.MkdirAll(in.shared(d), 0o755); err != nil {
			return err
		}
	}
	if err := checkJava(); err != nil {
		return err
	}
	for _, b := range observeSpecs() {
		if err := in.build(b); err != nil {
			return err
		}
	}
	_, err := in.maven("io.zipkin:zipkin-server:"+zipkinVersion+":jar:slim", filepath.Base(in.zipkin()), 84)
	return err
}

// zipkin returns the path of Zipkin's program.
func (in *Instance) zipkin() string {
	return in.shared("downloads", "zipkin-server-"+zipkinVersion+"-slim.jar")
}

// portsOfObservers returns the ports of make observe by the names of their settings.
func (in *Instance) portsOfObservers() map[string]int {
	m := map[string]int{}
	for name := range observerPorts {
		m["PORT_"+name] = in.port(name)
	}
	return m
}
