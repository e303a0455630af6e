package despliegue

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
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

type llamada struct{ de, a, verbo, ruta string }

type ruta struct{ verbo, patron string }

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

var (
	deQuien = regexp.MustCompile(`dapr\.(\w+)\{Servicio: dapr\.NuevoServicio\("([\w-]+)"`)
	enRutas = regexp.MustCompile(`(?:HandleFunc|Handle)\("(/[^"]*)".*Methods\(http\.Method(\w+)\)`)
	// What calls by service invocation, in HTTP or through the SDK; and how it looks where the service is named on the spot.
	invoca   = regexp.MustCompile(`/v1\.0/invoke/|\.InvokeMethod|dapr-app-id`)
	alli     = regexp.MustCompile(`/v1\.0/invoke/([\w-]+)/method(/[^"]*)`)
	conVerbo = regexp.MustCompile(`http\.Method(\w+)`)
)

// leerLlamadas finds each call of the bff (bff/dapr: a method of a type whose service bff/main.go names, with a verb and a
// path), each call of another whose address is written out, and what the services serve.
func (c *codigo) leerLlamadas(t *testing.T) {
	t.Helper()
	destino := map[string]string{}
	for _, m := range deQuien.FindAllStringSubmatch(texto(t, "bff", "main.go"), -1) {
		destino[m[1]] = m[2]
	}
	for _, carpeta := range []string{"bff", "services"} {
		err := filepath.WalkDir(filepath.Join(raiz, carpeta), func(r string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(r, ".go") || strings.HasSuffix(r, "_test.go") {
				return err
			}
			fuente, err := os.ReadFile(r)
			if err != nil {
				return err
			}
			relativa, _ := filepath.Rel(raiz, r)
			partes := strings.Split(relativa, string(filepath.Separator))
			if invoca.Match(fuente) && filepath.Dir(relativa) != filepath.Join("bff", "dapr") {
				llamadas := alli.FindAllStringSubmatch(string(fuente), -1)
				if llamadas == nil {
					t.Errorf("%s llama a otro servicio: estas pruebas no entienden a cuál", relativa)
				}
				for _, m := range llamadas {
					for _, v := range conVerbo.FindAllStringSubmatch(string(fuente), -1) {
						c.llamadas = append(c.llamadas, llamada{de: partes[1], a: m[1], verbo: strings.ToUpper(v[1]), ruta: strings.TrimSuffix(m[2], "/") + "/1b4e28ba"})
					}
				}
			}
			if partes[0] == "services" {
				for _, m := range enRutas.FindAllStringSubmatch(string(fuente), -1) {
					c.rutas[partes[1]] = append(c.rutas[partes[1]], ruta{verbo: strings.ToUpper(m[2]), patron: m[1]})
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	paquetes, err := filepath.Glob(filepath.Join(raiz, "bff", "dapr", "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, archivo := range paquetes {
		if strings.HasSuffix(archivo, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), archivo, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			if metodo, ok := d.(*ast.FuncDecl); ok && metodo.Recv != nil {
				c.llamadasDe(t, metodo, destino)
			}
		}
	}
}

// llamadasDe adds the calls in one method: llamar(ctx, http.MethodX, ruta("compras", id, …)…, …).
func (c *codigo) llamadasDe(t *testing.T, metodo *ast.FuncDecl, destino map[string]string) {
	t.Helper()
	receptor, _ := metodo.Recv.List[0].Type.(*ast.Ident)
	ast.Inspect(metodo, func(n ast.Node) bool {
		x, ok := n.(*ast.CallExpr)
		if !ok || len(x.Args) < 3 {
			return true
		}
		f, ok := x.Fun.(*ast.SelectorExpr)
		if !ok || f.Sel.Name != "llamar" {
			return true
		}
		verbo, esVerbo := x.Args[1].(*ast.SelectorExpr)
		if receptor == nil || destino[receptor.Name] == "" || !esVerbo {
			t.Errorf("no entiendo la llamada en %s: ¿de qué servicio es?", metodo.Name.Name)
			return true
		}
		camino := ""
		ast.Inspect(x.Args[2], func(n ast.Node) bool {
			r, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			if id, ok := r.Fun.(*ast.Ident); !ok || id.Name != "ruta" {
				return true
			}
			for _, a := range r.Args {
				if l, ok := a.(*ast.BasicLit); ok {
					camino += "/" + strings.Trim(l.Value, `"`)
				} else {
					camino += "/1b4e28ba" // whatever a person typed
				}
			}
			return false
		})
		c.llamadas = append(c.llamadas, llamada{
			de: "bff", a: destino[receptor.Name], verbo: strings.ToUpper(strings.TrimPrefix(verbo.Sel.Name, "Method")), ruta: camino,
		})
		return true
	})
}

// llamados lists who is called by whom.
func (c *codigo) llamados() map[[2]string]bool {
	pares := map[[2]string]bool{}
	for _, l := range c.llamadas {
		pares[[2]string{l.de, l.a}] = true
	}
	return pares
}

func (l llamada) String() string { return fmt.Sprintf("%s → %s %s %s", l.de, l.a, l.verbo, l.ruta) }

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
