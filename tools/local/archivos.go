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

	"entregas/tools/local/preparar"
)

// servicio is one app with its sidecar, a replica counted as a service of its own.
type servicio struct {
	Nombre, App                               string
	PuertoApp, PuertoHTTP                     int
	puertoGRPC, puertoInterno, puertoMetricas int
}

// losServicios lists the services of dapr.yaml and the replicas that may be started.
func (in *Instancia) losServicios() []servicio {
	var todos []servicio
	for i, app := range apps {
		for k := 1; k <= max(1, replicas[app]); k++ {
			nombre, salto := app, saltoReplica*(k-1)
			if k > 1 {
				nombre = fmt.Sprintf("%s-%d", app, k)
			}
			todos = append(todos, servicio{
				Nombre: nombre, App: app,
				PuertoApp:      in.puerto(enMayusculas(app)) + salto,
				PuertoHTTP:     in.puerto("SIDECAR_HTTP") + i + salto,
				puertoGRPC:     in.puerto("SIDECAR_GRPC") + i + salto,
				puertoInterno:  in.puerto("SIDECAR_INTERNAL") + i + salto,
				puertoMetricas: in.puerto("SIDECAR_METRICS") + i + salto,
			})
		}
	}
	return todos
}

func (s servicio) esReplica() bool { return s.Nombre != s.App }

// servicio finds a service by its name.
func (in *Instancia) servicio(nombre string) (servicio, error) {
	var nombres []string
	for _, s := range in.losServicios() {
		if s.Nombre == nombre {
			return s, nil
		}
		nombres = append(nombres, s.Nombre)
	}
	return servicio{}, fmt.Errorf("no hay un servicio %q; hay: %s", nombre, strings.Join(nombres, " "))
}

// escribirArchivos writes what this instance's processes read: components, the launcher of sidecars, a run file a service, the supervisor's
// configuration and the broker's.
func (in *Instancia) escribirArchivos() error {
	if err := in.closeFolders(); err != nil {
		return err
	}
	if err := in.copiarComponentes(); err != nil {
		return err
	}
	if err := in.lanzador(); err != nil {
		return err
	}
	if err := in.cortarDaprYaml(); err != nil {
		return fmt.Errorf("dapr.yaml: %w", err)
	}
	if err := in.confPulsar(); err != nil {
		return err
	}
	return in.confSupervisor()
}

// closeFolders makes the folders that only this user may look into: what the broker stores, logs, configuration. PostgreSQL and
// the scheduler close their own. The folder of the instance itself stays open: PostgreSQL may run as another user.
func (in *Instancia) closeFolders() error {
	for _, folder := range []string{in.ruta("logs"), in.ruta("run"), in.ruta("datos", "pulsar")} {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return err
		}
		if err := os.Chmod(folder, 0o700); err != nil { // #nosec G302 -- a folder
			return err
		}
	}
	return nil
}

// copiarComponentes keeps the instance's copy of components/. The sidecars of an instance with ports of its own (that of the
// tests, a second clone) resolve app-ids by a fixed table: by mDNS, which knows nothing of instances, its bff and the daily one
// would find each other's services.
func (in *Instancia) copiarComponentes() error {
	var plantilla strings.Builder
	for _, s := range in.losServicios() {
		if !s.esReplica() && in.puerto("SIDECAR_INTERNAL") != puertosBase["SIDECAR_INTERNAL"] {
			fmt.Fprintf(&plantilla, `{{if eq .ID %q}}127.0.0.1:%d{{end}}`, s.App, s.puertoInterno)
		}
	}
	return preparar.CopiarComponentes(filepath.Join(in.Raiz, "components"), in.ruta("run", "components"), in.traducir, plantilla.String())
}

// archivoDapr is dapr.yaml's shape: what goes into a run file.
type archivoDapr struct {
	Version int              `yaml:"version"`
	Common  map[string]any   `yaml:"common"`
	Apps    []map[string]any `yaml:"apps"`
}

// daprYaml reads dapr.yaml with this instance's ports and files.
func (in *Instancia) daprYaml() (a archivoDapr, err error) {
	texto, err := os.ReadFile(filepath.Join(in.Raiz, "dapr.yaml"))
	if err != nil {
		return a, err
	}
	if err := yaml.Unmarshal([]byte(in.traducir(string(texto))), &a); err != nil {
		return a, err
	}
	a.Common["runtimePath"] = in.compartida("lanzador")
	a.Common["resourcesPaths"] = []string{in.ruta("run", "components")}
	a.Common["configFilePath"] = in.ruta("run", "components", "config", "configuracion.yaml")
	for _, app := range a.Apps {
		app["appDirPath"] = in.Raiz
		in.ajustarApp(app)
	}
	return a, nil
}

// ajustarApp gives an app of dapr.yaml its settings from local.env or the environment, and its program.
func (in *Instancia) ajustarApp(app map[string]any) {
	nombre, _ := app["appID"].(string)
	if in.dirServicios() != in.compartida("bin") {
		app["command"] = []string{filepath.Join(in.dirServicios(), nombre)}
	}
	entorno, _ := app["env"].(map[string]any)
	entorno = maps.Clone(entorno)
	for clave, valor := range in.entornoDe(nombre) {
		if entorno == nil {
			entorno = map[string]any{}
		}
		entorno[clave] = valor
	}
	if entorno != nil {
		app["env"] = entorno
	}
}

func (a archivoDapr) escribir(ruta string) error {
	texto, err := yaml.Marshal(a)
	if err != nil {
		return err
	}
	return preparar.Escribir(ruta, string(texto))
}

// cortarDaprYaml writes one run file a service, so that each has a CLI process of its own and can be stopped alone.
func (in *Instancia) cortarDaprYaml() error {
	todo, err := in.daprYaml()
	if err != nil {
		return err
	}
	for _, s := range in.losServicios() {
		i := slices.IndexFunc(todo.Apps, func(a map[string]any) bool { return a["appID"] == s.App })
		if i < 0 {
			return fmt.Errorf("falta el servicio %s", s.App)
		}
		app := maps.Clone(todo.Apps[i])
		app["appPort"], app["daprHTTPPort"], app["daprGRPCPort"] = s.PuertoApp, s.PuertoHTTP, s.puertoGRPC
		app["daprInternalGRPCPort"], app["metricsPort"] = s.puertoInterno, s.puertoMetricas
		uno := archivoDapr{todo.Version, todo.Common, []map[string]any{app}}
		if err := uno.escribir(in.ruta("run", s.Nombre+".yaml")); err != nil {
			return err
		}
	}
	return nil
}

//go:embed process-compose.yaml.tmpl
var plantillaSupervisor string

func (in *Instancia) log(nombre string) string { return in.ruta("logs", nombre+".log") }

// confSupervisor writes process-compose's configuration from the template beside this file.
func (in *Instancia) confSupervisor() error {
	setpriv, _, _, err := in.sinPrivilegios()
	if err != nil {
		return err
	}
	loopback, err := in.secretLoopback()
	if err != nil {
		return err
	}
	t := template.Must(template.New("").Funcs(template.FuncMap{
		"puerto": in.puerto, "ruta": in.ruta, "compartida": in.compartida, "log": in.log,
	}).Parse(plantillaSupervisor))
	var texto strings.Builder
	if err := t.Execute(&texto, map[string]any{
		"Dir": in.Dir, "Raiz": in.Raiz, "Instancia": in.Nombre, "Servicios": in.losServicios(),
		"PostgresPropio": in.dsnPropio() != "", "Setpriv": setpriv, "Postgres": in.dirPostgres("bin", "postgres"),
		"Java": java(), "MemoriaPulsar": in.ajuste("PULSAR_MEM", "512m"), "Pulsar": in.dirPulsar(), "SecretLoopback": loopback,
	}); err != nil {
		return err
	}
	return preparar.Escribir(in.ruta("run", "process-compose.yaml"), texto.String())
}
