package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/apache/pulsar-client-go/pulsar"
	"github.com/apache/pulsar-client-go/pulsar/log"

	"entregas/contracts"
	"entregas/tests/client"
)

// ear keeps the newest records of every topic, so that a fault can publish them again.
type ear struct {
	broker pulsar.Client
	mu     sync.Mutex
	latest map[string][][]byte
}

const remembered = 40 // records of each topic

// openEar returns an ear that listens to every topic until ctx ends.
func openEar(ctx context.Context, e client.Env) (*ear, error) {
	quiet := log.NewLoggerWithSlog(slog.New(slog.DiscardHandler))
	broker, err := pulsar.NewClient(pulsar.ClientOptions{URL: e.PulsarURL, OperationTimeout: 30 * time.Second, Logger: quiet})
	if err != nil {
		return nil, err
	}
	o := &ear{broker: broker, latest: map[string][][]byte{}}
	for _, topic := range contracts.Names() {
		reader, err := broker.CreateReader(pulsar.ReaderOptions{Topic: "persistent://public/default/" + topic, StartMessageID: pulsar.LatestMessageID()})
		if err != nil {
			return nil, err
		}
		go func() {
			defer reader.Close()
			for ctx.Err() == nil {
				m, err := reader.Next(ctx)
				if err != nil {
					sleep(ctx, time.Second)
					continue
				}
				o.mu.Lock()
				o.latest[topic] = append(o.latest[topic], slices.Clone(m.Payload()))
				o.latest[topic] = o.latest[topic][max(0, len(o.latest[topic])-remembered):]
				o.mu.Unlock()
			}
		}()
	}
	return o, nil
}

// repeat publishes the newest records of each topic once more, byte for byte.
func (o *ear) repeat(ctx context.Context, reversed bool) error {
	for _, topic := range contracts.Names() {
		o.mu.Lock()
		records := slices.Clone(o.latest[topic])
		o.mu.Unlock()
		if reversed {
			slices.Reverse(records)
		}
		text, err := contracts.AvroSchema(topic)
		if err != nil {
			return err
		}
		schema, err := pulsar.NewAvroSchemaWithValidation(text, nil)
		if err != nil {
			return err
		}
		producer, err := o.broker.CreateProducer(pulsar.ProducerOptions{Topic: "persistent://public/default/" + topic, Schema: schema})
		if err != nil {
			return err
		}
		for _, r := range records {
			if _, err = producer.Send(ctx, &pulsar.ProducerMessage{Payload: r}); err != nil {
				break
			}
		}
		producer.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// deliveryFaults returns the faults in which messages are delivered twice, in the wrong order, or too late.
func deliveryFaults() []fault {
	return []fault{
		{what: "deliveries repeated", step: "all", act: func(ctx context.Context, c *chaos) error { return c.ear.repeat(ctx, false) }},
		{what: "deliveries repeated in reverse", step: "all", act: func(ctx context.Context, c *chaos) error { return c.ear.repeat(ctx, true) }},
		{what: "a release before its reservation", step: "ReservarProducto", act: earlyLiberacion},
		{what: "a dead letter put back late", step: "ReservarProducto", act: deadLetterReplayed},
	}
}

// earlyLiberacion sends the rollback of a purchase before it sends the purchase. The purchase must end RECHAZADA with nothing
// reserved.
func earlyLiberacion(ctx context.Context, c *chaos) error {
	s := c.oneCompra()
	data := contracts.DatosComandoProducto{IDCompra: s.ID, Productos: s.Productos}
	if err := client.Publish(ctx, c.broker, contracts.ComandosProducto, contracts.NewMessage("chaos", contracts.LiberarReserva, "", data)); err != nil {
		return err
	}
	sleep(ctx, 2*time.Second)
	return c.followToEnd(ctx, s, contracts.EstadoRechazada)
}

// deadLetterReplayed publishes a reply to no command, which becomes a dead letter. When the purchase is confirmed, it puts the dead
// letter back on the topic. The reply must change nothing.
func deadLetterReplayed(ctx context.Context, c *chaos) error {
	s := c.oneCompra()
	m := contracts.NewMessage("chaos", contracts.ProductosReservados, "", contracts.DatosEventoProductos{
		IDCompra: s.ID, RespondeA: string(contracts.ReservarProducto), Faltantes: []contracts.Faltante{}})
	if err := client.Publish(ctx, c.broker, contracts.EventosProductos, m); err != nil {
		return err
	}
	if err := c.followToEnd(ctx, s, contracts.EstadoConfirmada); err != nil {
		return err
	}
	monitor := client.Direct(c.env.Monitor)
	for limit := time.Now().Add(time.Minute); time.Now().Before(limit); sleep(ctx, time.Second) {
		r, err := monitor.Request(ctx, http.MethodPost, "/mensajes-muertos/"+m.ID+"/devolucion", nil)
		if err == nil && r.Status == http.StatusAccepted {
			return nil
		}
	}
	return fmt.Errorf("the dead letter %s could not be put back", m.ID)
}

// oneCompra returns a purchase with an id.
func (c *chaos) oneCompra() contracts.SolicitudCompra {
	return contracts.SolicitudCompra{ID: newID(), IDUsuario: "chaos-" + c.load.runName + "-apart", Productos: []contracts.Linea{{IDProducto: "2", Cantidad: 1}}}
}

// followToEnd sends the purchase and waits until it is in state final.
func (c *chaos) followToEnd(ctx context.Context, s contracts.SolicitudCompra, final contracts.Estado) error {
	p := c.load.comprar(ctx, s, "apart")
	if p == nil {
		return fmt.Errorf("purchase %s was not accepted", s.ID)
	}
	c.load.mu.Lock()
	p.finals = []contracts.Estado{final}
	c.load.mu.Unlock()
	c.load.until(ctx, s.ID, final)
	return nil
}
