package pulsar

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"

	"github.com/apache/pulsar-client-go/pulsar"
)

// place is an entry of a topic.
type place struct{ ledger, entry int64 }

func placeOf(m pulsar.Message) place { return place{m.ID().LedgerID(), m.ID().EntryID()} }

func (p place) before(q place) bool {
	return p.ledger < q.ledger || p.ledger == q.ledger && p.entry < q.entry
}

// done has the entries that a subscription has acknowledged: all up to a place, and ranges after it.
type done struct {
	until  place
	ranges []span
}

type span struct {
	from, to            place
	withFirst, withLast bool
}

func (d done) has(p place) bool {
	if !d.until.before(p) {
		return true
	}
	for _, s := range d.ranges {
		after := s.from.before(p) || s.withFirst && s.from == p
		before := p.before(s.to) || s.withLast && s.to == p
		if after && before {
			return true
		}
	}
	return false
}

// ranged matches a range in the form of the broker: (71:1..71:3].
var ranged = regexp.MustCompile(`([\[(])(\d+):(-?\d+)(?:\.\.|‥)(\d+):(-?\d+)([\])])`)

func parseDone(until, ranges string) (done, error) {
	var d done
	if _, err := fmt.Sscanf(until, "%d:%d", &d.until.ledger, &d.until.entry); err != nil {
		return d, fmt.Errorf("position %q: %w", until, err)
	}
	for _, g := range ranged.FindAllStringSubmatch(ranges, -1) {
		n := make([]int64, 4)
		for i := range n {
			n[i], _ = strconv.ParseInt(g[2+i], 10, 64) // the expression matches digits only
		}
		d.ranges = append(d.ranges, span{place{n[0], n[1]}, place{n[2], n[3]}, g[1] == "[", g[6] == "]"})
	}
	return d, nil
}

// acknowledged returns the entries of topic that subscription has acknowledged.
func (b *Broker) acknowledged(ctx context.Context, topic, subscription string) (done, error) {
	var e struct {
		Cursors map[string]struct {
			Until  string `json:"markDeletePosition"`
			Ranges string `json:"individuallyDeletedMessages"`
		}
	}
	found, err := b.ask(ctx, topic, "/internalStats", func(r *json.Decoder) error { return r.Decode(&e) })
	if err != nil {
		return done{}, err
	}
	c, known := e.Cursors[subscription]
	if !found || !known {
		return done{}, fmt.Errorf("topic %s: there is no subscription %s", topic, subscription)
	}
	return parseDone(c.Until, c.Ranges)
}
