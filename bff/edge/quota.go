package edge

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"strconv"
	"strings"
	"sync"
	"time"

	"entregas/bff/compras"
	"entregas/bff/identity"
	"entregas/internal/errs"
)

// Quota bounds how many Idempotency-Keys one subject has alive, over all replicas. The store counts them by the hour of their
// first use:
//
//	quota/<hash of the subject>   {"<hour>": count}
//
// A replica draws keys from the store in blocks, so that most keys cost no call. When the hour of a block ends, or the replica
// stops, the unused keys of the block count as used. golang.org/x/time/rate is not used: it counts in one process, and loses the
// counts when the process ends.
type Quota struct {
	store      compras.Store
	most       int
	now        func() time.Time
	mu         sync.Mutex
	allotments map[string]*allotment
	swept      time.Time // when allotments was last searched
}

// allotment is the rest of the block that this replica drew for a subject.
type allotment struct {
	mu    sync.Mutex // held while a request of the subject draws
	left  int        // keys
	until time.Time  // end of the block's hour
}

const (
	maxBlock     = 32      // keys that a replica draws at once
	keptPerKey   = 4 << 10 // bytes of an answer that one key pays for; a longer answer counts as more keys
	quotaTurns   = 20      // how often draw repeats a lost race
	maxAllotment = 10_000  // allotments that are kept before those of an earlier hour are dropped
)

// NewQuota returns a Quota of most keys for each subject; 0 is no limit.
func NewQuota(store compras.Store, most int) *Quota {
	return QuotaAt(store, most, time.Now)
}

// QuotaAt is NewQuota with now as its clock.
func QuotaAt(store compras.Store, most int, now func() time.Time) *Quota {
	return &Quota{store: store, most: most, now: now, allotments: map[string]*allotment{}}
}

// Take counts n keys of subject. Errors: Quota, with the time until the oldest keys end; those of the store.
func (q *Quota) Take(ctx context.Context, subject string, n int) error {
	if q == nil {
		return nil
	}
	return q.take(ctx, subject, n, q.most)
}

// Charge counts n keys of subject even beyond its quota: they pay for an answer that was given already.
func (q *Quota) Charge(ctx context.Context, subject string, n int) error {
	return q.take(ctx, subject, n, int(^uint(0)>>1))
}

// Metered is a compras.Store that counts Idempotency-Keys, both in the argument of a mutation and in the header.
type Metered struct {
	compras.Store
	Quota *Quota
}

// Create implements compras.Store. Its errors are those of Store, and Quota.
func (m Metered) Create(ctx context.Context, key string, text []byte, life time.Duration) error {
	user := identity.Of(ctx).Usuario
	if !strings.HasPrefix(key, compras.SubmissionPrefix) || paidByHeader(ctx) || user == "" {
		return m.Store.Create(ctx, key, text, life)
	}
	full := m.Quota.Take(ctx, user, 1)
	if errs.Of(full) == errs.Quota {
		if values, err := m.Load(ctx, key); err == nil && values[0].Version != "" {
			return compras.ErrChanged // the key exists, and takes no more room
		}
	}
	if full != nil {
		return full
	}
	err := m.Store.Create(ctx, key, text, life)
	if err != nil {
		m.Quota.Return(user)
	}
	return err
}

// Return gives back one key that Take counted and that was not new.
func (q *Quota) Return(subject string) {
	if q == nil || q.most <= 0 {
		return
	}
	a := q.allotment(subject)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.left++
}

// take counts n keys of subject. A subject may have at most most keys.
func (q *Quota) take(ctx context.Context, subject string, n, most int) error {
	if q == nil || q.most <= 0 || n <= 0 {
		return nil
	}
	a := q.allotment(subject)
	a.mu.Lock()
	defer a.mu.Unlock()
	now := q.now()
	if !now.Before(a.until) {
		a.left, a.until = 0, now.Truncate(countedTogether).Add(countedTogether)
	}
	if a.left < n {
		drawn, err := q.draw(ctx, subject, n, most)
		if err != nil {
			return err
		}
		a.left += drawn
	}
	a.left -= n
	return nil
}

// countedTogether is the period whose Idempotency-Keys of one subject the quota counts as one number. These keys end together.
const countedTogether = time.Hour

// sweepPause is the least time between two searches for allotments of an earlier hour.
const sweepPause = time.Minute

// allotment returns the allotment of subject. If there are maxAllotment allotments, it first drops the allotments of an earlier
// hour.
func (q *Quota) allotment(subject string) *allotment {
	q.mu.Lock()
	defer q.mu.Unlock()
	if now := q.now(); len(q.allotments) >= maxAllotment && now.Sub(q.swept) >= sweepPause {
		q.swept = now
		maps.DeleteFunc(q.allotments, func(_ string, a *allotment) bool {
			if !a.mu.TryLock() {
				return false
			}
			defer a.mu.Unlock()
			return !now.Before(a.until)
		})
	}
	a := q.allotments[subject]
	if a == nil {
		a = &allotment{}
		q.allotments[subject] = a
	}
	return a
}

// draw counts a block of at least n keys in the store, and returns its size.
func (q *Quota) draw(ctx context.Context, subject string, n, most int) (int, error) {
	key := "quota/" + compras.Fingerprint(subject)
	for range quotaTurns {
		values, err := q.store.Load(ctx, key)
		if err != nil {
			return 0, err
		}
		counts := map[string]int{}
		if values[0].Version != "" {
			if err := json.Unmarshal(values[0].Text, &counts); err != nil {
				return 0, err
			}
		}
		used, wait := q.live(counts)
		if n > most-used {
			return 0, &errs.Error{
				Code: errs.Quota, Wait: wait,
				Message: "Ya usó " + strconv.Itoa(used) + " claves de idempotencia (Idempotency-Key) en 24 horas, que es lo más que se guarda a la vez. Envíe sin clave, o espere.",
			}
		}
		drawn := max(n, min(maxBlock, q.most/100, most-used))
		counts[hourOf(q.now())] += drawn
		text, err := json.Marshal(counts)
		if err != nil {
			return 0, err
		}
		if values[0].Version == "" {
			err = q.store.Create(ctx, key, text, compras.SubmissionTTL+countedTogether)
		} else {
			err = q.store.Replace(ctx, key, values[0].Version, text, compras.SubmissionTTL+countedTogether)
		}
		if !errors.Is(err, compras.ErrChanged) {
			return drawn, err
		}
	}
	return 0, errs.New(errs.Unavailable, "Hay demasiados cambios a la vez. Intente de nuevo.")
}

// live deletes from counts the hours whose keys have ended. It returns the sum of the remaining hours, and the time until the
// keys of the oldest hour end.
func (q *Quota) live(counts map[string]int) (used int, wait time.Duration) {
	now := q.now()
	for hour, n := range counts {
		unix, err := strconv.ParseInt(hour, 10, 64)
		end := time.Unix(unix, 0).Add(countedTogether + compras.SubmissionTTL)
		if err != nil || !now.Before(end) {
			delete(counts, hour)
			continue
		}
		used += n
		if left := end.Sub(now); wait == 0 || left < wait {
			wait = left
		}
	}
	return used, wait
}

// hourOf returns the name of t's hour in the counts: the Unix time of its beginning.
func hourOf(t time.Time) string { return strconv.FormatInt(t.Truncate(countedTogether).Unix(), 10) }
