package main

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"entregas/tests/client"
)

// didNotOccur says why a fault could not be done here: it counts for nothing, and the matrix says so.
func didNotOccur(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errDidNotOccur, fmt.Sprintf(format, args...))
}

// between draws a time from the plan's chance.
func (c *chaos) between(from, to time.Duration) time.Duration {
	return from + time.Duration(c.rng.Int64N(int64(to-from)/int64(time.Second)+1))*time.Second
}

// one is the process that which says.
func (c *chaos) one(ctx context.Context, which func(client.Process) bool) (client.Process, error) {
	all, err := c.local.Processes(ctx)
	if err != nil {
		return client.Process{}, err
	}
	for _, p := range all {
		if p.Pid != 0 && which(p) {
			return p, nil
		}
	}
	return client.Process{}, didNotOccur("el proceso no corre")
}

// onExit has undo called once: by the function that it returns, or at the end of this program if that comes first.
func (c *chaos) onExit(undo func()) (release func()) {
	var once sync.Once
	release = func() { once.Do(undo) }
	c.mu.Lock()
	defer c.mu.Unlock()
	c.undos = append(c.undos, release)
	return release
}

// undoAll takes back whatever is still done to the system, the newest first.
func (c *chaos) undoAll() {
	c.mu.Lock()
	undos := c.undos
	c.undos = nil
	c.mu.Unlock()
	for i := len(undos) - 1; i >= 0; i-- {
		undos[i]()
	}
}

var httpClient = &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}

// get asks an address and gives the headers of its answer; an answer that is not a success is an error.
func get(ctx context.Context, method, address string) (http.Header, error) {
	request, err := http.NewRequestWithContext(ctx, method, address, nil)
	if err != nil {
		return nil, err
	}
	r, err := httpClient.Do(request)
	if err != nil {
		return nil, err
	}
	_ = r.Body.Close()
	if r.StatusCode/100 != 2 {
		return nil, fmt.Errorf("%s %s: %s", method, address, r.Status)
	}
	return r.Header, nil
}
