package main

import (
	"bytes"
	"context"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"entregas/tests/client"
)

// clockFaults returns the faults in which a clock jumps forward or back, and later to the right time again. It is the clock of an app,
// or of the sidecar that runs the workflows. Timers use another clock: a jump changes only the times that a program stores or
// compares.
func clockFaults() []fault {
	var f []fault
	for _, a := range applications {
		f = append(f, fault{what: "clock jump of app " + a, step: anyStep, act: clockJump(oneProcess(a, "app"))})
	}
	return append(f, fault{what: "clock jump of the sidecar of gestor-compra", step: anyStep, act: clockJump(oneProcess("gestor-compra", "sidecar"))})
}

const clockHeld = 20 * time.Second

// clockJump moves the clock of a process by 2 to 30 minutes, and back after clockHeld. The Date header of the responses of the process
// must show the jump; otherwise the fault did not occur.
func clockJump(matches func(client.Process) bool) func(context.Context, *chaos) error {
	return func(ctx context.Context, c *chaos) error {
		offset := c.between(2*time.Minute, 30*time.Minute)
		if c.rng.IntN(2) == 0 {
			offset = -offset
		}
		p, err := c.one(ctx, matches)
		if err != nil {
			return err
		}
		back, err := shiftClock(p.Pid, offset)
		if err != nil {
			return didNotOccur("the clock of %s of %s: %v", p.Kind, p.Name, err)
		}
		release := c.onExit(back)
		defer release()
		sleep(ctx, 2*time.Second)
		seen, err := clockOf(ctx, p)
		if err == nil && (seen-offset).Abs() > 3*time.Second {
			return didNotOccur("%s of %s shows a clock that is off by %s, want %s", p.Kind, p.Name, seen, offset)
		}
		sleep(ctx, clockHeld)
		return err
	}
}

// clockOf returns the difference between the clock of a process and our clock. It reads the Date header of a response.
func clockOf(ctx context.Context, p client.Process) (time.Duration, error) {
	path := "/healthz"
	if p.Kind == "sidecar" {
		path = "/v1.0/healthz"
	}
	header, err := get(ctx, http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d%s", p.Port, path))
	if err != nil {
		return 0, err
	}
	date, err := http.ParseTime(header.Get("Date"))
	return time.Until(date), err
}

// shiftClock moves the wall clock of a running process by offset, in whole seconds, until back is called. A Go program reads the time
// by a function that the kernel maps into each process (vDSO), so LD_PRELOAD has no effect. shiftClock replaces this function by one
// that asks the kernel and adds the offset. It needs the right to trace the process.
func shiftClock(pid int, offset time.Duration) (back func(), err error) {
	if runtime.GOARCH != "amd64" {
		return nil, errors.New("clocks can be moved on amd64 only")
	}
	memory, err := os.OpenFile(fmt.Sprintf("/proc/%d/mem", pid), os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	address, err := clockFunction(pid, memory)
	if err != nil {
		return nil, errors.Join(err, memory.Close())
	}
	shifted := shiftedClock(int32(offset / time.Second))
	original := make([]byte, len(shifted))
	if _, err = memory.ReadAt(original, address); err == nil {
		err = rewrite(pid, memory, address, shifted)
	}
	if err != nil {
		return nil, errors.Join(err, memory.Close())
	}
	return func() {
		_ = rewrite(pid, memory, address, original) // it fails only when the process has ended
		_ = memory.Close()
	}, nil
}

// shiftedClock returns the code of a clock_gettime(id, *ts) for amd64 that adds seconds.
func shiftedClock(seconds int32) []byte {
	code := []byte{
		0xb8, 228, 0, 0, 0, // mov eax, SYS_clock_gettime
		0x0f, 0x05, // syscall
		0x85, 0xff, // test edi, edi: CLOCK_REALTIME is 0
		0x75, 0x07, // jnz: skip the next instruction
		0x48, 0x81, 0x06, // add qword [rsi], seconds
	}
	return append(binary.LittleEndian.AppendUint32(code, uint32(seconds)), 0xc3) // ret
}

// clockFunction returns the address of clock_gettime in the vDSO of a process.
func clockFunction(pid int, memory *os.File) (int64, error) {
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(maps)) {
		if !strings.HasSuffix(strings.TrimSpace(line), "[vdso]") {
			continue
		}
		var from, to int64
		if _, err := fmt.Sscanf(line, "%x-%x", &from, &to); err != nil {
			return 0, err
		}
		image := make([]byte, to-from)
		if _, err := memory.ReadAt(image, from); err != nil {
			return 0, err
		}
		file, err := elf.NewFile(bytes.NewReader(image))
		if err != nil {
			return 0, err
		}
		symbols, err := file.DynamicSymbols()
		if err != nil {
			return 0, err
		}
		for _, s := range symbols {
			if s.Name == "__vdso_clock_gettime" {
				return from + int64(s.Value), nil
			}
		}
	}
	return 0, errors.New("it has no vDSO")
}

// rewrite writes code to the address while the process is stopped and none of its threads is inside the replaced code.
func rewrite(pid int, memory *os.File, address int64, code []byte) error {
	for range 50 {
		if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
			return err
		}
		if !standsStill(pid, address, address+int64(len(code))) {
			_ = syscall.Kill(pid, syscall.SIGCONT)
			time.Sleep(5 * time.Millisecond)
			continue
		}
		_, err := memory.WriteAt(code, address)
		return errors.Join(err, syscall.Kill(pid, syscall.SIGCONT))
	}
	return errors.New("it could not be stopped outside of the replaced code")
}

// standsStill reports whether every thread is stopped outside of the code between from and to.
func standsStill(pid int, from, to int64) bool {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", pid))
	for _, t := range threads {
		for tries := 0; state(t+"/stat") != "T"; tries++ {
			if tries == 50 {
				return false
			}
			time.Sleep(time.Millisecond)
		}
		text, err := os.ReadFile(t + "/syscall") // the last word of the file is the address at which the thread stands
		fields := strings.Fields(string(text))
		if err != nil || len(fields) < 3 {
			return false
		}
		var at int64
		if _, err := fmt.Sscanf(fields[len(fields)-1], "0x%x", &at); err != nil || (at >= from && at < to) {
			return false
		}
	}
	return len(threads) > 0
}

// state returns the state letter of proc_pid_stat(5): T is stopped.
func state(path string) string {
	text, err := os.ReadFile(path) // #nosec G304 -- a file of /proc
	_, rest, ok := strings.Cut(string(text), ") ")
	if err != nil || !ok {
		return ""
	}
	return rest[:1]
}
