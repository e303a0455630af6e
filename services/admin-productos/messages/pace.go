package messages

import (
	"context"
	"time"
)

// Pace makes reserving slow on purpose, to see a queue fill and more replicas empty it.
type Pace struct {
	delay time.Duration
	slots chan struct{} // nil: no limit of ours
}

// NewPace lets each reservation take delay longer, and at most handlers of them be at work at once in this
// replica; 0 is no limit.
func NewPace(delay time.Duration, handlers int) *Pace {
	r := &Pace{delay: delay}
	if handlers > 0 {
		r.slots = make(chan struct{}, handlers)
	}
	return r
}

// Free tells that nothing is slowed.
func (p *Pace) Free() bool { return p.delay <= 0 && p.slots == nil }

// Enter waits for a place and then for the delay; leave gives the place back. When ctx ends first, the message was not
// handled and comes again.
func (p *Pace) Enter(ctx context.Context) (leave func(), err error) {
	leave = func() {}
	if p.slots != nil {
		select {
		case p.slots <- struct{}{}:
			leave = func() { <-p.slots }
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	timer := time.NewTimer(p.delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return leave, nil
	case <-ctx.Done():
		leave()
		return nil, ctx.Err()
	}
}
