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

	"entregas/tools/local/preparar"
)

const uso = `uso: local [--instance up|test|caos] ORDEN
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
	instancia := flag.String("instance", "up", "up, test o caos")
	flag.Usage = func() { fmt.Fprintln(os.Stderr, uso) }
	flag.Parse()
	if err := ordenar(*instancia, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func ordenar(instancia string, args []string) error {
	in, err := abrir(instancia)
	if err != nil {
		return err
	}
	orden, arg := "", ""
	if len(args) > 0 {
		orden = args[0]
	}
	if len(args) > 1 {
		arg = args[1]
	}
	if slices.Contains([]string{"up", "down", "reset", "stop", "start", "restart"}, orden) {
		soltar, err := in.turno()
		if err != nil {
			return err
		}
		defer soltar()
	}
	switch orden {
	case "up":
		return in.up(arg == "--infra-only")
	case "down":
		return in.down()
	case "reset":
		return in.reset()
	case "status":
		return in.imprimirEstado(arg == "--json")
	case "logs":
		return in.registros(arg)
	case "stop", "start", "restart":
		return in.unServicio(orden, arg)
	case "attach":
		return in.adjuntar()
	case "servicio":
		return in.correr(arg)
	case "dsn", "psql":
		return in.base(orden, arg)
	case "mensajes-muertos":
		return in.mensajesMuertos()
	case "reponer":
		return in.reponer(arg)
	case "apartar":
		return in.setAside(arg)
	case "token":
		return in.imprimirToken(args[1:])
	case "env":
		return in.entorno()
	case "navegador":
		return in.navegador()
	case "lint":
		return in.construir(golangci)
	case "contar":
		return contar(os.Stdin, os.Stdout)
	}
	return fmt.Errorf("no conozco la orden %q\n%s", orden, uso)
}

// turno waits until no other command is changing this instance.
func (in *Instancia) turno() (soltar func(), err error) {
	if err := os.MkdirAll(in.compartida(), 0o755); err != nil {
		return nil, err
	}
	f, err := os.Create(in.compartida(in.Nombre + ".lock"))
	if err != nil {
		return nil, err
	}
	if syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil {
		decir("espero a que termine otra orden sobre la instancia %s", in.Nombre)
		if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
			return nil, err
		}
	}
	return func() { _ = f.Close() }, nil
}

// registros follows the log of one process, or of all.
func (in *Instancia) registros(nombre string) error {
	patron := in.log("*")
	if nombre != "" {
		patron = in.log(nombre)
	}
	archivos, _ := filepath.Glob(patron)
	if len(archivos) == 0 {
		return fmt.Errorf("no hay registros en %s", patron)
	}
	tail, err := exec.LookPath("tail")
	if err != nil {
		return err
	}
	return syscall.Exec(tail, append([]string{"tail", "-n", "40", "-F"}, archivos...), os.Environ())
}

// unServicio stops, starts or restarts one service with its sidecar, or one process of the infrastructure. A service that
// starts is built first, and finds the databases and schemas that its code needs.
func (in *Instancia) unServicio(orden, nombre string) error {
	infra := slices.IndexFunc(in.infra(), func(p unProceso) bool { return p.Nombre == nombre })
	s, err := in.servicio(nombre)
	if err != nil && infra < 0 {
		return err
	}
	ps, err := in.supervisados()
	if err != nil {
		return err
	}
	if orden != "stop" && infra < 0 {
		if err := in.servicios(s.App); err != nil {
			return err
		}
		if err := in.escribirArchivos(); err != nil {
			return err
		}
		in.renewInfra()
	}
	if ps[nombre].activo() && orden != "start" {
		decir("paro %s", nombre)
		if err := in.parar(nombre); err != nil {
			return err
		}
	}
	if orden == "stop" {
		return nil
	}
	decir("arranco %s", nombre)
	if infra < 0 {
		if err := in.puertosLibres(map[string]int{"el de " + nombre: s.PuertoApp, "el de su sidecar": s.PuertoHTTP}); err != nil {
			return err
		}
	}
	if err := in.arrancar(nombre); err != nil {
		return err
	}
	if infra >= 0 {
		return in.esperar(nombre, in.infra()[infra].revisar)
	}
	return in.esperarServicio(s)
}

// parar stops a service and waits until its processes have ended.
func (in *Instancia) parar(nombre string) error {
	if err := in.supervisor("PATCH", "/process/stop/"+nombre, nil); err != nil {
		return err
	}
	return in.esperar(nombre, func() error {
		ps, err := in.supervisados()
		if err == nil && ps[nombre].activo() {
			err = fmt.Errorf("todavía corre (%s)", ps[nombre].Estado)
		}
		return err
	})
}

func (in *Instancia) base(orden, nombre string) error {
	if _, ok := preparar.Bases[nombre]; !ok {
		return fmt.Errorf("diga qué base: DB=productos, gestor_compra, ordenes, dapr o bff")
	}
	dsn, err := in.dsn(nombre)
	if err != nil {
		return err
	}
	if orden == "dsn" {
		fmt.Println(dsn)
		return nil
	}
	psql, err := exec.LookPath("psql")
	if err != nil {
		return fmt.Errorf("falta psql. Instálelo con:\n    sudo apt-get install -y postgresql-client\no use otro cliente con la dirección de: make -s dsn DB=%s", nombre)
	}
	return syscall.Exec(psql, []string{"psql", dsn}, os.Environ())
}

// entorno prints this instance's addresses, for tests, the demo and scripts.
func (in *Instancia) entorno() error {
	for _, s := range in.losServicios() {
		if !s.esReplica() {
			nombre := map[string]string{"gestor-compra": "GESTOR", "admin-productos": "ADMIN"}[s.App]
			if nombre == "" {
				nombre = strings.ToUpper(s.App)
			}
			fmt.Printf("%s_URL=http://127.0.0.1:%d\n", nombre, s.PuertoApp)
		}
	}
	for nombre, base := range map[string]string{"POSTGRES_SUPER_DSN": "postgres", "DSN_PRODUCTOS": "productos", "DSN_GESTOR_COMPRA": "gestor_compra", "DSN_ORDENES": "ordenes"} {
		dsn, err := in.dsn(base)
		if err != nil {
			return err
		}
		fmt.Printf("%s=%s\n", nombre, dsn)
	}
	tokens, err := in.tokens()
	if err != nil {
		return err
	}
	clave, err := in.claveEmisor()
	if err != nil {
		return err
	}
	fmt.Printf("APP_API_TOKEN=%s\nOIDC_ISSUER=%s\nOIDC_DEVELOPMENT_KEY_FILE=%s\n", tokens.app, in.emisor(), clave)
	fmt.Printf("PULSAR_ADMIN=%s\nPULSAR_URL=pulsar://127.0.0.1:%d\nINSTANCIA=%s\nPROJECT_ROOT=%s\nLOCAL_BIN=%s\n",
		in.urlPulsarAdmin(), in.puerto("PULSAR"), in.Nombre, in.Raiz, in.compartida("bin", "local"))
	return nil
}
