package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// patience limits a wait for a process. A start takes long on a slow machine, so the main limit is the time without progress.
type patience struct {
	idle     time.Duration // time without a sign of work
	work     time.Duration // processor time within idle that is a sign of work; an idle process uses less
	total    time.Duration // time in all, even with progress
	restarts int           // how often the process may end by itself during the wait
	look     time.Duration // time between two glances
}

var normalPatience = patience{idle: time.Minute, work: 2 * time.Second, total: 15 * time.Minute, restarts: 3, look: time.Second}

// glance is the state of a process at one moment.
type glance struct {
	pids     []int
	restarts int    // how often the supervisor restarted the process, since the supervisor started
	state    string // the state as the supervisor names it
}

// waiter follows one process until it is healthy, or until its patience ends.
type waiter struct {
	patience
	name string
	look func() glance
	time func(pid int) (time.Duration, bool) // processorTime, or a fake in tests
	log  *logReader

	began, since time.Time // the times when the wait began, and of the last sign of work
	used         map[int]time.Duration
	pending      time.Duration // processor time that is not yet a sign of work
	spent        time.Duration // processor time in all
	restarted    int           // -1 before the first glance
	now          glance
}

func newWaiter(name string, p patience, logPath string, look func() glance) *waiter {
	t := time.Now()
	return &waiter{patience: p, name: name, look: look, time: processorTime, log: newLogReader(logPath), began: t, since: t, restarted: -1}
}

// hopeless takes one glance at the process. It returns why the wait must end, or nil.
func (w *waiter) hopeless() error {
	w.observe()
	idle, total := time.Since(w.since), time.Since(w.began)
	switch restarts := w.now.restarts - w.restarted; {
	case restarts > w.restarts:
		return fmt.Errorf("%s ended %d times while it started", w.name, restarts)
	case total > w.total:
		return fmt.Errorf("%s has worked for %s (%s of processor time) and is not healthy", w.name, seconds(total), seconds(w.spent))
	case idle <= w.idle:
		return nil
	case len(w.now.pids) == 0:
		return fmt.Errorf("%s has not run for %s (the supervisor says: %s)", w.name, seconds(idle), w.now.state)
	}
	return fmt.Errorf("%s has made no progress for %s: %s", w.name, seconds(idle), w.whyIdle())
}

// observe records what the process did since the last glance.
func (w *waiter) observe() {
	w.now = w.look()
	if w.restarted < 0 {
		w.restarted = w.now.restarts
	}
	used, delta := map[int]time.Duration{}, time.Duration(0)
	for _, pid := range w.now.pids {
		t, ok := w.time(pid)
		if !ok {
			continue
		}
		used[pid] = t
		if w.used != nil && t > w.used[pid] { // its processor time before this wait is no sign of work
			delta += t - w.used[pid]
		}
	}
	w.used, w.spent, w.pending = used, w.spent+delta, w.pending+delta
	if said := w.log.newLines(); said || w.pending >= w.work {
		w.since, w.pending = time.Now(), 0
	}
}

// whyIdle explains by the kernel's state of the process why it does nothing.
func (w *waiter) whyIdle() string {
	for _, pid := range w.now.pids {
		switch state := processState(pid); state {
		case "T", "t":
			return fmt.Sprintf("process %d is stopped by a signal (kill -CONT %d continues it)", pid, pid)
		case "D":
			return fmt.Sprintf("process %d waits for the disk", pid)
		}
	}
	return fmt.Sprintf("it logs nothing new and hardly uses the processor (%s in the whole wait)", seconds(w.spent))
}

func seconds(d time.Duration) string { return d.Round(100 * time.Millisecond).String() }

// await polls until check succeeds, for as long as the named process makes progress. After that it returns an error with the cause,
// and with the complaints in the log of the process since the wait began.
func (in *Instance) await(name string, check func() error) error {
	return in.wait(newWaiter(name, normalPatience, in.log(name), func() glance { return in.glanceAt(name) }), check)
}

// wait polls until check succeeds or w is hopeless.
func (in *Instance) wait(w *waiter, check func() error) error {
	for notice, glance := w.began.Add(5*time.Second), w.began; ; time.Sleep(min(100*time.Millisecond, w.patience.look)) {
		err := check()
		if err == nil {
			return nil
		}
		if !time.Now().Before(glance) {
			if why := w.hopeless(); why != nil {
				return fmt.Errorf("%w (its last answer: %w)\n%s", why, err, w.log.tail(12))
			}
			glance = time.Now().Add(w.patience.look)
		}
		if time.Now().After(notice) {
			say("  ... waiting for %s (%s of processor time)", w.name, seconds(w.spent))
			notice = notice.Add(5 * time.Second)
		}
	}
}

// glanceAt returns a glance at a process of the infrastructure, or at a service's app, sidecar and CLI.
func (in *Instance) glanceAt(name string) glance {
	var g glance
	ps, err := in.supervised()
	if err != nil {
		return g
	}
	g.restarts, g.state = ps[name].Restarts, ps[name].State
	if _, err := in.service(name); err == nil {
		g.pids = processes(in.mark(), serviceMark+"="+name)
	} else if pid := ps[name].Pid; pid > 0 && alive(pid) {
		g.pids = []int{pid}
	}
	return g
}

// clockTick is the unit of processor time in /proc. USER_HZ is 100 on every architecture that Go supports.
const clockTick = 10 * time.Millisecond

// processorTime returns the processor time of a process and of its ended children, and false if the process is gone.
func processorTime(pid int) (time.Duration, bool) {
	fields := statOf(pid)
	if len(fields) < 15 {
		return 0, false
	}
	var ticks int64
	for _, f := range fields[11:15] { // utime, stime, cutime, cstime
		n, _ := strconv.ParseInt(f, 10, 64)
		ticks += n
	}
	return time.Duration(ticks) * clockTick, true
}

// processState returns the kernel's letter: R runs, S sleeps, D waits for a disk, T is stopped, Z has ended. It is "" if the
// process is gone.
func processState(pid int) string {
	if fields := statOf(pid); len(fields) > 0 {
		return fields[0]
	}
	return ""
}

// parentOf returns the id of the process that started the process, or 0 if the process is gone.
func parentOf(pid int) int {
	if fields := statOf(pid); len(fields) > 1 {
		parent, _ := strconv.Atoi(fields[1])
		return parent
	}
	return 0
}

// statOf returns the fields of /proc/PID/stat after the program's name. The name may contain spaces and parentheses.
func statOf(pid int) []string {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return nil
	}
	return strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
}

// logReader reads the lines that a process appends to its log.
type logReader struct {
	path  string
	at    int64
	lines []string        // since the wait began, at most the last maxKept
	known map[string]bool // the lines without their numbers: a repeated complaint is nothing new
}

const maxKept = 500

// newLogReader returns a reader that begins at the end of the log: the lines before belong to an earlier start.
func newLogReader(path string) *logReader {
	r := &logReader{path: path, known: map[string]bool{}}
	if i, err := os.Stat(path); err == nil {
		r.at = i.Size()
	}
	return r
}

var numbers = regexp.MustCompile(`\S*\d\S*`)

// newLines reads the new lines, and reports whether one of them differs from all lines before. Different numbers, times and addresses
// do not count.
func (r *logReader) newLines() (isNew bool) {
	f, err := os.Open(r.path)
	if err != nil {
		return false
	}
	defer f.Close()
	if i, err := f.Stat(); err != nil || i.Size() < r.at {
		r.at = 0 // the supervisor rotated the log
	}
	text := make([]byte, 1<<20)
	n, _ := f.ReadAt(text, r.at)
	end := bytes.LastIndexByte(text[:n], '\n') + 1 // an unfinished line is read the next time
	if end == 0 && n == len(text) {
		end = n // the line is longer than text
	}
	r.at += int64(end)
	for line := range strings.Lines(string(text[:end])) {
		line = strings.TrimRight(line, "\n")
		shape := numbers.ReplaceAllString(line, "#")
		isNew = isNew || !r.known[shape]
		r.known[shape] = true
		r.lines = append(r.lines, line)
	}
	r.lines = r.lines[max(0, len(r.lines)-maxKept):]
	return isNew
}

var (
	ofInterest = regexp.MustCompile(`^== APP|level=(error|fatal)|^error:|ERROR|FATAL|Exception`)
	// Pulsar logs these two lines as errors at every healthy start.
	harmless = regexp.MustCompile(`Ledger root path: \S+ already exists|this is okay if it is the first time`)
)

// tail returns the last n lines since the wait began and the log's path. If there are complaints, it returns only those.
func (r *logReader) tail(n int) string {
	r.newLines()
	var all, complaints []string
	for _, l := range r.lines {
		if harmless.MatchString(l) {
			continue
		}
		all = append(all, l)
		if ofInterest.MatchString(l) {
			complaints = append(complaints, l)
		}
	}
	if len(complaints) > 0 {
		all = complaints
	}
	if len(all) == 0 {
		all = []string{"(it has logged nothing since the wait began)"}
	}
	return strings.Join(all[max(0, len(all)-n):], "\n") + "\n(log: " + r.path + ")"
}
