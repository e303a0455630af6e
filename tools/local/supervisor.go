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

type processStatus struct {
	Name     string `json:"name"`
	State    string `json:"status"`
	Pid      int    `json:"pid"`
	Running  bool   `json:"is_running"`
	Restarts int    `json:"restarts"`
}

// active says whether the supervisor has the process in hand: it runs, waits for what it depends on, or is about to be started again.
func (e processStatus) active() bool {
	return e.Running || slices.Contains([]string{"Pending", "Launching", "Restarting", "Terminating"}, e.State)
}

// errNotUp is the error where no supervisor listens.
var errNotUp = errors.New("el sistema no está arriba: make up lo arranca")

// supervisor sends one request with the instance's token, and decodes the answer into response unless that is nil.
// Errors: errNotUp; the supervisor's own words.
func (in *Instance) supervisor(method, path string, response any) error {
	req, err := http.NewRequest(method, fmt.Sprintf("http://127.0.0.1:%d%s", in.port("SUPERVISOR"), path), nil)
	if err != nil {
		return err
	}
	token, err := in.secret(supervisorToken)
	if err != nil {
		return err
	}
	req.Header.Set("X-PC-Token-Key", token)
	client := http.Client{Timeout: 5 * time.Minute} // a stop answers when the process has ended
	r, err := client.Do(req)
	if errors.Is(err, syscall.ECONNREFUSED) {
		return errNotUp
	}
	if err != nil {
		return fmt.Errorf("el supervisor no contesta: %w", err)
	}
	defer r.Body.Close()
	text, _ := io.ReadAll(r.Body)
	if r.StatusCode/100 != 2 {
		return fmt.Errorf("el supervisor no pudo %s %s: %s %s", method, path, r.Status, text)
	}
	if response == nil {
		return nil
	}
	return json.Unmarshal(text, response)
}

// supervised lists the supervisor's processes by name; an error where it does not run.
func (in *Instance) supervised() (map[string]processStatus, error) {
	var r struct {
		Data []processStatus `json:"data"`
	}
	if err := in.supervisor("GET", "/processes", &r); err != nil {
		return nil, err
	}
	m := map[string]processStatus{}
	for _, p := range r.Data {
		m[p.Name] = p
	}
	return m, nil
}

// startSupervisor starts process-compose detached; the services stay disabled until they are asked for.
func (in *Instance) startSupervisor() error {
	cmd := exec.Command(in.shared("bin", "process-compose"), append([]string{"up", "-D", "--keep-project",
		"-f", in.path("run", "process-compose.yaml"), "--disable-dotenv", "-L", in.log("supervisor")}, in.supervisorAddress()...)...)
	if _, err := in.secret(supervisorToken); err != nil {
		return err
	}
	cmd.Dir, cmd.Env = in.Root, append(os.Environ(), in.mark(), "PC_DISABLE_TUI=1", "PC_API_TOKEN=", in.supervisorConfig()) // a token in the environment would win over the file
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("process-compose no arrancó: %w\n%s\n(registro: %s)", err, text, in.log("supervisor"))
	}
	return nil
}

// supervisorAddress are process-compose's options for where it listens, and for its token.
func (in *Instance) supervisorAddress() []string {
	return []string{"--address", "127.0.0.1", "-p", fmt.Sprint(in.port("SUPERVISOR")), "--token-file", in.path(supervisorToken)}
}

// supervisorConfig keeps process-compose's own settings in the project's folder, not in the user's home.
func (in *Instance) supervisorConfig() string {
	return "PROC_COMP_CONFIG=" + in.shared("process-compose")
}

// attach opens process-compose's terminal interface.
func (in *Instance) attach() error {
	cmd := exec.Command(in.shared("bin", "process-compose"), append([]string{"attach", "-L", in.log("attach")}, in.supervisorAddress()...)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), "PC_API_TOKEN=", in.supervisorConfig())
	return cmd.Run()
}
