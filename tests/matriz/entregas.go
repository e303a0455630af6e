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
	"entregas/tests/cliente"
)

// oreja remembers the newest records of every topic as they came, to send them again.
type oreja struct {
	broker  pulsar.Client
	mu      sync.Mutex
	ultimos map[string][][]byte
}

const recuerda = 40 // records of each topic

func abrirOreja(ctx context.Context, e cliente.Entorno) (*oreja, error) {
	callado := log.NewLoggerWithSlog(slog.New(slog.DiscardHandler))
	broker, err := pulsar.NewClient(pulsar.ClientOptions{URL: e.PulsarURL, OperationTimeout: 30 * time.Second, Logger: callado})
	if err != nil {
		return nil, err
	}
	o := &oreja{broker: broker, ultimos: map[string][][]byte{}}
	for _, tema := range contracts.Nombres() {
		lector, err := broker.CreateReader(pulsar.ReaderOptions{Topic: "persistent://public/default/" + tema, StartMessageID: pulsar.LatestMessageID()})
		if err != nil {
			return nil, err
		}
		go func() {
			defer lector.Close()
			for ctx.Err() == nil {
				m, err := lector.Next(ctx)
				if err != nil {
					dormir(ctx, time.Second)
					continue
				}
				o.mu.Lock()
				o.ultimos[tema] = append(o.ultimos[tema], slices.Clone(m.Payload()))
				o.ultimos[tema] = o.ultimos[tema][max(0, len(o.ultimos[tema])-recuerda):]
				o.mu.Unlock()
			}
		}()
	}
	return o, nil
}

// repetir publishes what was last heard on each topic once more, byte for byte.
func (o *oreja) repetir(ctx context.Context, alReves bool) error {
	for _, tema := range contracts.Nombres() {
		o.mu.Lock()
		registros := slices.Clone(o.ultimos[tema])
		o.mu.Unlock()
		if alReves {
			slices.Reverse(registros)
		}
		texto, err := contracts.Esquema(tema)
		if err != nil {
			return err
		}
		esquema, err := pulsar.NewAvroSchemaWithValidation(texto, nil)
		if err != nil {
			return err
		}
		productor, err := o.broker.CreateProducer(pulsar.ProducerOptions{Topic: "persistent://public/default/" + tema, Schema: esquema})
		if err != nil {
			return err
		}
		for _, r := range registros {
			if _, err = productor.Send(ctx, &pulsar.ProducerMessage{Payload: r}); err != nil {
				break
			}
		}
		productor.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// deEntrega are deliveries that come twice, in the wrong order, or when nobody expects them any more.
func deEntrega() []falla {
	return []falla{
		{que: "entregas repetidas", paso: "todos", hacer: func(ctx context.Context, c *caos) error { return c.oreja.repetir(ctx, false) }},
		{que: "entregas repetidas y al revés", paso: "todos", hacer: func(ctx context.Context, c *caos) error { return c.oreja.repetir(ctx, true) }},
		{que: "una liberación antes de su reserva", paso: "ReservarProducto", hacer: liberacionAdelantada},
		{que: "un mensaje muerto repuesto tarde", paso: "ReservarProducto", hacer: muertoRepuesto},
	}
}

// liberacionAdelantada sends a purchase's rollbacks before the purchase itself: it must end RECHAZADA, with nothing reserved.
func liberacionAdelantada(ctx context.Context, c *caos) error {
	s := c.unaCompra()
	datos := contracts.DatosComandoProducto{IDCompra: s.ID, Productos: s.Productos}
	if err := cliente.Publicar(ctx, c.broker, contracts.ComandosProducto, contracts.NuevoMensaje("caos", contracts.LiberarReserva, "", datos)); err != nil {
		return err
	}
	dormir(ctx, 2*time.Second)
	return c.conFinal(ctx, s, contracts.EstadoRechazada)
}

// muertoRepuesto has a reply arrive before anybody asked: it is a dead letter. Put back when the purchase is long confirmed,
// it must change nothing.
func muertoRepuesto(ctx context.Context, c *caos) error {
	s := c.unaCompra()
	m := contracts.NuevoMensaje("caos", contracts.ProductosReservados, "", contracts.DatosEventoProductos{
		IDCompra: s.ID, RespondeA: string(contracts.ReservarProducto), Faltantes: []contracts.Faltante{}})
	if err := cliente.Publicar(ctx, c.broker, contracts.EventosProductos, m); err != nil {
		return err
	}
	if err := c.conFinal(ctx, s, contracts.EstadoConfirmada); err != nil {
		return err
	}
	monitor := cliente.Directo(c.entorno.Monitor)
	for limite := time.Now().Add(time.Minute); time.Now().Before(limite); dormir(ctx, time.Second) {
		r, err := monitor.Pedir(ctx, http.MethodPost, "/mensajes-muertos/"+m.ID+"/reposicion", nil)
		if err == nil && r.Estado == http.StatusAccepted {
			return nil
		}
	}
	return fmt.Errorf("no se pudo reponer el mensaje muerto %s", m.ID)
}

// unaCompra is a purchase whose id is known before it is sent.
func (c *caos) unaCompra() contracts.SolicitudCompra {
	return contracts.SolicitudCompra{ID: nuevoID(), IDUsuario: "caos-" + c.carga.corte + "-aparte", Productos: []contracts.Linea{{IDProducto: "2", Cantidad: 1}}}
}

// conFinal sends the purchase and has it followed to its end.
func (c *caos) conFinal(ctx context.Context, s contracts.SolicitudCompra, final contracts.Estado) error {
	p := c.carga.comprar(ctx, s, "aparte")
	if p == nil {
		return fmt.Errorf("la compra %s no se tomó", s.ID)
	}
	c.carga.mu.Lock()
	p.finales = []contracts.Estado{final}
	c.carga.mu.Unlock()
	c.carga.hasta(ctx, s.ID, final)
	return nil
}
