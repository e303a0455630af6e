package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// Failure prevented: a clock fault moves no clock, and the matrix calls the fault survived. The test asks a Go program for its time
// before, during and after the fault.
func TestAClockIsMovedAndMovedBack(t *testing.T) {
	if os.Getenv("TELL_TIME") != "" {
		for in := bufio.NewScanner(os.Stdin); in.Scan(); {
			fmt.Println("now", time.Now().UnixMilli())
		}
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$") // #nosec G204 -- this test program
	cmd.Env = append(os.Environ(), "TELL_TIME=1")
	ask, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	told, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ask.Close(); _ = cmd.Wait() }()
	lines := bufio.NewScanner(told)
	offset := func() time.Duration {
		t.Helper()
		fmt.Fprintln(ask)
		var ms int64
		for lines.Scan() {
			if _, err := fmt.Sscanf(lines.Text(), "now %d", &ms); err == nil {
				return time.Until(time.UnixMilli(ms))
			}
		}
		t.Fatal("it ended")
		return 0
	}
	near := func(want time.Duration) {
		t.Helper()
		if got := offset(); (got - want).Abs() > 2*time.Second {
			t.Errorf("the clock is at %s of ours, want %s", got, want)
		}
	}
	near(0)
	for _, by := range []time.Duration{17 * time.Minute, -17 * time.Minute} {
		back, err := shiftClock(cmd.Process.Pid, by)
		if err != nil {
			if strings.Contains(err.Error(), "permi") || strings.Contains(err.Error(), "amd64") {
				t.Skip(err)
			}
			t.Fatal(err)
		}
		near(by)
		back()
		near(0)
	}
}
