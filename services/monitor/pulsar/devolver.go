package pulsar

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"time"

	"github.com/apache/pulsar-client-go/pulsar"

	"entregas/contracts"
	"entregas/internal/actor"
	"entregas/internal/errs"
	"entregas/internal/logging"
	"entregas/internal/pubsub"
	"entregas/internal/telemetry"
)

// Devolver publishes a dead letter on its original topic, byte for byte, and acknowledges it when the broker has stored it
// there. After a crash between these two steps the message is on both topics; its reader is idempotent. id is the position of
// the dead letter, or the id of its record if no other dead letter has that id; producers choose the ids of records. Errors:
// NotFound; Conflict when several have the id, or when the original was too large to be kept.
func (d *DeadLetters) Devolver(ctx context.Context, id string) (contracts.MensajeMuerto, error) {
	d.turn.Lock()
	defer d.turn.Unlock()
	out := d.newOutlet()
	defer out.Close()
	return d.on(ctx, id, func(consumer pulsar.Consumer, item letter) error { return putBack(ctx, out, consumer, item) })
}

// putBack publishes item on its topic through out and acknowledges it.
func putBack(ctx context.Context, out *outlet, consumer pulsar.Consumer, item letter) error {
	if item.payload == nil {
		return errs.New(errs.Conflict, "El mensaje muerto %s se guardó recortado: no se puede devolver a su tema.", item.ID)
	}
	ctx, span := telemetry.Publication(ctx, item.Tema, item.Tipo, item.IDCompra)
	defer span.End()
	telemetry.Link(ctx, item.traza) // to the trace of the message, where its reader links to this one
	var properties map[string]string
	if traceparent := logging.Trace(ctx); traceparent != "" { // the record names its own trace, and its reader links to this one
		properties = map[string]string{"traceparent": traceparent}
	}
	err := out.publish(ctx, item.Tema, item.IDCompra, item.payload, properties)
	telemetry.Fail(span, err)
	if err != nil {
		return err
	}
	return consumer.Ack(item.message)
}

// enoughTime is how long DevolverMany goes on to return further dead letters. It is less than the bff waits for monitor, so that an
// operator learns what became of each.
const enoughTime = 10 * time.Second

// DevolverMany returns the dead letters at the positions ids to their topics, as Devolver does, in one look at the queues. It returns
// a result for each id, in the order of ids. A letter that fails does not hold up the others.
func (d *DeadLetters) DevolverMany(ctx context.Context, ids []string) ([]contracts.ResultadoDeDevolucion, error) {
	d.turn.Lock()
	defer d.turn.Unlock()
	out, end := d.newOutlet(), time.Now().Add(enoughTime)
	defer out.Close()
	results := make([]contracts.ResultadoDeDevolucion, len(ids))
	left := map[string]*contracts.ResultadoDeDevolucion{}
	for i, id := range ids {
		results[i] = contracts.ResultadoDeDevolucion{ID: id}
		left[id] = &results[i]
	}
	var failures []error
	for _, q := range allQueues() {
		if len(left) == 0 {
			break
		}
		_, err := d.walkQueue(ctx, q, func(consumer pulsar.Consumer, item letter) (bool, error) {
			r := left[item.ID]
			if r == nil {
				return true, nil
			}
			if time.Now().After(end) {
				return false, nil
			}
			delete(left, item.ID)
			r.Tema, r.Tipo = item.Tema, item.Tipo
			if err := putBack(ctx, out, consumer, item); err != nil {
				slog.WarnContext(ctx, "a dead letter was not returned", "place", item.ID, "topic", item.Tema, "error", err)
				r.Detalle = inWords(err)
			} else {
				r.Devuelto = true
			}
			return len(left) > 0, nil
		})
		failures = append(failures, err)
	}
	incomplete := errors.Join(failures...)
	if incomplete != nil && len(left) == len(ids) {
		return nil, errs.Transient(incomplete)
	}
	for id, r := range left {
		switch {
		case incomplete != nil:
			r.Detalle = "No se pudo buscar en todas las colas. Intente de nuevo."
		case time.Now().After(end):
			r.Detalle = "No alcanzó el tiempo: sigue donde estaba. Intente de nuevo."
		default:
			r.Detalle = notFound(id).Error()
		}
	}
	return results, nil
}

// Descartar moves a dead letter to contracts.MensajesDescartados, with its properties, the reason motivo and the person of ctx. It
// acknowledges the dead letter when the broker has stored the copy, so no record is lost (docs/adr/discarded-is-kept.md). Devolver
// returns a discarded letter to its original topic. Errors as for Devolver; Conflict also when the letter is discarded already.
func (d *DeadLetters) Descartar(ctx context.Context, id, motivo string) (contracts.MensajeMuerto, error) {
	d.turn.Lock()
	defer d.turn.Unlock()
	out, who := d.newOutlet(), actor.Of(ctx)
	defer out.Close()
	one, err := d.on(ctx, id, func(consumer pulsar.Consumer, item letter) error {
		if item.DescartadoEn != nil {
			return errs.New(errs.Conflict, "El mensaje %s ya está descartado.", id)
		}
		if err := d.keepDiscarded(); err != nil {
			return err
		}
		properties := maps.Clone(item.message.Properties())
		if properties == nil {
			properties = map[string]string{}
		}
		properties[pubsub.PropertyTopic], properties[pubsub.PropertySetAsideAt] = item.Tema, contracts.FormatInstant(item.En)
		properties[pubsub.PropertyDiscardReason] = pubsub.Words(motivo, contracts.MaxMotivo)
		properties[pubsub.PropertyDiscardedBy], properties[pubsub.PropertyDiscardedRole] = who.Sujeto, who.Rol
		if err := out.publish(ctx, contracts.MensajesDescartados, "", item.message.Payload(), properties); err != nil {
			return err
		}
		return consumer.Ack(item.message)
	})
	if err == nil {
		one.DescartadoEn, one.DescartadoPor, one.MotivoDescarte = new(time.Now().UTC()), who.Sujeto, motivo
	}
	return one, err
}

// keepDiscarded makes sure that the topic of the discarded letters has its subscription. Without one, the broker would delete them
// after its retention.
func (d *DeadLetters) keepDiscarded() error {
	consumer, err := d.client.Subscribe(pulsar.ConsumerOptions{
		Topic: fullName(contracts.MensajesDescartados), SubscriptionName: deadLetterSubscription, Type: pulsar.Shared,
		SubscriptionInitialPosition: pulsar.SubscriptionPositionEarliest, EnableZeroQueueConsumer: true,
	})
	if err != nil {
		return fmt.Errorf("subscription of %s: %w", contracts.MensajesDescartados, errs.Transient(err))
	}
	consumer.Close()
	return nil
}
