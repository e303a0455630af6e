package postgres

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"entregas/contracts"
)

// canalDeRespuestas carries the keys of questions that were answered.
const canalDeRespuestas = "respuestas"

// claveDePaso is a question's key on canalDeRespuestas.
func claveDePaso(idCompra string, comando contracts.Tipo) string {
	return idCompra + "/" + string(comando)
}

// Avisos wakes the activities that wait in this process when their reply is recorded in any replica.
type Avisos struct {
	pool    *pgxpool.Pool
	mu      sync.Mutex
	esperan map[string]map[chan struct{}]struct{}
}

// NuevosAvisos listens on a connection of pool, once Escuchar runs.
func NuevosAvisos(pool *pgxpool.Pool) *Avisos {
	return &Avisos{pool: pool, esperan: map[string]map[chan struct{}]struct{}{}}
}

// Esperar gives a channel that gets a token when the question is answered. Call the second result when done.
// Start to wait before the question is asked, or its reply may come first.
func (a *Avisos) Esperar(idCompra string, comando contracts.Tipo) (<-chan struct{}, func()) {
	clave, canal := claveDePaso(idCompra, comando), make(chan struct{}, 1)
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.esperan[clave] == nil {
		a.esperan[clave] = map[chan struct{}]struct{}{}
	}
	a.esperan[clave][canal] = struct{}{}
	return canal, func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		delete(a.esperan[clave], canal)
		if len(a.esperan[clave]) == 0 {
			delete(a.esperan, clave)
		}
	}
}

// listenAgain is the pause before a replica listens again for replies (LISTEN) after it lost its connection.
const listenAgain = time.Second

// Escuchar wakes waiters until ctx ends. It reconnects when the database comes back; what was missed meanwhile the waiters
// find by looking themselves.
func (a *Avisos) Escuchar(ctx context.Context) {
	for ctx.Err() == nil {
		if err := a.escucharUnaConexion(ctx); err != nil && ctx.Err() == nil {
			slog.WarnContext(ctx, "sin avisos de respuestas", "error", err)
			select {
			case <-ctx.Done():
			case <-time.After(listenAgain):
			}
		}
	}
}

func (a *Avisos) escucharUnaConexion(ctx context.Context) error {
	conexion, err := a.pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("tomar una conexión: %w", err)
	}
	defer func() { // a connection that listens must not go back to the others
		_ = conexion.Hijack().Close(context.WithoutCancel(ctx))
	}()
	if _, err := conexion.Exec(ctx, "listen "+canalDeRespuestas); err != nil {
		return fmt.Errorf("escuchar: %w", err)
	}
	for {
		aviso, err := conexion.Conn().WaitForNotification(ctx)
		if err != nil {
			return err
		}
		a.despertar(aviso.Payload)
	}
}

func (a *Avisos) despertar(clave string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for canal := range a.esperan[clave] {
		select {
		case canal <- struct{}{}:
		default: // it has one already
		}
	}
}
