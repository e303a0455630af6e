package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"entregas/tests/auditor"
)

// row is the line of the matrix for one fault at one step.
type row struct {
	what, step    string
	times         int
	compras, lost int
	late          int           // purchases that were at their end later than limit, or never
	worst         time.Duration // the longest time from the end of the fault until the last purchase that it met was at its end
	door          answers       // the responses between the begin of the fault and the end of the last purchase
	note          string
	skipped       string // why the fault did not occur at the last try
}

// limit is the time after a fault within which the purchases that were in flight during the fault must be at their end. The run fails
// when a purchase takes longer.
const limit = 3 * time.Minute

// late has the row of the fault that made a purchase late, and the end of that fault. A purchase is late when it was not at its end
// within limit.
type late struct {
	row *row
	end time.Time // the end of the fault
}

// episode causes one fault while customers buy. It waits until every purchase that was in flight during the fault is at its end and
// every process is healthy. It leaves out a purchase that was already late: an earlier fault made that purchase late.
func (c *chaos) episode(ctx context.Context, n int, f fault) {
	row := c.row(f)
	fmt.Printf("%s  %3d  %-58s %-30s ", time.Now().UTC().Format("15:04:05"), n, f.what, f.step)
	startedAt, before := time.Now(), c.load.answers()
	affected := c.load.pending(c.onTime)
	err := f.act(ctx, c)
	end := time.Now()
	if errors.Is(err, errDidNotOccur) {
		row.skipped = err.Error()
		fmt.Println(err)
		return
	}
	row.times++
	if err != nil {
		row.note = err.Error()
		fmt.Printf("(%v) ", err)
	}
	sleep(ctx, 2*time.Second)
	cutoff := time.Now()
	affected = append(affected, c.load.pending(func(p *followed) bool {
		return c.onTime(p) && p.accepted.After(startedAt) && p.accepted.Before(cutoff)
	})...)
	slices.Sort(affected)
	affected = slices.Compact(affected)
	overdue := c.wait(ctx, affected)
	c.waitHealthy(ctx)
	recovery := max(0, c.load.lastArrival(affected).Sub(end))
	door := c.load.answers().minus(before)
	row.compras += len(affected)
	row.late += len(overdue)
	row.worst = max(row.worst, recovery)
	row.door = row.door.plus(door)
	for _, id := range affected {
		c.exposed[id] = c.exposed[id] || f.mayNeedMending
	}
	fmt.Printf("%3d purchases, %d later than %s, recovered in %5.1f s; %d requests, %d with 5xx, %d with 401, %d without an answer\n",
		len(affected), len(overdue), limit, recovery.Seconds(), door.asked, door.errors5xx, door.refused, door.none)
	for _, id := range overdue {
		c.late[id] = late{row, end}
		fmt.Println(c.auditor.Story(ctx, id))
	}
}

// onTime reports whether a purchase is not late.
func (c *chaos) onTime(p *followed) bool {
	_, is := c.late[p.id]
	return !is
}

// row returns the line of a fault.
func (c *chaos) row(f fault) *row {
	key := f.what + "/" + f.step
	if c.rows[key] == nil {
		c.rows[key] = &row{what: f.what, step: f.step}
		c.order = append(c.order, key)
	}
	return c.rows[key]
}

// wait waits for the purchases, and returns those that are not at their end within limit.
func (c *chaos) wait(ctx context.Context, ids []string) []string {
	own := map[string]bool{}
	for _, id := range ids {
		own[id] = true
	}
	for until := time.Now().Add(limit); ; sleep(ctx, 100*time.Millisecond) {
		remaining := c.load.pending(func(p *followed) bool { return own[p.id] })
		if len(remaining) == 0 || time.Now().After(until) || ctx.Err() != nil {
			return remaining
		}
	}
}

// waitHealthy waits until every process is healthy, for at most two minutes.
func (c *chaos) waitHealthy(ctx context.Context) {
	for until := time.Now().Add(2 * time.Minute); ; sleep(ctx, 500*time.Millisecond) {
		err := c.local.AllHealthy(ctx)
		if err == nil || ctx.Err() != nil {
			return
		}
		if time.Now().After(until) {
			fmt.Printf("(%v) ", err)
			return
		}
	}
}

// conclude waits for the last purchases, audits the books and prints the matrix. It returns an error when anything is wrong.
func (c *chaos) conclude(ctx context.Context, a settings, duration time.Duration) error {
	remaining := c.wait(ctx, c.load.ids())
	report, err := c.auditor.InspectUntil(ctx, 90*time.Second, c.load.ids())
	if err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	mended := c.setAside(report)
	c.settle(remaining)
	text := c.table(a, duration, report, mended)
	fmt.Print("\n" + text)
	if a.report != "" {
		if err := os.WriteFile(a.report, []byte(text), 0o644); err != nil { // #nosec G306 -- a document
			return err
		}
	}
	told := map[string]bool{}
	for _, f := range report.Violations {
		fmt.Printf("WRONG %s %s\n", f.IDCompra, f.What)
		if f.IDCompra != "" && !told[f.IDCompra] && len(told) < 20 {
			told[f.IDCompra] = true
			fmt.Println(c.auditor.Story(ctx, f.IDCompra))
		}
	}
	for _, id := range remaining {
		p := c.load.all[id]
		fmt.Printf("WRONG %s (%s) is %s and should end %v\n%s\n", id, p.class, p.estado, p.finals, c.auditor.Story(ctx, id))
	}
	for id, l := range c.late {
		if !slices.Contains(remaining, id) {
			fmt.Printf("WRONG %s was at its end more than %s after: %s\n", id, limit, l.row.what)
		}
	}
	for _, f := range c.load.failures {
		fmt.Println("WRONG", f)
	}
	if n := len(report.Violations) + len(remaining) + len(c.late) + len(c.load.failures); n > 0 {
		return fmt.Errorf("%d things are wrong", n)
	}
	return nil
}

// setAside removes from the report the findings of the reconcilers about exposed purchases: to repair these purchases is the task of a
// reconciler. It returns the number of removed findings.
func (c *chaos) setAside(i *auditor.Report) (mended int) {
	i.Violations = slices.DeleteFunc(i.Violations, func(f auditor.Violation) bool {
		theirs := c.exposed[f.IDCompra] && strings.HasPrefix(f.What, auditor.ReconcilerFound)
		if theirs {
			mended++
		}
		return theirs
	})
	return mended
}

// settle adds the late purchases to the rows of their faults. It counts a purchase among remaining as lost, and adds the duration of
// every other one.
func (c *chaos) settle(remaining []string) {
	for id, l := range c.late {
		if slices.Contains(remaining, id) {
			l.row.lost++
			continue
		}
		l.row.worst = max(l.row.worst, c.load.lastArrival([]string{id}).Sub(l.end))
	}
}

// inUppercase returns an app-id in the form that it has in the name of a setting: GESTOR_COMPRA for gestor-compra.
func inUppercase(s string) string { return strings.ToUpper(strings.ReplaceAll(s, "-", "_")) }
