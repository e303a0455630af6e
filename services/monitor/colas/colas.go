// Package colas is what monitor knows: how far each reader of each topic is behind.
package colas

import (
	"strings"

	"entregas/contracts"
)

// Cola is one reader's place in one topic, at the instant at which it was read.
type Cola struct {
	Tema        string
	Suscripcion string
	Pendientes  int64 // messages that it did not confirm yet
	Entregadas  int64 // those of them that a replica has and is working on
	Replicas    int   // who reads under this name
	Durable     bool  // it outlives its readers: what waits in it will be handled
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
