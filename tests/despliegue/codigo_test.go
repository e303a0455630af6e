package despliegue

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"entregas/contracts"
)

// codigo is what the project's sources say: the manifests are held to it, and to nothing that this package would repeat.
type codigo struct {
	apps        map[string]app      // by app-id
	salud       []string            // the paths that every program serves for probes
	llamadas    []llamada           // who calls whom by service invocation
	rutas       map[string][]ruta   // what a service serves by REST
	temas       []string            // every topic
	lectores    map[string]string   // the durable subscription of each topic: the app-id that reads it
	entregas    map[string][]string // the paths at which an app's sidecar delivers messages
	publicas    []string            // the paths of the bff that are for the public
	preparar    map[string]bool     // what the job's environment may have
	conocidos   map[string][]string // deploy/k8s/esquemas/nombres.json
	componentes map[string]bool     // names of the Dapr components
}

// app is a program with its port and what it reads from its environment: true is required.
type app struct {
	puerto  int
	entorno map[string]bool
}

func texto(t *testing.T, partes ...string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(append([]string{raiz}, partes...)...))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func leerCodigo(t *testing.T) *codigo {
	t.Helper()
	c := &codigo{
		apps: map[string]app{}, rutas: map[string][]ruta{}, lectores: map[string]string{}, entregas: map[string][]string{},
		preparar: map[string]bool{}, temas: contracts.Nombres(), componentes: map[string]bool{},
	}
	c.leerApps(t)
	c.leerSuscripciones(t)
	c.leerLlamadas(t)
	for _, m := range regexp.MustCompile(`HandleFunc\("(/\w+)"`).FindAllStringSubmatch(texto(t, "services", "internal", "arranque", "arranque.go"), -1) {
		c.salud = append(c.salud, m[1])
	}
	for _, m := range regexp.MustCompile(`os\.Getenv\("(\w+)"\)`).FindAllStringSubmatch(texto(t, "tools", "local", "cmd", "preparar", "main.go"), -1) {
		c.preparar[m[1]] = true
	}
	// The bff's own routes, those for people: under /api by the contract, the others by name.
	c.publicas = []string{"/api/compras"}
	enBFF := regexp.MustCompile(`(?m)\b(?:rutas|paraTodos|conQuien)\.(?:Handle|HandleFunc|PathPrefix)\("(/[^"]*)"|\bservir\(rutas, "(/[^"]*)"|^\t\{"(/[^"]*)", "[\w-]+",`)
	for _, archivo := range []string{"rutas.go", "identidad/sesion.go", "explorar/explorar.go", "paginas/paginas.go"} {
		for _, m := range enBFF.FindAllStringSubmatch(texto(t, "bff", filepath.FromSlash(archivo)), -1) {
			c.publicas = append(c.publicas, m[1]+m[2]+m[3])
		}
	}
	if err := json.Unmarshal([]byte(texto(t, "deploy", "k8s", "esquemas", "nombres.json")), &c.conocidos); err != nil {
		t.Fatal(err)
	}
	if len(c.apps) == 0 || len(c.salud) < 2 || len(c.llamadas) == 0 || len(c.publicas) < 3 || len(c.lectores) != len(c.temas) {
		t.Fatalf("no entiendo el código como antes: %d programas, %v, %d llamadas, %v, %v", len(c.apps), c.salud, len(c.llamadas), c.publicas, c.lectores)
	}
	return c
}

var enEntorno = regexp.MustCompile("conf:\"env:(\\w+)([^\"]*)\"")

// leerApps finds the programs by their folders, their ports in dapr.yaml, their environment in their configuration.
func (c *codigo) leerApps(t *testing.T) {
	t.Helper()
	var todo struct {
		Apps []struct {
			AppID   string `yaml:"appID"`
			AppPort int    `yaml:"appPort"`
		}
	}
	if err := yaml.Unmarshal([]byte(texto(t, "dapr.yaml")), &todo); err != nil {
		t.Fatal(err)
	}
	puertos := map[string]int{}
	for _, a := range todo.Apps {
		puertos[a.AppID] = a.AppPort
	}
	carpetas, err := filepath.Glob(filepath.Join(raiz, "services", "*", "main.go"))
	if err != nil {
		t.Fatal(err)
	}
	comun := texto(t, "services", "internal", "arranque", "arranque.go")
	for _, main := range append(carpetas, filepath.Join(raiz, "bff", "main.go")) {
		fuente, err := os.ReadFile(main)
		if err != nil {
			t.Fatal(err)
		}
		nombre := filepath.Base(filepath.Dir(main))
		a := app{puerto: puertos[nombre], entorno: map[string]bool{}}
		for _, m := range enEntorno.FindAllStringSubmatch(comun+string(fuente), -1) {
			a.entorno[m[1]] = strings.Contains(m[2], ",required")
		}
		c.apps[nombre] = a
	}
}

// leerSuscripciones reads who reads what, as components/ declares it.
func (c *codigo) leerSuscripciones(t *testing.T) {
	t.Helper()
	archivos, err := filepath.Glob(filepath.Join(raiz, "components", "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	efimeros := map[string]bool{} // components whose subscriptions end with their readers
	var suscripciones []objeto
	for _, a := range archivos {
		m, err := desglosar(a, texto(t, "components", filepath.Base(a)))
		if err != nil {
			t.Fatalf("%s: %v", a, err)
		}
		for _, o := range m.clase("Component") {
			c.componentes[o.Metadata.Name] = true
			for _, d := range leer[componente](o).Metadata {
				if d.Name == "subscribeMode" && d.Value == "non_durable" {
					efimeros[o.Metadata.Name] = true
				}
				if d.Name == "consumerID" && !efimeros[o.Metadata.Name] && d.Value != "{uuid}" {
					t.Fatalf("%s da nombre propio a su suscripción: estas pruebas suponen el app-id", o.Metadata.Name)
				}
			}
		}
		suscripciones = append(suscripciones, m.clase("Subscription")...)
	}
	for _, o := range suscripciones {
		s := leer[suscripcion](o)
		for _, id := range o.Scopes {
			c.entregas[id] = append(c.entregas[id], s.Routes.Default)
			if !efimeros[s.Pubsubname] {
				c.lectores[s.Topic] = id
			}
		}
	}
}

type componente struct {
	Type     string
	Metadata []struct {
		Name, Value  string
		SecretKeyRef referencia `yaml:"secretKeyRef"`
	}
}

type suscripcion struct {
	Pubsubname, Topic string
	Routes            struct{ Default string }
}

// conoce says whether a name is among those that software knows; "*.avroschema" is any topic's.
func (c *codigo) conoce(que, nombre string) bool {
	return slices.ContainsFunc(c.conocidos[que], func(k string) bool {
		if cola, comodin := strings.CutPrefix(k, "*."); comodin {
			tema, ok := strings.CutSuffix(nombre, "."+cola)
			return ok && slices.Contains(c.temas, strings.TrimSuffix(tema, "-dlq"))
		}
		return k == nombre
	})
}
