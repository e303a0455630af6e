// Package escalador grows and shrinks a consumer on this machine as KEDA does in a cluster: by the rule of the ScaledObjects
// in deploy/k8s/base/escala.yaml.
package escalador

import "time"

// Regla says how many replicas there should be.
type Regla struct {
	PorReplica     int           // pending messages that one replica is expected to deal with
	Min, Max       int           // replicas
	Subida         int           // replicas more at once, every CadaSubida
	CadaSubida     time.Duration // growing is not put off otherwise
	Estabilizacion time.Duration // shrinking waits until fewer were enough for this long
	CadaBajada     time.Duration // then one at a time
}

// DeKeda is the rule of deploy/, with its quiet times cut to what one may watch: 300 s to 20 s, and 60 s to 5 s.
var DeKeda = Regla{PorReplica: 5, Min: 1, Max: 5, Subida: 2, CadaSubida: 15 * time.Second, Estabilizacion: 20 * time.Second, CadaBajada: 5 * time.Second}

// Escalador applies a rule. It knows nothing of processes.
type Escalador struct {
	regla                      Regla
	replicas                   int
	deseos                     []deseo // of the last Estabilizacion
	ultimaSubida, ultimaBajada time.Time
}

type deseo struct {
	en time.Time
	n  int
}

// Nuevo begins with the least.
func Nuevo(r Regla) *Escalador { return &Escalador{regla: r, replicas: r.Min} }

// Replicas gives how many there should be, with so many messages pending.
func (e *Escalador) Replicas(pendientes int64, ahora time.Time) int {
	quiere := (int(pendientes) + e.regla.PorReplica - 1) / e.regla.PorReplica
	quiere = min(max(quiere, e.regla.Min), e.regla.Max)
	e.deseos = append(e.deseos, deseo{ahora, quiere})
	for ahora.Sub(e.deseos[0].en) > e.regla.Estabilizacion {
		e.deseos = e.deseos[1:]
	}
	switch {
	case quiere > e.replicas && ahora.Sub(e.ultimaSubida) >= e.regla.CadaSubida:
		e.replicas = min(quiere, e.replicas+e.regla.Subida)
		e.ultimaSubida = ahora
	case e.masDeseadas() < e.replicas && ahora.Sub(e.ultimaBajada) >= e.regla.CadaBajada && ahora.Sub(e.ultimaSubida) >= e.regla.Estabilizacion:
		e.replicas--
		e.ultimaBajada = ahora
	}
	return e.replicas
}

// masDeseadas is the most that was wanted within the quiet time: one quiet look is no reason to shrink.
func (e *Escalador) masDeseadas() int {
	mas := 0
	for _, d := range e.deseos {
		mas = max(mas, d.n)
	}
	return mas
}
