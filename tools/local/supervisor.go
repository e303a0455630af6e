package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"time"
)

// The supervisor is process-compose, spoken to through its HTTP interface on the loopback.

type estadoProceso struct {
	Nombre    string `json:"name"`
	Estado    string `json:"status"`
	Corre     bool   `json:"is_running"`
	Reinicios int    `json:"restarts"`
}

// activo says whether the supervisor has the process in hand: it runs, waits for what it depends on, or is about to be started again.
func (e estadoProceso) activo() bool {
	return e.Corre || slices.Contains([]string{"Pending", "Launching", "Restarting", "Terminating"}, e.Estado)
}

func (in *Instancia) supervisor(metodo, ruta string, respuesta any) error {
	req, err := http.NewRequest(metodo, fmt.Sprintf("http://127.0.0.1:%d%s", in.puerto("SUPERVISOR"), ruta), nil)
	if err != nil {
		return err
	}
	cliente := http.Client{Timeout: time.Minute} // a stop answers when the process has ended
	r, err := cliente.Do(req)
	if err != nil {
		return errors.New("el sistema no está arriba: make up lo arranca")
	}
	defer r.Body.Close()
	texto, _ := io.ReadAll(r.Body)
	if r.StatusCode/100 != 2 {
		return fmt.Errorf("el supervisor no pudo %s %s: %s", metodo, ruta, texto)
	}
	if respuesta == nil {
		return nil
	}
	return json.Unmarshal(texto, respuesta)
}

// supervisados lists the supervisor's processes by name; an error where it does not run.
func (in *Instancia) supervisados() (map[string]estadoProceso, error) {
	var r struct {
		Data []estadoProceso `json:"data"`
	}
	if err := in.supervisor("GET", "/processes", &r); err != nil {
		return nil, err
	}
	m := map[string]estadoProceso{}
	for _, p := range r.Data {
		m[p.Nombre] = p
	}
	return m, nil
}

// arrancarSupervisor starts process-compose detached; the services stay disabled until they are asked for.
func (in *Instancia) arrancarSupervisor() error {
	cmd := exec.Command(in.compartida("bin", "process-compose"), "up", "-D", "--keep-project",
		"-f", in.ruta("run", "process-compose.yaml"), "--disable-dotenv", "--address", "127.0.0.1", "-p", fmt.Sprint(in.puerto("SUPERVISOR")),
		"-L", in.log("supervisor"))
	cmd.Dir, cmd.Env = in.Raiz, append(os.Environ(), in.marca(), "PC_DISABLE_TUI=1", in.configSupervisor())
	if texto, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("process-compose no arrancó: %w\n%s\n(registro: %s)", err, texto, in.log("supervisor"))
	}
	return nil
}

// configSupervisor keeps process-compose's own settings in the project's folder, not in the user's home.
func (in *Instancia) configSupervisor() string {
	return "PROC_COMP_CONFIG=" + in.compartida("process-compose")
}

// adjuntar opens process-compose's terminal interface.
func (in *Instancia) adjuntar() error {
	cmd := exec.Command(in.compartida("bin", "process-compose"), "attach", "-L", in.log("attach"), "--address", "127.0.0.1", "-p", fmt.Sprint(in.puerto("SUPERVISOR")))
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), in.configSupervisor())
	return cmd.Run()
}
