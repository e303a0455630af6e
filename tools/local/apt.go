package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// conApt says whether this process may install packages: on Debian or Ubuntu, as root.
func conApt() bool {
	_, err := exec.LookPath("apt-get")
	return err == nil && os.Geteuid() == 0
}

// instalar installs packages with apt, because que is missing.
func instalar(que string, paquetes ...string) error {
	lista := strings.Join(paquetes, " ")
	decir("falta %s: instalo %s con apt", que, lista)
	_ = exec.Command("apt-get", "update", "-qq").Run()
	cmd := exec.Command("apt-get", append([]string{"install", "-y", "-qq", "--no-install-recommends"}, paquetes...)...)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	if texto, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("apt no pudo instalar %s: %w\n%s", lista, err, texto)
	}
	return nil
}
