package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// navegadores are the names under which a Chromium may be installed.
var navegadores = []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"}

var paquetesNavegador = []string{"chromium", "fonts-liberation"}

// navegador prints the path of a Chromium, which the tests of the pages drive, and installs one where apt may.
func (in *Instancia) navegador() error {
	ruta := buscarNavegador()
	if ruta == "" {
		orden := "apt-get install -y " + strings.Join(paquetesNavegador, " ")
		if !conApt() {
			return fmt.Errorf("falta Chromium, para las pruebas de las páginas. Instálelo con:\n    sudo apt-get update && sudo %s", orden)
		}
		if err := instalar("Chromium", paquetesNavegador...); err != nil {
			return err
		}
		if ruta = buscarNavegador(); ruta == "" {
			return fmt.Errorf("tras instalar chromium sigue faltando: %s", orden)
		}
	}
	fmt.Println(ruta)
	return nil
}

// buscarNavegador is the path of an installed Chromium, "" where there is none. CHROMIUM names another.
func buscarNavegador() string {
	for _, nombre := range append([]string{os.Getenv("CHROMIUM")}, navegadores...) {
		if ruta, err := exec.LookPath(nombre); err == nil {
			return ruta
		}
	}
	return ""
}
