package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// withApt reports whether this process may install packages: on Debian or Ubuntu, as root.
func withApt() bool {
	_, err := exec.LookPath("apt-get")
	return err == nil && os.Geteuid() == 0
}

// install installs packages with apt. what names the missing software in the message.
func install(what string, packages ...string) error {
	list := strings.Join(packages, " ")
	say("%s is missing: installing %s with apt", what, list)
	_ = exec.Command("apt-get", "update", "-qq").Run()
	cmd := exec.Command("apt-get", append([]string{"install", "-y", "-qq", "--no-install-recommends"}, packages...)...)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("apt could not install %s: %w\n%s", list, err, text)
	}
	return nil
}
