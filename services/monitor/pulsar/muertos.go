package pulsar

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/apache/pulsar-client-go/pulsar"
	"github.com/linkedin/goavro/v2"

	"entregas/contracts"
	"entregas/services/internal/errores"
)

// suscripcionMuertos holds every dead letter until somebody puts it back. The set-up makes it with the topics.
const suscripcionMuertos = "operador"

const (
	maxPorTema = 500             // dead letters that one look takes from a topic
	sinMas     = 2 * time.Second // after which a topic has no more to give: somebody else has the rest
)

// Reenvio puts a record on a topic as it was.
type Reenvio func(ctx context.Context, tema, clave string, registro []byte) error

// Muertos reads the topics of dead letters.
type Muertos struct {
	cliente  pulsar.Client
	broker   *Broker // tells how many there are
	reenviar Reenvio
	codecs   map[string]*goavro.Codec
	turno    sync.Mutex // two looks at once would share the messages between them
}

// NuevosMuertos reads from the broker at direccion (pulsar://…), whenever it is there.
func NuevosMuertos(direccion, token string, broker *Broker, reenviar Reenvio) (*Muertos, error) {
	opciones := pulsar.ClientOptions{URL: direccion, OperationTimeout: 5 * time.Second, ConnectionTimeout: 3 * time.Second}
	if token != "" {
		opciones.Authentication = pulsar.NewAuthenticationToken(token)
	}
	cliente, err := pulsar.NewClient(opciones)
	if err != nil {
		return nil, fmt.Errorf("cliente de Pulsar: %w", err)
	}
	m := &Muertos{cliente: cliente, broker: broker, reenviar: reenviar, codecs: map[string]*goavro.Codec{}}
	for _, tema := range contracts.Nombres() {
		esquema, err := contracts.Esquema(tema)
		if err != nil {
			return nil, err
		}
		if m.codecs[tema], err = goavro.NewCodecForStandardJSONFull(esquema); err != nil {
			return nil, fmt.Errorf("esquema de %s: %w", tema, err)
		}
	}
	return m, nil
}

// Cerrar ends the connection.
func (m *Muertos) Cerrar() { m.cliente.Close() }

// Listar gives the dead letters of all topics, oldest first.
func (m *Muertos) Listar(ctx context.Context) ([]contracts.MensajeMuerto, error) {
	lista := []contracts.MensajeMuerto{}
	err := m.recorrer(ctx, func(_ pulsar.Consumer, _ pulsar.Message, uno contracts.MensajeMuerto) (bool, error) {
		lista = append(lista, uno)
		return true, nil
	})
	slices.SortFunc(lista, func(a, b contracts.MensajeMuerto) int { return a.En.Compare(b.En) })
	return lista, err
}

// Reponer puts a dead letter back on the topic that it came from, and forgets it once the broker has it there. Between the
// two it may be on both: who handles it is idempotent. Error: NoEncontrado.
func (m *Muertos) Reponer(ctx context.Context, id string) (contracts.MensajeMuerto, error) {
	var repuesto *contracts.MensajeMuerto
	err := m.recorrer(ctx, func(consumidor pulsar.Consumer, mensaje pulsar.Message, uno contracts.MensajeMuerto) (bool, error) {
		if uno.ID != id {
			return true, nil
		}
		if err := m.reenviar(ctx, uno.Tema, uno.IDCompra, uno.Registro); err != nil {
			return false, err
		}
		repuesto = &uno
		return false, consumidor.Ack(mensaje)
	})
	switch {
	case err != nil:
		return contracts.MensajeMuerto{}, err
	case repuesto == nil:
		return contracts.MensajeMuerto{}, errores.Nuevo(errores.NoEncontrado, "No hay un mensaje muerto %s.", id)
	}
	return *repuesto, nil
}

// recorrer calls ver for each dead letter until it says that it has seen enough. What is not acked stays where it is.
func (m *Muertos) recorrer(ctx context.Context, ver func(pulsar.Consumer, pulsar.Message, contracts.MensajeMuerto) (sigue bool, err error)) error {
	m.turno.Lock()
	defer m.turno.Unlock()
	for _, tema := range contracts.Nombres() {
		if sigue, err := m.recorrerTema(ctx, tema, ver); err != nil || !sigue {
			return err
		}
	}
	return nil
}

func (m *Muertos) recorrerTema(ctx context.Context, tema string, ver func(pulsar.Consumer, pulsar.Message, contracts.MensajeMuerto) (bool, error)) (bool, error) {
	hay, err := m.cuantos(ctx, tema)
	if err != nil || hay == 0 {
		return err == nil, err
	}
	consumidor, err := m.cliente.Subscribe(pulsar.ConsumerOptions{
		Topic: "persistent://public/default/" + tema + "-dlq", SubscriptionName: suscripcionMuertos, Type: pulsar.Shared,
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
		uno, err := m.leer(tema, mensaje)
		if err != nil {
			return false, err
		}
		if sigue, err := ver(consumidor, mensaje, uno); err != nil || !sigue {
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

// leer decodes a record into the JSON from which the component would make it again.
func (m *Muertos) leer(tema string, mensaje pulsar.Message) (contracts.MensajeMuerto, error) {
	nativo, _, err := m.codecs[tema].NativeFromBinary(mensaje.Payload())
	if err != nil {
		return contracts.MensajeMuerto{}, fmt.Errorf("mensaje muerto de %s: %w", tema, err)
	}
	registro, err := m.codecs[tema].TextualFromNative(nil, nativo)
	if err != nil {
		return contracts.MensajeMuerto{}, fmt.Errorf("mensaje muerto de %s: %w", tema, err)
	}
	var sobre struct {
		ID   string `json:"id"`
		Tipo string `json:"type"`
		Data struct {
			IDCompra string `json:"id_compra"`
		} `json:"data"`
	}
	if err := json.Unmarshal(registro, &sobre); err != nil {
		return contracts.MensajeMuerto{}, fmt.Errorf("mensaje muerto de %s: %w", tema, err)
	}
	propiedades := mensaje.Properties()
	intentos, _ := strconv.Atoi(propiedades["intentos"]) // one that another program set aside has none
	return contracts.MensajeMuerto{
		ID: sobre.ID, Tema: tema, Tipo: sobre.Tipo, IDCompra: sobre.Data.IDCompra, Motivo: propiedades["motivo"],
		Origen: propiedades["origen"], Intentos: intentos, En: mensaje.PublishTime().UTC(), Registro: registro,
	}, nil
}
