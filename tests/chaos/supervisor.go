package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// everythingKilled sends SIGKILL to each process of the instance, the supervisor included. Then it starts the instance with the
// command `up`.
func everythingKilled(ctx context.Context, c *chaos) error {
	mark := []byte("ENTREGAS_INSTANCE=" + filepath.Join(c.local.Root, ".local", "chaos"))
	killed := map[int]bool{}
	for round := 0; round < 3; round++ { // a process may start another process before it is killed
		environs, _ := filepath.Glob("/proc/[0-9]*/environ")
		for _, path := range environs {
			text, err := os.ReadFile(path) // #nosec G304 -- a file of /proc
			pid, _ := strconv.Atoi(strings.Split(path, "/")[2])
			if err != nil || pid == os.Getpid() || !slices.ContainsFunc(bytes.Split(text, []byte{0}), func(v []byte) bool { return bytes.Equal(v, mark) }) {
				continue
			}
			if syscall.Kill(pid, syscall.SIGKILL) == nil {
				killed[pid] = true
			}
		}
	}
	if len(killed) == 0 {
		return didNotOccur("no process ran")
	}
	for pid := range killed { // a process keeps its ports until it is gone
		for until := time.Now().Add(20 * time.Second); time.Now().Before(until); time.Sleep(20 * time.Millisecond) {
			if s := state(fmt.Sprintf("/proc/%d/stat", pid)); s == "" || s == "Z" {
				break
			}
		}
	}
	if err := c.local.Run(ctx, "up"); err != nil {
		return err
	}
	return c.startReplicas(ctx)
}
