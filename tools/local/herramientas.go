package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// The pinned versions of what is built; tools/*/go.mod hold them too, with all they depend on.
const (
	versionDapr           = "1.18.1"
	versionDaprCLI        = "1.16.5"
	versionProcessCompose = "1.103.0"
)

// construccion is a program built once from a pinned module under tools/.
type construccion struct {
	modulo  string   // folder under tools/
	destino string   // folder under .local/ that gets the programs
	salida  []string // the programs
	argumentos,
	paquetes []string
	cuanto string // shown during the build
}

func (in *Instancia) construcciones() []construccion {
	dapr := construccion{modulo: "dapr", destino: ".dapr/bin", cuanto: "unos 5 minutos en 2 núcleos, solo la primera vez",
		argumentos: []string{"-tags", "stablecomponents", "-ldflags", "-X github.com/dapr/dapr/pkg/buildinfo.version=" + versionDapr}}
	for _, p := range []string{"daprd", "placement", "scheduler"} {
		if !in.usarInstalado(p) {
			dapr.salida = append(dapr.salida, p)
			dapr.paquetes = append(dapr.paquetes, "github.com/dapr/dapr/cmd/"+p)
		}
	}
	return []construccion{
		{modulo: "process-compose", destino: "bin", salida: []string{"process-compose"}, cuanto: "menos de un minuto",
			argumentos: []string{"-ldflags", "-X github.com/f1bonacc1/process-compose/src/config.Version=v" + versionProcessCompose},
			paquetes:   []string{"github.com/f1bonacc1/process-compose"}},
		{modulo: "dapr-cli", destino: "bin", salida: []string{"dapr"}, cuanto: "unos 3 minutos en 2 núcleos, solo la primera vez",
			argumentos: []string{"-ldflags", "-X main.version=" + versionDaprCLI + " -X main.apiVersion=1.0"},
			paquetes:   []string{"github.com/dapr/cli"}},
		dapr,
	}
}

// golangci is what `make lint` runs; only a developer needs it.
var golangci = construccion{modulo: "lint", destino: "bin", salida: []string{"golangci-lint", "govulncheck"}, cuanto: "unos 4 minutos en 2 núcleos, solo la primera vez",
	argumentos: []string{"-ldflags", "-X main.version=2.15.0"},
	paquetes:   []string{"github.com/golangci/golangci-lint/v2/cmd/golangci-lint", "golang.org/x/vuln/cmd/govulncheck"}}

// usarInstalado links a program that `dapr init` left in the user's home, where it is the pinned version.
func (in *Instancia) usarInstalado(programa string) bool {
	casa, err := os.UserHomeDir()
	if err != nil {
		return false
	}
	ruta := filepath.Join(casa, ".dapr", "bin", programa)
	salida, err := exec.Command(ruta, "--version").Output()
	if err != nil || strings.TrimSpace(string(salida)) != versionDapr {
		return false
	}
	enlace := in.compartida(".dapr", "bin", programa)
	_ = os.Remove(enlace)
	return os.Symlink(ruta, enlace) == nil
}

// herramientas leaves every program that the system needs, built or downloaded, under .local/.
func (in *Instancia) herramientas() error {
	for _, d := range []string{"bin", ".dapr/bin", "descargas", "process-compose"} {
		if err := os.MkdirAll(in.compartida(d), 0o755); err != nil {
			return err
		}
	}
	if err := comprobarJava(); err != nil {
		return err
	}
	bajando := make(chan error, 1)
	go func() { bajando <- in.distribuciones() }() // the network is idle while the processor builds
	for _, c := range in.construcciones() {
		if err := in.construir(c); err != nil {
			return err
		}
	}
	return <-bajando
}

// lanzaDaprd starts daprd as the CLI asks, and keeps it to the loopback. By itself it listens on every address of the machine
// for other sidecars, of which it asks neither certificate nor token here: any host of the network would reach each service
// by it, past tokens and roles. The CLI has no word for these two.
const lanzaDaprd = `#!/bin/sh
exec "$(dirname "$0")/../../../.dapr/bin/daprd" "$@" --dapr-internal-grpc-listen-address=127.0.0.1 --metrics-listen-address=127.0.0.1
`

// lanzador makes the folder that the CLI takes for Dapr's own: dapr.yaml names it as its runtimePath.
func (in *Instancia) lanzador() error {
	for _, d := range []string{"bin", "components"} {
		if err := os.MkdirAll(in.compartida("lanzador", ".dapr", d), 0o755); err != nil {
			return err
		}
	}
	// The CLI wants this file there, though each run file names its own configuration.
	vacia := "apiVersion: dapr.io/v1alpha1\nkind: Configuration\nmetadata:\n  name: vacia\nspec: {}\n"
	if err := os.WriteFile(in.compartida("lanzador", ".dapr", "config.yaml"), []byte(vacia), 0o644); err != nil {
		return err
	}
	return os.WriteFile(in.compartida("lanzador", ".dapr", "bin", "daprd"), []byte(lanzaDaprd), 0o755) // #nosec G306 -- a program
}

func (in *Instancia) construir(c construccion) error {
	if len(c.salida) == 0 {
		return nil
	}
	if err := os.MkdirAll(in.compartida("sellos"), 0o755); err != nil {
		return err
	}
	dir := filepath.Join(in.Raiz, "tools", c.modulo)
	fijado, err := os.ReadFile(filepath.Join(dir, "go.sum"))
	if err != nil {
		return err
	}
	huella := sha256.Sum256(fmt.Append(fijado, c.argumentos, c.paquetes))
	sello, listo := hex.EncodeToString(huella[:]), true
	for _, s := range c.salida {
		listo = listo && existe(in.compartida(c.destino, s))
	}
	rutaSello := in.compartida("sellos", c.modulo)
	if anterior, _ := os.ReadFile(rutaSello); listo && string(anterior) == sello {
		return nil
	}
	que := strings.Join(c.salida, ", ")
	decir("construyo %s (%s)", que, c.cuanto)
	destino := in.compartida(c.destino) + "/"
	if len(c.salida) == 1 {
		destino += c.salida[0] // not always named as its package is
	}
	args := append([]string{"build", "-v", "-trimpath", "-buildvcs=false", "-o", destino}, c.argumentos...)
	if err := in.goConProgreso(dir, que, append(args, c.paquetes...), "GOWORK=off", "GOFLAGS=-mod=readonly"); err != nil {
		return err
	}
	return os.WriteFile(rutaSello, []byte(sello), 0o644)
}

// goConProgreso runs go and tells every few seconds how many packages it has compiled.
func (in *Instancia) goConProgreso(dir, que string, args []string, entorno ...string) error {
	cmd := exec.Command("go", args...)
	cmd.Dir, cmd.Env = dir, append(append(os.Environ(), "CGO_ENABLED=0"), entorno...)
	tubo, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("no pude ejecutar go: %w. Instale Go 1.26 o posterior (https://go.dev/dl) y repita", err)
	}
	var paquetes, modulos atomic.Int64
	parar := cadaTanto(func() string {
		return fmt.Sprintf("%s: %d módulos descargados, %d paquetes compilados", que, modulos.Load(), paquetes.Load())
	})
	var errores strings.Builder
	paquete := regexp.MustCompile(`^[\w.\-~/]+$`)
	for s := bufio.NewScanner(tubo); s.Scan(); {
		switch linea := s.Text(); {
		case strings.HasPrefix(linea, "go: downloading"):
			modulos.Add(1)
		case paquete.MatchString(linea):
			paquetes.Add(1)
		default:
			errores.WriteString(linea + "\n")
		}
	}
	err = cmd.Wait()
	parar()
	if err != nil {
		return fmt.Errorf("falló la construcción de %s:\n%s(en %s: go %s)", que, errores.String(), dir, strings.Join(args, " "))
	}
	return nil
}

// servicios builds the project's own programs; go does nothing for what has not changed.
func (in *Instancia) servicios(solo ...string) error {
	args := []string{"build", "-v", "-trimpath", "-buildvcs=false", "-tags", in.ajuste("BUILD_TAGS", ""), "-o", in.dirServicios() + "/"}
	for _, a := range apps {
		carpeta := "./services/" + a
		if a == "bff" {
			carpeta = "./bff"
		}
		if len(solo) == 0 || a == solo[0] {
			args = append(args, carpeta)
		}
	}
	return in.goConProgreso(in.Raiz, "los servicios", args, "GOWORK="+filepath.Join(in.Raiz, "go.work"))
}

// cadaTanto says a line every five seconds until the returned function is called.
func cadaTanto(linea func() string) func() {
	fin, t := make(chan struct{}), time.NewTicker(5*time.Second)
	go func() {
		for {
			select {
			case <-fin:
				t.Stop()
				return
			case <-t.C:
				decir("  … %s", linea())
			}
		}
	}()
	return func() { close(fin) }
}

var comienzo = time.Now()

var salida io.Writer = os.Stderr

// decir tells the user one step, with the time since the start.
func decir(formato string, args ...any) {
	fmt.Fprintf(salida, "[%5s] %s\n", strconv.FormatFloat(time.Since(comienzo).Seconds(), 'f', 1, 64), fmt.Sprintf(formato, args...))
}
