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

// browser prints the path of a Chromium for the tests of the pages. It installs Chromium where withApt allows it.
func (in *Instance) browser() error {
	path := findBrowser()
	if path == "" {
		command := "apt-get install -y " + strings.Join(browserPackages, " ")
		if !withApt() {
			return fmt.Errorf("found no Chromium, which the tests of the pages need. Install it with:\n    sudo apt-get update && sudo %s", command)
		}
		if err := install("Chromium", browserPackages...); err != nil {
			return err
		}
		if path = findBrowser(); path == "" {
			return fmt.Errorf("found no Chromium after: %s", command)
		}
	}
	fmt.Println(path)
	return nil
}

// findBrowser returns the path of an installed Chromium, or "". The variable CHROMIUM names one that is preferred.
func findBrowser() string {
	for _, name := range append([]string{os.Getenv("CHROMIUM")}, browsers...) {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}
