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
	"syscall"
	"time"
)

// The supervisor is process-compose, spoken to through its HTTP interface on the loopback. It runs any program that a
// request names, as the user who started it. Without a token every user of the machine could have a program run, and so could every
// page in a browser, by a plain POST (docs/adr/the-machine-is-shared.md).

// supervisorToken is the file with the token that the supervisor wants in X-PC-Token-Key. It is given to it as a file, so that
// the processes it starts do not inherit it.
const supervisorToken = "token-supervisor" // #nosec G101 -- a file's name

type estadoProceso struct {
	Nombre    string `json:"name"`
	Estado    string `json:"status"`
	Pid       int    `json:"pid"`
	Corre     bool   `json:"is_running"`
	Reinicios int    `json:"restarts"`
}

// activo says whether the supervisor has the process in hand: it runs, waits for what it depends on, or is about to be started again.
func (e estadoProceso) activo() bool {
	return e.Corre || slices.Contains([]string{"Pending", "Launching", "Restarting", "Terminating"}, e.Estado)
}

// errNotUp is the error where no supervisor listens.
var errNotUp = errors.New("el sistema no está arriba: make up lo arranca")

// supervisor sends one request with the instance's token, and decodes the answer into respuesta unless that is nil.
// Errors: errNotUp; the supervisor's own words.
func (in *Instancia) supervisor(metodo, ruta string, respuesta any) error {
	req, err := http.NewRequest(metodo, fmt.Sprintf("http://127.0.0.1:%d%s", in.puerto("SUPERVISOR"), ruta), nil)
	if err != nil {
		return err
	}
	token, err := in.secreto(supervisorToken)
	if err != nil {
		return err
	}
	req.Header.Set("X-PC-Token-Key", token)
	cliente := http.Client{Timeout: 5 * time.Minute} // a stop answers when the process has ended
	r, err := cliente.Do(req)
	if errors.Is(err, syscall.ECONNREFUSED) {
		return errNotUp
	}
	if err != nil {
		return fmt.Errorf("el supervisor no contesta: %w", err)
	}
	defer r.Body.Close()
	texto, _ := io.ReadAll(r.Body)
	if r.StatusCode/100 != 2 {
		return fmt.Errorf("el supervisor no pudo %s %s: %s %s", metodo, ruta, r.Status, texto)
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
	cmd := exec.Command(in.compartida("bin", "process-compose"), append([]string{"up", "-D", "--keep-project",
		"-f", in.ruta("run", "process-compose.yaml"), "--disable-dotenv", "-L", in.log("supervisor")}, in.supervisorAddress()...)...)
	if _, err := in.secreto(supervisorToken); err != nil {
		return err
	}
	cmd.Dir, cmd.Env = in.Raiz, append(os.Environ(), in.marca(), "PC_DISABLE_TUI=1", "PC_API_TOKEN=", in.configSupervisor()) // a token in the environment would win over the file
	if texto, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("process-compose no arrancó: %w\n%s\n(registro: %s)", err, texto, in.log("supervisor"))
	}
	return nil
}

// supervisorAddress are process-compose's options for where it listens, and for its token.
func (in *Instancia) supervisorAddress() []string {
	return []string{"--address", "127.0.0.1", "-p", fmt.Sprint(in.puerto("SUPERVISOR")), "--token-file", in.ruta(supervisorToken)}
}

// configSupervisor keeps process-compose's own settings in the project's folder, not in the user's home.
func (in *Instancia) configSupervisor() string {
	return "PROC_COMP_CONFIG=" + in.compartida("process-compose")
}

// adjuntar opens process-compose's terminal interface.
func (in *Instancia) adjuntar() error {
	cmd := exec.Command(in.compartida("bin", "process-compose"), append([]string{"attach", "-L", in.log("attach")}, in.supervisorAddress()...)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), "PC_API_TOKEN=", in.configSupervisor())
	return cmd.Run()
}
