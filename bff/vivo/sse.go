package vivo

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"time"

	"entregas/contracts"
	"entregas/services/bff/compras"
	"entregas/services/bff/identidad"
	"entregas/services/bff/streams"
	"entregas/services/internal/errores"
	"entregas/services/internal/registro"
	"entregas/services/internal/rest"
)

// How streams pass the time.
const (
	// mirada is how often a stream reads the read model, even if no event tells of a change.
	mirada = time.Second
	// miradaPronto is how long a stream waits for a change in the read model of which an event told; each further wait is twice as long.
	miradaPronto = 20 * time.Millisecond
)

// Compras is what streams read.
type Compras interface {
	Leer(ctx context.Context, id string) (compras.Leida, error)
	Conocida(ctx context.Context, id string) (*contracts.Compra, error)
}

// Servidor serves streams until parada ends: a stop of the program waits for no client.
type Servidor struct {
	parada   context.Context
	compras  Compras
	avisos   *Avisos
	mu       sync.Mutex
	abiertos map[string]int // streams of one purchase, by subject
}

// NuevoServidor serves what c knows and avisos tells.
func NuevoServidor(parada context.Context, c Compras, avisos *Avisos) *Servidor {
	return &Servidor{parada: parada, compras: c, avisos: avisos, abiertos: map[string]int{}}
}

// UnaCompra streams the changes of purchase id: `id:` is the change's number, `event:` is estado, `data:` the purchase as
// it was left. ultimoID is the number after which to go on, "" for all. It ends when the purchase can change no more.
func (s *Servidor) UnaCompra(w http.ResponseWriter, r *http.Request, id, ultimoID string) {
	id = contracts.CanonicalID(id) // the name under which its changes are told
	ultimo := -1
	if ultimoID != "" {
		n, err := strconv.ParseUint(ultimoID, 10, 31)
		if err != nil {
			rest.EscribirError(w, r, contracts.CampoMalo("Last-Event-ID", "debe ser el id de un evento de esta compra: un número"))
			return
		}
		ultimo = int(n)
	}
	ctx, soltar, err := s.flujoDe(r.Context())
	if err != nil {
		rest.EscribirError(w, r, err)
		return
	}
	defer soltar()
	oyente, dejar := s.avisos.oir(id) // before the first look: what changes after it is heard
	defer dejar()
	leida, err := s.compras.Leer(ctx, id)
	if err != nil {
		rest.EscribirError(w, r, err)
		return
	}
	ultimo = known(leida.Compra, ultimo)
	if compras.EsFinal(leida.Compra.Estado) && len(compras.CambiosDesde(leida.Compra, ultimo)) == 0 {
		w.WriteHeader(http.StatusNoContent) // tells an EventSource not to come back
		return
	}
	salida := abrir(w)
	s.contar(ctx, salida, oyente, leida.Compra, ultimo)
	s.sayStopping(salida)
}

// sayStopping tells the client of a stream that the program ended to come back soon: another replica goes on from where it was.
func (s *Servidor) sayStopping(w *salida) {
	if s.parada.Err() != nil {
		_ = w.escribir(": se detiene, vuelva\nretry: 500\n\n") // the client may be gone
	}
}

// Cambios gives the changes of purchase id after the number ultimo (-1 for all), until ctx ends, the program stops, or there
// can be no more. Errors: Invalido for a number that is none.
func (s *Servidor) Cambios(ctx context.Context, id string, ultimo int) (<-chan compras.Cambio, error) {
	id = contracts.CanonicalID(id)
	if ultimo < -1 {
		return nil, contracts.CampoMalo("desde", "debe ser el número de un cambio de esta compra, o -1")
	}
	ctx, soltar, err := s.flujoDe(ctx)
	if err != nil {
		return nil, err
	}
	oyente, dejar := s.avisos.oir(id)
	leida, err := s.compras.Leer(ctx, id)
	if err != nil {
		dejar()
		soltar()
		return nil, err
	}
	canal := canal{ctx: ctx, hacia: make(chan compras.Cambio, 1)}
	go func() {
		defer close(canal.hacia)
		defer soltar()
		defer dejar()
		s.contar(ctx, canal, oyente, leida.Compra, known(leida.Compra, ultimo))
	}()
	return canal.hacia, nil
}

// known is the number after which a client is told what happens. One that names a later change than there is gets what comes
// from now on: else it would wait in silence until there are as many.
func known(c contracts.Compra, ultimo int) int { return min(ultimo, c.Numero()) }

// destino is where changes go.
type destino interface {
	// cambios sends what of c is newer than ultimo, and gives the number it is at then.
	cambios(c contracts.Compra, ultimo int) (int, error)
	// latir says that the stream is alive, when that is due.
	latir() error
}

// canal is a destino within the program. Who reads it shows by itself that it is alive.
type canal struct {
	ctx   context.Context
	hacia chan compras.Cambio
}

func (c canal) cambios(compra contracts.Compra, ultimo int) (int, error) {
	for _, cambio := range compras.CambiosDesde(compra, ultimo) {
		select {
		case c.hacia <- cambio:
			ultimo = cambio.Numero
		case <-c.ctx.Done():
			return ultimo, c.ctx.Err()
		}
	}
	return ultimo, nil
}

func (canal) latir() error { return nil }

// contar sends what c has after ultimo, and then what changes.
func (s *Servidor) contar(ctx context.Context, hacia destino, o *oyente, c contracts.Compra, ultimo int) {
	ctx = registro.ConCompra(ctx, c.ID)
	ultimo, err := hacia.cambios(c, ultimo)
	if err == nil {
		err = s.seguir(ctx, hacia, o, c.ID, ultimo, compras.EsFinal(c.Estado))
	}
	if err != nil && ctx.Err() == nil {
		slog.InfoContext(ctx, "flujo cortado", "error", err)
	}
}

// seguir sends what changes after ultimo, until fin, the client's leaving or the program's stop.
func (s *Servidor) seguir(ctx context.Context, salida destino, o *oyente, id string, ultimo int, fin bool) error {
	espera, checked := mirada, time.Now()
	for !fin {
		select {
		case <-ctx.Done():
			return nil
		case <-o.despierta:
			espera = miradaPronto
		case <-time.After(espera):
		}
		compra, err := s.compras.Conocida(ctx, id)
		if news := err == nil && compra != nil && len(compras.CambiosDesde(*compra, ultimo)) > 0; news || time.Since(checked) >= streams.Heartbeat {
			checked = time.Now()
			if err = identidad.StillValid(ctx); errores.De(err) == errores.SinIdentidad {
				return nil // after a sign-out nothing more is told; the client comes back and is asked who it is
			}
		}
		switch {
		case err != nil: // nothing is told that cannot be checked: it is looked at again
			slog.WarnContext(ctx, "el almacén de estado no responde", "error", err)
		case compra != nil:
			if ultimo, err = salida.cambios(*compra, ultimo); err != nil {
				return err
			}
			fin = compras.EsFinal(compra.Estado) && ultimo >= compra.Numero()
		}
		if err := salida.latir(); err != nil {
			return err
		}
		if ultimo < s.avisos.anunciado(o) { // told, and not yet written by whichever replica writes it
			espera = min(2*espera, mirada)
		} else {
			espera = mirada
		}
	}
	return nil
}

// salida writes server-sent events.
type salida struct {
	w      http.ResponseWriter
	ultima time.Time
}

func abrir(w http.ResponseWriter) *salida {
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // a proxy that gathers would hold events back
	w.WriteHeader(http.StatusOK)
	return &salida{w: w, ultima: time.Now()}
}

// cambios sends what of c is newer than ultimo, and gives the number it is at then.
func (s *salida) cambios(c contracts.Compra, ultimo int) (int, error) {
	for _, cambio := range compras.CambiosDesde(c, ultimo) {
		texto, err := rest.Encode(cambio.Compra)
		if err != nil {
			return ultimo, err
		}
		if err := s.escribir(fmt.Sprintf("id: %d\nevent: estado\ndata: %s\n\n", cambio.Numero, texto)); err != nil {
			return ultimo, err
		}
		ultimo = cambio.Numero
	}
	return ultimo, nil
}

func (s *salida) latir() error {
	if time.Since(s.ultima) < streams.Heartbeat {
		return nil
	}
	return s.escribir(": sigue\n\n")
}

func (s *salida) escribir(texto string) error {
	control := http.NewResponseController(s.w)
	if err := control.SetWriteDeadline(time.Now().Add(streams.Take)); err != nil {
		return err
	}
	if _, err := fmt.Fprint(s.w, texto); err != nil {
		return err
	}
	s.ultima = time.Now()
	return control.Flush()
}
