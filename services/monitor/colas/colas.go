// Package colas is what monitor knows: how far each reader of each topic is behind.
package colas

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"entregas/contracts"
)

// Cola is one reader's place in one topic, at the instant at which it was read.
type Cola struct {
	Tema        string
	Suscripcion string
	Pendientes  int64     // messages that it did not confirm yet
	Entregadas  int64     // those of them that a replica has and is working on
	Replicas    int       // who reads under this name
	Durable     bool      // it outlives its readers: what waits in it will be handled
	Entraron    int64     // messages that the topic got since its broker started
	MasVieja    time.Time // when the oldest pending message was published; zero where nothing waits
}

// Edad is how long the oldest pending message has waited.
func (c Cola) Edad(ahora time.Time) time.Duration {
	if c.Pendientes == 0 || c.MasVieja.IsZero() {
		return 0
	}
	return max(0, ahora.Sub(c.MasVieja))
}

// Broker tells the readers of a topic: none where there is no such topic yet.
type Broker interface {
	Colas(ctx context.Context, tema string) ([]Cola, error)
}

// Leer asks the broker for every topic at once. What it did not tell is not in the map, and in the error.
func Leer(ctx context.Context, b Broker) (map[string][]Cola, error) {
	temas := Temas()
	leidas, fallos := make([][]Cola, len(temas)), make([]error, len(temas))
	var grupo sync.WaitGroup
	for i, tema := range temas {
		grupo.Go(func() { leidas[i], fallos[i] = b.Colas(ctx, tema) })
	}
	grupo.Wait()
	todas := map[string][]Cola{}
	for i, tema := range temas {
		if fallos[i] == nil {
			todas[tema] = leidas[i]
		}
	}
	return todas, errors.Join(fallos...)
}

// Temas lists every topic that is watched, dead letters included.
func Temas() []string {
	nombres := contracts.Nombres()
	temas := make([]string, 0, 2*len(nombres))
	for _, n := range nombres {
		temas = append(temas, n, n+muertos)
	}
	return temas
}

const muertos = "-dlq"

// EsDeMuertos tells that tema holds the dead letters of another, and of which.
func EsDeMuertos(tema string) (origen string, si bool) { return strings.CutSuffix(tema, muertos) }

// Pendientes is how many messages of the topic wait for a service. A live stream's own reader does not count: nothing
// waits for it once it is gone.
func Pendientes(colas []Cola) int64 {
	var total int64
	for _, c := range colas {
		if c.Durable {
			total += c.Pendientes
		}
	}
	return total
}
