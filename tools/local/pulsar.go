package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// suscripciones maps each topic to the service that reads it: the subscription's name is its app-id.
// Every topic has a dead letter topic, kept by the subscription `operador`.
var suscripciones = map[string]string{
	"comandos-gestor-compra": "gestor-compra",
	"comandos-inventario":    "consolidador",
	"eventos-inventario":     "gestor-compra",
	"comandos-producto":      "admin-productos",
	"eventos-productos":      "gestor-compra",
	"comandos-orden":         "ordenes",
	"eventos-orden":          "gestor-compra",
	"eventos-compra":         "bff",
}

// Less than the 30 days for which a service remembers a command: so no broker can still hold what an inbox forgot.
const retencion = `{"retentionTimeInMinutes": 10080, "retentionSizeInMB": 1024}`

var clienteHTTP = &http.Client{Timeout: 10 * time.Second}

func (in *Instancia) urlPulsarAdmin() string {
	return fmt.Sprintf("http://127.0.0.1:%d", in.puerto("PULSAR_ADMIN"))
}

// confPulsar is the committed broker configuration with this instance's ports.
func (in *Instancia) confPulsar() error {
	texto, err := os.ReadFile(filepath.Join(in.Raiz, "tools", "pulsar", "standalone.conf"))
	if err != nil {
		return err
	}
	conf := strings.NewReplacer(
		"brokerServicePort=6650", fmt.Sprintf("brokerServicePort=%d", in.puerto("PULSAR")),
		"webServicePort=8080", fmt.Sprintf("webServicePort=%d", in.puerto("PULSAR_ADMIN")),
		"bookieId=127.0.0.1:3181", fmt.Sprintf("bookieId=127.0.0.1:%d", in.puerto("PULSAR_BOOKIE")),
	).Replace(string(texto))
	return escribir(in.ruta("run", "standalone.conf"), conf)
}

// crearTopicos sets the namespace's policies, and makes topics and subscriptions before anybody publishes.
func (in *Instancia) crearTopicos() error {
	ns := "/admin/v2/namespaces/public/default"
	for _, p := range []struct{ metodo, ruta, cuerpo string }{
		{"POST", ns + "/schemaValidationEnforced", "true"},
		{"PUT", ns + "/schemaCompatibilityStrategy", `"FULL_TRANSITIVE"`},
		{"POST", ns + "/isAllowAutoUpdateSchema", "true"},
		{"POST", ns + "/retention", retencion},
	} {
		if err := in.pedirPulsar(p.metodo, p.ruta, p.cuerpo); err != nil {
			return err
		}
	}
	for topico, lector := range suscripciones {
		for _, t := range [][2]string{{topico, lector}, {topico + "-dlq", "operador"}} {
			ruta := "/admin/v2/persistent/public/default/" + t[0]
			if err := in.pedirPulsar("PUT", ruta, ""); err != nil {
				return err
			}
			if err := in.pedirPulsar("PUT", ruta+"/subscription/"+t[1], `{"ledgerId": -1, "entryId": -1}`); err != nil { // from the earliest message
				return err
			}
		}
	}
	return nil
}

// pedirPulsar sends one administrative request; what already exists (409) is as good as made.
func (in *Instancia) pedirPulsar(metodo, ruta, cuerpo string) error {
	req, err := http.NewRequest(metodo, in.urlPulsarAdmin()+ruta, bytes.NewBufferString(cuerpo))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	r, err := clienteHTTP.Do(req)
	if err != nil {
		return err
	}
	defer r.Body.Close()
	if r.StatusCode/100 == 2 || r.StatusCode == http.StatusConflict {
		return nil
	}
	texto, _ := io.ReadAll(io.LimitReader(r.Body, 500))
	return fmt.Errorf("petición que Pulsar no aceptó: %s %s: %s %s", metodo, ruta, r.Status, texto)
}
