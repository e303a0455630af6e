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

// mensajesMuertos prints what monitor knows of the messages that no service could handle.
func (in *Instancia) mensajesMuertos() error {
	cuerpo, err := in.pedirAMonitor(http.MethodGet, "/mensajes-muertos", http.StatusOK)
	if err != nil {
		return err
	}
	var lista []struct {
		ID, Tema, Tipo, Motivo, Origen string
		IDCompra                       string `json:"id_compra"`
		Intentos                       int
		En                             time.Time
		Pendiente                      bool
	}
	if err := json.Unmarshal(cuerpo, &lista); err != nil {
		return fmt.Errorf("respuesta de monitor: %w", err)
	}
	if len(lista) == 0 {
		fmt.Println("No hay mensajes muertos.")
		return nil
	}
	tabla := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(tabla, "ID\tCUÁNDO\tTEMA\tTIPO\tLO APARTÓ\tINTENTOS\tMOTIVO")
	esperan := 0
	for _, m := range lista {
		if m.Pendiente { // its reader never saw it
			m.Origen = "nadie: espera"
			esperan++
		}
		fmt.Fprintf(tabla, "%s\t%s\t%s\t%s\t%s\t%d\t%s\n", m.ID, m.En.Local().Format(time.DateTime), m.Tema, m.Tipo, m.Origen, m.Intentos, strings.Join(strings.Fields(m.Motivo), " "))
	}
	if err := tabla.Flush(); err != nil || esperan == 0 {
		return err
	}
	fmt.Println("Lo que espera sigue en su tema y se entrega una y otra vez: make apartar ID=… lo aparta.")
	return nil
}

// setAside makes a dead letter of a message that waits on its topic and that nobody can read.
func (in *Instancia) setAside(id string) error {
	if id == "" {
		return errors.New("falta cuál: make apartar ID=… (make mensajes-muertos los lista)")
	}
	if _, err := in.pedirAMonitor(http.MethodPost, "/mensajes-muertos/"+url.PathEscape(id)+"/apartado", http.StatusAccepted); err != nil {
		return err
	}
	fmt.Println("Apartado de su tema:", id)
	return nil
}

// reponer puts one back on the topic that it came from.
func (in *Instancia) reponer(id string) error {
	if id == "" {
		return errors.New("falta cuál: make reponer ID=… (make mensajes-muertos los lista)")
	}
	if _, err := in.pedirAMonitor(http.MethodPost, "/mensajes-muertos/"+url.PathEscape(id)+"/reposicion", http.StatusAccepted); err != nil {
		return err
	}
	fmt.Println("De vuelta en su tema:", id)
	return nil
}

func (in *Instancia) pedirAMonitor(metodo, ruta string, esperado int) ([]byte, error) {
	peticion, err := http.NewRequest(metodo, fmt.Sprintf("http://127.0.0.1:%d%s", in.puerto("MONITOR"), ruta), nil)
	if err != nil {
		return nil, err
	}
	tokens, err := in.tokens()
	if err != nil {
		return nil, err
	}
	peticion.Header.Set("dapr-api-token", tokens.app)
	respuesta, err := (&http.Client{Timeout: time.Minute}).Do(peticion)
	if err != nil {
		return nil, fmt.Errorf("monitor no responde (make status): %w", err)
	}
	defer func() { _ = respuesta.Body.Close() }()
	cuerpo, err := io.ReadAll(respuesta.Body)
	if err != nil {
		return nil, err
	}
	if respuesta.StatusCode != esperado {
		return nil, fmt.Errorf("monitor responde %s: %s", respuesta.Status, cuerpo)
	}
	return cuerpo, nil
}
