// Package beside starts a program with its daprd beside a running system of this project, in a namespace of the broker and a database of
// its own. So the kit may speak for every other program: the running ones get none of its messages, and none of theirs reach it.
package beside

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/google/uuid"
	"gopkg.in/yaml.v3"
)

// Settings say what to start, and beside what.
type Settings struct {
	Root, Instance string            // the folder of the project, and the instance that runs
	App            string            // an app of dapr.yaml
	Program        string            // another program in the place of its own; empty for its own
	Owner          string            // the program whose migrations make the tables that App reads; empty for none
	Engine         bool              // its sidecar needs the control plane
	Env            map[string]string // settings of the program
	Prepare        []string          // SQL before the first start
	Break, Mend    string            // SQL
	Addresses      map[string]string // of the running system, as `local env` prints them
	Topics         []string          // those that the program reads and sends
	Readers        map[string]string // the subscriptions: topic to app-id
}

// Beside is the started program. It implements the Control of the kit.
type Beside struct {
	Settings
	Namespace                 string // public/…
	AppURL, Sidecar, AppToken string

	dir         string
	ports       [5]int
	daprToken   string
	databases   []string // those that Beside made
	broker, sql *proxy
	app, daprd  *process
	command     []string
	env         map[string]string
	placement   []string // options of daprd
}

// Start starts the program and waits until it is ready. The caller must call Close, also after an error.
func Start(ctx context.Context, s Settings) (*Beside, error) {
	b := &Beside{Settings: s, AppToken: uuid.NewString(), daprToken: uuid.NewString(), Namespace: "public/conformance-" + s.App + "-" + uuid.NewString()[:8]}
	b.dir = filepath.Join(s.Root, ".local", "conformance", s.App)
	if err := os.RemoveAll(b.dir); err != nil {
		return b, err
	}
	if err := os.MkdirAll(b.dir, 0o700); err != nil {
		return b, err
	}
	for _, step := range []struct {
		what string
		do   func(context.Context) error
	}{
		{"find ports", b.findPorts}, {"read the run file", b.readRunFile}, {"make the namespace", b.makeNamespace},
		{"make the databases", b.makeDatabases}, {"write the components", b.writeComponents},
		{"start the owner of the tables", b.migrate}, {"start", b.start}, {"prepare", b.prepare},
	} {
		if err := step.do(ctx); err != nil {
			return b, fmt.Errorf("%s: %s: %w (logs: %s)", s.App, step.what, err, b.dir)
		}
	}
	return b, nil
}

// Close ends the program and deletes what Beside made.
func (b *Beside) Close() {
	if b == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	b.app.end(syscall.SIGTERM, 5*time.Second)
	b.daprd.end(syscall.SIGTERM, 5*time.Second)
	b.broker.close()
	b.sql.close()
	b.dropDatabases(ctx)
	b.dropNamespace(ctx)
}

// Can implements the Control of the kit.
func (b *Beside) Can(action string) bool {
	switch action {
	case "break", "mend":
		return b.Break != "" && b.Mend != ""
	case "database-away", "database-back":
		return b.sql != nil
	}
	return true
}

// Do implements the Control of the kit.
func (b *Beside) Do(ctx context.Context, action string) error {
	switch action {
	case "kill":
		b.app.end(syscall.SIGKILL, 0)
		b.daprd.end(syscall.SIGKILL, 0)
	case "stop":
		b.app.end(syscall.SIGTERM, 20*time.Second)
		b.daprd.end(syscall.SIGTERM, 10*time.Second)
	case "start":
		return b.start(ctx)
	case "database-away":
		b.sql.cut()
	case "database-back":
		return b.sql.join()
	case "broker-away":
		b.broker.cut()
	case "broker-back":
		return b.broker.join()
	case "break":
		return b.exec(ctx, b.Break)
	case "mend":
		return b.exec(ctx, b.Mend)
	default:
		return fmt.Errorf("there is no action %q", action)
	}
	return nil
}

// firstPort is below the ports that the kernel gives to outgoing connections, and above those of the instances.
const firstPort = 29000

// findPorts takes five ports in a row that are free, for the program and the listeners of its sidecar.
func (b *Beside) findPorts(ctx context.Context) error {
	offset := os.Getpid() % 200 * 15
	for first := firstPort + offset; first < firstPort+3700; first += 5 {
		free := true
		for i := range b.ports {
			b.ports[i] = first + i
			l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", first+i))
			if err != nil {
				free = false
				break
			}
			_ = l.Close()
		}
		if free {
			b.AppURL, b.Sidecar = fmt.Sprintf("http://127.0.0.1:%d", b.ports[0]), fmt.Sprintf("http://127.0.0.1:%d", b.ports[1])
			return nil
		}
	}
	return fmt.Errorf("no ports are free from %d", firstPort)
}

// runFile is the part of a run file of Dapr that Beside uses.
type runFile struct {
	Apps []struct {
		AppID   string         `yaml:"appID"`
		Command []string       `yaml:"command"`
		Env     map[string]any `yaml:"env"`
		Dir     string         `yaml:"appDirPath"`
	} `yaml:"apps"`
	Common struct {
		Placement string `yaml:"placementHostAddress"`
		Scheduler string `yaml:"schedulerHostAddress"`
	} `yaml:"common"`
}

// run returns the run file of an app, which `make up` wrote.
func (b *Beside) run(app string) (runFile, error) {
	var f runFile
	text, err := os.ReadFile(filepath.Join(b.Root, ".local", b.Instance, "run", app+".yaml"))
	if err != nil {
		return f, err
	}
	if err := yaml.Unmarshal(text, &f); err != nil {
		return f, err
	}
	if len(f.Apps) != 1 || len(f.Apps[0].Command) == 0 {
		return f, fmt.Errorf("the run file of %s has no command", app)
	}
	return f, nil
}

func (b *Beside) readRunFile(context.Context) error {
	f, err := b.run(b.App)
	if err != nil {
		return err
	}
	if b.command, b.env = f.Apps[0].Command, texts(f.Apps[0].Env); b.Program != "" {
		b.command = []string{b.Program}
	}
	if b.Engine {
		b.placement = []string{"--placement-host-address", f.Common.Placement, "--scheduler-host-address", f.Common.Scheduler}
	}
	return nil
}

func texts(m map[string]any) map[string]string {
	all := map[string]string{}
	for name, value := range m {
		all[name] = fmt.Sprint(value)
	}
	return all
}

// environment returns the variables of a program with its settings.
func (b *Beside) environment(settings map[string]string) []string {
	env := slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "OTEL_") || strings.HasPrefix(v, "DAPR_") })
	own := map[string]string{
		"APP_ID": b.App, "APP_PORT": fmt.Sprint(b.ports[0]), "DAPR_HTTP_PORT": fmt.Sprint(b.ports[1]), "DAPR_GRPC_PORT": fmt.Sprint(b.ports[2]),
		"APP_API_TOKEN": b.AppToken, "DAPR_API_TOKEN": b.daprToken, "DAPR_HOST_IP": "127.0.0.1",
	}
	maps.Copy(own, settings)
	for name, value := range own {
		env = append(env, name+"="+value)
	}
	return env
}

func (b *Beside) start(ctx context.Context) error {
	var err error
	settings := maps.Clone(b.env)
	maps.Copy(settings, b.Env)
	settings["DATABASE_URL"] = b.env["DATABASE_URL"]
	if b.app, err = b.launch("app", b.command, b.environment(settings)); err != nil {
		return err
	}
	port := func(i int) string { return fmt.Sprint(b.ports[i]) }
	daprd := append([]string{
		filepath.Join(b.Root, ".local", "launcher", ".dapr", "bin", "daprd"), "--app-id", b.App, "--app-port", port(0), "--app-protocol", "http",
		"--dapr-http-port", port(1), "--dapr-grpc-port", port(2), "--dapr-internal-grpc-port", port(3), "--metrics-port", port(4),
		"--dapr-listen-addresses", "127.0.0.1", "--resources-path", filepath.Join(b.dir, "components"),
		"--config", filepath.Join(b.dir, "configuration.yaml"), "--enable-app-health-check", "--app-health-check-path", "/healthz",
		"--app-health-probe-interval", "1", "--app-health-threshold", "3", "--log-level", "info",
	}, b.placement...)
	// In a namespace of its own the control plane gives it no actors of the running system, and gives that none of its own.
	if b.daprd, err = b.launch("daprd", daprd, append(b.environment(nil), "NAMESPACE=conformance")); err != nil {
		return err
	}
	return b.ready(ctx)
}

// startLimit is how long the program and its sidecar may take to be ready.
const startLimit = 90 * time.Second

func (b *Beside) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	var last error
	for ctx.Err() == nil {
		if last = cmp.Or(b.app.ended(), b.daprd.ended()); last != nil {
			return last
		}
		if last = cmp.Or(get(ctx, b.AppURL+"/readyz", 200), get(ctx, b.Sidecar+"/v1.0/healthz", 204)); last == nil {
			return nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return fmt.Errorf("not ready after %s: %w", startLimit, last)
}

func get(ctx context.Context, address string, status int) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != status {
		return fmt.Errorf("GET %s: %s", address, response.Status)
	}
	return nil
}

// process is a program that Beside started.
type process struct {
	name string
	cmd  *exec.Cmd
	done chan struct{}
}

// launch starts a program with its log in the folder of Beside.
func (b *Beside) launch(name string, command, env []string) (*process, error) {
	log, err := os.OpenFile(filepath.Join(b.dir, name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := exec.Command(command[0], command[1:]...) // #nosec G204 -- the program that is judged
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = b.Root, env, log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{name: name, cmd: cmd, done: make(chan struct{})}
	go func() { _ = cmd.Wait(); close(p.done) }()
	return p, nil
}

// end sends a signal to the process and its children, and SIGKILL after the deadline. It returns when the process has ended.
func (p *process) end(signal syscall.Signal, deadline time.Duration) {
	if p == nil {
		return
	}
	_ = syscall.Kill(-p.cmd.Process.Pid, signal)
	if signal != syscall.SIGKILL {
		select {
		case <-p.done:
			return
		case <-time.After(deadline):
			_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
		}
	}
	<-p.done
}

func (p *process) ended() error {
	select {
	case <-p.done:
		return fmt.Errorf("%s ended: %s", p.name, p.cmd.ProcessState)
	default:
		return nil
	}
}
