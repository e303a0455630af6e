// Package difusion publishes the history of purchases on eventos-compra (docs/adr/the-history-is-the-outbox.md): at once and
// beside the step that made it, so that no step waits for it; and by a sweep where that failed.
package difusion

import (
	"context"
	"hash/fnv"
	"log/slog"
	"sync"
	"time"

	"entregas/contracts"
	"entregas/services/gestor-compra/compras"
	"entregas/services/internal/arranque"
	"entregas/services/internal/pubsub"
	"entregas/services/internal/registro"
)

const (
	carriles    = 8   // publications at once; a purchase keeps to one lane, and so its order
	profundidad = 256 // waiting in a lane; what does not fit is left to the sweep
	// cadaMarca is how often the rows of the outbox that were published are marked, all in one statement.
	cadaMarca = 200 * time.Millisecond
	// ultimaMarca is how long a stop waits for the last statement that marks rows of the outbox as published.
	ultimaMarca = 5 * time.Second
	// cadaBarrido is how often to look for rows of the outbox that could not be published.
	cadaBarrido = 5 * time.Second
	// edadBarrido is the age from which a row of the outbox is published again. A younger one is still on its way.
	edadBarrido = 5 * time.Second
	loteBarrido = 500
)

// Almacen is what the diffusion keeps.
type Almacen interface {
	MarcarPublicadas(ctx context.Context, p []compras.Publicado) error
	PorPublicar(ctx context.Context, edad time.Duration, limite int) ([]contracts.Compra, error)
}

// Difusion publishes. Correr must run.
type Difusion struct {
	almacen    Almacen
	publicador *pubsub.Publicador
	carriles   [carriles]chan contracts.Compra
	mu         sync.Mutex
	publicadas []compras.Publicado // not marked yet
}

// Nueva publishes through p what a keeps.
func Nueva(a Almacen, p *pubsub.Publicador) *Difusion {
	d := &Difusion{almacen: a, publicador: p}
	for i := range d.carriles {
		d.carriles[i] = make(chan contracts.Compra, profundidad)
	}
	return d
}

// Difundir publishes c soon. It does not wait, and loses nothing: what is not published the sweep finds.
func (d *Difusion) Difundir(c contracts.Compra) {
	suma := fnv.New32a()
	_, _ = suma.Write([]byte(c.ID)) // a hash does not fail
	select {
	case d.carriles[suma.Sum32()%carriles] <- c:
	default:
	}
}

// Correr publishes until ctx ends. What is published by then is marked.
func (d *Difusion) Correr(ctx context.Context) {
	var todos sync.WaitGroup
	for _, carril := range d.carriles {
		todos.Go(func() { d.vaciar(ctx, carril) })
	}
	todos.Go(func() { arranque.Repetir(ctx, cadaMarca, "marcar publicadas", d.marcar) })
	todos.Go(func() { arranque.Repetir(ctx, cadaBarrido, "barrer la historia", d.barrer) })
	todos.Wait()
	plazo, soltar := context.WithTimeout(context.WithoutCancel(ctx), ultimaMarca)
	defer soltar()
	if err := d.marcar(plazo); err != nil { // they are published once more: the number tells
		slog.WarnContext(ctx, "marcar publicadas al terminar", "error", err)
	}
}

func (d *Difusion) vaciar(ctx context.Context, carril <-chan contracts.Compra) {
	for {
		select {
		case <-ctx.Done():
			return
		case c := <-carril:
			d.publicar(ctx, c)
		}
	}
}

func (d *Difusion) publicar(ctx context.Context, c contracts.Compra) {
	ctx = registro.ConCompra(ctx, c.ID)
	if err := pubsub.Publicar(ctx, d.publicador, contracts.EventosCompra, contracts.CompraActualizada, c.ID, c.Evento()); err != nil {
		slog.WarnContext(ctx, "la difusión queda para el barrido", "error", err)
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.publicadas = append(d.publicadas, compras.Publicado{IDCompra: c.ID, Hasta: c.Numero()})
}

// marcar notes what was published, many at a time: one statement for each would cost as much as the step did.
func (d *Difusion) marcar(ctx context.Context) error {
	d.mu.Lock()
	publicadas := d.publicadas
	d.publicadas = nil
	d.mu.Unlock()
	if len(publicadas) == 0 {
		return nil
	}
	err := d.almacen.MarcarPublicadas(ctx, publicadas)
	if err != nil { // what is not marked by the next sweep is published once more: the number tells
		d.mu.Lock()
		defer d.mu.Unlock()
		d.publicadas = append(publicadas, d.publicadas...)
	}
	return err
}

func (d *Difusion) barrer(ctx context.Context) error {
	pendientes, err := d.almacen.PorPublicar(ctx, edadBarrido, loteBarrido)
	if err != nil {
		return err
	}
	for _, c := range pendientes {
		d.Difundir(c)
	}
	return nil
}
