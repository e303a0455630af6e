package despliegue

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

type llamada struct{ de, a, verbo, ruta string }

type ruta struct{ verbo, patron string }

var (
	enRutas = regexp.MustCompile(`(?:HandleFunc|Handle)\("(/[^"]*)".*Methods\(http\.Method(\w+)\)`)
	// Code that calls another service, and an operation of a generated client that it calls.
	invoca = regexp.MustCompile(`/v1\.0/invoke/|\.InvokeMethod|dapr-app-id`)
	llama  = regexp.MustCompile(`\.(\w+)WithResponse\(`)
)

// leerOperaciones reads the documents of the services: the operations by name, and the routes that they are of.
func (c *codigo) leerOperaciones(t *testing.T) map[string]llamada {
	t.Helper()
	operaciones := map[string]llamada{}
	documentos, err := filepath.Glob(filepath.Join(raiz, "contracts", "openapi", "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, archivo := range documentos {
		servicio := strings.TrimSuffix(filepath.Base(archivo), ".yaml")
		var documento struct {
			Paths map[string]map[string]struct {
				OperationID string `yaml:"operationId"`
			}
		}
		if err := yaml.Unmarshal([]byte(texto(t, "contracts", "openapi", filepath.Base(archivo))), &documento); err != nil {
			t.Fatal(err)
		}
		for patron, verbos := range documento.Paths {
			for verbo, o := range verbos {
				if otra, hay := operaciones[o.OperationID]; hay {
					t.Errorf("%s is an operation of %s and of %s: nobody could tell whom its caller calls", o.OperationID, otra.a, servicio)
				}
				verbo = strings.ToUpper(verbo)
				operaciones[o.OperationID] = llamada{a: servicio, verbo: verbo, ruta: strings.ReplaceAll(patron, "{id}", "1b4e28ba")} // whatever a person typed
				c.rutas[servicio] = append(c.rutas[servicio], ruta{verbo: verbo, patron: patron})
			}
		}
	}
	return operaciones
}

// leerLlamadas finds each call of another service, which is one of a generated client, and the routes that services serve besides.
func (c *codigo) leerLlamadas(t *testing.T) {
	t.Helper()
	operaciones := c.leerOperaciones(t)
	for _, carpeta := range []string{"bff", "services"} {
		err := filepath.WalkDir(filepath.Join(raiz, carpeta), func(r string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(r, ".go") || strings.HasSuffix(r, "_test.go") || strings.HasSuffix(r, ".gen.go") {
				return err
			}
			fuente, err := os.ReadFile(r)
			if err != nil {
				return err
			}
			relativa, _ := filepath.Rel(raiz, r)
			partes := strings.Split(relativa, string(filepath.Separator))
			de := partes[0]
			if de == "services" {
				de = partes[1]
			}
			llamadas := llama.FindAllStringSubmatch(string(fuente), -1)
			if invoca.Match(fuente) && llamadas == nil && filepath.Dir(relativa) != filepath.Join("bff", "dapr") {
				t.Errorf("%s calls another service without its generated client: these tests do not see which operation", relativa)
			}
			for _, m := range llamadas {
				l, hay := operaciones[strings.ToLower(m[1][:1])+m[1][1:]]
				if !hay {
					t.Errorf("%s calls %s, which is an operation of no service", relativa, m[1])
					continue
				}
				l.de = de
				c.llamadas = append(c.llamadas, l)
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
	for par := range c.llamados() {
		if par[0] == "bff" { // the probe of each circuit breaker: bff/dapr/invocar.go
			c.llamadas = append(c.llamadas, llamada{de: "bff", a: par[1], verbo: "GET", ruta: "/healthz"})
		}
	}
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
