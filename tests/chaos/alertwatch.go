package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// alert is an alert that fires now.
type alert struct {
	name   string
	labels map[string]string
	fast   bool // by the rules that are scaled for the test
}

func (a alert) String() string {
	var labels []string
	for _, name := range []string{"job", "app", "topic", "channel", "severity"} {
		if v := a.labels[name]; v != "" && (name != "severity" || v == "ticket") {
			labels = append(labels, v)
		}
	}
	return strings.TrimSpace(a.name + " " + strings.Join(labels, " "))
}

func among(list []alert, a alert) bool {
	return slices.ContainsFunc(list, func(b alert) bool { return a.fast == b.fast && a.name == b.name && maps.Equal(a.labels, b.labels) })
}

// expected is an alert that a class of faults provokes.
type expected struct {
	name   string
	labels map[string]string // those that it must have; * stands for any begin
	fast   bool
}

// fires returns the alert with this name and these labels: fires("TargetDown", "app=bff").
func fires(name string, labels ...string) expected {
	e := expected{name: name, labels: map[string]string{}}
	for _, l := range labels {
		k, v, _ := strings.Cut(l, "=")
		e.labels[k] = v
	}
	return e
}

// scaled is fires for an alert that cannot fire within a minute: its rule is scaled (speedups).
func scaled(name string, labels ...string) expected {
	e := fires(name, labels...)
	e.fast = true
	return e
}

func (e expected) String() string {
	text := "`" + e.name + "`"
	for _, k := range slices.Sorted(maps.Keys(e.labels)) {
		text += " " + strings.TrimPrefix(e.labels[k], "*")
	}
	return text
}

func (e expected) is(a alert) bool {
	for k, v := range e.labels {
		end, open := strings.CutPrefix(v, "*")
		if (open && !strings.HasSuffix(a.labels[k], end)) || (!open && a.labels[k] != v) {
			return false
		}
	}
	return a.name == e.name && a.fast == e.fast
}

func (e expected) among(list []alert) bool { return slices.ContainsFunc(list, e.is) }

// watcher reads the alerts of the instance: those of its vmalert, and those of a second one with the scaled rules.
type watcher struct {
	urls map[string]bool // whether the rules behind an address are the scaled ones
	fast *exec.Cmd
}

// open starts the vmalert with the scaled rules, and waits until both answer.
func (w *watcher) open(ctx context.Context, c *chaos) error {
	alerts, err := c.one(ctx, oneProcess("alerts", "observe"))
	if err != nil {
		return err
	}
	metrics, err := c.one(ctx, oneProcess("metrics", "observe"))
	if err != nil {
		return err
	}
	folder := filepath.Join(c.local.Root, ".local", "chaos", "run", "rules")
	if err := writeScaledRules(c.local.Root, folder); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		return err
	}
	store := fmt.Sprintf("http://127.0.0.1:%d", metrics.Port)
	w.fast = exec.Command(filepath.Join(c.local.Root, ".local", "bin", "vmalert"), "-httpListenAddr="+address, "-rule="+filepath.Join(folder, "*.yaml"),
		"-evaluationInterval=5s", "-rule.evalDelay=5s", "-datasource.url="+store, "-remoteWrite.url="+store, "-notifier.blackhole", "-loggerLevel=ERROR") // #nosec G204 -- the project's own program
	w.fast.Stderr, w.fast.SysProcAttr = os.Stderr, &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := w.fast.Start(); err != nil {
		return err
	}
	w.urls = map[string]bool{fmt.Sprintf("http://127.0.0.1:%d", alerts.Port): false, "http://" + address: true}
	for until := time.Now().Add(time.Minute); ; sleep(ctx, time.Second) {
		_, err := w.firing(ctx)
		if err == nil || time.Now().After(until) {
			return err
		}
	}
}

func (w *watcher) close() {
	if w.fast != nil && w.fast.Process != nil {
		_ = w.fast.Process.Kill()
		_ = w.fast.Wait()
	}
}

// firing returns the alerts that fire now. A pending alert does not fire.
func (w *watcher) firing(ctx context.Context) (all []alert, err error) {
	for url, fast := range w.urls {
		var answer struct {
			Data struct {
				Alerts []struct {
					State, Name string
					Labels      map[string]string
				}
			}
		}
		if e := readJSON(ctx, url+"/api/v1/alerts", &answer); e != nil {
			err = errors.Join(err, e)
			continue
		}
		for _, a := range answer.Data.Alerts {
			if a.State == "firing" {
				all = append(all, alert{name: a.Name, labels: a.Labels, fast: fast})
			}
		}
	}
	return all, err
}

// untilNone waits until no alert has fired for howLong, and returns those that still fire after atMost.
func (w *watcher) untilNone(ctx context.Context, howLong, atMost time.Duration) (names []string) {
	last := time.Now()
	for until := time.Now().Add(atMost); ctx.Err() == nil && time.Since(last) < howLong; sleep(ctx, lookEvery) {
		now, err := w.firing(ctx)
		now = slices.DeleteFunc(now, func(a alert) bool { return a.fast })
		if err != nil || len(now) > 0 {
			last = time.Now()
		}
		if time.Now().After(until) {
			for _, a := range now {
				names = append(names, a.String())
			}
			return names
		}
	}
	return nil
}

// untilNotExpected waits until no alert of the class fires, for at most atMost: it may still fire for an earlier fault.
func (w *watcher) untilNotExpected(ctx context.Context, k alertClass, atMost time.Duration) {
	for until := time.Now().Add(atMost); time.Now().Before(until) && ctx.Err() == nil; sleep(ctx, lookEvery) {
		if now, err := w.firing(ctx); err == nil && !slices.ContainsFunc(now, k.expects) {
			return
		}
	}
}

func readJSON(ctx context.Context, url string, v any) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	r, err := httpClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = r.Body.Close() }()
	if r.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, r.Status)
	}
	return json.NewDecoder(io.LimitReader(r.Body, 10<<20)).Decode(v)
}

func sorted(list []string) []string {
	slices.Sort(list)
	return list
}
