package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// browsers are the names under which a Chromium may be installed.
var browsers = []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"}

var browserPackages = []string{"chromium", "fonts-liberation"}

// browser prints the path of a Chromium, which the tests of the pages drive, and installs one where apt may.
func (in *Instance) browser() error {
	path := findBrowser()
	if path == "" {
		command := "apt-get install -y " + strings.Join(browserPackages, " ")
		if !withApt() {
			return fmt.Errorf("falta Chromium, para las pruebas de las páginas. Instálelo con:\n    sudo apt-get update && sudo %s", command)
		}
		if err := install("Chromium", browserPackages...); err != nil {
			return err
		}
		if path = findBrowser(); path == "" {
			return fmt.Errorf("tras instalar chromium sigue faltando: %s", command)
		}
	}
	fmt.Println(path)
	return nil
}

// findBrowser is the path of an installed Chromium, "" where there is none. CHROMIUM names another.
func findBrowser() string {
	for _, name := range append([]string{os.Getenv("CHROMIUM")}, browsers...) {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}
