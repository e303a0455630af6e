package main

import (
	"context"
	"errors"
	"net/http"

	"entregas/tests/client"
)

// answers are what customers saw at the public door.
type answers struct{ asked, errors5xx, refused, none int } // refused: 401, by a bff whose clock is wrong

func (a answers) minus(b answers) answers {
	return answers{a.asked - b.asked, a.errors5xx - b.errors5xx, a.refused - b.refused, a.none - b.none}
}

func (a answers) plus(b answers) answers {
	return answers{a.asked + b.asked, a.errors5xx + b.errors5xx, a.refused + b.refused, a.none + b.none}
}

// seen counts an answer by its status, 0 where none came.
func (c *load) seen(ctx context.Context, status int) {
	if ctx.Err() != nil {
		return // this program ends: nobody waits any more
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.door.asked++
	switch {
	case status == 0:
		c.door.none++
	case status >= http.StatusInternalServerError:
		c.door.errors5xx++
	case status == http.StatusUnauthorized:
		c.door.refused++
	}
}

func (c *load) answers() answers {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.door
}

// statusOf is the status behind an error of cliente: 200 where there is none, 0 where no answer came or none that could be read.
func statusOf(err error) int {
	var p *client.Problem
	switch {
	case err == nil:
		return http.StatusOK
	case errors.As(err, &p):
		return p.Status
	}
	return 0
}

// isDefinite tells an answer that will not change from trouble.
func isDefinite(err error) bool {
	var p *client.Problem
	return errors.As(err, &p) && !comesAgain(p.Status)
}

// comesAgain tells a status that says nothing about the request: what is sent again may be answered otherwise.
func comesAgain(status int) bool {
	return status >= http.StatusInternalServerError || status == http.StatusTooManyRequests || status == http.StatusUnauthorized
}
