package despliegue

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

type llamada struct{ de, a, verbo, ruta string }

type ruta struct{ verbo, patron string }

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
	for _, a := range destino { // the probe of each breaker: bff/dapr/invocar.go
		c.llamadas = append(c.llamadas, llamada{de: "bff", a: a, verbo: "GET", ruta: "/healthz"})
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
