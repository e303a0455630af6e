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

// patience bounds a wait for a process. A slow machine makes a start long, so no bound is on the start as a whole: what ends a
// wait is that the process does not get on.
type patience struct {
	idle     time.Duration // without a sign of work
	work     time.Duration // processor time within idle that is such a sign: what only ticks over stays below it
	total    time.Duration // in all: a process that works for so long and is not healthy never will be
	restarts int           // how often it may end by itself meanwhile
	look     time.Duration // between two looks at it
}

var normalPatience = patience{idle: time.Minute, work: 2 * time.Second, total: 15 * time.Minute, restarts: 3, look: time.Second}

// glance is what is seen of a process at one moment.
type glance struct {
	pids     []int
	restarts int    // by the supervisor, since the supervisor began
	state    string // the supervisor's word
}

// waiter follows one process until it is healthy, or until there is no reason to wait on.
type waiter struct {
	patience
	name string
	look func() glance
	time func(pid int) (time.Duration, bool) // processorTime
	log  *logReader

	began, since time.Time // the wait, and the last sign of work
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

// hopeless looks at the process once and says why it is not worth waiting for, or nil.
func (w *waiter) hopeless() error {
	w.observe()
	idle, total := time.Since(w.since), time.Since(w.began)
	switch restarts := w.now.restarts - w.restarted; {
	case restarts > w.restarts:
		return fmt.Errorf("%s terminó %d veces mientras arrancaba", w.name, restarts)
	case total > w.total:
		return fmt.Errorf("%s trabaja desde hace %s (%s de procesador) y no llega a estar sano", w.name, seconds(total), seconds(w.spent))
	case idle <= w.idle:
		return nil
	case len(w.now.pids) == 0:
		return fmt.Errorf("%s no corre desde hace %s (el supervisor dice: %s)", w.name, seconds(idle), w.now.state)
	}
	return fmt.Errorf("%s no avanza desde hace %s: %s", w.name, seconds(idle), w.whyIdle())
}

// observe notes what the process did since the last glance.
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
		if w.used != nil && t > w.used[pid] { // what it used before this wait is no sign
			delta += t - w.used[pid]
		}
	}
	w.used, w.spent, w.pending = used, w.spent+delta, w.pending+delta
	if said := w.log.newLines(); said || w.pending >= w.work {
		w.since, w.pending = time.Now(), 0
	}
}

// whyIdle tells what the kernel says of a process that does nothing.
func (w *waiter) whyIdle() string {
	for _, pid := range w.now.pids {
		switch state := processState(pid); state {
		case "T", "t":
			return fmt.Sprintf("el proceso %d está detenido por una señal (kill -CONT %d lo sigue)", pid, pid)
		case "D":
			return fmt.Sprintf("el proceso %d espera al disco", pid)
		}
	}
	return fmt.Sprintf("no dice nada nuevo y casi no usa el procesador (%s en toda la espera)", seconds(w.spent))
}

func seconds(d time.Duration) string { return d.Round(100 * time.Millisecond).String() }

// await polls until the check passes, for as long as the process gets on. In vain, it ends with the cause and with what the
// process complained of since the wait began.
func (in *Instance) await(name string, check func() error) error {
	return in.wait(newWaiter(name, normalPatience, in.log(name), func() glance { return in.glanceAt(name) }), check)
}

func (in *Instance) wait(w *waiter, check func() error) error {
	for notice, glance := w.began.Add(5*time.Second), w.began; ; time.Sleep(min(100*time.Millisecond, w.patience.look)) {
		err := check()
		if err == nil {
			return nil
		}
		if !time.Now().Before(glance) {
			if why := w.hopeless(); why != nil {
				return fmt.Errorf("%w (lo último que contestó: %w)\n%s", why, err, w.log.tail(12))
			}
			glance = time.Now().Add(w.patience.look)
		}
		if time.Now().After(notice) {
			say("  … espero a %s (%s de procesador)", w.name, seconds(w.spent))
			notice = notice.Add(5 * time.Second)
		}
	}
}

// glanceAt looks at a process of the infrastructure, or at a service's app, sidecar and CLI.
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

// clockTick is the unit of processor time in /proc: the kernel's USER_HZ, 100 on every architecture that Go runs on.
const clockTick = 10 * time.Millisecond

// processorTime is what a process and its ended children have used; false when it is gone.
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

// processState is the kernel's letter: R runs, S sleeps, D waits for a disk, T is stopped, Z has ended; "" when it is gone.
func processState(pid int) string {
	if fields := statOf(pid); len(fields) > 0 {
		return fields[0]
	}
	return ""
}

// statOf are the fields of /proc/PID/stat after the program's name, which may hold anything.
func statOf(pid int) []string {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return nil
	}
	return strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
}

// logReader reads what is appended to a process's log.
type logReader struct {
	path  string
	at    int64
	lines []string        // since the wait began, the last maxKept of them
	known map[string]bool // their shapes: a complaint that is repeated is nothing new
}

const maxKept = 500

// newLogReader begins at the present end of the log: what is there belongs to an earlier start.
func newLogReader(path string) *logReader {
	r := &logReader{path: path, known: map[string]bool{}}
	if i, err := os.Stat(path); err == nil {
		r.at = i.Size()
	}
	return r
}

var numbers = regexp.MustCompile(`\S*\d\S*`)

// newLines reads on and says whether a line came that says something new. Numbers, times and addresses do not count.
func (r *logReader) newLines() (isNew bool) {
	f, err := os.Open(r.path)
	if err != nil {
		return false
	}
	defer f.Close()
	if i, err := f.Stat(); err != nil || i.Size() < r.at {
		r.at = 0 // the supervisor began a new file
	}
	text := make([]byte, 1<<20)
	n, _ := f.ReadAt(text, r.at)
	end := bytes.LastIndexByte(text[:n], '\n') + 1 // a line that is not whole yet is read the next time
	if end == 0 && n == len(text) {
		end = n // too long to wait for its end
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
	// What Pulsar says as an error at every healthy start: of its metadata that they are there, of its journal that it is new.
	harmless = regexp.MustCompile(`Ledger root path: \S+ already exists|this is okay if it is the first time`)
)

// tail is the end of what the process said since the wait began: its complaints where it has any, with the log's path.
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
		all = []string{"(desde que la espera empezó no dijo nada)"}
	}
	return strings.Join(all[max(0, len(all)-n):], "\n") + "\n(registro: " + r.path + ")"
}
