// Command conformance judges a program by what it does with messages: whether it may stand in the place of one of ours, in whatever
// language it is written. It knows the contracts and nothing of the program (docs/adr/conformance.md).
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"entregas/contracts"
	"entregas/tests/conformance/beside"
)

type options struct {
	profile, level, only, junit, beside, program string
	quick                                        bool
	pulsar, admin, namespace                     string
	app, sidecar, token                          string
}

func main() {
	var o options
	flag.StringVar(&o.profile, "profile", "", "the profile of the program: a YAML file, or the app-id of one of ours")
	flag.StringVar(&o.level, "level", "C", "A: Pulsar and .avsc only; B: through its daprd too; C: with commands that kill and stop")
	flag.StringVar(&o.only, "only", "", "only these cases, with commas between them")
	flag.BoolVar(&o.quick, "quick", false, "leave the slow cases out")
	flag.StringVar(&o.junit, "junit", "", "write the results to this file as JUnit XML")
	flag.StringVar(&o.beside, "beside", "", "start the program beside this instance of the system: up, test or chaos")
	flag.StringVar(&o.program, "program", "", "with -beside: another program in the place of the service")
	flag.StringVar(&o.pulsar, "pulsar", "pulsar://127.0.0.1:6650", "the broker, where the kit does not start the program")
	flag.StringVar(&o.admin, "pulsar-admin", "http://127.0.0.1:8080", "its administration")
	flag.StringVar(&o.namespace, "namespace", "public/default", "the namespace of the topics; no other program may answer or ask there")
	flag.StringVar(&o.app, "app", "", "levels B and C: the base address of the program")
	flag.StringVar(&o.sidecar, "sidecar", "", "levels B and C: the base address of its daprd")
	flag.StringVar(&o.token, "token", os.Getenv("APP_API_TOKEN"), "the token that its daprd sends to it (APP_API_TOKEN)")
	flag.DurationVar(&patience, "patience", patience, "how long a message that must come may take; four times as long after an outage")
	flag.Parse()
	recovery = 4 * patience
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code, err := run(ctx, o)
	cancel()
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		code = 2
	}
	os.Exit(code)
}

// run judges the program and returns the exit code: 0, or 1 where a must failed. With an error nothing was judged.
func run(ctx context.Context, o options) (int, error) {
	if !slices.Contains([]string{"A", "B", "C"}, o.level) {
		return 2, fmt.Errorf("the level is A, B or C, not %q", o.level)
	}
	p, err := readProfile(o.profile)
	if err != nil {
		return 2, err
	}
	k := &Kit{Profile: p, AppURL: o.app, Sidecar: o.sidecar, AppToken: o.token, Control: shell(p.Do)}
	if o.beside != "" {
		b, err := startBeside(ctx, o, p)
		if err != nil {
			b.Close() // what was made until then
			return 2, err
		}
		defer b.Close()
		k.AppURL, k.Sidecar, k.AppToken, k.Control = b.AppURL, b.Sidecar, b.AppToken, b
		o.pulsar, o.admin, o.namespace = b.Addresses["PULSAR_URL"], b.Addresses["PULSAR_ADMIN"], b.Namespace
	}
	if k.Broker, err = openBroker(o.pulsar, o.admin, o.namespace); err != nil {
		return 2, err
	}
	defer k.Close()
	for _, topic := range topicsOf(p) {
		for _, name := range []string{topic, topic + "-dlq"} {
			if err := k.Listen(name); err != nil {
				return 2, err
			}
		}
	}
	printHead(os.Stdout)
	results := k.judge(ctx, o)
	printSum(os.Stdout, p.App, results)
	if o.junit != "" {
		if err := writeJUnit(o.junit, p.App, results); err != nil {
			return 2, err
		}
	}
	if slices.ContainsFunc(results, Result.failed) {
		return 1, nil
	}
	return 0, ctx.Err()
}

// topicsOf returns the topics that the program reads and sends.
func topicsOf(p Profile) []string {
	if p.Role == "participant" {
		return []string{p.Commands, p.Replies}
	}
	var names []string
	for _, t := range contracts.Topics {
		if t.Sender == p.App || slices.Contains(t.Readers(), p.App) {
			names = append(names, t.Name)
		}
	}
	return names
}

// judge runs the cases in their order.
func (k *Kit) judge(ctx context.Context, o options) []Result {
	var results []Result
	only := strings.Split(o.only, ",")
	for _, c := range cases(k.Role) {
		if o.only != "" && !slices.Contains(only, c.ID) || o.quick && c.Slow || ctx.Err() != nil {
			continue
		}
		r := Result{Case: c}
		switch {
		case c.Level > o.level:
			r.Skipped = "it is of level " + c.Level
		case c.Level > "A" && k.AppURL == "":
			r.Skipped = "the address of the program is not known"
		case c.When != nil && !c.When(k):
			r.Skipped = "not for this profile"
		default:
			if r = k.try(ctx, c); ctx.Err() != nil {
				return results // the user ended the kit
			}
		}
		printResult(os.Stdout, r)
		results = append(results, r)
	}
	return results
}

// caseLimit is how long one case may take.
const caseLimit = 10 * time.Minute

func (k *Kit) try(ctx context.Context, c Case) Result {
	ctx, cancel := context.WithTimeout(ctx, caseLimit)
	defer cancel()
	start := time.Now()
	run := &Run{Kit: k, ctx: ctx}
	func() {
		defer func() {
			if p := recover(); p != nil {
				if _, own := p.(stop); !own {
					panic(p)
				}
			}
		}()
		c.Run(run)
	}()
	return Result{Case: c, Fails: run.fails, Notes: run.notes, Took: time.Since(start)}
}

// startBeside starts the program beside a running system.
func startBeside(ctx context.Context, o options, p Profile) (*beside.Beside, error) {
	root, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	text, err := exec.CommandContext(ctx, ".local/bin/local", "--instance", o.beside, "env").Output() // #nosec G204 -- the project's own program
	if err != nil {
		return nil, fmt.Errorf("the addresses of the instance %s: %w (run the kit in the folder of the project, after make up)", o.beside, err)
	}
	addresses := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			addresses[name] = value
		}
	}
	readers := map[string]string{}
	for _, name := range topicsOf(p) {
		for _, t := range contracts.Topics {
			if t.Name == name && slices.Contains(t.Readers(), p.App) {
				readers[name] = p.App
			}
		}
	}
	return beside.Start(ctx, beside.Settings{
		Root: root, Instance: o.beside, App: p.App, Program: o.program, Owner: p.Beside.Owner, Engine: p.Beside.Engine, Env: p.Beside.Env,
		Prepare: p.Beside.Prepare, Break: p.Beside.Break, Mend: p.Beside.Mend, Addresses: addresses, Topics: topicsOf(p), Readers: readers,
	})
}

// shell is the Control by the commands of a profile.
type shell map[string]string

// Can implements Control.
func (s shell) Can(action string) bool { return s[action] != "" }

// Do implements Control.
func (s shell) Do(ctx context.Context, action string) error {
	if s[action] == "" {
		return errors.New("the profile has no command for it")
	}
	if text, err := exec.CommandContext(ctx, "sh", "-c", s[action]).CombinedOutput(); err != nil { // #nosec G204 -- the user's own commands
		return fmt.Errorf("%w: %.300s", err, text)
	}
	return nil
}
