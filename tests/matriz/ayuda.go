package main

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"entregas/tests/cliente"
)

// didNotOccur says why a fault could not be done here: it counts for nothing, and the matrix says so.
func didNotOccur(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errNoOcurrio, fmt.Sprintf(format, args...))
}

// between draws a time from the plan's chance.
func (c *caos) between(from, to time.Duration) time.Duration {
	return from + time.Duration(c.azar.Int64N(int64(to-from)/int64(time.Second)+1))*time.Second
}

// one is the process that which says.
func (c *caos) one(ctx context.Context, which func(cliente.Proceso) bool) (cliente.Proceso, error) {
	all, err := c.local.Procesos(ctx)
	if err != nil {
		return cliente.Proceso{}, err
	}
	for _, p := range all {
		if p.Pid != 0 && which(p) {
			return p, nil
		}
	}
	return cliente.Proceso{}, didNotOccur("el proceso no corre")
}

// onExit has undo called once: by the function that it returns, or at the end of this program if that comes first.
func (c *caos) onExit(undo func()) (release func()) {
	var once sync.Once
	release = func() { once.Do(undo) }
	c.mu.Lock()
	defer c.mu.Unlock()
	c.undos = append(c.undos, release)
	return release
}

// undoAll takes back whatever is still done to the system, the newest first.
func (c *caos) undoAll() {
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
