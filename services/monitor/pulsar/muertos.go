package pulsar

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/apache/pulsar-client-go/pulsar"

	"entregas/contracts"
	"entregas/services/internal/errores"
	"entregas/services/internal/pubsub"
)

// suscripcionMuertos holds every dead letter until somebody puts it back. The set-up makes it with the topics.
const suscripcionMuertos = "operador"

const (
	maxPorTema = 500 // dead letters that one look takes from a topic
	// sinMas is how long a look waits for a further dead letter of a topic. Somebody else has the rest.
	sinMas   = 2 * time.Second
	maxShown = 64 << 10  // bytes of a record that the list shows
	maxList  = 448 << 10 // bytes of the list as JSON: half of what the bff takes as an answer, as GraphQL escapes records once more
)

// Muertos reads the topics of dead letters.
type Muertos struct {
	cliente pulsar.Client
	broker  *Broker // tells how many there are
	codecs  codecs
	turno   sync.Mutex // two looks at once would share the messages between them
	waiting waiting
}

// operationTimeout bounds what the Pulsar client asks the broker for.
const operationTimeout = 5 * time.Second

// connectionTimeout bounds a connection of the Pulsar client to the broker.
const connectionTimeout = 3 * time.Second

// NuevosMuertos reads from the broker at direccion (pulsar://…), whenever it is there.
func NuevosMuertos(direccion, token string, broker *Broker) (*Muertos, error) {
	opciones := pulsar.ClientOptions{URL: direccion, OperationTimeout: operationTimeout, ConnectionTimeout: connectionTimeout}
	if token != "" {
		opciones.Authentication = pulsar.NewAuthenticationToken(token)
	}
	cliente, err := pulsar.NewClient(opciones)
	if err != nil {
		return nil, fmt.Errorf("cliente de Pulsar: %w", err)
	}
	leidos, err := newCodecs()
	if err != nil {
		cliente.Close()
		return nil, err
	}
	return &Muertos{cliente: cliente, broker: broker, codecs: leidos}, nil
}

// Cerrar ends the connection.
func (m *Muertos) Cerrar() { m.cliente.Close() }

// Listar returns the dead letters of all topics and the messages that await an operator on their topic, oldest first. A message
// that cannot be decoded is listed by its place. The list has at most maxList bytes: where
// there are more, the oldest are shown, and the records of some. A topic that cannot be
// read is left out and logged. Error: of the topics, where none of them can be read.
func (m *Muertos) Listar(ctx context.Context) ([]contracts.MensajeMuerto, error) {
	lista, err := m.letters(ctx)
	if err != nil {
		return nil, err
	}
	esperan, err := m.Waiting(ctx)
	if err != nil {
		slog.WarnContext(ctx, "la lista de mensajes muertos no está completa: no se pudo mirar qué espera en los temas", "error", err)
	}
	for _, w := range esperan {
		lista = append(lista, w.letter())
	}
	slices.SortFunc(lista, func(a, b contracts.MensajeMuerto) int { return a.En.Compare(b.En) })
	whole := len(lista)
	if lista = fit(lista); len(lista) < whole {
		slog.WarnContext(ctx, "la lista de mensajes muertos no está completa: no caben todos", "hay", whole, "se muestran", len(lista))
	}
	return lista, nil
}

// fit returns as many of the first letters as have room in maxList, and the records of as many of those.
func fit(lista []contracts.MensajeMuerto) []contracts.MensajeMuerto {
	room := maxList
	for i, letra := range lista {
		letra.Bytes, letra.Registro = max(letra.Bytes, int64(len(letra.Registro))), nil
		text, err := json.Marshal(letra)
		if room -= len(text) + len(`,"registro":,`); err != nil || room < 0 {
			lista = lista[:i]
			break
		}
	}
	for i := range lista {
		n := len(lista[i].Registro)
		if n > maxShown || n > room {
			lista[i].Bytes, lista[i].Registro = max(lista[i].Bytes, int64(n)), nil
			continue
		}
		room -= n
	}
	return lista
}

// letters returns the dead letters of the topics that can be read, and an error where none of them can.
func (m *Muertos) letters(ctx context.Context) ([]contracts.MensajeMuerto, error) {
	m.turno.Lock()
	defer m.turno.Unlock()
	lista, failed := []contracts.MensajeMuerto{}, []error{}
	for _, tema := range contracts.Nombres() {
		_, err := m.recorrerTema(ctx, tema, func(_ pulsar.Consumer, letra letter) (bool, error) {
			lista = append(lista, letra.MensajeMuerto)
			return true, nil
		})
		if err != nil {
			failed = append(failed, err)
		}
	}
	err := errors.Join(failed...)
	if len(failed) == len(contracts.Nombres()) {
		return nil, err
	}
	if err != nil {
		slog.WarnContext(ctx, "la lista de mensajes muertos no está completa", "error", err)
	}
	return lista, nil
}

// aPlace is the form of a place: ledger, entry, and the index in an entry of several.
var aPlace = regexp.MustCompile(`^\d+:\d+(:\d+)?$`)

// Reponer puts a dead letter back on the topic that it came from, byte for byte, and forgets it once the broker has it there.
// Between the two it may be on both: its reader is idempotent. id is the place of the dead letter, or the id of its record where
// no other dead letter has that id: producers choose it. Errors: NoEncontrado; Conflicto where several have the id, or where the
// original was too large to be kept.
func (m *Muertos) Reponer(ctx context.Context, id string) (contracts.MensajeMuerto, error) {
	m.turno.Lock()
	defer m.turno.Unlock()
	uno, named, err := m.putBack(ctx, id)
	if err == nil && uno == nil && len(named) == 1 {
		uno, _, err = m.putBack(ctx, named[0])
	}
	switch {
	case err != nil:
		return contracts.MensajeMuerto{}, err
	case uno != nil:
		return *uno, nil
	case len(named) > 1:
		return contracts.MensajeMuerto{}, errores.Nuevo(errores.Conflicto, "%d mensajes muertos tienen el registro %s: diga cuál por su lugar, como %s.", len(named), id, named[0])
	}
	return contracts.MensajeMuerto{}, errores.Nuevo(errores.NoEncontrado, "No hay un mensaje muerto %s.", id)
}

// putBack does what Reponer says with the dead letter at a place: nil where there is none. named are the places of the dead
// letters whose record has id, none where id reads as a place.
func (m *Muertos) putBack(ctx context.Context, id string) (uno *contracts.MensajeMuerto, named []string, err error) {
	err = m.recorrer(ctx, func(consumidor pulsar.Consumer, letra letter) (bool, error) {
		if letra.ID != id {
			if letra.IDRegistro == id && !aPlace.MatchString(id) {
				named = append(named, letra.ID)
			}
			return true, nil
		}
		if letra.payload == nil {
			return false, errores.Nuevo(errores.Conflicto, "El mensaje muerto %s se guardó recortado: no se puede devolver a su tema.", id)
		}
		if err := m.publish(ctx, letra.Tema, letra.IDCompra, letra.payload, nil); err != nil {
			return false, err
		}
		uno = &letra.MensajeMuerto
		return false, consumidor.Ack(letra.mensaje)
	})
	return uno, named, err
}

// publish puts the bytes of a record on a topic, under the topic's schema.
func (m *Muertos) publish(ctx context.Context, tema, clave string, payload []byte, properties map[string]string) error {
	esquema, err := contracts.Esquema(tema)
	if err != nil {
		return err
	}
	productor, err := m.cliente.CreateProducer(pulsar.ProducerOptions{
		Topic: fullName(tema), Schema: pulsar.NewAvroSchema(esquema, nil), DisableBatching: len(payload) > maxShown,
	})
	if err != nil {
		return fmt.Errorf("publicar en %s: %w", tema, errores.Pasajero(err))
	}
	defer productor.Close()
	if _, err := productor.Send(ctx, &pulsar.ProducerMessage{Payload: payload, Key: clave, Properties: properties}); err != nil {
		return fmt.Errorf("publicar en %s: %w", tema, errores.Pasajero(err))
	}
	return nil
}

func fullName(tema string) string { return "persistent://public/default/" + tema }

// recorrer calls ver for each dead letter until it says that it has seen enough. What is not acked stays where it is. The caller
// holds turno.
func (m *Muertos) recorrer(ctx context.Context, ver func(pulsar.Consumer, letter) (sigue bool, err error)) error {
	for _, tema := range contracts.Nombres() {
		if sigue, err := m.recorrerTema(ctx, tema, ver); err != nil || !sigue {
			return err
		}
	}
	return nil
}

func (m *Muertos) recorrerTema(ctx context.Context, tema string, ver func(pulsar.Consumer, letter) (bool, error)) (bool, error) {
	hay, err := m.cuantos(ctx, tema)
	if err != nil || hay == 0 {
		return err == nil, err
	}
	consumidor, err := m.cliente.Subscribe(pulsar.ConsumerOptions{
		Topic: fullName(tema + "-dlq"), SubscriptionName: suscripcionMuertos, Type: pulsar.Shared,
		SubscriptionInitialPosition: pulsar.SubscriptionPositionEarliest, ReceiverQueueSize: maxPorTema, EnableBatchIndexAcknowledgment: true, AckWithResponse: true,
	})
	if err != nil {
		return false, fmt.Errorf("mensajes muertos de %s: %w", tema, errores.Pasajero(err))
	}
	defer consumidor.Close()
	for range min(hay, maxPorTema) {
		plazo, soltar := context.WithTimeout(ctx, sinMas)
		mensaje, err := consumidor.Receive(plazo)
		soltar()
		if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
			return true, nil
		}
		if err != nil {
			return false, err
		}
		if sigue, err := ver(consumidor, m.letter(tema, mensaje)); err != nil || !sigue {
			return false, err
		}
	}
	return true, nil
}

// cuantos is how many dead letters of the topic wait.
func (m *Muertos) cuantos(ctx context.Context, tema string) (int64, error) {
	lista, err := m.broker.Colas(ctx, tema+"-dlq")
	if err != nil {
		return 0, errores.Pasajero(err)
	}
	for _, c := range lista {
		if c.Suscripcion == suscripcionMuertos {
			return c.Pendientes, nil
		}
	}
	return 0, nil
}

// letter is a dead letter with the message and payload that Reponer needs.
type letter struct {
	contracts.MensajeMuerto
	mensaje pulsar.Message
	payload []byte // of the original; nil where it was cut
}

// letter describes the dead letter mensaje of tema, decoded or not.
func (m *Muertos) letter(tema string, mensaje pulsar.Message) letter {
	r, p := m.codecs.read(tema, mensaje.Payload()), mensaje.Properties()
	intentos, _ := strconv.Atoi(p[pubsub.PropertyTries]) // one that another program set aside has none
	l := letter{mensaje: mensaje, payload: mensaje.Payload(), MensajeMuerto: contracts.MensajeMuerto{
		ID: position(mensaje.ID()), Tema: tema, En: mensaje.PublishTime().UTC(), Intentos: intentos,
		Motivo: pubsub.Words(p[pubsub.PropertyReason], pubsub.MaxReason), Origen: pubsub.Words(p[pubsub.PropertyOrigin], maxName),
		SHA256: pubsub.Words(p[pubsub.PropertySum], maxName), Comienzo: pubsub.Words(p[pubsub.PropertyBeginning], 2*pubsub.MaxReason),
		Posicion: pubsub.Words(p[pubsub.PropertyPosition], maxName), Registro: r.json,
	}}
	l.IDRegistro, l.Tipo, l.IDCompra = pubsub.Words(r.id, maxName), pubsub.Words(r.tipo, maxName), pubsub.Words(r.idCompra, contracts.MaxIdentificador)
	l.Bytes, _ = strconv.ParseInt(p[pubsub.PropertyBytes], 10, 64)
	raw, isRaw := p[pubsub.PropertyRaw]
	switch {
	case isRaw:
		l.payload, l.Registro = decodeRaw(raw), nil
	case l.Bytes > 0:
		l.payload, l.Registro = nil, nil
	case r.fault != "": // it is on the dead letters as it is, by another's hand
		l.Bytes = int64(len(mensaje.Payload()))
		if l.Motivo == "" {
			l.Motivo = r.fault
		}
	}
	return l
}
