package main

import (
	"context"
	"errors"
	"net/http"

	"entregas/tests/client"
)

// answers counts the responses that customers got.
type answers struct{ asked, errors5xx, refused, none int } // refused counts status 401: a bff with a wrong clock refuses a good token

func (a answers) minus(b answers) answers {
	return answers{a.asked - b.asked, a.errors5xx - b.errors5xx, a.refused - b.refused, a.none - b.none}
}

func (a answers) plus(b answers) answers {
	return answers{a.asked + b.asked, a.errors5xx + b.errors5xx, a.refused + b.refused, a.none + b.none}
}

// seen counts a response by its status. Status 0 means that there was no response.
func (c *load) seen(ctx context.Context, status int) {
	if ctx.Err() != nil {
		return // the program ends, and its requests are cancelled
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

// statusOf returns the status that an error of package client contains: 200 for no error, 0 when there was no readable response.
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

// isDefinite reports whether err is a response that stays the same when the request is sent again.
func isDefinite(err error) bool {
	var p *client.Problem
	return errors.As(err, &p) && !comesAgain(p.Status)
}

// comesAgain reports whether a request with this status may get another response when it is sent again.
func comesAgain(status int) bool {
	return status >= http.StatusInternalServerError || status == http.StatusTooManyRequests || status == http.StatusUnauthorized
}
