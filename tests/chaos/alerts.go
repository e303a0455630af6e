package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"
)

// The test of the alerts causes each class of faults once, and holds the fault until its alerts fire. It fails when an alert does not
// fire within fireWithin, or does not clear within clearWithin of the end of the fault.

const (
	fireWithin  = time.Minute
	clearWithin = 3 * time.Minute
	// lookEvery is how often the alerts are read. vmalert evaluates the rules every 5 s.
	lookEvery = time.Second
	// settled is how long no alert must fire before the first fault.
	settled = 30 * time.Second
)

// alertSettings shortens the pauses between the tries of a delivery: with those of production, 5 s, 5 min and so on, a delivery that
// failed twice is done only minutes after the receiver is back.
var alertSettings = []string{
	"APP_AVISOS_RETRY_PLAN=" + strings.TrimSuffix(strings.Repeat("5s;", 40), ";"),
	"APP_AVISOS_MAIL_RETRY_PLAN=" + strings.TrimSuffix(strings.Repeat("5s;", 40), ";"),
}

// outcome is what a fault class, or an alert that it must provoke, came to.
type outcome struct {
	class  alertClass
	want   expected
	fires  time.Duration // after the begin of the fault; negative if never
	clears time.Duration // after its end; negative if never
	others []string      // what else fired meanwhile
	note   string
}

func (o outcome) failed() bool {
	return o.fires < 0 || o.fires > fireWithin || o.clears < 0 || o.clears > clearWithin
}

// runAlerts is run for the test of the alerts.
func runAlerts(ctx context.Context, a settings) (err error) {
	classes, err := chosenClasses(a.faults)
	if err != nil {
		return err
	}
	all := []fault{{what: "none"}}
	for _, k := range classes {
		if k.disk {
			all = append(all, fault{what: diskFault})
		}
	}
	c := newChaos(a)
	c.short = true // one bff
	c.hold = 2*fireWithin + clearWithin
	c.alerts = &watcher{}
	defer func() { err = errors.Join(err, c.shutDown()) }()
	if err := c.open(ctx, all); err != nil {
		return err
	}
	if err := c.alerts.open(ctx, c); err != nil {
		return err
	}
	start := time.Now()
	c.load.start(ctx, a.customers, a.seed)
	fmt.Printf("alerts: seed %d, %d customers who buy\n", a.seed, a.customers)
	var text strings.Builder
	var failures []string
	if a.quiet > 0 {
		fired, read := c.quiet(ctx, a.quiet)
		fmt.Fprintf(&text, "%s without a fault, %d purchases accepted, the alerts read %d times: ", a.quiet, len(c.load.ids()), read)
		if len(fired) == 0 {
			text.WriteString("none fired.\n\n")
		} else {
			fmt.Fprintf(&text, "%s fired.\n\n", strings.Join(fired, ", "))
		}
		for _, f := range fired {
			failures = append(failures, f+" fired without a fault")
		}
		if read == 0 {
			failures = append(failures, "the alerts could not be read")
		}
	}
	if a.alerts {
		if firing := c.alerts.untilNone(ctx, settled, 2*time.Minute); len(firing) > 0 {
			failures = append(failures, "before the first fault: "+strings.Join(firing, ", "))
		}
		var outcomes []outcome
		for _, batch := range batches(classes, a.together) {
			if ctx.Err() != nil {
				break
			}
			outcomes = append(outcomes, c.provokeAll(ctx, batch)...)
			if a.report != "" { // a run that is broken off leaves what it has
				if err := os.WriteFile(a.report, []byte(text.String()+alertTable(outcomes, time.Since(start))), 0o644); err != nil { // #nosec G306 -- a document
					return err
				}
			}
		}
		text.WriteString(alertTable(outcomes, time.Since(start)))
		for _, o := range outcomes {
			if o.failed() {
				failures = append(failures, fmt.Sprintf("%s: %s fired after %s and cleared after %s", o.class.what, o.want, inSeconds(o.fires), inSeconds(o.clears)))
			}
		}
		if ctx.Err() == nil {
			if firing := c.alerts.untilNone(ctx, settled, 6*time.Minute); len(firing) > 0 {
				failures = append(failures, "at the end: "+strings.Join(firing, ", "))
			}
		}
	}
	c.load.stop()
	fmt.Print("\n" + text.String())
	if a.report != "" {
		if err := os.WriteFile(a.report, []byte(text.String()), 0o644); err != nil { // #nosec G306 -- a document
			return err
		}
	}
	for _, f := range failures {
		fmt.Println("WRONG", f)
	}
	if len(failures) > 0 {
		return fmt.Errorf("%d things are wrong", len(failures))
	}
	return ctx.Err()
}

// quiet lets customers buy without a fault, and returns the alerts that fired and how often it read them.
func (c *chaos) quiet(ctx context.Context, howLong time.Duration) (fired []string, read int) {
	c.alerts.untilNone(ctx, settled, 2*time.Minute) // a system that starts may be slow
	seen := map[string]bool{}
	for until := time.Now().Add(howLong); time.Now().Before(until) && ctx.Err() == nil; sleep(ctx, lookEvery) {
		now, err := c.alerts.firing(ctx)
		if err != nil {
			continue
		}
		read++
		for _, a := range now {
			if !a.fast && !seen[a.String()] {
				seen[a.String()] = true
				fired = append(fired, a.String())
				fmt.Printf("%s  %s fires\n", time.Now().UTC().Format("15:04:05"), a)
			}
		}
	}
	return fired, read
}

// batches returns the classes that are caused at the same time: one, or with together those of a group.
func batches(classes []alertClass, together bool) (all [][]alertClass) {
	places := map[string]int{}
	for _, k := range classes {
		if i, found := places[k.group]; found && together && k.group != "" {
			all[i] = append(all[i], k)
			continue
		}
		places[k.group] = len(all)
		all = append(all, []alertClass{k})
	}
	return all
}

// provokeAll causes classes of faults at the same time, and waits until everything is healthy again.
func (c *chaos) provokeAll(ctx context.Context, classes []alertClass) (all []outcome) {
	results := make([][]outcome, len(classes))
	var group sync.WaitGroup
	for i, k := range classes {
		group.Go(func() { results[i] = c.provoke(ctx, k, len(classes) == 1) })
	}
	group.Wait()
	c.waitHealthy(ctx)
	for _, r := range results {
		all = append(all, r...)
	}
	return all
}

// provoke causes one class of faults, and waits until its alerts fire and are over. With alone, it also waits until no other alert
// that began with the fault fires.
func (c *chaos) provoke(ctx context.Context, k alertClass, alone bool) []outcome {
	began := time.Now().UTC().Format("15:04:05")
	outcomes := make([]outcome, len(k.alerts))
	for i, want := range k.alerts {
		outcomes[i] = outcome{class: k, want: want, fires: -1, clears: -1}
	}
	c.alerts.untilNotExpected(ctx, k, 2*time.Minute)
	before, _ := c.alerts.firing(ctx)
	start := time.Now()
	end, err := k.begin(ctx, c)
	if err != nil {
		fmt.Printf("%s  %s: %v\n", began, k.what, err)
		for i := range outcomes {
			outcomes[i].note = err.Error()
		}
		return outcomes
	}
	release := c.onExit(func() {
		if err := end(); err != nil {
			outcomes[0].note = err.Error()
		}
	})
	others := map[string]bool{}
	each := func(now []alert, visit func(o *outcome, fires bool)) {
		for i := range outcomes {
			visit(&outcomes[i], outcomes[i].want.among(now))
		}
		for _, a := range now {
			if alone && !a.fast && !k.expects(a) && !among(before, a) {
				others[a.name] = true
			}
		}
	}
	for missing := true; missing && time.Since(start) < fireWithin+30*time.Second && ctx.Err() == nil; sleep(ctx, lookEvery) {
		now, err := c.alerts.firing(ctx)
		if err != nil {
			continue
		}
		missing = false
		each(now, func(o *outcome, fires bool) {
			if fires && o.fires < 0 {
				o.fires = time.Since(start)
			}
			missing = missing || o.fires < 0
		})
	}
	ended := time.Now()
	done := make(chan struct{})
	go func() { defer close(done); release() }() // some faults end slowly: a program starts
	for more := true; more && time.Since(ended) < clearWithin+30*time.Second && ctx.Err() == nil; sleep(ctx, lookEvery) {
		now, err := c.alerts.firing(ctx)
		if err != nil {
			continue
		}
		more = false
		each(now, func(o *outcome, fires bool) {
			switch {
			case fires:
				o.clears = -1
			case o.clears < 0 && o.fires >= 0:
				o.clears = time.Since(ended)
			}
			more = more || fires
		})
		for _, a := range now { // what else began with the fault must be over before the next one, but for slow windows
			more = more || (alone && !a.fast && !among(before, a) && !strings.HasPrefix(a.name, "Purchases") && a.name != restartsOften)
		}
	}
	<-done
	var line strings.Builder
	for i := range outcomes {
		for name := range others {
			outcomes[i].others = append(outcomes[i].others, name)
		}
		o := outcomes[i]
		fmt.Fprintf(&line, "%s %s, cleared %s; ", o.want, inSeconds(o.fires), inSeconds(o.clears))
	}
	fmt.Printf("%s  %-60s %s%s %s\n", began, k.what, line.String(), strings.Join(sorted(outcomes[0].others), ", "), outcomes[0].note)
	return outcomes
}

func inSeconds(d time.Duration) string {
	if d < 0 {
		return "never"
	}
	return fmt.Sprintf("%.0f s", d.Seconds())
}

// alertTable returns the outcomes in Markdown.
func alertTable(outcomes []outcome, duration time.Duration) string {
	var t strings.Builder
	fmt.Fprintf(&t, "%d alerts of %d classes of faults in %s.\n\n", len(outcomes), classesOf(outcomes), duration.Round(time.Second))
	t.WriteString("| fault | alert | fires after | clears after | what else fired | |\n|---|---|---:|---:|---|---|\n")
	for _, o := range outcomes {
		note := o.note
		if o.want.fast && note == "" {
			note = "scaled rule"
		}
		fmt.Fprintf(&t, "| %s | %s | %s | %s | %s | %s |\n", o.class.what, o.want, inSeconds(o.fires), inSeconds(o.clears), strings.Join(sorted(o.others), ", "), note)
	}
	t.WriteString("\nWhat the test shortens:\n\n")
	fmt.Fprintf(&t, "- The windows of the objectives are divided by %d.\n", sloScale)
	for _, s := range speedups {
		fmt.Fprintf(&t, "- `%s`: %s.\n", s.real, s.why)
	}
	t.WriteString("- avisos tries a failed delivery each 5 s; in production after 5 s, 5 min, 30 min and so on.\n")
	return t.String()
}
