package main

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"entregas/tests/client"
)

// didNotOccur returns the error of a fault that could not be caused, with the reason. The matrix lists such faults separately.
func didNotOccur(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errDidNotOccur, fmt.Sprintf(format, args...))
}

// lasting returns how long a fault lasts: hold if it is set, else d.
func (c *chaos) lasting(d time.Duration) time.Duration {
	if c.hold > 0 {
		return c.hold
	}
	return d
}

// between returns a random duration in whole seconds.
func (c *chaos) between(from, to time.Duration) time.Duration {
	c.mu.Lock() // faults may begin at the same time
	defer c.mu.Unlock()
	return from + time.Duration(c.rng.Int64N(int64(to-from)/int64(time.Second)+1))*time.Second
}

// one returns the first running process for which matches returns true.
func (c *chaos) one(ctx context.Context, matches func(client.Process) bool) (client.Process, error) {
	all, err := c.local.Processes(ctx)
	if err != nil {
		return client.Process{}, err
	}
	for _, p := range all {
		if p.Pid != 0 && matches(p) {
			return p, nil
		}
	}
	return client.Process{}, didNotOccur("the process does not run")
}

// onExit registers undo and returns a function that calls undo. The end of the program calls undo too. undo runs only once.
func (c *chaos) onExit(undo func()) (release func()) {
	var once sync.Once
	release = func() { once.Do(undo) }
	c.mu.Lock()
	defer c.mu.Unlock()
	c.undos = append(c.undos, release)
	return release
}

// undoAll calls every undo that has not run yet, the newest first.
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

// get sends a request and returns the headers of the response. A response that is not a success is an error.
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
