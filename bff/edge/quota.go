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

// Quota bounds how many Idempotency-Keys of one subject live at once, over all replicas. It counts them in the store, by the
// hour in which they were first used:
//
//	cuota/<hash of the subject>   {"<hour>": how many}
//
// A replica draws them from there by the block, so that most keys cost the store nothing more. What is left of a block at the
// end of its hour, or when the replica stops, counts as used.
type Quota struct {
	store compras.Store
	most  int
	now   func() time.Time
	mu    sync.Mutex
	by    map[string]*allotment
	swept time.Time // when by was last looked through
}

// allotment is what a subject may still use here without asking the store.
type allotment struct {
	mu    sync.Mutex // a subject's requests take turns
	left  int
	until time.Time
}

const (
	maxBlock     = 32
	keptPerKey   = 4 << 10 // bytes of an answer that a key pays for; a longer one counts as more keys
	quotaTurns   = 20      // how often a lost race for a subject's count is run again
	maxAllotment = 10_000  // how many subjects are remembered before those of an earlier hour are forgotten
)

// NewQuota lets each subject have most keys; 0 is as many as they like.
func NewQuota(store compras.Store, most int) *Quota {
	return QuotaAt(store, most, time.Now)
}

// QuotaAt is NewQuota with a clock of its own.
func QuotaAt(store compras.Store, most int, now func() time.Time) *Quota {
	return &Quota{store: store, most: most, now: now, by: map[string]*allotment{}}
}

// Take counts n keys of subject. Errors: Quota, with the time after which the oldest end; those of the store.
func (q *Quota) Take(ctx context.Context, subject string, n int) error {
	if q == nil {
		return nil
	}
	return q.take(ctx, subject, n, q.most)
}

// Charge counts n keys also where that is more than the subject may have: the answer that weighs as much has been given.
func (q *Quota) Charge(ctx context.Context, subject string, n int) error {
	return q.take(ctx, subject, n, int(^uint(0)>>1))
}

// Metered is a store in which a key that a mutation has as its argument counts as one that came in the header.
type Metered struct {
	compras.Store
	Quota *Quota
}

// Create implements compras.Store. Errors also: Quota.
func (m Metered) Create(ctx context.Context, key string, text []byte, life time.Duration) error {
	user := identity.Of(ctx).Usuario
	if !strings.HasPrefix(key, compras.SendingPrefix) || paidByHeader(ctx) || user == "" {
		return m.Store.Create(ctx, key, text, life)
	}
	full := m.Quota.Take(ctx, user, 1)
	if errs.Of(full) == errs.Quota {
		if values, err := m.Load(ctx, key); err == nil && values[0].Version != "" {
			return compras.ErrChanged // it is there, and takes no more room
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

// Return takes back one key that Take counted: it was not a new one.
func (q *Quota) Return(subject string) {
	if q == nil || q.most <= 0 {
		return
	}
	a := q.allotment(subject)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.left++
}

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

// countedTogether is the period whose Idempotency-Keys of one subject are one number. They end together.
const countedTogether = time.Hour

// sweepPause is the least time between two sweeps of the numbers of Idempotency-Keys whose hour is over.
const sweepPause = time.Minute

func (q *Quota) allotment(subject string) *allotment {
	q.mu.Lock()
	defer q.mu.Unlock()
	if now := q.now(); len(q.by) >= maxAllotment && now.Sub(q.swept) >= sweepPause {
		q.swept = now
		maps.DeleteFunc(q.by, func(_ string, a *allotment) bool {
			if !a.mu.TryLock() {
				return false
			}
			defer a.mu.Unlock()
			return !now.Before(a.until)
		})
	}
	a := q.by[subject]
	if a == nil {
		a = &allotment{}
		q.by[subject] = a
	}
	return a
}

// draw counts a block of at least n in the store.
func (q *Quota) draw(ctx context.Context, subject string, n, most int) (int, error) {
	key := "cuota/" + compras.Fingerprint(subject)
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
				Codigo: errs.Quota, Wait: wait,
				Mensaje: "Ya usó " + strconv.Itoa(used) + " claves de idempotencia (Idempotency-Key) en 24 horas, que es lo más que se guarda a la vez. Envíe sin clave, o espere.",
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

// live drops from counts the hours whose keys have ended, and gives how many there are and how long until the oldest end.
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

func hourOf(t time.Time) string { return strconv.FormatInt(t.Truncate(countedTogether).Unix(), 10) }
