// Package autoscaler decides how many replicas of a consumer should run. It uses the rule of KEDA in a cluster, with the values of the
// ScaledObjects in deploy/k8s/base/scaling.yaml.
package autoscaler

import "time"

// Rule has the limits and times of scaling.
type Rule struct {
	PerReplica    int           // pending messages for each replica
	Min, Max      int           // replicas
	StepUp        int           // the most replicas that are added at once
	UpEvery       time.Duration // the least time between two additions
	Stabilization time.Duration // a replica is removed when fewer replicas were enough for this time
	DownEvery     time.Duration // the least time between two removals of one replica
}

// KedaRule is the rule of deploy/ with shorter times, so that a person can watch it: 20 s in place of 300 s, and 5 s in place of 60 s.
var KedaRule = Rule{PerReplica: 5, Min: 1, Max: 5, StepUp: 2, UpEvery: 15 * time.Second, Stabilization: 20 * time.Second, DownEvery: 5 * time.Second}

// Autoscaler applies a rule. It starts and stops no process.
type Autoscaler struct {
	rule                       Rule
	replicas                   int
	wishes                     []wish // the wishes within the last Stabilization
	lastScaleUp, lastScaleDown time.Time
}

type wish struct {
	at time.Time
	n  int
}

// New returns an Autoscaler with the minimum of replicas.
func New(r Rule) *Autoscaler { return &Autoscaler{rule: r, replicas: r.Min} }

// Replicas returns how many replicas should run, with pending messages in the queue.
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

// mostDesired returns the largest desired number within Stabilization: after one low value, no replica is removed.
func (e *Autoscaler) mostDesired() int {
	most := 0
	for _, d := range e.wishes {
		most = max(most, d.n)
	}
	return most
}
