package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"entregas/tests/client"
)

// A comparison measures two variants of the system in turns, several rounds: A B, B A, A B … A machine that gets slower or faster
// meanwhile does so for both. Each measurement is this program itself, with the addresses of the variant.

// variant is a system that runs. prepare makes it what its name says.
type variant struct {
	name    string
	local   *client.Local
	prepare func(ctx context.Context) error
}

// figures is what one measurement found. The counts are of one purchase.
type figures struct {
	PerSecond float64            `json:"per_second"`
	Ended     string             `json:"ended"`
	CPU       map[string]float64 `json:"cpu"` // ms by program
	Commits   float64            `json:"commits"`
	Messages  float64            `json:"messages"`
}

// variants returns the two variants that the settings ask for: the running instance without and with make observe, or the instances of
// two checkouts, each with make observe off.
func variants(a settings, env client.Env) [2]variant {
	here := &client.Local{Root: env.Root, Instance: env.Instance}
	if a.against != "" {
		there := &client.Local{Root: a.against, Instance: env.Instance}
		stay := func(context.Context) error { return nil }
		return [2]variant{{filepath.Base(a.against), there, stay}, {"here", here, stay}}
	}
	observe := func(args ...string) func(context.Context) error {
		return func(ctx context.Context) error { return here.Run(ctx, append([]string{"observe"}, args...)...) }
	}
	return [2]variant{{"off", here, observe("off")}, {"on", here, observe()}}
}

// compare measures both variants a.rounds times and prints what each measurement found, and then the medians.
func compare(ctx context.Context, a settings, both [2]variant) error {
	found := [2][]figures{}
	fmt.Printf("%5s  %-12s  %9s  %12s  %12s  %12s  %12s  %9s  %9s  %s\n", "round", "variant", "purch./s", "ms programs", "ms sidecars", "ms the rest", "ms observers", "commits", "messages", "ended")
	for round := range a.rounds {
		for turn := range both {
			i := (round + turn) % 2
			v := both[i]
			if err := v.prepare(ctx); err != nil {
				return fmt.Errorf("%s: %w", v.name, err)
			}
			f, err := measureApart(ctx, a, v)
			if err != nil {
				return fmt.Errorf("%s: %w", v.name, err)
			}
			found[i] = append(found[i], f)
			fmt.Printf("%5d  %-12s  %s  %s\n", round+1, v.name, line(f, ""), f.Ended)
		}
	}
	first, second := medians(found[0]), medians(found[1])
	fmt.Printf("\nmedians\n       %-12s  %s\n       %-12s  %s\n", both[0].name, line(first, ""), both[1].name, line(second, ""))
	fmt.Printf("       %-12s  %s\n", "change, %", line(changes(first, second), "+"))
	fmt.Printf("\nms of processor time of a purchase, %s → %s\n", both[0].name, both[1].name)
	for _, name := range slices.Sorted(maps.Keys(second.CPU)) {
		if second.CPU[name] >= .5 || first.CPU[name] >= .5 {
			fmt.Printf("  %-28s %6.1f → %6.1f\n", name, first.CPU[name], second.CPU[name])
		}
	}
	return nil
}

// measureApart runs this program for one measurement of v.
func measureApart(ctx context.Context, a settings, v variant) (figures, error) {
	environment, err := v.local.Output(ctx, "env")
	if err != nil {
		return figures{}, err
	}
	self, err := os.Executable()
	if err != nil {
		return figures{}, err
	}
	cmd := exec.CommandContext(ctx, self, "-json", "-compras", fmt.Sprint(a.compras), "-in-flight", fmt.Sprint(a.inFlight[0])) // #nosec G204 -- this program
	cmd.Env = append(os.Environ(), strings.Split(environment, "\n")...)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	text, err := cmd.Output()
	if err != nil {
		return figures{}, fmt.Errorf("%w %s", err, &complaint)
	}
	var f figures
	return f, json.Unmarshal(text, &f)
}

// once warms the system up, measures it and prints the figures as JSON.
func once(ctx context.Context, a settings, m *meter) error {
	warm := *m
	warm.total, warm.series = max(1, a.compras/5), "warm"
	if _, err := warm.measure(ctx, a.inFlight[0]); err != nil {
		return err
	}
	counts := func() (commits, messages float64, err error) {
		if commits, err = client.One[float64](ctx, m.manager, `select sum(xact_commit)::float8 from pg_stat_database`); err != nil {
			return 0, 0, err
		}
		messages, err = client.MessagesIn(ctx, m.env)
		return commits, messages, err
	}
	before := usage(ctx, m.env, true)
	commits, messages, err := counts()
	if err != nil {
		return err
	}
	r, err := m.measure(ctx, a.inFlight[0])
	if err != nil {
		return err
	}
	after := usage(ctx, m.env, true)
	commitsAfter, messagesAfter, err := counts()
	if err != nil {
		return err
	}
	n := float64(a.compras)
	f := figures{PerSecond: r.perSecond, Ended: r.estados, CPU: map[string]float64{}, Commits: (commitsAfter - commits) / n, Messages: (messagesAfter - messages) / n}
	for name, ms := range after {
		f.CPU[name] = (ms - before[name]) / n
	}
	return json.NewEncoder(os.Stdout).Encode(f)
}

// groups returns the processor time of our programs, their sidecars, the infrastructure and what observes.
func (f figures) groups() (programs, sidecars, rest, observers float64) {
	for name, ms := range f.CPU {
		switch {
		case strings.HasSuffix(name, sidecarSuffix):
			sidecars += ms
		case strings.HasSuffix(name, observeSuffix):
			observers += ms
		default:
			if _, isProgram := f.CPU[name+sidecarSuffix]; isProgram {
				programs += ms
			} else {
				rest += ms
			}
		}
	}
	return programs, sidecars, rest, observers
}

// line returns the figures under the heads of the table. With sign the numbers are changes.
func line(f figures, sign string) string {
	programs, sidecars, rest, observers := f.groups()
	width := func(w int, v float64) string { return fmt.Sprintf("%"+sign+fmt.Sprint(w)+".1f", v) }
	return strings.Join([]string{width(9, f.PerSecond), width(12, programs), width(12, sidecars), width(12, rest), width(12, observers), width(9, f.Commits), width(9, f.Messages)}, "  ")
}

// medians returns the median of each figure.
func medians(all []figures) figures {
	of := func(value func(figures) float64) float64 {
		var values []float64
		for _, f := range all {
			values = append(values, value(f))
		}
		return percentile(slices.Sorted(slices.Values(values)), 50)
	}
	m := figures{CPU: map[string]float64{}, PerSecond: of(func(f figures) float64 { return f.PerSecond }), Commits: of(func(f figures) float64 { return f.Commits }), Messages: of(func(f figures) float64 { return f.Messages })}
	for _, f := range all {
		for name := range f.CPU {
			m.CPU[name] = of(func(f figures) float64 { return f.CPU[name] })
		}
	}
	return m
}

// changes returns by how many percent the figures of b differ from those of a, each group as one entry of CPU.
func changes(a, b figures) figures {
	change := func(a, b float64) float64 {
		if a == 0 {
			return 0
		}
		return 100 * (b - a) / a
	}
	programs, sidecars, rest, _ := a.groups()
	programsB, sidecarsB, restB, _ := b.groups()
	return figures{PerSecond: change(a.PerSecond, b.PerSecond), Commits: change(a.Commits, b.Commits), Messages: change(a.Messages, b.Messages), CPU: map[string]float64{
		"x": change(programs, programsB), "x" + sidecarSuffix: change(sidecars, sidecarsB), "rest": change(rest, restB),
	}}
}
