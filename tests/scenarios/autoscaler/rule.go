// Package autoscaler grows and shrinks a consumer on this machine as KEDA does in a cluster: by the rule of the ScaledObjects
// in deploy/k8s/base/scaling.yaml.
package autoscaler

import "time"

// Rule says how many replicas there should be.
type Rule struct {
	PerReplica    int           // pending messages that one replica is expected to deal with
	Min, Max      int           // replicas
	StepUp        int           // replicas more at once, every UpEvery
	UpEvery       time.Duration // growing is not put off otherwise
	Stabilization time.Duration // shrinking waits until fewer were enough for this long
	DownEvery     time.Duration // then one at a time
}

// KedaRule is the rule of deploy/, with its quiet times cut to what one may watch: 300 s to 20 s, and 60 s to 5 s.
var KedaRule = Rule{PerReplica: 5, Min: 1, Max: 5, StepUp: 2, UpEvery: 15 * time.Second, Stabilization: 20 * time.Second, DownEvery: 5 * time.Second}

// Autoscaler applies a rule. It knows nothing of processes.
type Autoscaler struct {
	rule                       Rule
	replicas                   int
	wishes                     []wish // of the last Stabilization
	lastScaleUp, lastScaleDown time.Time
}

type wish struct {
	at time.Time
	n  int
}

// New begins with the least.
func New(r Rule) *Autoscaler { return &Autoscaler{rule: r, replicas: r.Min} }

// Replicas gives how many there should be, with so many messages pending.
func (e *Autoscaler) Replicas(pending int64, now time.Time) int {
	wants := (int(pending) + e.rule.PerReplica - 1) / e.rule.PerReplica
	wants = min(max(wants, e.rule.Min), e.rule.Max)
	e.wishes = append(e.wishes, wish{now, wants})
	for now.Sub(e.wishes[0].at) > e.rule.Stabilization {
		e.wishes = e.wishes[1:]
	}
	switch {
	case wants > e.replicas && now.Sub(e.lastScaleUp) >= e.rule.UpEvery:
		e.replicas = min(wants, e.replicas+e.rule.StepUp)
		e.lastScaleUp = now
	case e.mostDesired() < e.replicas && now.Sub(e.lastScaleDown) >= e.rule.DownEvery && now.Sub(e.lastScaleUp) >= e.rule.Stabilization:
		e.replicas--
		e.lastScaleDown = now
	}
	return e.replicas
}

// mostDesired is the most that was wanted within the quiet time: one quiet look is no reason to shrink.
func (e *Autoscaler) mostDesired() int {
	most := 0
	for _, d := range e.wishes {
		most = max(most, d.n)
	}
	return most
}
