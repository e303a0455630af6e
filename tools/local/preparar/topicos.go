package preparar

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"entregas/contracts"
)

// Suscripciones maps each topic to the service that reads it: the subscription's name is its app-id.
// Every topic has a dead letter topic, kept by the subscription `operador`.
var Suscripciones = func() map[string]string {
	readers := map[string]string{}
	for _, t := range contracts.Topics {
		readers[t.Name] = t.Reader
	}
	return readers
}()

// Less than the 30 days for which a service remembers a command: so no broker can still hold what an inbox forgot.
const retencion = `{"retentionTimeInMinutes": 10080, "retentionSizeInMB": 1024}`

// Pulsar is the broker's administrative interface. Token is for a broker that asks for one; Rol is then who the services are
// for it, and may publish and subscribe.
type Pulsar struct{ URL, Token, Rol string }

var clienteHTTP = &http.Client{Timeout: 10 * time.Second}

// CrearTopicos sets the namespace's policies, and makes topics and subscriptions before anybody publishes.
func (p Pulsar) CrearTopicos(ctx context.Context) error {
	ns := "/admin/v2/namespaces/public/default"
	pedidos := []struct{ metodo, ruta, cuerpo string }{
		{"POST", ns + "/schemaValidationEnforced", "true"},
		{"PUT", ns + "/schemaCompatibilityStrategy", `"FULL_TRANSITIVE"`},
		{"POST", ns + "/isAllowAutoUpdateSchema", "false"}, // a producer cannot add a version: registrarEsquema does
		{"POST", ns + "/retention", retencion},
	}
	if p.Rol != "" {
		pedidos = append(pedidos, struct{ metodo, ruta, cuerpo string }{"POST", ns + "/permissions/" + p.Rol, `["produce", "consume"]`})
	}
	for _, x := range pedidos {
		if err := p.pedir(ctx, x.metodo, x.ruta, x.cuerpo); err != nil {
			return err
		}
	}
	for topico, lector := range Suscripciones {
		for _, t := range [][2]string{{topico, lector}, {topico + "-dlq", "operador"}} {
			ruta := "/admin/v2/persistent/public/default/" + t[0]
			if err := p.pedir(ctx, "PUT", ruta, ""); err != nil {
				return err
			}
			if err := p.pedir(ctx, "PUT", ruta+"/subscription/"+t[1], `{"ledgerId": -1, "entryId": -1}`); err != nil { // from the earliest message
				return err
			}
			if err := p.registrarEsquema(ctx, t[0]); err != nil {
				return err
			}
		}
	}
	return nil
}

// Sano says whether the broker serves.
func (p Pulsar) Sano(ctx context.Context) error {
	return p.pedir(ctx, "GET", "/admin/v2/namespaces/public/default", "")
}

// pedir sends one administrative request; what already exists (409) is as good as made.
func (p Pulsar) pedir(ctx context.Context, metodo, ruta, cuerpo string) error {
	estado, texto, err := p.enviar(ctx, metodo, ruta, cuerpo)
	if err != nil || estado/100 == 2 || estado == http.StatusConflict {
		return err
	}
	return noAceptada(metodo, ruta, estado, texto)
}

// maxRespuesta bounds what is read of an answer: a topic's schemas are a few kilobytes each.
const maxRespuesta = 4 << 20

// enviar sends one administrative request and returns the answer's status and body.
func (p Pulsar) enviar(ctx context.Context, metodo, ruta, cuerpo string) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, metodo, p.URL+ruta, bytes.NewBufferString(cuerpo))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	if p.Token != "" {
		req.Header.Set("Authorization", "Bearer "+p.Token)
	}
	r, err := clienteHTTP.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer r.Body.Close()
	texto, err := io.ReadAll(io.LimitReader(r.Body, maxRespuesta))
	return r.StatusCode, texto, err
}

func noAceptada(metodo, ruta string, estado int, texto []byte) error {
	return fmt.Errorf("petición que Pulsar no aceptó: %s %s: %d %.500s", metodo, ruta, estado, texto)
}
