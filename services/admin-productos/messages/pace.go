package messages

import (
	"context"
	"time"
)

// Pace slows reservations down on purpose. The scenarios use it to fill a queue, which more replicas then empty.
type Pace struct {
	delay time.Duration
	slots chan struct{} // nil means no limit
}

// NewPace returns a Pace that adds delay to each reservation. At most handlers of them run at once in this replica; 0 means no limit.
func NewPace(delay time.Duration, handlers int) *Pace {
	r := &Pace{delay: delay}
	if handlers > 0 {
		r.slots = make(chan struct{}, handlers)
	}
	return r
}

// Free tells whether reservations are not slowed at all.
func (p *Pace) Free() bool { return p.delay <= 0 && p.slots == nil }

// Enter waits for a slot and then for the delay. The caller must call leave, which frees the slot. When ctx ends first, Enter
// returns its error, and the broker redelivers the command.
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
