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

// ear remembers the newest records of every topic as they came, to send them again.
type ear struct {
	broker pulsar.Client
	mu     sync.Mutex
	latest map[string][][]byte
}

const remembered = 40 // records of each topic

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

// repeat publishes what was last heard on each topic once more, byte for byte.
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

// deliveryFaults are deliveries that come twice, in the wrong order, or when nobody expects them any more.
func deliveryFaults() []fault {
	return []fault{
		{what: "entregas repetidas", step: "todos", act: func(ctx context.Context, c *chaos) error { return c.ear.repeat(ctx, false) }},
		{what: "entregas repetidas y al revés", step: "todos", act: func(ctx context.Context, c *chaos) error { return c.ear.repeat(ctx, true) }},
		{what: "una liberación antes de su reserva", step: "ReservarProducto", act: earlyLiberacion},
		{what: "un mensaje muerto repuesto tarde", step: "ReservarProducto", act: deadLetterReplayed},
	}
}

// earlyLiberacion sends a purchase's rollbacks before the purchase itself: it must end RECHAZADA, with nothing reserved.
func earlyLiberacion(ctx context.Context, c *chaos) error {
	s := c.oneCompra()
	data := contracts.DatosComandoProducto{IDCompra: s.ID, Productos: s.Productos}
	if err := client.Publish(ctx, c.broker, contracts.ComandosProducto, contracts.NewMessage("caos", contracts.LiberarReserva, "", data)); err != nil {
		return err
	}
	sleep(ctx, 2*time.Second)
	return c.followToEnd(ctx, s, contracts.EstadoRechazada)
}

// deadLetterReplayed has a reply arrive before anybody asked: it is a dead letter. Put back when the purchase is long confirmed,
// it must change nothing.
func deadLetterReplayed(ctx context.Context, c *chaos) error {
	s := c.oneCompra()
	m := contracts.NewMessage("caos", contracts.ProductosReservados, "", contracts.DatosEventoProductos{
		IDCompra: s.ID, RespondeA: string(contracts.ReservarProducto), Faltantes: []contracts.Faltante{}})
	if err := client.Publish(ctx, c.broker, contracts.EventosProductos, m); err != nil {
		return err
	}
	if err := c.followToEnd(ctx, s, contracts.EstadoConfirmada); err != nil {
		return err
	}
	monitor := client.Direct(c.env.Monitor)
	for limit := time.Now().Add(time.Minute); time.Now().Before(limit); sleep(ctx, time.Second) {
		r, err := monitor.Request(ctx, http.MethodPost, "/mensajes-muertos/"+m.ID+"/reposicion", nil)
		if err == nil && r.Status == http.StatusAccepted {
			return nil
		}
	}
	return fmt.Errorf("no se pudo reponer el mensaje muerto %s", m.ID)
}

// oneCompra is a purchase whose id is known before it is sent.
func (c *chaos) oneCompra() contracts.SolicitudCompra {
	return contracts.SolicitudCompra{ID: newID(), IDUsuario: "caos-" + c.load.runName + "-aparte", Productos: []contracts.Linea{{IDProducto: "2", Cantidad: 1}}}
}

// followToEnd sends the purchase and has it followed to its end.
func (c *chaos) followToEnd(ctx context.Context, s contracts.SolicitudCompra, final contracts.Estado) error {
	p := c.load.comprar(ctx, s, "aparte")
	if p == nil {
		return fmt.Errorf("la compra %s no se tomó", s.ID)
	}
	c.load.mu.Lock()
	p.finals = []contracts.Estado{final}
	c.load.mu.Unlock()
	c.load.until(ctx, s.ID, final)
	return nil
}
