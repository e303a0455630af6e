package fallas_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"entregas/services/internal/fallas"
)

// Failure prevented: a release dies because a file of some name is there.
func TestLoQueSePublicaNoTieneFallas(t *testing.T) {
	if fallas.Activas {
		t.Skip("construido con failpoints")
	}
	carpeta := t.TempDir()
	t.Setenv("FAILPOINTS_DIR", carpeta)
	archivo := filepath.Join(carpeta, fallas.Publicado+".CrearOrden")
	if err := os.WriteFile(archivo, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	fallas.Punto(fallas.Publicado, "CrearOrden")
	if _, err := os.Stat(archivo); err != nil {
		t.Error(err)
	}
}

// With the tag, an armed point ends the program, once.
func TestUnPuntoArmadoTermina(t *testing.T) {
	if os.Getenv("FAILPOINTS_DIR") != "" {
		fallas.Punto(fallas.Anotada, "CONFIRMADA")
		return
	}
	carpeta := t.TempDir()
	correr := func() error {
		cmd := exec.Command("go", "test", "-count=1", "-tags", "failpoints", "-run", "TestUnPuntoArmadoTermina", ".")
		cmd.Env = append(os.Environ(), "FAILPOINTS_DIR="+carpeta)
		texto, err := cmd.CombinedOutput()
		if err != nil && !strings.Contains(string(texto), "signal: killed") {
			t.Fatalf("%v\n%s", err, texto)
		}
		return err
	}
	if err := os.WriteFile(filepath.Join(carpeta, "anotada.CONFIRMADA"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if correr() == nil {
		t.Error("un punto armado no terminó el programa")
	}
	if err := correr(); err != nil {
		t.Error("un punto sin armar lo terminó:", err)
	}
}
