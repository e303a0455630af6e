package pubsub

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync"

	"github.com/gorilla/mux"

	"entregas/contracts"
	"entregas/services/internal/errores"
	"entregas/services/internal/fallas"
	"entregas/services/internal/registro"
)

// MaxIntentos is how often a message is tried that fails for a reason which is not trouble of the infrastructure.
//
//settings:wait
const MaxIntentos = 10

// Intentos counts the failed tries of a record, over restarts and replicas.
type Intentos interface {
	// Contar adds one to the tries of the record and returns how many there were.
	Contar(ctx context.Context, registro string) (int, error)
}

// Receptor receives messages that Dapr delivers by HTTP.
type Receptor struct {
	rutas      *mux.Router
	publicador *Publicador
	intentos   Intentos
	large      sync.Mutex // held by the one large delivery that is being read
}

// NuevoReceptor adds its routes to rutas, as components/suscripciones names them: POST /mensajes/{topic}.
func NuevoReceptor(rutas *mux.Router, p *Publicador, i Intentos) *Receptor {
	return &Receptor{rutas: rutas, publicador: p, intentos: i}
}

// Recibir calls atender for each message of tema, with a context whose log lines name the purchase. What it returns decides:
//
//	nil                              the message is acked
//	errores.NoDisponible             trouble: redelivered for ever
//	MensajeMalo, Invalido            the message is bad: a dead letter with the reason, then acked
//	any other, and a panic           redelivered; bad after MaxIntentos
func Recibir[D any](r *Receptor, tema contracts.Tema[D], atender func(ctx context.Context, m contracts.Mensaje[D]) error) {
	RecibirEn(r, "/mensajes/"+string(tema), tema, atender)
}

// RecibirEn is Recibir at a route of its own, for a second subscription of the same topic.
func RecibirEn[D any](r *Receptor, ruta string, tema contracts.Tema[D], atender func(ctx context.Context, m contracts.Mensaje[D]) error) {
	r.rutas.HandleFunc(ruta, func(w http.ResponseWriter, peticion *http.Request) {
		estado, ctx := "SUCCESS", peticion.Context()
		d, end, err := readDelivery(peticion.Body, &r.large)
		defer end()
		if err == nil {
			m, ilegible := decode[D](&d)
			ctx = registro.ConCompra(registro.ConTraza(ctx, m.Traceparent), contracts.Cut(m.IDCompra(), contracts.MaxIdentificador))
			err = recibirUno(ctx, r, tema, m, d, ilegible, atender)
		}
		if err != nil {
			slog.WarnContext(ctx, "mensaje devuelto al broker", "tema", tema, "error", Words(err.Error(), MaxReason))
			estado = "RETRY"
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]string{"status": estado}) // unread, it is redelivered
	}).Methods(http.MethodPost)
}

// decode reads the message of a delivery. An error is one that no handler may see; what can be read of it comes with it.
func decode[D any](d *delivery) (contracts.Mensaje[D], error) {
	if d.cut() {
		return contracts.Beginning[D](d.record), tooLarge(d)
	}
	m, err := contracts.Decodificar[D](d.record)
	switch {
	case err != nil:
		return contracts.Beginning[D](d.record), err
	case d.bytes > contracts.MaxRegistro:
		err = tooLarge(d)
	}
	d.read = true
	return m, err
}

func tooLarge(d *delivery) error {
	return fmt.Errorf("%w: tiene %d bytes; puede tener a lo sumo %d", contracts.ErrIlegible, d.bytes, contracts.MaxRegistro)
}

// recibirUno has m handled, unless it is ilegible, and does what Recibir says. An error is a message to be redelivered.
func recibirUno[D any](ctx context.Context, r *Receptor, tema contracts.Tema[D], m contracts.Mensaje[D], d delivery, ilegible error, atender func(context.Context, contracts.Mensaje[D]) error) error {
	err := ilegible
	if err == nil {
		err = m.CheckEnvelope()
	}
	if err == nil {
		err = sinPanico(func() error { return atender(ctx, m) })
	}
	if err == nil {
		fallas.Punto(fallas.Atendido, string(m.Type))
		return nil
	}
	switch errores.De(err) {
	case errores.NoDisponible:
		return err
	case errores.MensajeMalo, errores.Invalido:
		return muerto(ctx, r, tema, m, d, err, 1)
	}
	record, err2 := m.Codificar()
	if err2 != nil {
		return fmt.Errorf("%w (y no se pudo contar: %w)", err, err2)
	}
	intentos, alContar := r.intentos.Contar(ctx, string(tema)+"/"+Sum(record)) // its id may be anything, also another's
	if alContar != nil {
		return fmt.Errorf("%w (y no se pudo contar: %w)", err, alContar)
	}
	if intentos < MaxIntentos {
		return fmt.Errorf("intento %d de %d: %w", intentos, MaxIntentos, err)
	}
	return muerto(ctx, r, tema, m, d, err, intentos)
}

// muerto makes m a dead letter. Only when the broker has it is the original acked.
func muerto[D any](ctx context.Context, r *Receptor, tema contracts.Tema[D], m contracts.Mensaje[D], d delivery, causa error, intentos int) error {
	if err := apartar(ctx, r.publicador, tema, m, d, causa, intentos); err != nil {
		return fmt.Errorf("apartar el mensaje (%w): %w", causa, err)
	}
	slog.WarnContext(ctx, "mensaje muerto", "tema", tema, "registro", Words(m.ID, contracts.MaxIdentificador), "tipo", Words(string(m.Type), contracts.MaxIdentificador),
		"motivo", Words(causa.Error(), MaxReason), "intentos", intentos)
	return nil
}

func sinPanico(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return f()
}
