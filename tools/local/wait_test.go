package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// fakeProcess is a process that starts slowly, in synctest's time.
type fakeProcess struct {
	began   time.Time
	healthy time.Duration // the time after which the process is healthy
	cpu     float64       // its share of a processor
	says    func(minute int) string
	crashes time.Duration // how often it ends by itself; 0 is never
	gone    bool
	log     string
	told    int
}

func (f *fakeProcess) age() time.Duration { return time.Since(f.began) }

func (f *fakeProcess) look() glance {
	for minute := int(f.age().Minutes()); f.says != nil && f.told < minute; {
		f.told++
		appendTo(f.log, f.says(f.told)+"\n")
	}
	g := glance{pids: []int{1}}
	if f.crashes > 0 {
		g.restarts = 40 + int(f.age()/f.crashes) // the process restarted 40 times before this wait
	}
	if f.gone {
		g.pids = nil
	}
	return g
}

func (f *fakeProcess) check() error {
	if f.healthy > 0 && f.age() >= f.healthy {
		return nil
	}
	return errors.New("connection refused")
}

func appendTo(path, text string) {
	old, _ := os.ReadFile(path)
	_ = os.WriteFile(path, append(old, text...), 0o600)
}

// A wait continues while the process makes progress. Without progress the wait ends, and the error has the reason.
func TestAWaitFollowsProgress(t *testing.T) {
	output = discard{}
	t.Cleanup(func() { output = os.Stderr })
	news := func(minute int) string { return "step " + strings.Repeat("x", minute) }
	for name, c := range map[string]struct {
		process fakeProcess
		given   time.Duration // the wait ends after this time, at most
		says    []string      // what the error says; nil if the wait goes on until the process is healthy
	}{
		"slow, it works":            {fakeProcess{healthy: 12 * time.Minute, cpu: 0.05}, 0, nil},
		"slow, it says what it did": {fakeProcess{healthy: 14 * time.Minute, says: news}, 0, nil},
		"it hangs":                  {fakeProcess{cpu: 0.01}, 70 * time.Second, []string{"no progress", "connection refused", "has logged nothing"}},
		"it complains of the same again and again": {fakeProcess{says: func(n int) string { return fmt.Sprintf("ERROR %d: no database", n) }},
			150 * time.Second, []string{"no progress", "no database"}},
		"it ends and ends": {fakeProcess{cpu: 1, crashes: 5 * time.Second, says: news}, 30 * time.Second, []string{"ended 4 times"}},
		"it works in vain": {fakeProcess{cpu: 1}, 16 * time.Minute, []string{"is not healthy"}},
		"it is not there":  {fakeProcess{gone: true}, 70 * time.Second, []string{"has not run"}},
		"what is harmless is not the cause": {fakeProcess{says: func(int) string { return "ERROR PulsarRegistrationManager - Ledger root path: /ledgers already exists" }},
			150 * time.Second, []string{"no progress", "has logged nothing"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := c.process
				f.began, f.log = time.Now(), filepath.Join(t.TempDir(), "log")
				w := newWaiter("pulsar", normalPatience, f.log, f.look)
				w.time = func(int) (time.Duration, bool) { return time.Duration(f.cpu * float64(f.age())), true }
				err := (&Instance{}).wait(w, f.check)
				if (err == nil) != (c.says == nil) || c.says != nil && f.age() > c.given {
					t.Errorf("after %s: %v", f.age(), err)
				}
				for _, what := range c.says {
					if err != nil && !strings.Contains(err.Error(), what) {
						t.Errorf("the error does not say %q: %v", what, err)
					}
				}
			})
		})
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

func TestWhatTheKernelSaysOfAProcess(t *testing.T) {
	cmd := exec.Command("sleep", "60")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pid := cmd.Process.Pid
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	if _, ok := processorTime(pid); !ok {
		t.Error("no processor time")
	}
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	for processState(pid) != "T" {
		time.Sleep(time.Millisecond)
	}
	w := newWaiter("one", normalPatience, "", nil)
	w.now = glance{pids: []int{pid}}
	if why := w.whyIdle(); !strings.Contains(why, "stopped") {
		t.Error(why)
	}
	before, _ := processorTime(os.Getpid())
	for after := before; after <= before; after, _ = processorTime(os.Getpid()) {
	}
}

// The watch reports a sidecar that was healthy and no longer answers. It gives a sidecar that was never healthy more time.
func TestASidecarThatFallsSilent(t *testing.T) {
	for name, c := range map[string]struct {
		heals, falls time.Duration
		mute         bool
	}{
		"it starts slowly":    {10 * time.Minute, time.Hour, false},
		"it falls silent":     {10 * time.Second, 5 * time.Minute, true},
		"it is never healthy": {time.Hour, time.Hour, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				ctx, end := context.WithCancel(t.Context())
				defer func() { end(); time.Sleep(2 * time.Second) }() // every goroutine must end before the synctest bubble ends
				mute := whenMute(ctx, func() error {
					if age := time.Since(began); age < c.heals || age > c.falls {
						return errors.New("timeout")
					}
					return nil
				})
				select {
				case <-mute:
					if !c.mute || time.Since(began) < c.falls+muteFor {
						t.Errorf("mute after %s", time.Since(began))
					}
				case <-time.After(15 * time.Minute):
					if c.mute {
						t.Error("the watch did not report it")
					}
				}
			})
		})
	}
}
