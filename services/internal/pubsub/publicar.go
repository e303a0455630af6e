// Package pubsub is the one way in which our programs publish and receive messages: Avro records of contracts/
// through Dapr pub/sub. Messages that cannot be handled follow docs/adr/trouble-is-not-a-bad-message.md.
package pubsub

import (
	"context"
	"errors"
	"fmt"

	dapr "github.com/dapr/go-sdk/client"

	"entregas/contracts"
	"entregas/services/internal/fallas"
	"entregas/services/internal/registro"
)

// Componente is the name of the Dapr pub/sub component.
const Componente = "pubsub"

// ErrNotEncoded is in the chain of the error for data that is no record of its topic: nothing was sent.
var ErrNotEncoded = errors.New("codificar")

// Publicador publishes in the name of one service.
type Publicador struct {
	servicio string
	sidecar  cliente
}

// cliente is the part of the Dapr client that is used here.
type cliente interface {
	PublishEvent(ctx context.Context, pubsubName, topicName string, data interface{}, opts ...dapr.PublishEventOption) error
}

// NuevoPublicador publishes through sidecar as servicio.
func NuevoPublicador(sidecar cliente, servicio string) *Publicador {
	return &Publicador{servicio: servicio, sidecar: sidecar}
}

// Publicar puts data on tema as a tipo and returns when the broker has it. clave orders: messages with the same key
// keep their order.
func Publicar[D any](ctx context.Context, p *Publicador, tema contracts.Tema[D], tipo contracts.Tipo, clave string, data D) error {
	m := contracts.NuevoMensaje(p.servicio, tipo, registro.Traza(ctx), data)
	fallas.Punto(fallas.AntesDePublicar, string(tipo))
	err := p.enviar(ctx, string(tema), m.Codificar, map[string]string{"partitionKey": clave})
	if err == nil {
		fallas.Punto(fallas.Publicado, string(tipo))
	}
	return err
}

func (p *Publicador) enviar(ctx context.Context, tema string, codificar func() ([]byte, error), metadatos map[string]string) error {
	texto, err := codificar()
	if err != nil {
		return fmt.Errorf("%w para %s: %w", ErrNotEncoded, tema, err)
	}
	metadatos["rawPayload"] = "true" // the record itself goes on the wire, not a CloudEvent around it
	err = p.sidecar.PublishEvent(ctx, Componente, tema, texto,
		dapr.PublishEventWithContentType("application/json"), dapr.PublishEventWithMetadata(metadatos))
	if err != nil {
		return fmt.Errorf("publicar en %s: %w", tema, err)
	}
	return nil
}
