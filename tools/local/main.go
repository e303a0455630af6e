// Command local sets up, starts, stops and shows the whole system on this machine: PostgreSQL, Pulsar, Dapr's control plane
// and every service with its sidecar. The Makefile is its user interface; process-compose is the supervisor beneath it.
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

	"entregas/tools/local/setup"
)

const usage = `uso: local [--instance up|test|caos] ORDEN
  up [--infra-only]     prepara y arranca lo que falte, y espera a que esté sano
  down                  para todo; conserva los datos
  reset                 para todo y borra los datos
  status [--json]       los procesos y su salud
  logs [SERVICE]        sigue los registros
  stop|start|restart S  un servicio con su sidecar, o postgres, pulsar, placement, scheduler
  attach                la interfaz del supervisor
  dsn BASE, psql BASE   la dirección de una base de datos, o una consola en ella
  mensajes-muertos      los mensajes que nadie pudo atender; reponer ID devuelve uno
  apartar ID            aparta de su tema un mensaje que nadie puede leer
  token ROL USUARIO     un token del emisor de desarrollo: cliente u operador
  env                   las direcciones del sistema, como NOMBRE=valor
  navegador             la ruta de un Chromium; lo instala donde apt puede
  lint                  construye golangci-lint, una vez
  contar                cuenta lo que dice go test -json`

func main() {
	instance := flag.String("instance", "up", "up, test o caos")
	flag.Usage = func() { fmt.Fprintln(os.Stderr, usage) }
	flag.Parse()
	if err := runCommand(*instance, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

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
	if slices.Contains([]string{"up", "down", "reset", "stop", "start", "restart"}, command) {
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
	case "attach":
		return in.attach()
	case "service":
		return in.run(arg)
	case "dsn", "psql":
		return in.database(command, arg)
	case "mensajes-muertos":
		return in.deadLetters()
	case "reponer":
		return in.reponer(arg)
	case "apartar":
		return in.setAside(arg)
	case "token":
		return in.printToken(args[1:])
	case "env":
		return in.env()
	case "navegador":
		return in.browser()
	case "lint":
		return in.build(golangci)
	case "contar":
		return tell(os.Stdin, os.Stdout)
	}
	return fmt.Errorf("no conozco la orden %q\n%s", command, usage)
}

// turn waits until no other command is changing this instance.
func (in *Instance) turn() (release func(), err error) {
	if err := os.MkdirAll(in.shared(), 0o755); err != nil {
		return nil, err
	}
	f, err := os.Create(in.shared(in.Name + ".lock"))
	if err != nil {
		return nil, err
	}
	if syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil {
		say("espero a que termine otra orden sobre la instancia %s", in.Name)
		if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
			return nil, err
		}
	}
	return func() { _ = f.Close() }, nil
}

// logs follows the log of one process, or of all.
func (in *Instance) logs(name string) error {
	pattern := in.log("*")
	if name != "" {
		pattern = in.log(name)
	}
	files, _ := filepath.Glob(pattern)
	if len(files) == 0 {
		return fmt.Errorf("no hay registros en %s", pattern)
	}
	tail, err := exec.LookPath("tail")
	if err != nil {
		return err
	}
	return syscall.Exec(tail, append([]string{"tail", "-n", "40", "-F"}, files...), os.Environ())
}

// oneService stops, starts or restarts one service with its sidecar, or one process of the infrastructure. A service that
// starts is built first, and finds the databases and schemas that its code needs.
func (in *Instance) oneService(command, name string) error {
	infra := slices.IndexFunc(in.infra(), func(p oneProcess) bool { return p.Name == name })
	s, err := in.service(name)
	if err != nil && infra < 0 {
		return err
	}
	ps, err := in.supervised()
	if err != nil {
		return err
	}
	if command != "stop" && infra < 0 {
		if err := in.services(s.App); err != nil {
			return err
		}
		if err := in.writeFiles(); err != nil {
			return err
		}
		in.renewInfra()
	}
	if ps[name].active() && command != "start" {
		say("paro %s", name)
		if err := in.halt(name); err != nil {
			return err
		}
	}
	if command == "stop" {
		return nil
	}
	say("arranco %s", name)
	if infra < 0 {
		if err := in.freePorts(map[string]int{"el de " + name: s.AppPort, "el de su sidecar": s.HTTPPort}); err != nil {
			return err
		}
	}
	if err := in.start(name); err != nil {
		return err
	}
	if infra >= 0 {
		return in.await(name, in.infra()[infra].check)
	}
	return in.waitForService(s)
}

// halt stops a service and waits until its processes have ended.
func (in *Instance) halt(name string) error {
	if err := in.supervisor("PATCH", "/process/stop/"+name, nil); err != nil {
		return err
	}
	return in.await(name, func() error {
		ps, err := in.supervised()
		if err == nil && ps[name].active() {
			err = fmt.Errorf("todavía corre (%s)", ps[name].State)
		}
		return err
	})
}

func (in *Instance) database(command, name string) error {
	if _, ok := setup.Databases[name]; !ok {
		return fmt.Errorf("diga qué base: DB=productos, gestor_compra, ordenes, dapr o bff")
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
		return fmt.Errorf("falta psql. Instálelo con:\n    sudo apt-get install -y postgresql-client\no use otro cliente con la dirección de: make -s dsn DB=%s", name)
	}
	return syscall.Exec(psql, []string{"psql", dsn}, os.Environ())
}

// env prints this instance's addresses, for tests, the demo and scripts.
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
	fmt.Printf("PULSAR_ADMIN=%s\nPULSAR_URL=pulsar://127.0.0.1:%d\nINSTANCIA=%s\nPROJECT_ROOT=%s\nLOCAL_BIN=%s\n",
		in.pulsarAdminURL(), in.port("PULSAR"), in.Name, in.Root, in.shared("bin", "local"))
	return nil
}
