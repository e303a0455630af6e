package main

import (
	"fmt"
	"os"
	"os/exec"
)

// navegadores are the names under which a Chromium may be installed.
var navegadores = []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"}

const instalarNavegador = "apt-get install -y chromium"

// navegador prints the path of a Chromium, which the tests of the pages drive, and installs one where apt may.
func (in *Instancia) navegador() error {
	ruta := buscarNavegador()
	if ruta == "" {
		if _, err := exec.LookPath("apt-get"); err != nil || os.Geteuid() != 0 {
			return fmt.Errorf("falta Chromium, para las pruebas de las páginas. Instálelo con:\n    sudo apt-get update && sudo %s", instalarNavegador)
		}
		decir("falta Chromium: lo instalo con apt")
		_ = exec.Command("apt-get", "update", "-qq").Run()
		cmd := exec.Command("apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium", "fonts-liberation")
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		if texto, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("apt no pudo instalar Chromium: %w\n%s", err, texto)
		}
		if ruta = buscarNavegador(); ruta == "" {
			return fmt.Errorf("tras instalar chromium sigue faltando: %s", instalarNavegador)
		}
	}
	fmt.Println(ruta)
	return nil
}

// buscarNavegador is the path of an installed Chromium, "" where there is none. NAVEGADOR names another.
func buscarNavegador() string {
	for _, nombre := range append([]string{os.Getenv("NAVEGADOR")}, navegadores...) {
		if ruta, err := exec.LookPath(nombre); err == nil {
			return ruta
		}
	}
	return ""
}
