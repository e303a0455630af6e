package cliente

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/apache/pulsar-client-go/pulsar"
	"github.com/apache/pulsar-client-go/pulsar/log"
	"github.com/hamba/avro/v2"

	"entregas/contracts"
)

// Broker speaks to Pulsar as a client in any language would: with the schemas of contracts/avro and without Dapr.
type Broker struct {
	admin  string
	pulsar pulsar.Client
}

// AbrirBroker connects to the system's broker.
func AbrirBroker(e Entorno) (*Broker, error) {
	callado := log.NewLoggerWithSlog(slog.New(slog.DiscardHandler))
	p, err := pulsar.NewClient(pulsar.ClientOptions{URL: e.PulsarURL, OperationTimeout: 15 * time.Second, Logger: callado})
	if err != nil {
		return nil, fmt.Errorf("abrir Pulsar: %w", err)
	}
	return &Broker{admin: e.PulsarAdmin, pulsar: p}, nil
}

// Cerrar ends the connection.
func (b *Broker) Cerrar() { b.pulsar.Close() }

// Esquema is the committed schema of a topic.
func (b *Broker) Esquema(tema string) (avro.Schema, error) {
	texto, err := contracts.Esquema(tema)
	if err != nil {
		return nil, err
	}
	return avro.ParseBytesWithCache([]byte(texto), "", &avro.SchemaCache{}) // each topic's record has its own Linea
}

// Registrado is the newest schema that Pulsar's registry holds for a topic.
func (b *Broker) Registrado(ctx context.Context, tema string) (avro.Schema, error) {
	var r struct {
		Tipo  string `json:"type"`
		Texto string `json:"data"`
	}
	if err := b.pedir(ctx, "/admin/v2/schemas/public/default/"+tema+"/schema", &r); err != nil {
		return nil, err
	}
	if r.Tipo != "AVRO" {
		return nil, fmt.Errorf("el registro de %s tiene un esquema %s", tema, r.Tipo)
	}
	return avro.ParseBytesWithCache([]byte(r.Texto), "", &avro.SchemaCache{})
}

// Entraron is how many messages were published on a topic since its broker started.
func (b *Broker) Entraron(ctx context.Context, tema string) (int64, error) {
	var r struct {
		N int64 `json:"msgInCounter"`
	}
	err := b.pedir(ctx, "/admin/v2/persistent/public/default/"+tema+"/stats", &r)
	return r.N, err
}

func (b *Broker) pedir(ctx context.Context, ruta string, v any) error {
	peticion, err := http.NewRequestWithContext(ctx, http.MethodGet, b.admin+ruta, nil)
	if err != nil {
		return err
	}
	r, err := http.DefaultClient.Do(peticion)
	if err != nil {
		return err
	}
	defer r.Body.Close()
	texto, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	if r.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s %s", ruta, r.Status, texto)
	}
	return json.Unmarshal(texto, v)
}

// registro is contracts.Mensaje as the Avro library writes it.
type registro[D any] struct {
	ID              string `avro:"id"`
	Time            int64  `avro:"time"`
	Ingestion       int64  `avro:"ingestion"`
	Specversion     string `avro:"specversion"`
	Type            string `avro:"type"`
	Datacontenttype string `avro:"datacontenttype"`
	ServiceName     string `avro:"service_name"`
	Traceparent     string `avro:"traceparent"`
	Data            D      `avro:"data"`
}

// Publicar puts m on tema, as a sender outside the system does.
func Publicar[D any](ctx context.Context, b *Broker, tema contracts.Tema[D], m contracts.Mensaje[D]) error {
	texto, err := contracts.Esquema(string(tema))
	if err != nil {
		return err
	}
	codificador, err := pulsar.NewAvroSchemaWithValidation(texto, nil)
	if err != nil {
		return err
	}
	productor, err := b.Productor(string(tema), codificador)
	if err != nil {
		return err
	}
	defer productor.Close()
	_, err = productor.Send(ctx, &pulsar.ProducerMessage{Value: deMensaje(m)})
	return err
}

// Registro is m on the wire.
func Registro[D any](b *Broker, tema contracts.Tema[D], m contracts.Mensaje[D]) ([]byte, error) {
	esquema, err := b.Esquema(string(tema))
	if err != nil {
		return nil, err
	}
	return avro.Marshal(esquema, deMensaje(m))
}

func deMensaje[D any](m contracts.Mensaje[D]) *registro[D] {
	return &registro[D]{m.ID, m.Time, m.Ingestion, m.Specversion, string(m.Type), m.Datacontenttype, m.ServiceName, m.Traceparent, m.Data}
}

// Productor publishes on tema, if the broker lets it.
func (b *Broker) Productor(tema string, esquema pulsar.Schema) (pulsar.Producer, error) {
	return b.pulsar.CreateProducer(pulsar.ProducerOptions{Topic: "persistent://public/default/" + tema, Schema: esquema})
}

// Muerto is a dead letter: the record, and what is told beside it.
type Muerto[D any] struct {
	Mensaje     contracts.Mensaje[D]
	Propiedades map[string]string
}

// Muertos gives each dead letter of tema to ver, from the oldest, until ver says that it is the one or ctx ends.
func Muertos[D any](ctx context.Context, b *Broker, tema contracts.Tema[D], ver func(Muerto[D]) bool) error {
	esquema, err := b.Esquema(string(tema))
	if err != nil {
		return err
	}
	lector, err := b.pulsar.CreateReader(pulsar.ReaderOptions{
		Topic: "persistent://public/default/" + string(tema.MensajesMuertos()), StartMessageID: pulsar.EarliestMessageID(),
	})
	if err != nil {
		return err
	}
	defer lector.Close()
	for {
		recibido, err := lector.Next(ctx)
		if err != nil {
			return err
		}
		var r registro[D]
		if avro.Unmarshal(esquema, recibido.Payload(), &r) != nil {
			continue // anybody may have written it
		}
		m := contracts.Mensaje[D]{ID: r.ID, Time: r.Time, Ingestion: r.Ingestion, Specversion: r.Specversion, Type: contracts.Tipo(r.Type),
			Datacontenttype: r.Datacontenttype, ServiceName: r.ServiceName, Traceparent: r.Traceparent, Data: r.Data}
		if ver(Muerto[D]{m, recibido.Properties()}) {
			return nil
		}
	}
}
