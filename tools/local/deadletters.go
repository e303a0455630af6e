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

// deadLetters prints what monitor knows of the messages that no service could handle.
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
		return fmt.Errorf("respuesta de monitor: %w", err)
	}
	if len(list) == 0 {
		fmt.Println("No hay mensajes muertos.")
		return nil
	}
	table := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tCUÁNDO\tTEMA\tTIPO\tLO APARTÓ\tINTENTOS\tMOTIVO")
	waiting := 0
	for _, m := range list {
		if m.Pendiente { // its reader never saw it
			m.Origen = "nadie: espera"
			waiting++
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%d\t%s\n", m.ID, m.En.Local().Format(time.DateTime), m.Tema, m.Tipo, m.Origen, m.Intentos, strings.Join(strings.Fields(m.Motivo), " "))
	}
	if err := table.Flush(); err != nil || waiting == 0 {
		return err
	}
	fmt.Println("Lo que espera sigue en su tema y se entrega una y otra vez: make apartar ID=… lo aparta.")
	return nil
}

// setAside makes a dead letter of a message that waits on its topic and that nobody can read.
func (in *Instance) setAside(id string) error {
	if id == "" {
		return errors.New("falta cuál: make apartar ID=… (make mensajes-muertos los lista)")
	}
	if _, err := in.askMonitor(http.MethodPost, "/mensajes-muertos/"+url.PathEscape(id)+"/apartado", http.StatusAccepted); err != nil {
		return err
	}
	fmt.Println("Apartado de su tema:", id)
	return nil
}

// reponer puts one back on the topic that it came from.
func (in *Instance) reponer(id string) error {
	if id == "" {
		return errors.New("falta cuál: make reponer ID=… (make mensajes-muertos los lista)")
	}
	if _, err := in.askMonitor(http.MethodPost, "/mensajes-muertos/"+url.PathEscape(id)+"/reposicion", http.StatusAccepted); err != nil {
		return err
	}
	fmt.Println("De vuelta en su tema:", id)
	return nil
}

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
		return nil, fmt.Errorf("monitor no responde (make status): %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != want {
		return nil, fmt.Errorf("monitor responde %s: %s", response.Status, body)
	}
	return body, nil
}
