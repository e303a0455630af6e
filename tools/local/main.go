// Command local sets up, starts, stops and shows the whole system on this machine: PostgreSQL, Pulsar, Dapr's control plane
// and every service with its sidecar. The Makefile calls it. process-compose supervises the processes.
//
// process-compose and `dapr run -f` alone are not enough. They do not find taken ports, wait for as long as a start makes progress,
// end orphans, build tools from pinned modules, or stop an app before its sidecar.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

const usage = `usage: local [--instance up|test|chaos] COMMAND
  up [--infra-only]     build and start what is missing, and wait until it is healthy
  down                  stop everything; the data stays
  reset                 stop everything and delete the data
  status [--json]       the processes and their health
  logs [SERVICE]        follow the logs
  stop|start|restart S  a service with its sidecar, or postgres, pulsar, placement, scheduler, mail, or a process of observe
  observe [off]         start what observes the system, and print the addresses of its pages
  attach                open the supervisor's terminal interface
  dsn DB, psql DB       print the address of a database, or open a console on it
  dead-letters          list the messages that no service could handle
  put-back ID           return a dead letter to its topic
  set-aside ID          take a message that no sidecar can read off its topic
  backup                copy all databases while they are in use; print the folder
  restore [FOLDER]      start an empty instance with the databases of a backup: the newest one
  sizes [--json]        how much each table, topic and folder holds
  erase USUARIO         erase the personal data of a customer from what has ended
  token ROL USUARIO     print a token of the development issuer: cliente or operador
  mail                  print the newest mail that the catcher has
  env                   print the addresses of the system as NAME=value
  browser               print the path of a Chromium; installs it where apt can
  tool lint|gotestsum|promtool|collector   build a developer's tool, once
  mail-catcher          take mails in the place of a mail server; the supervisor calls it
  service S             run a service with its sidecar; the supervisor calls it`

func main() {
	instance := flag.String("instance", "up", "up, test or chaos")
	flag.Usage = func() { fmt.Fprintln(os.Stderr, usage) }
	flag.Parse()
	if err := runCommand(*instance, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// runCommand executes one command of usage on the named instance.
func runCommand(instance string, args []string) error {
	in, err := open(instance)
	if err != nil {
		return err
	}
	command, arg := "", ""
	if len(args) > 0 {
		command = args[0]
	}
	if len(args) > 1 {
		arg = args[1]
	}
	if slices.Contains([]string{"up", "down", "reset", "stop", "start", "restart", "backup", "restore", "observe"}, command) {
		release, err := in.turn()
		if err != nil {
			return err
		}
		defer release()
	}
	switch command {
	case "up":
		return in.up(arg == "--infra-only")
	case "down":
		return in.down()
	case "reset":
		return in.reset()
	case "status":
		return in.printStatus(arg == "--json")
	case "logs":
		return in.logs(arg)
	case "stop", "start", "restart":
		return in.oneService(command, arg)
	case "observe":
		return in.observe(arg == "off")
	case "attach":
		return in.attach()
	case "service":
		return in.run(arg)
	case "dsn", "psql":
		return in.database(command, arg)
	case "dead-letters":
		return in.deadLetters()
	case "put-back":
		return in.putBack(arg)
	case "set-aside":
		return in.setAside(arg)
	case "backup":
		return in.backup()
	case "restore":
		return in.restore(arg)
	case "sizes":
		return in.printSizes(arg == "--json")
	case "erase":
		return in.erase(arg)
	case "token":
		return in.printToken(args[1:])
	case "mail":
		return in.printMail(os.Stdout)
	case "mail-catcher":
		return in.catchMail()
	case "env":
		return in.env()
	case "browser":
		return in.browser()
	case "tool":
		tool, found := developerTools[arg]
		if !found {
			return fmt.Errorf("there is no tool %q\n%s", arg, usage)
		}
		return in.build(tool)
	}
	return fmt.Errorf("there is no command %q\n%s", command, usage)
}

// turn waits until no other command changes this instance. The caller must call release at the end of its command.
func (in *Instance) turn() (release func(), err error) {
	if err := os.MkdirAll(in.shared(), 0o755); err != nil {
		return nil, err
	}
	f, err := os.Create(in.shared(in.Name + ".lock"))
	if err != nil {
		return nil, err
	}
	if syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil {
		say("waiting for another command on the instance %s to end", in.Name)
		if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
			return nil, err
		}
	}
	return func() { _ = f.Close() }, nil
}

// logs prints the log of one process, or of all processes, and each new line.
func (in *Instance) logs(name string) error {
	pattern := in.log("*")
	if name != "" {
		pattern = in.log(name)
	}
	files, _ := filepath.Glob(pattern)
	if len(files) == 0 {
		return fmt.Errorf("there are no logs in %s", pattern)
	}
	tail, err := exec.LookPath("tail")
	if err != nil {
		return err
	}
	return syscall.Exec(tail, append([]string{"tail", "-n", "40", "-F"}, files...), os.Environ())
}

// oneService stops, starts or restarts one service with its sidecar, or one process of the infrastructure. Before a service
// starts, oneService builds it and makes the databases and schemas that its code needs.
func (in *Instance) oneService(command, name string) error {
	others := append(in.infra(), in.observers()...)
	infra := slices.IndexFunc(others, func(p oneProcess) bool { return p.Name == name })
	s, err := in.service(name)
	if err != nil && infra < 0 {
		return err
	}
	ps, err := in.supervised()
	if err != nil {
		return err
	}
	var changed []string
	if command != "stop" && infra < 0 {
		changed = in.choose(s.App)
		if err := in.services(s.App); err != nil {
			return err
		}
		if err := in.writeFiles(); err != nil {
			return err
		}
		in.renewInfra()
		if err := in.migrate(30*time.Second, s.App); err != nil {
			say("warning: %v", err) // as in renewInfra: the service waits for its tables
		}
	}
	if ps[name].active() && (command != "start" || len(changed) > 0) {
		say("stopping %s", name)
		if err := in.halt(name); err != nil {
			return err
		}
	}
	if command == "stop" {
		if in.observing() {
			return in.writeTargets()
		}
		return nil
	}
	say("starting %s", name)
	if infra < 0 {
		if err := in.freePorts(map[string]int{name: s.AppPort, "the sidecar of " + name: s.HTTPPort}); err != nil {
			return err
		}
		if err := in.keepChosen(); err != nil {
			return err
		}
	}
	if err := in.start(name); err != nil {
		return err
	}
	if infra >= 0 {
		return in.await(name, others[infra].check)
	}
	if err := in.waitForService(s); err != nil || !in.observing() {
		return err
	}
	return in.writeTargets()
}

// halt stops a service and waits until its processes have ended.
func (in *Instance) halt(name string) error {
	if err := in.supervisor("PATCH", "/process/stop/"+name, nil); err != nil {
		return err
	}
	return in.await(name, func() error {
		ps, err := in.supervised()
		if err == nil && ps[name].active() {
			err = fmt.Errorf("it still runs (%s)", ps[name].State)
		}
		return err
	})
}

// database prints the address of a database, or opens psql on it.
func (in *Instance) database(command, name string) error {
	roles, err := in.roles()
	if err != nil {
		return err
	}
	if names := databases(roles); !slices.Contains(names, name) {
		return fmt.Errorf("name the database, DB=…: %s", strings.Join(names, ", "))
	}
	dsn, err := in.dsn(name)
	if err != nil {
		return err
	}
	if command == "dsn" {
		fmt.Println(dsn)
		return nil
	}
	psql, err := exec.LookPath("psql")
	if err != nil {
		return fmt.Errorf("psql is missing. Install it with:\n    sudo apt-get install -y postgresql-client\nor use another client with the address of: make -s dsn DB=%s", name)
	}
	return syscall.Exec(psql, []string{"psql", dsn}, os.Environ())
}

// env prints this instance's addresses as NAME=value, for tests, the demo and scripts.
func (in *Instance) env() error {
	for _, s := range in.allServices() {
		if !s.isReplica() {
			name := map[string]string{"gestor-compra": "GESTOR", "admin-productos": "ADMIN"}[s.App]
			if name == "" {
				name = strings.ToUpper(s.App)
			}
			fmt.Printf("%s_URL=http://127.0.0.1:%d\n", name, s.AppPort)
		}
	}
	for name, database := range map[string]string{"POSTGRES_SUPER_DSN": "postgres", "DSN_PRODUCTOS": "productos", "DSN_GESTOR_COMPRA": "gestor_compra", "DSN_ORDENES": "ordenes"} {
		dsn, err := in.dsn(database)
		if err != nil {
			return err
		}
		fmt.Printf("%s=%s\n", name, dsn)
	}
	tokens, err := in.tokens()
	if err != nil {
		return err
	}
	key, err := in.issuerKey()
	if err != nil {
		return err
	}
	fmt.Printf("APP_API_TOKEN=%s\nOIDC_ISSUER=%s\nOIDC_DEVELOPMENT_KEY_FILE=%s\n", tokens.app, in.issuer(), key)
	if address := in.setting(collectorSetting, ""); address != "" {
		fmt.Printf("%s=%s\n", collectorSetting, address)
	}
	if in.observing() {
		fmt.Printf("PROMETHEUS_URL=http://127.0.0.1:%d\nTRACES_URL=http://127.0.0.1:%d\n", in.port("PROMETHEUS"), in.port("TRACES"))
	}
	fmt.Printf("SCRAPED=%s\n", strings.Join(in.scraped(), ","))
	fmt.Printf("PULSAR_ADMIN=%s\nPULSAR_URL=pulsar://127.0.0.1:%d\nINSTANCIA=%s\nPROJECT_ROOT=%s\nLOCAL_BIN=%s\n",
		in.pulsarAdminURL(), in.port("PULSAR"), in.Name, in.Root, in.shared("bin", "local"))
	return nil
}
