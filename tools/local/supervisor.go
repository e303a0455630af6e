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

// The supervisor is process-compose. This program calls its HTTP interface on the loopback. A request can make process-compose run any
// program, as the user who started it. Without a token, each user of the machine and each page in a browser could run a program by a
// POST (docs/adr/the-machine-is-shared.md).

// supervisorToken is the file with the token that the supervisor expects in X-PC-Token-Key. process-compose reads it from the
// file: a variable would be inherited by the processes that it starts.
const supervisorToken = "token-supervisor" // #nosec G101 -- a file's name

type processStatus struct {
	Name     string `json:"name"`
	State    string `json:"status"`
	Pid      int    `json:"pid"`
	Running  bool   `json:"is_running"`
	Restarts int    `json:"restarts"`
}

// active reports whether the process runs or will run: it may wait for a dependency, or for a restart by the supervisor.
func (e processStatus) active() bool {
	return e.Running || slices.Contains([]string{"Pending", "Launching", "Restarting", "Terminating"}, e.State)
}

// errNotUp is the error if no supervisor listens.
var errNotUp = errors.New("the system is not up: make up starts it")

// supervisor sends one request with the instance's token and decodes the answer into response, unless that is nil.
// It returns errNotUp, or an error with the supervisor's message.
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
	client := http.Client{Timeout: 5 * time.Minute} // the supervisor answers a stop only when the process has ended
	r, err := client.Do(req)
	if errors.Is(err, syscall.ECONNREFUSED) {
		return errNotUp
	}
	if err != nil {
		return fmt.Errorf("the supervisor does not answer: %w", err)
	}
	defer r.Body.Close()
	text, _ := io.ReadAll(r.Body)
	if r.StatusCode/100 != 2 {
		return fmt.Errorf("the supervisor failed at %s %s: %s %s", method, path, r.Status, text)
	}
	if response == nil {
		return nil
	}
	return json.Unmarshal(text, response)
}

// supervised returns the supervisor's processes by name. It returns errNotUp if the supervisor does not run.
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

// startSupervisor starts process-compose in the background. The services start later, by in.start.
func (in *Instance) startSupervisor() error {
	cmd := exec.Command(in.shared("bin", "process-compose"), append([]string{"up", "-D", "--keep-project",
		"-f", in.path("run", "process-compose.yaml"), "--disable-dotenv", "-L", in.log("supervisor")}, in.supervisorAddress()...)...)
	if _, err := in.secret(supervisorToken); err != nil {
		return err
	}
	cmd.Dir, cmd.Env = in.Root, append(os.Environ(), in.mark(), "PC_DISABLE_TUI=1", "PC_API_TOKEN=", in.supervisorConfig()) // a token in the environment would win over the file's
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("process-compose did not start: %w\n%s\n(log: %s)", err, text, in.log("supervisor"))
	}
	return nil
}

// supervisorAddress returns process-compose's options for its address and its token.
func (in *Instance) supervisorAddress() []string {
	return []string{"--address", "127.0.0.1", "-p", fmt.Sprint(in.port("SUPERVISOR")), "--token-file", in.path(supervisorToken)}
}

// supervisorConfig returns the variable that keeps process-compose's settings below .local instead of in the user's home.
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
