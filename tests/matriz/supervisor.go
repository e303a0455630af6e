package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// everythingKilled ends with SIGKILL each process of the instance, the supervisor too, and starts it again as a person would.
func everythingKilled(ctx context.Context, c *caos) error {
	mark := []byte("ENTREGAS_INSTANCIA=" + filepath.Join(c.local.Raiz, ".local", "caos"))
	killed := 0
	for round := 0; round < 3; round++ { // what started another meanwhile is dead in the next round
		environs, _ := filepath.Glob("/proc/[0-9]*/environ")
		for _, path := range environs {
			text, err := os.ReadFile(path) // #nosec G304 -- of /proc
			pid, _ := strconv.Atoi(strings.Split(path, "/")[2])
			if err != nil || pid == os.Getpid() || !slices.ContainsFunc(bytes.Split(text, []byte{0}), func(v []byte) bool { return bytes.Equal(v, mark) }) {
				continue
			}
			if syscall.Kill(pid, syscall.SIGKILL) == nil {
				killed++
			}
		}
	}
	if killed == 0 {
		return didNotOccur("nada corría")
	}
	if err := c.local.Orden(ctx, "up"); err != nil {
		return err
	}
	return c.startReplicas(ctx)
}
