package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"text/tabwriter"
	"time"
)

// deadLetters prints the messages that no service could handle, as monitor lists them.
func (in *Instance) deadLetters() error {
	body, err := in.askMonitor(http.MethodGet, "/mensajes-muertos", http.StatusOK)
	if err != nil {
		return err
	}
	var list []struct {
		ID, Tema, Tipo, Motivo, Origen string
		IDCompra                       string `json:"id_compra"`
		Intentos                       int
		En                             time.Time
		Pendiente                      bool
	}
	if err := json.Unmarshal(body, &list); err != nil {
		return fmt.Errorf("answer of monitor: %w", err)
	}
	if len(list) == 0 {
		fmt.Println("There are no dead letters.")
		return nil
	}
	table := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tWHEN\tTOPIC\tTYPE\tSET ASIDE BY\tATTEMPTS\tREASON")
	waiting := 0
	for _, m := range list {
		if m.Pendiente { // no sidecar can decode the message, so it is still on its topic
			m.Origen = "nobody: it waits"
			waiting++
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%d\t%s\n", m.ID, m.En.Local().Format(time.DateTime), m.Tema, m.Tipo, m.Origen, m.Intentos, strings.Join(strings.Fields(m.Motivo), " "))
	}
	if err := table.Flush(); err != nil || waiting == 0 {
		return err
	}
	fmt.Println("A message that waits is still on its topic and is delivered again and again: make set-aside ID=... takes it off.")
	return nil
}

// setAside turns a message that no sidecar can decode into a dead letter. Before, the message is still on its topic.
func (in *Instance) setAside(id string) error {
	if id == "" {
		return errors.New("the ID is missing: make set-aside ID=... (make dead-letters lists them)")
	}
	if _, err := in.askMonitor(http.MethodPost, "/mensajes-muertos/"+url.PathEscape(id)+"/apartado", http.StatusAccepted); err != nil {
		return err
	}
	fmt.Println("Set aside:", id)
	return nil
}

// putBack returns a dead letter to the topic from which it came.
func (in *Instance) putBack(id string) error {
	if id == "" {
		return errors.New("the ID is missing: make put-back ID=... (make dead-letters lists them)")
	}
	if _, err := in.askMonitor(http.MethodPost, "/mensajes-muertos/"+url.PathEscape(id)+"/devolucion", http.StatusAccepted); err != nil {
		return err
	}
	fmt.Println("Back on its topic:", id)
	return nil
}

// askMonitor sends a request to monitor with the token of the services. It returns the body, or an error unless the status is want.
func (in *Instance) askMonitor(method, path string, want int) ([]byte, error) {
	request, err := http.NewRequest(method, fmt.Sprintf("http://127.0.0.1:%d%s", in.port("MONITOR"), path), nil)
	if err != nil {
		return nil, err
	}
	tokens, err := in.tokens()
	if err != nil {
		return nil, err
	}
	request.Header.Set("dapr-api-token", tokens.app)
	response, err := (&http.Client{Timeout: time.Minute}).Do(request)
	if err != nil {
		return nil, fmt.Errorf("monitor does not answer (see make status): %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != want {
		return nil, fmt.Errorf("monitor answered %s: %s", response.Status, body)
	}
	return body, nil
}
